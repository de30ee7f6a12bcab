//! HTTP/1 by hyper over the simulated network: a connection per request, and a server whose answers can be lost.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use approvals::transport::{TransportError, Unreachable};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use turmoil::net::{TcpListener, TcpStream};

/// As the transport of production has it.
const CONNECT: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 1024 * 1024;
const LONGEST_REQUEST: usize = 64 * 1024;

/// Where every host listens.
const PORT: u16 = 80;

/// Sends a request to the host that its URL names, and waits for the answer no longer than this.
pub(crate) async fn send(
    mut request: Request<Bytes>,
    longest: Duration,
) -> Result<Response<Bytes>, TransportError> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    *request.uri_mut() = request.uri().path().parse().unwrap();
    request.headers_mut().insert(HOST, HeaderValue::from_str(&host).unwrap());
    let exchange = async {
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), PORT)));
        let stream =
            connecting.await.map_err(|_| TransportError::TimedOut)?.map_err(|error| typed(&error))?;
        let broken = |_| TransportError::Unreachable(Unreachable::Broken);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let answer = async {
            let answer = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            let body = body.map_err(|_| TransportError::Unreachable(Unreachable::Broken))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        }
        .await;
        connection.abort();
        answer
    };
    tokio::time::timeout(longest, exchange).await.unwrap_or(Err(TransportError::TimedOut))
}

fn typed(error: &io::Error) -> TransportError {
    TransportError::Unreachable(match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreachable::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Unreachable::Broken,
        _ => Unreachable::Other,
    })
}

/// Serves for ever. Where there is no answer, the connection breaks.
pub(crate) async fn serve<F, T>(play: F) -> io::Result<Infallible>
where
    F: Fn(Request<Bytes>) -> T + Clone + Send + 'static,
    T: Future<Output = Option<Response<Bytes>>> + Send + 'static,
{
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let play = play.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let play = play.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = Limited::new(body, LONGEST_REQUEST).collect().await;
                let body = body.map_err(|_| io::Error::other("cut off"))?.to_bytes();
                let answer = play(Request::from_parts(head, body)).await;
                let mut answer = answer.ok_or_else(|| io::Error::other("lost"))?;
                let length = HeaderValue::from(answer.body().len());
                answer.headers_mut().insert(CONTENT_LENGTH, length);
                Ok::<_, io::Error>(answer.map(Full::new))
            }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        // The date would be that of the machine that simulates.
        builder.auto_date_header(false).keep_alive(false);
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}
