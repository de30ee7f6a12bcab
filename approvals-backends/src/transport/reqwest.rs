//! The transport of production.

#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use reqwest::Url;
use reqwest::redirect::{Action, Attempt, Policy};

use super::{Target, Transport, TransportError, Unreachable};

/// Redirects followed in a row, each on the same host.
const REDIRECTS: usize = 3;

/// The transport of production: TLS by rustls with aws-lc-rs, certificates as the platform trusts them, proxies as the
/// environment says (`HTTPS_PROXY`, `NO_PROXY`, …), except to this very machine. Clones share their connections.
///
/// A redirect is followed only where it repeats the request (307, 308) on the same scheme, host and port.
#[derive(Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    /// Without a proxy, for what must not leave this machine.
    local: reqwest::Client,
    insecure: bool,
    limit: usize,
    whole: Duration,
}

impl Reqwest {
    /// With the default bounds.
    ///
    /// # Errors
    /// Where the platform's certificates cannot be read.
    pub fn new() -> Result<Self, ReqwestError> {
        Self::builder().build()
    }

    /// With bounds of your own.
    pub fn builder() -> ReqwestBuilder {
        ReqwestBuilder::default()
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let target = Target::insecure_http(&request.uri().to_string())?;
        if !self.insecure && !target.is_private() {
            return Err(super::InvalidTarget::Insecure.into());
        }
        let client = if target.is_loopback() { &self.local } else { &self.client };
        let request = reqwest::Request::try_from(request).map_err(typed)?;
        let mut answer = client.execute(request).await.map_err(typed)?;
        if is_redirect(answer.status()) {
            return Err(TransportError::Redirected);
        }
        let too_large = TransportError::TooLarge { limit: self.limit };
        if answer.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|l| l > self.limit))
        {
            return Err(too_large);
        }
        let mut body = BytesMut::new();
        while let Some(piece) = answer.chunk().await.map_err(typed)? {
            if body.len().saturating_add(piece.len()) > self.limit {
                return Err(too_large);
            }
            body.extend_from_slice(&piece);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

#[async_trait]
impl Transport for Reqwest {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.exchange(request).await
    }

    fn gives_up_after(&self) -> Option<Duration> {
        Some(self.whole)
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reqwest")
            .field("insecure", &self.insecure)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Bounds of a [`Reqwest`].
#[derive(Clone)]
pub struct ReqwestBuilder {
    connect: Duration,
    whole: Duration,
    limit: usize,
    insecure: bool,
    roots: Vec<Vec<u8>>,
}

impl Default for ReqwestBuilder {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(10),
            limit: 64 * 1024,
            insecure: false,
            roots: Vec::new(),
        }
    }
}

impl ReqwestBuilder {
    /// Longest time to connect, TLS included. Default 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, longest: Duration) -> Self {
        self.connect = longest;
        self
    }

    /// Longest time from the call to the last byte of the answer. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, longest: Duration) -> Self {
        self.whole = longest;
        self
    }

    /// Longest body of an answer, in bytes. Default 64 KiB.
    #[must_use]
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Trusts this certificate authority as well: PEM. For an authority of your own.
    #[must_use]
    pub fn trust(mut self, authority: impl Into<Vec<u8>>) -> Self {
        self.roots.push(authority.into());
        self
    }

    /// Also sends over `http` to other machines: whoever is on the way reads along, and changes what comes back.
    #[must_use]
    pub fn insecure_http(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// The transport.
    ///
    /// # Errors
    /// Where a certificate to trust cannot be read, the platform's or one that was given.
    pub fn build(self) -> Result<Reqwest, ReqwestError> {
        let mut roots = Vec::new();
        for pem in &self.roots {
            let read = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| ReqwestError::Certificate)?;
            if read.is_empty() {
                return Err(ReqwestError::Certificate);
            }
            roots.extend(read);
        }
        let client = |roots: &[reqwest::Certificate]| {
            reqwest::Client::builder()
                .user_agent(concat!("approvals/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(self.connect)
                .timeout(self.whole)
                .redirect(Policy::custom(redirect))
                .referer(false)
                .tls_certs_merge(roots.iter().cloned())
        };
        // Certificates are looked into only here; without ours it must work.
        let why = |_| match client(&[]).build() {
            Ok(_) => ReqwestError::Certificate,
            Err(_) => ReqwestError::Platform,
        };
        Ok(Reqwest {
            client: client(&roots).build().map_err(why)?,
            local: client(&roots).no_proxy().build().map_err(why)?,
            insecure: self.insecure,
            limit: self.limit,
            whole: self.whole,
        })
    }
}

impl fmt::Debug for ReqwestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestBuilder").field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

/// A transport that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReqwestError {
    /// A text that is no certificate.
    #[error("a certificate to trust is not PEM; give the file of the authority as it is")]
    Certificate,
    /// No certificates of the platform.
    #[error("the certificates that this machine trusts cannot be read; install them (`ca-certificates`)")]
    Platform,
}

/// The same request again, on the same host: anything else could carry secrets elsewhere, or lose the body.
fn redirect(attempt: Attempt<'_>) -> Action {
    let repeats = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let origin = |url: &Url| url.origin();
    let same = attempt.previous().first().is_some_and(|first| origin(first) == origin(attempt.url()));
    let few = attempt.previous().len() <= REDIRECTS;
    if repeats && same && few { attempt.follow() } else { attempt.stop() }
}

fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// Without the URL that the error holds.
fn typed(error: reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::TimedOut;
    }
    if error.is_dns() {
        return TransportError::Unreachable(Unreachable::Name);
    }
    if error.is_redirect() {
        return TransportError::Redirected;
    }
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(tls) = found.downcast_ref::<rustls::Error>() {
            return handshake(tls);
        }
        let io = found.downcast_ref::<io::Error>();
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                return TransportError::Unreachable(Unreachable::Refused);
            }
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => return TransportError::Unreachable(Unreachable::Broken),
            _ => {}
        }
        // The source of an `io::Error` is that of what it holds, and passes over what it holds.
        cause = match io.and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => found.source(),
        };
    }
    if error.is_connect() {
        TransportError::Unreachable(Unreachable::Other)
    } else if error.is_builder() {
        TransportError::Target(super::InvalidTarget::Malformed)
    } else {
        TransportError::Unreachable(Unreachable::Broken)
    }
}

/// Without names and details: a certificate may say more of a host than a log should.
fn handshake(error: &rustls::Error) -> TransportError {
    use rustls::CertificateError as Certificate;
    let why = match error {
        rustls::Error::InvalidCertificate(why) => match why {
            Certificate::Expired | Certificate::ExpiredContext { .. } => "the certificate has expired",
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "the certificate is for another name"
            }
            Certificate::UnknownIssuer => "nobody here trusts who issued the certificate",
            Certificate::Revoked => "the certificate was revoked",
            _ => "the certificate is not sound",
        },
        rustls::Error::InvalidMessage(_) => "the host does not speak TLS there",
        // A load balancer that is started anew refuses for a moment.
        rustls::Error::AlertReceived(_) => {
            return TransportError::Handshake("the host refused the handshake");
        }
        _ => return TransportError::Handshake("the handshake failed"),
    };
    TransportError::Tls(why)
}
