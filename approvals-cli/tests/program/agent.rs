use approvals::ledger::Event;
use approvals::people::Agent;
use approvals::state::Phase;
use approvals::{ApprovalError, Approvals, People, Risk, RiskPolicy, requires_approval};

use crate::bench::Bench;

#[requires_approval(risk = "high", action = "cache.flush", reason = "flushes {region}")]
async fn flush(region: String) -> Result<String, ApprovalError> {
    Ok(format!("flushed {region}"))
}

/// The gated call in this process, the answer from another one.
fn answered_with(verb: &'static str) -> (Bench, Result<String, ApprovalError>) {
    let bench = Bench::new();
    let outcome = bench.wait(async {
        let approvals = Approvals::builder()
            .agent(Agent::new("deploy-bot").owned_by("olga"))
            .policy(RiskPolicy::ask_from(Risk::Medium))
            .store(bench.store.clone())
            .directory(People::from_file(bench.path("people.toml")).unwrap())
            .open_to_store()
            .build()
            .await
            .unwrap();
        let call = approvals.spawn(flush("eu-west".to_owned()));
        let asked = approvals::ledger::Filter::in_phases([Phase::Pending]);
        let (store, mut seen) = (approvals.store(), approvals::id::Seq::START);
        let id = loop {
            if let [one] = store.list(&asked, None, 2).await.unwrap().summaries.as_slice() {
                break one.id.to_string();
            }
            store.wait_past(seen).await.unwrap();
            seen = store.last().await.unwrap();
        };
        let mut command = bench.command([verb, &id, "--comment", "seen"]);
        let ran = tokio::task::spawn_blocking(move || crate::bench::Ran::of(&mut command)).await.unwrap();
        assert!(ran.ends(0).out.contains("flushes eu-west"), "the card shows the live arguments");
        let outcome = call.await.unwrap();
        approvals.shutdown().await.unwrap();
        outcome
    });
    (bench, outcome)
}

#[test]
fn an_approval_from_another_terminal_wakes_the_call_that_waits() {
    let (bench, outcome) = answered_with("approve");
    assert_eq!(outcome.unwrap(), "flushed eu-west");
    let listed = bench.run(["list", "--all", "--json"]).ends(0).json();
    assert_eq!(listed[0]["state"], "succeeded");
}

#[test]
fn a_denial_from_another_terminal_is_a_refusal_of_the_call() {
    let (bench, outcome) = answered_with("deny");
    assert!(outcome.unwrap_err().is_denied());
    let records = bench.wait(approvals::ledger::Store::records(&bench.store, approvals::id::Seq::START, 100));
    assert!(!records.unwrap().iter().any(|record| matches!(record.body.event, Event::Started { .. })));
}
