//! An endpoint that sends us elsewhere.

use approvals::transport::TransportError;
use tokio::io::AsyncWriteExt as _;

use crate::support::{CANARY, Served, post, read, reqwest, serve, url};

async fn sends_to(status: u16, location: String) -> Served {
    serve(move |mut stream, _| {
        let location = location.clone();
        async move {
            read(&mut stream).await;
            let answer =
                format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

/// Takes everything that comes.
async fn takes() -> Served {
    serve(|mut stream, _| async move {
        read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    })
    .await
}

#[tokio::test]
async fn another_host_is_sent_nothing() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = takes().await;
        for location in [
            url(elsewhere.at),
            format!("http://localhost:{}/", elsewhere.at.port()),
            format!("//127.0.0.1:{}/", elsewhere.at.port()),
            "https://ops.example/".to_owned(),
        ] {
            let served = sends_to(status, location.clone()).await;
            let error = post(&reqwest(), url(served.at)).await.unwrap_err();
            assert_eq!(error, TransportError::Redirected, "{status} to {location}");
            assert!(!error.is_temporary());
            assert_eq!((served.connections(), elsewhere.connections()), (1, 0), "{status} to {location}");
        }
    }
}

#[tokio::test]
async fn a_redirect_that_would_lose_the_body_is_not_followed() {
    for status in [301, 302, 303] {
        let served = sends_to(status, format!("/{CANARY}/2")).await;
        let error = post(&reqwest(), url(served.at)).await.unwrap_err();
        assert_eq!((error, served.connections()), (TransportError::Redirected, 1), "{status}");
    }
}

#[tokio::test]
async fn the_same_request_is_repeated_on_the_same_host() {
    for status in [307, 308] {
        let served = serve(move |mut stream, _| async move {
            loop {
                let (head, body) = read(&mut stream).await;
                assert_eq!(body, b"{}");
                assert!(head.starts_with("post ") && head.contains("webhook-signature"), "{head}");
                assert!(!head.contains("referer"), "{head}");
                let answer = match head.contains("/2 ") {
                    true => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                    false => format!("HTTP/1.1 {status} On\r\nlocation: /2\r\ncontent-length: 0\r\n\r\n"),
                };
                stream.write_all(answer.as_bytes()).await.unwrap();
                if head.contains("/2 ") {
                    return;
                }
            }
        })
        .await;
        assert_eq!(post(&reqwest(), url(served.at)).await.unwrap().status(), 204);
    }
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    let served = sends_to(307, "/again".to_owned()).await;
    assert_eq!(post(&reqwest(), url(served.at)).await.unwrap_err(), TransportError::Redirected);
    assert!(served.connections() <= 5, "{}", served.connections());
}
