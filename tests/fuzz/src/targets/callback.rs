//! Decisions as they come in: whatever is sent to the callback, by whomever.

use approvals::desk::Seen;
use approvals::state::Phase;
use approvals::webhook::schema::Decision;
use axum::body::{Body, to_bytes};
use http::{Method, Request};
use tower::ServiceExt as _;

use crate::input::{Input, text};
use crate::world::{World, run_with};

/// A method, a line for each header, an empty line, the body. The words of `World::fill` stand for what only the
/// endpoint knows. Of the headers, `{id}`, `{now}`, `{v1}` and `{v1a}` are those of a message that it signed.
pub fn run(data: &[u8]) {
    check(data, |headers| headers);
}

/// A name and a value.
type Header = (String, String);

/// The same with a callback that takes in other headers.
pub fn check(data: &[u8], takes_in: impl Fn(Vec<Header>) -> Vec<Header>) {
    let mut input = Input(data);
    let method = Method::from_bytes(input.line()).unwrap_or(Method::POST);
    let mut headers = Vec::new();
    loop {
        let line = input.text_line();
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    run_with(async |world| {
        let body = world.fill(&text(input.0));
        let mut request = Request::builder().method(method.clone()).uri("/");
        let mut signed = false;
        for (_, value) in &headers {
            signed |= world.sign(value, body.as_bytes()).1;
        }
        for (name, value) in takes_in(headers.clone()) {
            request = request.header(name, world.sign(&value, body.as_bytes()).0);
        }
        let Ok(request) = request.body(Body::from(body.clone())) else { return };
        let before = world.records().await;
        let response = world.webhook.router().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, answer) =
            (response.status().as_u16(), to_bytes(response.into_body(), 1 << 16).await.unwrap());
        assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok() || status == 405, "{answer:?}");
        judge(world, before, signed.then_some(body.as_bytes()), status).await;
    });
}

/// Nobody gets in without a signature; who does counts only as a decision for this request, of a person who may.
pub(super) async fn judge(world: &World, before: usize, signed: Option<&[u8]>, status: u16) {
    assert!([200, 400, 401, 403, 404, 405, 409, 413, 415, 422].contains(&status), "{status}");
    let state = world.state().await;
    let moved = world.records().await > before;
    let decision = signed.and_then(|body| Decision::from_json(body).ok());
    let ours = decision.filter(|decision| {
        let card = world.nonce_of(decision.request, &decision.digest);
        card == decision.nonce
    });
    let Some(decision) = ours else {
        assert!(!moved && status != 200, "{status}: a stranger is not recorded one by one, and not believed");
        assert_eq!(state.phase(), Phase::Pending);
        return;
    };
    if status == 200 {
        assert_eq!(decision.request, world.request);
        assert!(Seen::from(decision.digest).is(&state.opened().unwrap().digest));
        assert!(["kim", "lee"].contains(&decision.person.as_str()), "{}", decision.person);
        assert_eq!(state.answers().len(), 1);
        assert_eq!(state.answers()[0].answer, decision.decision);
    } else {
        assert!(state.answers().is_empty());
    }
}
