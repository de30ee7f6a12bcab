//! A proxy that the environment names. The environment is that of a process: each test runs itself as another one.

use std::process::Command;
use std::sync::Arc;

use approvals::transport::{Reqwest, Transport as _};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::support::{read, serve, url};

/// Says to the child where to send, and whether it is one.
const SENDS_TO: &str = "APPROVALS_TEST_SENDS_TO";

/// The first lines of what a proxy was sent; it takes nobody further.
async fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let keeps = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let line = refuse(stream).await;
            keeps.lock().await.push(line);
        }
    });
    (format!("http://{at}"), seen)
}

async fn refuse(stream: TcpStream) -> String {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    stream.read_line(&mut line).await.unwrap();
    let _ = stream
        .get_mut()
        .write_all(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await;
    line.trim_end().to_owned()
}

/// Sends to a URL in a process of its own, with this proxy in its environment; whether there was an answer.
async fn send_behind(proxy: &str, test: &str, to: &str) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(SENDS_TO, to);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        child.env_remove(name);
    }
    let ran = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    ran.status.success()
}

/// What the child does; `false` in the parent.
async fn is_the_child() -> bool {
    let Ok(to) = std::env::var(SENDS_TO) else { return false };
    let request = http::Request::post(to).body(Bytes::from_static(b"{}")).unwrap();
    Reqwest::new().unwrap().send(request).await.unwrap();
    true
}

#[tokio::test]
async fn another_host_is_reached_through_the_proxy_that_the_environment_names() {
    if is_the_child().await {
        return;
    }
    let (proxy, seen) = proxy().await;
    let test = "proxy::another_host_is_reached_through_the_proxy_that_the_environment_names";
    assert!(!send_behind(&proxy, test, "https://ops.example/canary").await, "this proxy leads nowhere");
    assert_eq!(*seen.lock().await, ["CONNECT ops.example:443 HTTP/1.1"], "and reads no path");
}

#[tokio::test]
async fn what_is_for_this_machine_does_not_leave_it_through_a_proxy() {
    if is_the_child().await {
        return;
    }
    let (proxy, seen) = proxy().await;
    let here = serve(|mut stream, _| async move {
        read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    })
    .await;
    let test = "proxy::what_is_for_this_machine_does_not_leave_it_through_a_proxy";
    assert!(send_behind(&proxy, test, &url(here.at)).await);
    assert_eq!((here.connections(), seen.lock().await.len()), (1, 0));
}
