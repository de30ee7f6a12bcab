//! The headers of a decision that is sent to the callback: which of them are believed.

use axum::body::Body;
use http::{HeaderMap, Request};
use tower::ServiceExt as _;

use crate::input::Input;
use crate::world::{MESSAGE, run_with};

/// The most signatures that are looked at.
const MOST: usize = 8;

/// A line for each header. `{id}`, `{now}`, `{v1}` and `{v1a}` are those of the decision, which is sound.
pub fn run(data: &[u8]) {
    check(data, |headers| headers);
}

/// The same with other headers on the way.
pub fn check(data: &[u8], brings: impl Fn(HeaderMap) -> HeaderMap) {
    let mut input = Input(data);
    let mut lines = Vec::new();
    while !input.is_over() && lines.len() < 64 {
        let line = input.text_line();
        lines.extend(line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    run_with(async |world| {
        let body = world.fill("{decision}");
        let mut request = Request::post("/");
        let mut sent = Vec::new();
        for (name, value) in &lines {
            let value = world.sign(value, body.as_bytes()).0;
            request = request.header(name, &value);
            sent.push((name.to_ascii_lowercase(), value));
        }
        let Ok(mut request) = request.body(Body::from(body.clone())) else { return };
        *request.headers_mut() = brings(std::mem::take(request.headers_mut()));
        let response = world.webhook.router().oneshot(request).await.unwrap_or_else(|never| match never {});

        let only = |wanted: &str| {
            let mut values = sent.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            values.next().filter(|_| values.next().is_none()).filter(|value| value.is_ascii())
        };
        let sound = [world.sign("{v1}", body.as_bytes()).0, world.sign("{v1a}", body.as_bytes()).0];
        let signed = only("webhook-signature").is_some_and(|value| {
            let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
            words.len() <= MOST && words.iter().any(|word| sound.iter().any(|sound| sound == word))
        });
        let (now, _) = world.sign("{now}", &[]);
        let proven =
            signed && only("webhook-id") == Some(MESSAGE) && only("webhook-timestamp") == Some(&*now);
        let kind = only("content-type").and_then(|kind| kind.split(';').next());
        let json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let due = if !proven {
            401
        } else if json {
            200
        } else {
            415
        };
        assert_eq!(response.status().as_u16(), due, "each header once, or none is believed: {sent:?}");
        assert_eq!(world.state().await.answers().len(), usize::from(due == 200));
    });
}
