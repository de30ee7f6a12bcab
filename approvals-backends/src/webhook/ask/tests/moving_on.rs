//! What becomes of a question once all that it names is over.

use approvals_core::time::Clock as _;

use super::super::STANDS;
use super::*;

/// Holds a question until there is something to say of what it names.
fn of_these(endpoint: &Endpoint) {
    endpoint.state().naive = true;
}

/// Has nothing more to say once a card arrives.
fn until_a_card(endpoint: &Endpoint) {
    of_these(endpoint);
    endpoint.state().gives_up = true;
}

fn last(bench: &Bench) -> Value {
    bench.endpoint.state().asked.last().cloned().unwrap()
}

/// Everything that can be done in no time is done.
async fn still() {
    for _ in 0..10 {
        quiet().await;
    }
}

fn says_yes(bench: &Bench, asked: &Asked, person: &str) {
    let decision = Decision { person: person.to_owned(), ..approval(asked) };
    bench.endpoint.enqueue(&bench.endpoint.seal(&decision, &[THEIRS]));
}

/// The caller left: the request is over.
async fn withdrawn(asked: &Asked) {
    asked.call.abort();
    still().await;
}

#[tokio::test]
async fn one_call_after_another_never_waits_for_a_question_about_what_is_over() {
    for (kind, set_up) in [of_these as fn(&Endpoint), until_a_card].into_iter().enumerate() {
        let (bench, clock) = bench().await;
        set_up(&bench.endpoint);
        let begun = [clock.now(), bench.clock.now()];
        for turn in 0..30 {
            withdrawn(&bench.ask().await).await;
            let asked = bench.ask().await;
            still().await;
            assert_eq!(pending(&last(&bench)), [asked.request], "kind {kind}, turn {turn}");
            assert_eq!(bench.endpoint.state().open, 1, "kind {kind}, turn {turn}");
            says_yes(&bench, &asked, "u-1");
            still().await;
            assert!(asked.call.is_finished(), "kind {kind}, turn {turn}");
        }
        assert_eq!([clock.now(), bench.clock.now()], begun);
        assert!(asks(&bench) <= 30 * 5, "kind {kind}: {} questions", asks(&bench));
    }
}

#[tokio::test]
async fn one_call_after_another_never_waits_because_an_endpoint_says_everything_again_to_each() {
    let (bench, clock) = bench().await;
    let begun = [clock.now(), bench.clock.now()];
    for turn in 1..=30 {
        let asked = bench.ask().await;
        still().await;
        assert_eq!(pending(&last(&bench)), [asked.request], "turn {turn}");
        assert_eq!(bench.endpoint.state().open, 1, "turn {turn}");
        says_yes(&bench, &asked, "u-1");
        still().await;
        assert!(asked.call.is_finished(), "turn {turn}");
    }
    assert_eq!([clock.now(), bench.clock.now()], begun);
    assert!(asks(&bench) <= 30 * 3, "{} questions", asks(&bench));
}

#[tokio::test]
async fn an_end_that_comes_to_be_known_after_the_next_call_holds_it_up_no_longer_and_what_was_told_is_told() {
    let clock = ManualClock::at(Timestamp::now());
    let set_up = |webhook: WebhookBuilder| webhook.ask_at("https://ops.example/asks").clock(clock.clone());
    let bench = Bench::of(2, Assurance::Local, set_up).await;
    of_these(&bench.endpoint);
    let mut next = bench.ask().await;
    for _ in 0..10 {
        let first = next;
        bench.endpoint.holds_updates(true);
        for person in ["u-1", "u-2"] {
            says_yes(&bench, &first, person);
            still().await;
        }
        assert!(first.call.is_finished());
        let told = last(&bench)["told"].clone();
        assert_eq!((told.as_array().map(Vec::len), &told[0]["code"]), (Some(1), &json!("counted")));
        next = bench.ask().await;
        still().await;
        // As far as is known here, somebody may still say no.
        assert_eq!(pending(&last(&bench)), [first.request]);
        bench.endpoint.holds_updates(false);
        still().await;
        let question = last(&bench);
        assert_eq!((pending(&question), &question["told"]), (vec![next.request], &told));
        assert_eq!(bench.endpoint.state().open, 1);
    }
}

#[tokio::test]
async fn a_question_with_one_open_request_left_stands() {
    let (bench, clock) = bench().await;
    let (over, open) = (bench.ask().await, bench.ask().await);
    passes(&clock, STANDS).await;
    withdrawn(&over).await;
    let (before, standing) = (asks(&bench), last(&bench));
    assert_eq!(pending(&standing).len(), 2);
    let new = bench.ask().await;
    still().await;
    assert_eq!((asks(&bench), bench.endpoint.state().open), (before, 1), "somebody may answer it");
    passes(&clock, 2 * STANDS).await;
    // The ids of one millisecond have no order.
    let mut both = [open.request, new.request];
    both.sort_unstable();
    assert_eq!((asks(&bench), pending(&last(&bench))), (before + 1, both.to_vec()));
}

#[tokio::test]
async fn a_question_about_what_is_over_stands_while_nothing_new_is_there() {
    let (bench, clock) = bench().await;
    let asked = bench.ask().await;
    still().await;
    withdrawn(&asked).await;
    passes(&clock, Duration::from_secs(5)).await;
    assert_eq!((asks(&bench), bench.endpoint.state().open), (1, 1));
}

#[tokio::test]
async fn requests_that_are_over_as_soon_as_they_are_added_make_no_storm_of_questions() {
    let nothing = vec![answer(StatusCode::NO_CONTENT, Value::Null); 1_000];
    for (script, most) in [(Vec::new(), 22), (nothing, 12)] {
        let (bench, clock) = bench().await;
        bench.endpoint.script(script);
        // Ten seconds of it.
        for _ in 0..200 {
            withdrawn(&bench.ask().await).await;
            clock.advance(Duration::from_millis(50));
        }
        still().await;
        assert!(asks(&bench) <= most, "{} questions, and not {most}", asks(&bench));
    }
}

#[tokio::test]
async fn what_became_of_every_decision_is_told_although_its_request_is_over_and_another_there_meanwhile() {
    let (bench, _) = bench().await;
    let asked = bench.ask().await;
    quiet().await;
    let forged = Sealed::of("forged", Timestamp::now(), &[OTHER], "{}".to_owned()).json();
    let mut given = vec![forged; 300];
    given.insert(0, bench.endpoint.seal(&approval(&asked), &[THEIRS]).json());
    bench.endpoint.script([answers(&given, "1")]);
    asked.call.await.unwrap().unwrap();
    let before = asks(&bench);
    let second = bench.ask().await;
    assert_eq!(asks(&bench), before, "the forged ones are still looked at");
    still().await;
    let told = last(&bench);
    assert_eq!((told["told"].as_array().map(Vec::len), pending(&told)), (Some(301), vec![second.request]));
    assert_eq!(told["told"][0]["code"], "counted");
}
