use super::*;

#[test]
fn a_certificate_that_is_none_is_refused() {
    for pem in ["", "certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = Reqwest::builder().trust(pem).build().unwrap_err();
        assert_eq!(error, ReqwestError::Certificate, "{pem}");
    }
}

#[tokio::test]
async fn nothing_readable_leaves_this_machine_unless_that_was_said_aloud() {
    for url in [
        "http://ops.example/",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "/path",
        "ftp://ops.example/",
    ] {
        let request = Request::post(url).body(Bytes::new()).unwrap();
        let error = Reqwest::new().unwrap().send(request).await.unwrap_err();
        assert!(matches!(error, TransportError::Target(_)), "{url}: {error:?}");
    }
}
