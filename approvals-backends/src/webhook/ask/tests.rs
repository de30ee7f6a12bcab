//! Asking, on a clock that stands still until it is moved, at an endpoint that is played.

mod moving_on;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use approvals_core::conformance::backend::Fault;
use approvals_core::id::RequestId;
use approvals_core::ledger::Answer;
use approvals_core::people::Assurance;
use approvals_core::testing::ManualClock;
use approvals_core::time::Timestamp;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::super::WebhookBuilder;
use super::super::bench::{Asked, Bench, quiet};
use super::super::fake::{Endpoint, OTHER, Sealed, THEIRS, answer};
use super::super::schema::Decision;
use super::{AT_ONCE, DEALT_WITHIN, LONGEST, WAIT};

/// An agent that asks, and the clock of its asking.
async fn bench() -> (Bench, ManualClock) {
    let clock = ManualClock::at(Timestamp::now());
    let bench = Bench::with(|webhook| webhook.ask_at("https://ops.example/asks").clock(clock.clone())).await;
    (bench, clock)
}

fn approval(asked: &Asked) -> Decision {
    Endpoint::decision(&asked.card.now, "u-1", Answer::Approve)
}

fn asks(bench: &Bench) -> usize {
    bench.endpoint.state().asked.len()
}

fn pending(question: &Value) -> Vec<RequestId> {
    let ids = question["pending"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect()
}

/// Time passes in steps, and everything that can run does.
async fn passes(clock: &ManualClock, time: Duration) {
    for _ in 0..time.as_millis() / 250 {
        clock.advance(Duration::from_millis(250));
        quiet().await;
    }
}

fn answers(decisions: &[Value], cursor: &str) -> Response<Bytes> {
    let body = json!({ "format": "approvals.answers/1", "decisions": decisions, "cursor": cursor });
    answer(StatusCode::OK, body)
}

#[tokio::test]
async fn one_question_at_a_time_names_every_pending_request() {
    let (bench, clock) = bench().await;
    let mut asked = Vec::new();
    for _ in 0..50 {
        asked.push(bench.ask().await.request);
        clock.advance(Duration::from_secs(1));
        quiet().await;
        assert!(bench.endpoint.state().open <= 1, "one question for all of them");
    }
    asked.sort_unstable();
    passes(&clock, Duration::from_secs(5)).await;
    let last = bench.endpoint.state().asked.last().cloned().unwrap();
    assert_eq!(pending(&last), asked);
    assert_eq!(last["wait"], WAIT.as_secs());
}

#[tokio::test]
async fn a_flood_of_new_requests_does_not_keep_an_answer_from_arriving() {
    let (bench, clock) = bench().await;
    let mut asked = vec![bench.ask().await];
    bench.endpoint.until(|state| (state.open == 1).then_some(())).await;
    for _ in 0..20 {
        asked.push(bench.ask().await);
        clock.advance(Duration::from_millis(100));
        quiet().await;
    }
    // Two seconds of it, and the question was replaced at most as often as its pauses allow.
    assert!(asks(&bench) <= 4, "{} questions", asks(&bench));
}

#[tokio::test]
async fn while_nothing_is_pending_nothing_is_asked() {
    let (bench, clock) = bench().await;
    passes(&clock, Duration::from_secs(120)).await;
    assert_eq!(asks(&bench), 0);
    let asked = bench.ask().await;
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&asked), &[THEIRS]));
    asked.call.await.unwrap().unwrap();
    // The question that is held may stand a while longer, and then there is nothing left to ask.
    passes(&clock, Duration::from_secs(120)).await;
    assert_eq!(pending(bench.endpoint.state().asked.last().unwrap()), []);
    let asked = asks(&bench);
    passes(&clock, Duration::from_secs(120)).await;
    assert_eq!(asks(&bench), asked);
}

#[tokio::test]
async fn a_decision_that_waited_for_the_first_question_counts_and_is_told_what_became_of_it() {
    let (bench, _) = bench().await;
    let asked = bench.ask().await;
    let sealed = bench.endpoint.seal(&approval(&asked), &[THEIRS]);
    bench.endpoint.enqueue(&sealed);
    asked.call.await.unwrap().unwrap();
    let told =
        bench.endpoint.until(|state| state.asked.iter().find(|ask| ask["told"][0] != Value::Null).cloned());
    let told = told.await;
    assert_eq!((&told["told"][0]["id"], &told["told"][0]["code"]), (&json!(sealed.id), &json!("counted")));
    assert_eq!(told["cursor"], "1");
}

#[tokio::test]
async fn a_decision_that_the_store_never_answers_for_keeps_no_other_from_being_asked_for() {
    let (bench, clock) = bench().await;
    let (stuck, other) = (bench.ask().await, bench.ask().await);
    bench.loses_a_review.store(true, SeqCst);
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&stuck), &[THEIRS]));
    quiet().await;
    assert!(!bench.loses_a_review.load(SeqCst), "it was lost");
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&other), &[THEIRS]));
    passes(&clock, DEALT_WITHIN * 2).await;
    assert!(other.call.is_finished());
}

#[tokio::test]
async fn the_decisions_of_one_answer_do_not_wait_for_one_that_the_store_never_answers_for() {
    let (bench, _) = bench().await;
    let mut all = Vec::new();
    for _ in 0..2 * AT_ONCE {
        all.push(bench.ask().await);
    }
    bench.loses_a_review.store(true, SeqCst);
    for asked in &all {
        bench.endpoint.enqueue(&bench.endpoint.seal(&approval(asked), &[THEIRS]));
    }
    for _ in 0..100 {
        quiet().await;
    }
    assert_eq!(all.iter().filter(|asked| !asked.call.is_finished()).count(), 1);
}

#[tokio::test]
async fn a_decision_counts_although_no_question_has_named_its_request() {
    let (bench, _) = bench().await;
    let first = bench.ask().await;
    bench.endpoint.until(|state| (state.open == 1).then_some(())).await;
    // Its card stands there, and nobody here has heard of that.
    bench.endpoint.state().fault = Some(Fault::LosesReplies);
    let second = bench.ask().await;
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&second), &[THEIRS]));
    second.call.await.unwrap().unwrap();
    let asked = bench.endpoint.state().asked.clone();
    assert!(asked.iter().all(|ask| pending(ask) == [first.request]), "{asked:?}");
}

#[tokio::test]
async fn a_decision_that_an_endpoint_passed_over_counts_once_a_question_names_its_request() {
    let (bench, clock) = bench().await;
    bench.endpoint.state().naive = true;
    let first = bench.ask().await;
    bench.endpoint.until(|state| (state.open == 1).then_some(())).await;
    bench.endpoint.state().fault = Some(Fault::LosesReplies);
    let second = bench.ask().await;
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&second), &[THEIRS]));
    quiet().await;
    assert!(!second.call.is_finished(), "the endpoint is as it should be for this test");
    // The cursor that comes with this one covers what was not given.
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&first), &[THEIRS]));
    first.call.await.unwrap().unwrap();
    bench.endpoint.state().fault = None;
    while !second.call.is_finished() {
        bench.clock.advance(Duration::from_secs(1));
        passes(&clock, Duration::from_secs(1)).await;
        assert!(asks(&bench) < 200, "it is asked and asked, and never given");
    }
    second.call.await.unwrap().unwrap();
    let asked = bench.endpoint.state().asked.clone();
    assert!(asked.iter().any(|ask| ask["cursor"] == "2"), "the cursor was taken meanwhile");
    let naming = asked.iter().find(|ask| pending(ask).contains(&second.request)).unwrap();
    assert_eq!(naming["cursor"], Value::Null);
}

#[tokio::test]
async fn a_flood_of_new_requests_at_an_endpoint_that_says_again_what_is_known_is_no_tight_loop() {
    let clock = ManualClock::at(Timestamp::now());
    let set_up = |webhook: WebhookBuilder| webhook.ask_at("https://ops.example/asks").clock(clock.clone());
    let bench = Bench::of(2, Assurance::Local, set_up).await;
    let half = bench.ask().await;
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&half), &[THEIRS]));
    let mut waiting = vec![half];
    let flood = 100;
    for _ in 0..flood {
        waiting.push(bench.ask().await);
        clock.advance(Duration::from_millis(50));
        quiet().await;
    }
    // Five seconds of it.
    assert!(asks(&bench) <= 25, "{} questions", asks(&bench));
    passes(&clock, Duration::from_secs(5)).await;
    let last = bench.endpoint.state().asked.last().cloned().unwrap();
    assert_eq!((pending(&last).len(), &last["cursor"]), (1 + flood, &json!("1")), "then it is held again");
    assert_eq!(bench.endpoint.state().open, 1);
}

#[tokio::test]
async fn what_does_not_say_which_value_is_which_is_no_answer() {
    let sealed = ["id", "1795301883", "v1a,", "{}"];
    for body in [
        json!(["approvals.answers/1", []]),
        json!({ "format": "approvals.answers/1", "decisions": [[sealed[0], 1_795_301_883, sealed[2], sealed[3]]] }),
    ] {
        let error = super::read_answers(body.to_string().as_bytes()).unwrap_err();
        assert!(error.contains("expected an object"), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_signed_is_counted_and_believed_in_nothing_although_the_endpoint_was_asked() {
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    let good = bench.endpoint.seal(&approval(&asked), &[THEIRS]);
    let mut bad: Vec<Value> = vec![
        Sealed::of("forged", Timestamp::now(), &[OTHER], good.body.clone()).json(),
        Sealed::of("old", Timestamp::from_micros(1_000_000), &[THEIRS], good.body.clone()).json(),
    ];
    for (field, value) in [("signature", json!("")), ("id", json!("another")), ("body", json!("{}"))] {
        let mut changed = good.json();
        changed[field] = value;
        bad.push(changed);
    }
    bench.endpoint.script([answers(&bad, "0")]);
    passes(&clock, Duration::from_secs(1)).await;
    let told =
        bench.endpoint.until(|state| state.asked.iter().find(|ask| ask["cursor"] == "0").cloned()).await;
    let codes: Vec<_> = told["told"].as_array().unwrap().iter().map(|told| told["code"].clone()).collect();
    assert_eq!(codes, vec![json!("unauthenticated"); 5]);
    assert_eq!(bench.reviews(asked.request).await, []);
    assert_eq!(bench.ignored(asked.request).await, []);
    quiet().await;
    bench.clock.advance(Duration::from_secs(60));
    quiet().await;
    assert_eq!(bench.strangers().await.iter().sum::<u64>(), 5);
}

#[tokio::test]
async fn an_endpoint_that_answers_at_once_with_nothing_is_asked_ever_more_seldom() {
    for nothing in [answer(StatusCode::NO_CONTENT, Value::Null), answers(&[], "0")] {
        let (bench, clock) = bench().await;
        bench.endpoint.script(vec![nothing; 1_000]);
        bench.ask().await;
        quiet().await;
        passes(&clock, Duration::from_secs(60)).await;
        let asked = asks(&bench);
        assert!((12..=36).contains(&asked), "{asked} questions in a minute");
    }
}

#[tokio::test]
async fn an_endpoint_that_says_the_same_for_ever_under_new_cursors_is_no_tight_loop() {
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    let stranger = Decision { person: "u-nobody".to_owned(), ..approval(&asked) };
    let same = bench.endpoint.seal(&stranger, &[THEIRS]).json();
    bench.endpoint.script((0..1_000).map(|turn| answers(std::slice::from_ref(&same), &turn.to_string())));
    passes(&clock, Duration::from_secs(60)).await;
    assert!(asks(&bench) <= 40, "{} questions in a minute", asks(&bench));
    assert_eq!(bench.ignored(asked.request).await.len(), 1, "and it stands once in the ledger");
}

#[tokio::test]
async fn with_nothing_pending_an_endpoint_that_always_says_something_is_asked_once_more_and_then_left_alone()
{
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    let forged = Sealed::of("forged", Timestamp::now(), &[OTHER], "{}".to_owned()).json();
    bench.endpoint.script(vec![answers(std::slice::from_ref(&forged), "0"); 1_000]);
    quiet().await;
    asked.call.abort();
    passes(&clock, Duration::from_secs(60)).await;
    let before = asks(&bench);
    assert!(before < 100, "{before} questions in a minute");
    passes(&clock, Duration::from_secs(60)).await;
    assert_eq!(asks(&bench), before);
}

#[tokio::test]
async fn signed_answers_that_do_not_count_are_no_tight_loop_although_each_is_new() {
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    let news = (0..1_000).map(|turn| {
        let person = format!("u-nobody-{turn}");
        let sealed = bench.endpoint.seal(&Decision { person, ..approval(&asked) }, &[THEIRS]).json();
        answers(&[sealed], &turn.to_string())
    });
    let news: Vec<_> = news.collect();
    bench.endpoint.script(news);
    passes(&clock, Duration::from_secs(60)).await;
    assert!(asks(&bench) <= 40, "{} questions in a minute", asks(&bench));
}

#[tokio::test]
async fn other_tasks_go_on_while_a_flood_of_forged_answers_is_looked_at() {
    let (bench, _) = bench().await;
    let forged = Sealed::of("forged", Timestamp::now(), &[OTHER], "{}".to_owned()).json();
    bench.endpoint.script([answers(&vec![forged; 20], "0")]);
    let _asked = bench.ask().await;
    while bench.strangers().await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.strangers().await, [1], "the first was recorded before the last was looked at");
}

#[tokio::test]
async fn an_endpoint_that_fails_is_asked_ever_more_seldom_and_counts_once_it_works_again() {
    let broken = [
        answer(StatusCode::INTERNAL_SERVER_ERROR, Value::Null),
        answer(StatusCode::UNAUTHORIZED, Value::Null),
        answer(StatusCode::OK, json!("a page to sign in")),
        answer(StatusCode::OK, json!({ "format": "approvals.answers/2", "decisions": [] })),
        answer(
            StatusCode::OK,
            json!({ "format": "approvals.answers/1", "decisions": [{ "decision": "approve" }] }),
        ),
        answers(&[], &"c".repeat(2_000)),
    ];
    let (bench, clock) = bench().await;
    bench.endpoint.script(broken.into_iter().cycle().take(12));
    let asked = bench.ask().await;
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&asked), &[THEIRS]));
    quiet().await;
    passes(&clock, Duration::from_secs(4)).await;
    assert!((3..=7).contains(&asks(&bench)), "{} questions in four seconds", asks(&bench));
    assert_eq!(bench.reviews(asked.request).await, []);
    // A decision that is signed too long ago is none: the endpoint signs it anew.
    bench.endpoint.state().queue.clear();
    passes(&clock, Duration::from_secs(600)).await;
    assert!(bench.endpoint.state().script.is_empty());
    clock.set(Timestamp::now());
    bench.endpoint.enqueue(&bench.endpoint.seal(&approval(&asked), &[THEIRS]));
    passes(&clock, Duration::from_secs(90)).await;
    asked.call.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_pause_gets_it() {
    let (bench, clock) = bench().await;
    let mut later = answer(StatusCode::TOO_MANY_REQUESTS, Value::Null);
    later.headers_mut().insert("retry-after", http::HeaderValue::from_static("120"));
    bench.endpoint.script([later]);
    bench.ask().await;
    quiet().await;
    assert_eq!(asks(&bench), 1);
    passes(&clock, Duration::from_millis(119_750)).await;
    assert_eq!(asks(&bench), 1);
    passes(&clock, Duration::from_millis(500)).await;
    assert_eq!(asks(&bench), 2);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_and_asked_for_again() {
    let (bench, clock) = bench().await;
    bench.ask().await;
    bench.endpoint.until(|state| (state.open == 1).then_some(())).await;
    passes(&clock, LONGEST - Duration::from_secs(1)).await;
    let before = asks(&bench);
    passes(&clock, Duration::from_secs(2)).await;
    assert_eq!((asks(&bench), bench.endpoint.state().open), (before + 1, 1));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_asked_no_more() {
    let (bench, clock) = bench().await;
    bench.endpoint.script([answer(StatusCode::GONE, Value::Null)]);
    bench.ask().await;
    quiet().await;
    passes(&clock, Duration::from_secs(300)).await;
    assert_eq!(asks(&bench), 1);
}

#[tokio::test]
async fn a_cursor_is_taken_only_with_what_it_covers() {
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    let good = bench.endpoint.seal(&approval(&asked), &[THEIRS]);
    let desk = bench.webhook.0.inbox.desk().unwrap();
    // The desk is gone for a moment, as with a store that fails: nothing can be recorded.
    drop(bench.webhook.0.inbox.open(desk.clone()));
    bench.endpoint.enqueue(&good);
    quiet().await;
    assert_eq!(bench.endpoint.state().asked.last().unwrap()["cursor"], Value::Null);
    let _open = bench.webhook.0.inbox.open(desk);
    passes(&clock, Duration::from_secs(5)).await;
    asked.call.await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_can_be_asked_without_a_key_to_believe_them_by() {
    let endpoint = super::super::Webhook::builder("https://ops.example/cards")
        .sign_with(super::super::fake::key(super::super::fake::OURS))
        .ask_at("https://ops.example/asks");
    assert_eq!(
        endpoint.build().unwrap_err().to_string(),
        "decisions are asked for and none could be believed; say `verify_with` with the key of the endpoint"
    );
}

#[tokio::test]
async fn what_is_told_stays_small_whatever_an_endpoint_sends_and_is_told_until_it_is_heard() {
    let (bench, clock) = bench().await;
    let junk = |id: String| json!({ "id": id, "timestamp": 1, "signature": "", "body": "" });
    let mut many: Vec<_> = (0..3_000).map(|turn| junk(format!("junk_{turn}"))).collect();
    many.insert(0, junk("x".repeat(10_000)));
    let heard = answer(StatusCode::NO_CONTENT, Value::Null);
    bench.endpoint.script([answers(&many, "1"), answer(StatusCode::PAYLOAD_TOO_LARGE, Value::Null), heard]);
    bench.ask().await;
    passes(&clock, Duration::from_secs(120)).await;
    let told: Vec<_> = bench.endpoint.state().asked.iter().map(|ask| ask["told"].clone()).collect();
    let lengths: Vec<_> = told.iter().filter_map(|told| told.as_array().map(Vec::len)).collect();
    assert_eq!(lengths, [1_000, 1_000], "once in vain");
    assert_eq!(told.last(), Some(&Value::Null), "and then no more");
    assert_eq!(told.iter().find_map(|told| told[0]["id"].as_str()), Some("junk_0"));
}
