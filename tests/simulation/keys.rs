//! Who signs with what.

use approvals::time::Timestamp;
use approvals::webhook::signature::{
    ID, SIGNATURE, SigningKey, TIMESTAMP, VerifyingKey, seconds, sign, verify,
};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request};

/// The agents.
pub(crate) const OURS: &str = "whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD";
/// The endpoint.
pub(crate) const THEIRS: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
/// Somebody else.
pub(crate) const OTHER: &str = "whsk_BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

pub(crate) fn key(text: &str) -> SigningKey {
    text.parse().unwrap()
}

/// A signed `POST`.
pub(crate) fn signed(signer: &str, id: &str, at: Timestamp, url: &str, body: Bytes) -> Request<Bytes> {
    let signature = sign(&[key(signer)], id, at, &body).unwrap();
    post(url, id, &seconds(at).to_string(), &signature, body)
}

/// A `POST` with whatever signature.
pub(crate) fn post(url: &str, id: &str, timestamp: &str, signature: &str, body: Bytes) -> Request<Bytes> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(CONTENT_TYPE, "application/json")
        .header(ID, id)
        .header(TIMESTAMP, timestamp)
        .header(SIGNATURE, signature);
    request.body(body).unwrap()
}

/// Signs a message anew, as the holder of this key would.
pub(crate) fn sign_again(request: &mut Request<Bytes>, signer: &str, id: &str, at: Timestamp) {
    let signature = sign(&[key(signer)], id, at, request.body()).unwrap();
    let headers = request.headers_mut();
    headers.insert(ID, HeaderValue::from_str(id).unwrap());
    headers.insert(TIMESTAMP, HeaderValue::from(seconds(at)));
    headers.insert(SIGNATURE, HeaderValue::from_str(&signature).unwrap());
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether this key signed it, and at this time.
pub(crate) fn is_signed(request: &Request<Bytes>, signer: &str, now: Timestamp) -> bool {
    let verifying: VerifyingKey = key(signer).verifying();
    let of = |name| header(request.headers(), name);
    verify(&[verifying], of(ID), of(TIMESTAMP), of(SIGNATURE), request.body(), now).is_ok()
}
