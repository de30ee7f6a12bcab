//! The seam to the network that every backend across one uses: a request goes out, an answer comes back.
//!
//! [`Reqwest`] is the transport of production. A test hands in another, and so does a program that has to send through
//! something of its own. [`Retry`] sends until there is an answer worth having, within a bound.

mod error;
mod reqwest;
mod retry;
mod target;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use self::error::{TransportError, Unreachable};
pub use self::reqwest::{Reqwest, ReqwestBuilder, ReqwestError};
pub use self::retry::{Retry, is_later, retry_after};
pub use self::target::{InvalidTarget, Target};

/// Sends a request and gives the answer.
///
/// An implementation bounds the time and the size of an answer, follows no redirect to another host, and says neither
/// URL nor header nor body in an error or a log: both may hold secrets.
///
/// ```
/// use approvals_backends::transport::{Transport, TransportError};
/// use bytes::Bytes;
///
/// /// Takes everything and does nothing.
/// struct Nowhere;
///
/// #[approvals_core::async_trait]
/// impl Transport for Nowhere {
///     async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
///         Ok(http::Response::default())
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request once.
    ///
    /// # Errors
    /// Where no whole answer came back. Whether the request arrived is not known then.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>;

    /// When it gives an answer up, where it knows: what waits longer, such as a question that is held open, is then not
    /// set up over it. Default: it does not know.
    fn gives_up_after(&self) -> Option<Duration> {
        None
    }
}
