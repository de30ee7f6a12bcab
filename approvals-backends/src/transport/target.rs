//! Where something may be sent.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

/// A URL that may be sent to: `https`, or `http` on this very machine. Prints without path and query, which may hold
/// secrets.
///
/// ```
/// use approvals_backends::transport::{InvalidTarget, Target};
///
/// let target: Target = "https://ops.example/hooks?key=s3cr3t".parse()?;
/// assert_eq!(format!("{target}"), "https://ops.example");
/// assert_eq!("http://ops.example/".parse::<Target>(), Err(InvalidTarget::Insecure));
/// # Ok::<(), InvalidTarget>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Uri);

impl Target {
    /// Also takes `http` to another machine: whoever is on the way reads the cards, and changes what comes back.
    ///
    /// # Errors
    /// For anything but an absolute URL with a host and no credentials.
    pub fn insecure_http(url: &str) -> Result<Self, InvalidTarget> {
        let uri: Uri = url.parse().map_err(|_| InvalidTarget::Malformed)?;
        let known = uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP);
        if !known || uri.host().is_none_or(str::is_empty) {
            return Err(InvalidTarget::Malformed);
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(InvalidTarget::Credentials);
        }
        Ok(Self(uri))
    }

    /// The whole URL. It may hold secrets.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether nobody on the way can read along.
    pub(crate) fn is_private(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS) || self.is_loopback()
    }

    /// Whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match address.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(url: &str) -> Result<Self, InvalidTarget> {
        let target = Self::insecure_http(url)?;
        if target.is_private() { Ok(target) } else { Err(InvalidTarget::Insecure) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.0.scheme_str().unwrap_or_default())?;
        f.write_str(self.0.authority().map_or("", |authority| authority.as_str()))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self}/..)")
    }
}

/// A URL that nothing is sent to. Says nothing of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// No absolute URL.
    #[error("not a URL to send to; write it whole, like `https://ops.example/approvals`")]
    Malformed,
    /// A name or password in it.
    #[error(
        "a URL with a name or password in it is not sent to; leave them out, messages are signed instead"
    )]
    Credentials,
    /// Readable on the way.
    #[error(
        "`http` to another machine can be read and changed on the way; use `https`, or allow it with `insecure_http`"
    )]
    Insecure,
}
