//! No option is parsed and ignored: one action with all of them, and what each becomes.

use std::sync::Arc;
use std::time::Duration;

use approvals::{ApprovalError, Approvals, ErrorKind, Risk, requires_approval};
use serde::Serialize;

use crate::support::*;

struct Payments {
    env: String,
    approvals: Arc<Approvals>,
}

#[derive(Serialize)]
struct Account {
    id: u64,
}

#[derive(Debug)]
struct Failure(ApprovalError);

impl Failure {
    fn of(refusal: ApprovalError) -> Self {
        Self(refusal)
    }
}

fn risk_of(cents: u64) -> Risk {
    if cents > 100 { Risk::High } else { Risk::Low }
}

impl Payments {
    #[requires_approval(
        risk = risk_of(cents),
        action = "options.pay",
        reason = "pays {cents} in {environment}",
        resource = "account:{account.id}",
        key = "{account.id}/{cents}",
        sensitivity = "financial",
        labels(incident = account.id + 1, r#type = "refund"),
        show(environment = self.env, region = self.region()),
        reviewers = 2,
        from_any("sre", "finance"),
        decide_within = "4h",
        use_within = "20m",
        wait = "30s",
        rerunnable,
        error = Failure::of,
        approvals = self.approvals,
        crate = ::approvals
    )]
    async fn pay(
        &self,
        #[approval(skip = "counts the runs")] runs: Runs,
        account: &Account,
        cents: u64,
        #[approval(secret)] token: &str,
        #[approval(secret = pin.to_be_bytes())] pin: u32,
        #[approval(show = note.len())] note: &str,
    ) -> Result<u64, Failure> {
        runs.enter().await;
        let _ = (token, pin, note);
        Ok(cents + account.id)
    }

    fn region(&self) -> &'static str {
        "eu"
    }

    #[requires_approval(risk = "high", action = "options.audit", skip(self) = "one per process", approvals = self.approvals)]
    async fn audit(&self) -> Result<usize, ApprovalError> {
        Ok(self.env.len())
    }
}

fn payments(approvals: &Approvals) -> Arc<Payments> {
    Arc::new(Payments { env: "prod".to_owned(), approvals: Arc::new(approvals.clone()) })
}

#[tokio::test]
async fn every_option_becomes_what_the_documentation_says() {
    let bench = Bench::new();
    bench.people.groups("ann", &["sre"]);
    bench.people.groups("ben", &["finance"]);
    let approvals = bench.up().await;
    let payments = payments(&approvals);
    let pay = || {
        let (payments, runs) = (payments.clone(), bench.runs.clone());
        tokio::spawn(async move { payments.pay(runs, &Account { id: 7 }, 500, "t0ken", 1234, "note").await })
    };

    let call = pay();
    let card = bench.card().await;
    assert_eq!((card.action.as_str(), card.risk.as_str()), ("options.pay", "high"));
    assert_eq!(card.reason.as_deref(), Some("pays 500 in prod"));
    assert_eq!(card.resource.as_deref(), Some("account:7"));
    assert_eq!(card.sensitivity.as_deref(), Some("financial"));
    assert_eq!(
        card.labels,
        [("incident", "8"), ("type", "refund")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(card.who_may_decide, ["2 people from finance or sre"]);
    let shown: Vec<_> = card.arguments.iter().map(|a| (a.name.as_str(), a.value.visible())).collect();
    let secret = "••• (secret: not shown, bound by a keyed digest)";
    let expected = [
        ("environment", "\"prod\""),
        ("region", "\"eu\""),
        ("runs", "(not shown: counts the runs)"),
        ("account", "{\"id\":7}"),
        ("cents", "500"),
        ("token", secret),
        ("pin", secret),
        ("note", "4"),
    ];
    assert_eq!(shown, expected.map(|(name, value)| (name, value.to_owned())));
    let state = bench.store.state(request_of(&card)).await;
    let opened = state.opened().unwrap();
    assert_eq!(opened.requirement().decide_within, 4 * HOUR);
    assert_eq!(opened.requirement().use_within, 20 * MINUTE);
    assert!(opened.requested.call.rerunnable);

    // `wait`, and `error` of what it ends in.
    let outcome = drive(&bench.clock, Duration::from_secs(10), call).await;
    refused(outcome.map_err(|Failure(refusal)| refusal), ErrorKind::Pending, &[]);
    // `key`: the same request.
    let call = pay();
    settle().await;
    assert_eq!(bench.mock.cards().len(), 1);
    for person in ["ann", "ben"] {
        counted(&bench.mock.submit(person, yes(&card)).await.unwrap());
    }
    assert_eq!(call.await.unwrap().unwrap(), 507);
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_receiver_that_is_skipped_stands_on_the_card_with_the_reason() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    assert_eq!(payments(&approvals).audit().await.unwrap(), 4);
    let card = bench.card().await;
    let shown: Vec<_> = card.arguments.iter().map(|a| (a.name.as_str(), a.value.visible())).collect();
    assert_eq!(shown, [("self", "(not shown: one per process)".to_owned())]);
    assert_eq!(card.who_may_decide, ["1 person"]);
    bench.ends(approvals).await;
}
