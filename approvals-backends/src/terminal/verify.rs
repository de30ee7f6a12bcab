//! Who sits at the keyboard.

use approvals_core::people::Identity;
use nix::unistd::{User, getuid};

/// Whose identities a terminal vouches for.
pub(super) const PROVIDER: &str = "os";

/// The operating-system user that this process runs as: `os/<name>`, or `os/uid:<number>` where the user has no
/// name or it cannot be told.
///
/// The kernel's real user id decides; neither `$USER` nor any other text that a parent process could set is asked.
/// Under `sudo` that is the user it switched to. May block while the system's user database answers.
///
/// ```
/// assert_eq!(approvals_backends::terminal::os_identity().provider().as_str(), "os");
/// ```
pub fn os_identity() -> Identity {
    let uid = getuid();
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name).filter(|name| !name.is_empty());
    Identity::new(PROVIDER, name.unwrap_or_else(|| format!("uid:{uid}")))
}
