//! What an endpoint answers when it is asked for decisions.

use approvals::backend::Backend as _;
use approvals::webhook::schema::Decision;

use crate::input::text;
use crate::world::{World, run_with};

/// The status in one byte, then the body. The words of `World::fill` stand for what only the endpoint knows; `{sealed}`
/// is a whole signed decision of Kim's.
pub fn run(data: &[u8]) {
    check(data, str::to_owned);
}

/// The same with a webhook that takes in another body.
pub fn check(data: &[u8], takes_in: impl Fn(&str) -> String) {
    let (status, body) = data.split_first().unwrap_or((&b' ', &[]));
    let status = *[200, 200, 200, 204, 410, 429, 503, 302].get(usize::from(status % 8)).unwrap_or(&200);
    run_with(async |world| {
        let taken_in = world.fill(&takes_in(&text(body)));
        let body = world.fill(&text(body));
        world.transport.answer(status, "application/json", taken_in);
        let before = world.state().await.version();
        world.ask().await;
        let state = world.state().await;
        assert!(world.transport.asked() > 0, "it was asked");
        if state.version() != before {
            assert_eq!(status, 200);
            let counted = &state.answers()[0];
            let sealed = sealed_for(world, &body);
            let fits = sealed.iter().any(|decision| {
                decision.person == counted.by.as_str() && decision.decision == counted.answer
            });
            assert!(fits, "what counted was signed: {body}");
        }
        assert!(world.webhook.capabilities().cards_outlive_process);
    });
}

/// The decisions in an answer that carry a signature of the endpoint's, by looking for each that we could have made.
fn sealed_for(world: &World, body: &str) -> Vec<Decision> {
    let answers: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let signed = answers["decisions"].as_array().into_iter().flatten().filter(|sealed| {
        let text = |name: &str| sealed[name].as_str().unwrap_or_default();
        let at = sealed["timestamp"].as_i64().unwrap_or_default();
        let made = world.signatures(text("id"), at, text("body").as_bytes());
        text("signature").split(' ').any(|word| made.iter().any(|made| made == word))
    });
    signed.filter_map(|sealed| Decision::from_json(sealed["body"].as_str()?.as_bytes()).ok()).collect()
}
