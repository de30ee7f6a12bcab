//! Who sits at this process, as the kernel says.

use approvals::Identity;
use nix::unistd::{User, getuid};

/// The provider whose identities this program may vouch for.
pub(crate) const PROVIDER: &str = "os";

/// The user that this process runs as: `os/<name>`, or `os/uid:<number>` for one without a name.
///
/// Of the environment nothing is believed: whoever starts the program sets `$USER` as they like.
pub(crate) fn of_this_process() -> Identity {
    let uid = getuid();
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
    // A name that is no UTF-8 arrives with replacement characters, under which two users would be one.
    let name = name.filter(|name| !name.is_empty() && !name.contains('\u{fffd}'));
    Identity::new(PROVIDER, name.unwrap_or_else(|| format!("uid:{uid}")))
}
