//! Why no answer came back.

use std::fmt;

/// Why no whole answer came back. Holds neither URL nor header nor body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection, or one that broke.
    #[error("the host could not be reached ({0}); check that it is up, its name, the network and the proxy")]
    Unreachable(Unreachable),
    /// No whole answer in time.
    #[error("no whole answer in time; check that the host is up and answers fast, or allow it more time")]
    TimedOut,
    /// An answer beyond the bound.
    #[error(
        "the answer has more than {limit} bytes; check that the URL is the right one, or raise the limit"
    )]
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The other side did not prove who it is, or does not speak TLS as we do.
    #[error(
        "no secure connection ({0}); check the certificate of the host, its name and the clock of this machine"
    )]
    Tls(&'static str),
    /// The handshake came to no end, as where a host is just being started anew.
    #[error("no secure connection ({0}); if it stays, see what the host says of its handshakes")]
    Handshake(&'static str),
    /// Sent elsewhere, where nothing is sent.
    #[error("the host sends us elsewhere, and nothing was sent there; give the final URL")]
    Redirected,
    /// A request that must not leave.
    #[error(transparent)]
    Target(#[from] super::InvalidTarget),
    /// Anything else, in words that hold no secret.
    #[error("the request failed ({0}); see what the host says of it")]
    Other(String),
}

impl TransportError {
    /// Whether the same request may succeed a moment later.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut | Self::Handshake(_) | Self::Other(_) => true,
            Self::TooLarge { .. } | Self::Tls(_) | Self::Redirected | Self::Target(_) => false,
        }
    }
}

/// What stands between us and the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unreachable {
    /// Its name leads nowhere.
    Name,
    /// Nothing listens there.
    Refused,
    /// The connection broke before the answer was whole. The request may have arrived.
    Broken,
    /// Anything else.
    Other,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name leads nowhere",
            Self::Refused => "connection refused",
            Self::Broken => "the connection broke",
            Self::Other => "no connection",
        })
    }
}
