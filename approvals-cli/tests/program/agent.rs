use approvals::__private::{Gate, Turn};
use approvals::ledger::Event;
use approvals::people::Agent;
use approvals::state::Phase;
use approvals::{ActionSite, ApprovalError, Approvals, People, Risk, RiskPolicy};

use crate::bench::Bench;

static SITE: ActionSite = ActionSite::new("cache.flush", file!(), line!()).risk(Risk::High);

/// What an expansion does, by hand.
async fn gated() -> Result<&'static str, ApprovalError> {
    let mut gate = Gate::at(&SITE);
    loop {
        match gate.turn(&|| Risk::High, &[], &[]) {
            Turn::Run(permit) => {
                let outcome = Ok("the body ran");
                permit.finish(&outcome);
                return outcome;
            }
            Turn::Wait(turn) => turn.await?,
            Turn::Stop(error) => return Err(error),
        }
    }
}

/// The gated call in this process, the answer from another one.
fn answered_with(verb: &'static str) -> (Bench, Result<&'static str, ApprovalError>) {
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
        let call = approvals.spawn(gated());
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
        ran.ends(0);
        let outcome = call.await.unwrap();
        approvals.shutdown().await.unwrap();
        outcome
    });
    (bench, outcome)
}

#[test]
fn an_approval_from_another_terminal_wakes_the_call_that_waits() {
    let (bench, outcome) = answered_with("approve");
    assert_eq!(outcome.unwrap(), "the body ran");
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
