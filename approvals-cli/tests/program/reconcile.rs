use approvals::id::ClaimId;
use approvals::ledger::{Event, IgnoredWhy, Reconciliation};
use approvals::state::Phase;

use crate::bench::{Ask, Bench};

/// A request whose run was cut off.
fn cut_off(bench: &Bench, ask: Ask) -> approvals::id::RequestId {
    let id = bench.ask(ask);
    bench.on("approve", id, &[]).ends(0);
    let claim = ClaimId::from_uuid(id.as_uuid());
    bench.append(id, Event::Started { claim });
    bench.append(id, Event::Lost { claim });
    assert_eq!(bench.phase(id), Phase::Unknown);
    id
}

#[test]
fn a_person_says_what_became_of_a_run_that_was_cut_off() {
    for (flag, outcome, phase) in [
        ("--ran", Reconciliation::Ran, Phase::Succeeded),
        ("--did-not-run", Reconciliation::DidNotRun, Phase::Cancelled),
    ] {
        let bench = Bench::new();
        let id = cut_off(&bench, Ask::default());
        let ran = bench.on("reconcile", id, &[flag, "--reason", "looked at the machine"]).ends(0);
        assert!(ran.out.contains("dana vouches for it"), "{ran:?}");
        assert_eq!(bench.phase(id), phase);
        let history = bench.history(id);
        let last = history.last().unwrap();
        let Event::Reconciled { outcome: said, by, .. } = &last.body.event else { panic!("{last:?}") };
        assert_eq!((*said, by.as_str()), (outcome, "dana"));
        assert_eq!(last.payload.as_ref().unwrap().text("reason"), Some("looked at the machine"));
    }
}

#[test]
fn what_runs_nowhere_needs_no_reconciling() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.on("reconcile", id, &["--ran", "--reason", "?"]).ends(3);
    assert!(ran.err.contains("not the one that runs"), "{ran:?}");
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::NotRunning));
    assert_eq!(bench.phase(id), Phase::Pending);
}

#[test]
fn the_owner_vouches_for_nothing_that_their_agent_did() {
    let bench = Bench::new();
    let id = cut_off(&bench, Ask::default());
    bench.people(&format!("[people.olga]\nidentities.os = [{:?}]\n[people.dana]\n", crate::bench::me()));
    bench.on("reconcile", id, &["--ran", "--reason", "trust me"]).ends(3);
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::Requester));
    assert_eq!(bench.phase(id), Phase::Unknown);
}

#[test]
fn an_outcome_and_a_reason_have_to_be_given() {
    let bench = Bench::new();
    let id = cut_off(&bench, Ask::default());
    bench.on("reconcile", id, &["--reason", "?"]).ends(2);
    bench.on("reconcile", id, &["--ran"]).ends(2);
    bench.on("reconcile", id, &["--ran", "--did-not-run", "--reason", "?"]).ends(2);
    assert_eq!(bench.phase(id), Phase::Unknown);
}
