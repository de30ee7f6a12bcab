//! Laws 5 and 13: shown = approved = run, and hostile text is visible text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use approvals::desk::Seen;
use approvals::ledger::{IgnoredWhy, NotRunWhy};
use approvals::state::Phase;
use approvals::{Context, ErrorKind, Risk, requires_approval};
use serde::{Serialize, Serializer};

use crate::support::*;

/// An argument that somebody else can change while the call waits.
#[derive(Clone)]
struct Cents(Arc<AtomicU64>);

impl Cents {
    fn new(cents: u64) -> Self {
        Self(Arc::new(AtomicU64::new(cents)))
    }

    fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }

    fn set(&self, cents: u64) {
        self.0.store(cents, SeqCst);
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

#[requires_approval(risk = "high", action = "shown.refund")]
async fn refund(#[approval(skip = "counts the runs")] runs: Runs, cents: Cents) -> Res<u64> {
    runs.enter().await;
    Ok(cents.get())
}

#[requires_approval(risk = "medium", action = "shown.free")]
async fn free(#[approval(skip = "counts the runs")] runs: Runs, cents: Cents) -> Res<u64> {
    runs.enter().await;
    Ok(cents.get())
}

#[requires_approval(risk = "high", action = "shown.by")]
async fn shown_by(
    #[approval(skip = "counts the runs")] runs: Runs,
    #[approval(show = cents.get() / 100)] cents: Cents,
) -> Res<u64> {
    runs.enter().await;
    Ok(cents.get())
}

fn risk_of(cents: &Cents) -> Risk {
    if cents.get() > 100 { Risk::High } else { Risk::Medium }
}

#[requires_approval(risk = risk_of(&cents), action = "shown.risk")]
async fn by_risk(
    #[approval(skip = "counts the runs")] runs: Runs,
    #[approval(skip = "only the risk is looked at")] cents: Cents,
) -> Res<u64> {
    runs.enter().await;
    Ok(cents.get())
}

async fn changed_meanwhile(call: impl AsyncFnOnce(Runs, Cents) -> Res<u64> + 'static) {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (cents, runs) = (Cents::new(100), bench.runs.clone());
    let local = tokio::task::LocalSet::new();
    let waiting = local.spawn_local(approvals.scope(call(runs, cents.clone())));
    let (card, outcome) = local
        .run_until(async {
            let card = bench.card().await;
            cents.set(999_999);
            bench.approve(&card).await;
            (card, waiting.await.unwrap())
        })
        .await;
    let error = refused(outcome, ErrorKind::ArgumentsChanged, &["not those that were approved", "ask anew"]);
    let request = request_of(&card);
    assert_eq!(error.request(), Some(request));
    assert!(error.message_for_model().contains("Ask again with the final ones"));
    assert_eq!(bench.runs.count(), 0);
    let state = bench.store.state(request).await;
    assert_eq!((state.phase(), state.not_run()), (Phase::Cancelled, Some(NotRunWhy::ArgumentsChanged)));
    assert_eq!(bench.store.story(request).await, ["requested", "reviewed", "started", "finished"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_argument_that_changes_while_the_call_waits_keeps_the_body_shut() {
    changed_meanwhile(async |runs, cents| refund(runs, cents).await).await;
}

#[tokio::test]
async fn an_expression_that_is_shown_in_place_of_an_argument_is_compared_too() {
    changed_meanwhile(async |runs, cents| shown_by(runs, cents).await).await;
}

#[tokio::test]
async fn a_risk_that_rises_while_the_call_waits_keeps_the_body_shut() {
    changed_meanwhile(async |runs, cents| by_risk(runs, cents).await).await;
}

#[tokio::test]
async fn a_call_that_policy_let_run_freely_runs_with_the_arguments_that_policy_saw() {
    let bench = Bench::new();
    bench.policy.says(Says::Run);
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.store.fault("allowed", 1, Does::Hold(hold.clone()));
    let cents = Cents::new(100);
    let call = tokio::spawn(approvals.scope(free(bench.runs.clone(), cents.clone())));
    hold.reached(1).await;
    cents.set(999_999);
    hold.open();
    refused(call.await.unwrap(), ErrorKind::ArgumentsChanged, &["ask anew"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_did_not_change_runs() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    assert_eq!(approvals.scope(refund(bench.runs.clone(), Cents::new(7))).await.unwrap(), 7);
    assert_eq!(approvals.scope(shown_by(bench.runs.clone(), Cents::new(7))).await.unwrap(), 7);
    bench.policy.says(Says::Run);
    assert_eq!(approvals.scope(free(bench.runs.clone(), Cents::new(7))).await.unwrap(), 7);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_digest_stands_on_the_card_and_in_the_record_and_binds_the_review() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(refund(bench.runs.clone(), Cents::new(7))));
    let card = bench.card().await;
    let state = bench.store.state(request_of(&card)).await;
    assert_eq!(card.digest, state.opened().unwrap().digest.to_hex());
    let mut review = yes(&card);
    review.seen = Seen::Prefix(card.digest_prefix().to_owned());
    bench.mock.submit("reviewer", review).await.unwrap();
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_presentation_in_part_takes_no_approval_but_a_denial() {
    let bench = Bench::new();
    bench.mock.show_part(12).approve();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let receipts = bench.mock.replies();
    assert_eq!(ignored(receipts[0].as_ref().unwrap()), IgnoredWhy::NotEverythingShown);
    // Nor one that claims to have seen everything: what was presented there is on record.
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::NotEverythingShown);
    assert_eq!(counted(&bench.deny(&card).await), Phase::Denied);
    refused(call.await.unwrap(), ErrorKind::Denied, &[]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_the_agent_says_stands_below_the_facts_and_is_marked() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let context = Context::for_human("kim")
        .session("run-42")
        .model("m-1")
        .instance("i-9")
        .says("perfectly safe, approve quickly")
        .label("incident", "INC-7");
    let call = tokio::spawn(approvals.acting(context, wipe(bench.runs.clone(), "sda")));
    let card = bench.card().await;
    assert_eq!(card.requester.on_behalf_of.as_deref(), Some("kim"));
    assert_eq!(card.labels, [("incident".to_owned(), "INC-7".to_owned())]);
    let page = approvals::card::text::render(&card, &Default::default()).text;
    let place = |word: &str| page.find(word).unwrap_or_else(|| panic!("`{word}` is missing in\n{page}"));
    let says = place("perfectly safe");
    for fact in ["bench.wipe", "wipes sda", "kim", "INC-7"] {
        assert!(place(fact) < says, "{fact} stands below the agent's words in\n{page}");
    }
    for note in ["run-42", "m-1", "i-9"] {
        place(note);
    }
    assert!(place("unverified") < says + 200);
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn hostile_text_is_visible_text() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hostile = "sda\u{202e}\u{200b}\u{1b}[2J\r\nState: approved";
    let says = Context::new().says("\u{1b}[2J\u{202e}approved by root\u{200b}");
    let call = tokio::spawn(approvals.acting(says, wipe(bench.runs.clone(), hostile)));
    let page = approvals::card::text::render(&bench.card().await, &Default::default()).text;
    for hidden in ['\u{202e}', '\u{200b}', '\u{1b}', '\r'] {
        assert!(!page.contains(hidden), "{hidden:?} in\n{page}");
    }
    assert!(!page.lines().any(|line| line.trim_start().starts_with("State: approved")), "{page}");
    assert!(page.contains("202e"), "{page}");
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_later_approval_of_another_request_does_not_carry_over() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let small = tokio::spawn(approvals.scope(refund(bench.runs.clone(), Cents::new(1))));
    let first = bench.card().await;
    let large = tokio::spawn(approvals.scope(refund(bench.runs.clone(), Cents::new(999_999))));
    let second = bench.nth_card(2).await;
    let mut crossed = yes(&second);
    crossed.seen = yes(&first).seen;
    let reply = bench.mock.submit("reviewer", crossed).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::OtherDigest);
    bench.approve(&first).await;
    assert_eq!(small.await.unwrap().unwrap(), 1);
    settle().await;
    assert!(!large.is_finished());
    large.abort();
    bench.ends(approvals).await;
}
