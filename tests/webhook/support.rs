//! Endpoints over real sockets, and what is sent to them.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use approvals::transport::{Reqwest, Transport, TransportError};
use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Stands in the path of each URL, and must stand in no error.
pub(crate) const CANARY: &str = "canary-in-the-path";

pub(crate) type Answered = Result<Response<Bytes>, TransportError>;

/// A transport that gives up soon.
pub(crate) fn reqwest() -> Reqwest {
    Reqwest::builder().timeout(Duration::from_millis(500)).max_answer(1_000).build().unwrap()
}

/// Posts to a URL; errors are searched for what must not stand there.
pub(crate) async fn post(transport: &dyn Transport, url: String) -> Answered {
    let request = Request::post(url).header("webhook-signature", CANARY).body(Bytes::from_static(b"{}"));
    let answer = transport.send(request.unwrap()).await;
    if let Err(error) = &answer {
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains(CANARY) && !printed.contains("127.0.0.1"), "{printed}");
        assert!(printed.contains(';'), "no remedy: {printed}");
    }
    answer
}

pub(crate) fn url(at: SocketAddr) -> String {
    format!("http://{at}/{CANARY}")
}

/// Plays a server by hand, a task per connection; ends with the test.
pub(crate) async fn serve<F, T>(play: F) -> Served
where
    F: Fn(TcpStream, usize) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, count.fetch_add(1, Ordering::SeqCst)));
        }
    });
    Served { at, connections }
}

pub(crate) struct Served {
    pub(crate) at: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Served {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request to its end: the head as text, in small letters but for the values of headers, and the body.
pub(crate) async fn read(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut got = Vec::new();
    loop {
        let end = got.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(got[..end].to_vec()).unwrap();
            let small = |line: &str| match line.split_once(": ") {
                Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
                None => line.to_ascii_lowercase(),
            };
            let head = head.lines().map(small).collect::<Vec<_>>().join("\n");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if got.len() >= end + 4 + length {
                return (head, got[end + 4..].to_vec());
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the request broke off");
        got.extend_from_slice(&piece[..read]);
    }
}

/// Writes until the other side has had enough; how many bytes that were.
pub(crate) async fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) -> usize {
    let mut written = 0;
    while written < most {
        match stream.write(piece).await {
            Ok(bytes) if bytes > 0 => written += bytes,
            _ => break,
        }
    }
    written
}
