//! Hosts that do not prove who they are.

use std::net::SocketAddr;
use std::sync::Arc;

use approvals::backend::Backend as _;
use approvals::transport::{Reqwest, ReqwestError, TransportError};
use approvals::webhook::Webhook;
use approvals::webhook::endpoint::{EndpointCheck, Verdict};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{post, reqwest, serve};

/// A host with a certificate that it made itself; where it is, and the certificate as PEM.
async fn host(change: impl FnOnce(&mut CertificateParams)) -> (SocketAddr, String) {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that turns away at the certificate is what is tested.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    (at, certificate.pem())
}

fn trusting(pem: &str) -> Reqwest {
    Reqwest::builder().trust(pem).build().unwrap()
}

fn says(error: &TransportError, words: &str) {
    assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(!error.is_temporary(), "a certificate does not mend itself");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (at, _) = host(|_| {}).await;
    let error = post(&reqwest(), format!("https://{at}/")).await.unwrap_err();
    says(&error, "nobody here trusts who issued the certificate");
}

#[tokio::test]
async fn an_authority_of_your_own_can_be_trusted() {
    let (at, pem) = host(|_| {}).await;
    let answer = post(&trusting(&pem), format!("https://localhost:{}/", at.port())).await.unwrap();
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn a_webhook_and_its_check_trust_an_authority_of_your_own_in_one_call() {
    let (at, pem) = host(|_| {}).await;
    let url = format!("https://localhost:{}/", at.port());
    let key = || "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse().unwrap();
    let set_up = || {
        let once = approvals::transport::Retry::default().attempts(1);
        Webhook::builder(&url).sign_with(key()).notify_only().retry(once)
    };
    set_up().trust(pem.as_str()).build().unwrap().check().await.unwrap();
    let error = set_up().build().unwrap().check().await.unwrap_err();
    assert!(error.to_string().contains("nobody here trusts"), "{error}");
    assert_eq!(
        set_up().trust("canary").build().unwrap_err().to_string(),
        ReqwestError::Certificate.to_string()
    );
    let looked = EndpointCheck::new(&url, key()).trust(pem).run().await.unwrap();
    assert_eq!(looked.findings[0].verdict, Verdict::Ok, "{looked}");
}

#[tokio::test]
async fn a_handshake_that_breaks_off_may_succeed_later() {
    // `handshake_failure`, as a load balancer says that is just being started anew.
    let served = serve(|mut stream, _| async move {
        let mut hello = [0; 5];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = post(&reqwest(), format!("https://{}/", served.at)).await.unwrap_err();
    assert_eq!(error, TransportError::Handshake("the host refused the handshake"));
    assert!(error.is_temporary());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let other = CertificateParams::new(["ops.example".to_owned()]).unwrap();
    let (at, pem) = host(|params| *params = other).await;
    let error = post(&trusting(&pem), format!("https://{at}/")).await.unwrap_err();
    says(&error, "the certificate is for another name");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused() {
    let (at, pem) = host(|params| {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    })
    .await;
    let error = post(&trusting(&pem), format!("https://{at}/")).await.unwrap_err();
    says(&error, "the certificate has expired");
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_refused() {
    let served = serve(|mut stream, _| async move {
        let mut hello = [0; 5];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let error = post(&reqwest(), format!("https://{}/", served.at)).await.unwrap_err();
    says(&error, "does not speak TLS");
}
