//! The callback, over its router.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use super::super::fake::Sealed;
use super::super::signature::{ID, SIGNATURE, TIMESTAMP};

/// An answer, in parts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::webhook) struct Answered {
    pub(in crate::webhook) status: StatusCode,
    pub(in crate::webhook) headers: HeaderMap,
    pub(in crate::webhook) body: Bytes,
}

impl Answered {
    pub(in crate::webhook) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(in crate::webhook) fn request(sealed: &Sealed) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/")
        .header("content-type", "application/json; charset=utf-8")
        .header(ID, &sealed.id)
        .header(TIMESTAMP, sealed.timestamp)
        .header(SIGNATURE, &sealed.signature)
        .body(Body::from(sealed.body.clone()))
        .unwrap()
}

pub(in crate::webhook) async fn send(router: &Router, request: Request<Body>) -> Answered {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answered { status: head.status, headers: head.headers, body }
}

pub(in crate::webhook) async fn post(router: &Router, sealed: &Sealed) -> Answered {
    send(router, request(sealed)).await
}
