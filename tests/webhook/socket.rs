//! Hosts that are away, slow, or answer with too much.

use std::time::{Duration, Instant};

use approvals::transport::{TransportError, Unreachable};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{post, pour, read, reqwest, serve, url};

/// Far more than a bound of 1,000 bytes and what sockets hold on their own.
const A_LOT: usize = 256 * 1024 * 1024;

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let at = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = post(&reqwest(), url(at)).await.unwrap_err();
    assert_eq!(error, TransportError::Unreachable(Unreachable::Refused));
    assert!(error.is_temporary());
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_said() {
    let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if proxy.iter().any(|name| std::env::var_os(name).is_some()) {
        approvals_test_support::skip("a_name_that_leads_nowhere_is_said", "a proxy resolves names here");
        return;
    }
    let error = post(&reqwest(), "https://nobody.invalid/".to_owned()).await.unwrap_err();
    // Without any name server the question itself may time out.
    let expected = [TransportError::Unreachable(Unreachable::Name), TransportError::TimedOut];
    assert!(expected.contains(&error), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_or_within_it_is_said() {
    let answers: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nha",
    ];
    for answer in answers {
        let served = serve(move |mut stream, _| async move {
            read(&mut stream).await;
            stream.write_all(answer).await.unwrap();
        })
        .await;
        let error = post(&reqwest(), url(served.at)).await.unwrap_err();
        let answer = String::from_utf8_lossy(answer);
        assert_eq!(error, TransportError::Unreachable(Unreachable::Broken), "{answer}");
    }
}

#[tokio::test]
async fn a_reset_is_a_broken_connection() {
    let served = serve(|mut stream, _| async move {
        read(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let error = post(&reqwest(), url(served.at)).await.unwrap_err();
    assert_eq!(error, TransportError::Unreachable(Unreachable::Broken));
}

#[tokio::test]
async fn what_is_no_http_is_a_typed_error() {
    for answer in ["SSH-2.0-OpenSSH_9.9\r\n", "HTTP/9.9 999 ?\r\n\r\n", "\0\0\0\0\r\n\r\n", "{}\n\n\n\n"] {
        let served = serve(move |mut stream, _| async move {
            read(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let error = post(&reqwest(), url(served.at)).await.unwrap_err();
        assert!(matches!(error, TransportError::Unreachable(_)), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn silence_is_waited_for_no_longer_than_was_said() {
    let served = serve(|mut stream, _| async move {
        read(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let begin = Instant::now();
    assert_eq!(post(&reqwest(), url(served.at)).await.unwrap_err(), TransportError::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn an_answer_that_drips_for_ever_ends_with_the_time() {
    for head in ["HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", "HTTP/1.1 200 OK\r\nx: "] {
        let served = serve(move |mut stream, _| async move {
            read(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            while stream.write_all(b"a").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!(post(&reqwest(), url(served.at)).await.unwrap_err(), TransportError::TimedOut, "{head}");
    }
}

#[tokio::test]
async fn an_answer_beyond_the_bound_is_not_read() {
    let too_large = TransportError::TooLarge { limit: 1_000 };
    let piece = format!("3e8\r\n{}\r\n", "a".repeat(1_000));
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", "a".repeat(1_000)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", piece),
        ("HTTP/1.1 500 No\r\n\r\n", "a".repeat(1_000)),
    ] {
        let (tell, mut told) = mpsc::unbounded_channel();
        let served = serve(move |mut stream, _| {
            let (piece, tell) = (piece.clone(), tell.clone());
            async move {
                read(&mut stream).await;
                stream.write_all(head.as_bytes()).await.unwrap();
                tell.send(pour(&mut stream, piece.as_bytes(), A_LOT).await).unwrap();
            }
        })
        .await;
        assert_eq!(post(&reqwest(), url(served.at)).await.unwrap_err(), too_large, "{head}");
        let written = told.recv().await.unwrap();
        assert!(written < A_LOT / 8, "{written} bytes went over: {head}");
    }
}

#[tokio::test]
async fn an_answer_at_the_bound_is_whole() {
    let served = serve(|mut stream, _| async move {
        read(&mut stream).await;
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nx-own: yes\r\n\r\n{}", "a".repeat(1_000));
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let answer = post(&reqwest(), url(served.at)).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 1_000));
    assert_eq!(answer.headers()["x-own"], "yes");
}

#[tokio::test]
async fn a_head_without_end_is_a_typed_error() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let served = serve(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            read(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
            tell.send(pour(&mut stream, "x: aaaaaaaa\r\n".repeat(100).as_bytes(), A_LOT).await).unwrap();
        }
    })
    .await;
    let error = post(&reqwest(), url(served.at)).await.unwrap_err();
    assert!(matches!(error, TransportError::Unreachable(_)), "{error:?}");
    assert!(told.recv().await.unwrap() < A_LOT / 8);
}

#[tokio::test]
async fn nothing_is_unpacked() {
    // An answer that says it is packed could grow a thousandfold.
    let served = serve(|mut stream, _| async move {
        let (head, _) = read(&mut stream).await;
        assert!(!head.contains("accept-encoding"), "{head}");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    assert_eq!(post(&reqwest(), url(served.at)).await.unwrap().body().as_ref(), b"abcd");
}
