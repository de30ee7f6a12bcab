//! Who counts: distinct people for every slot, and never the requester.

use super::kit::*;
use crate::action::Risk;
use crate::ledger::{Answer, Event, Reconciliation, Reviewed};
use crate::people::{Assurance, Principal};
use crate::request::{Quorum, Requirement};
use crate::state::{Illegal, Phase};

fn from_each(groups: &[&str]) -> Quorum {
    Quorum::All(groups.iter().map(|group| Quorum::people_from(1, [*group])).collect())
}

#[test]
fn one_person_in_two_groups_fills_one_slot() {
    let asked = History::asking(from_each(&["sre", "security"])).approved_by("cy", &["sre", "security"]);
    assert_eq!(asked.phase(), Phase::Pending);
    assert_eq!(asked.refusal(asked.yes("cy", &["sre", "security"])), Illegal::AnsweredBefore);
    assert_eq!(asked.approved_by("bob", &["sre"]).phase(), Phase::Approved);
}

#[test]
fn whoever_came_first_moves_to_the_slot_that_is_left() {
    // cy could fill both slots and bob only the first: bob pushes cy to the second.
    for order in [["cy", "bob"], ["bob", "cy"]] {
        let asked = order.into_iter().fold(History::asking(from_each(&["sre", "security"])), |asked, by| {
            let member_of: &[&str] = if by == "cy" { &["sre", "security"] } else { &["sre"] };
            asked.approved_by(by, member_of)
        });
        assert_eq!(asked.phase(), Phase::Approved, "{order:?}");
    }
}

#[test]
fn more_people_of_one_group_do_not_stand_in_for_the_other() {
    let mut asked = History::asking(from_each(&["sre", "security"]));
    for by in ["a", "b", "c", "d"] {
        asked = asked.approved_by(by, &["sre"]);
        assert_eq!(asked.phase(), Phase::Pending);
    }
    assert_eq!(
        asked.approved_by("e", &["security"]).phase(),
        Phase::Approved,
        "a larger crowd is enough too"
    );
}

#[test]
fn groups_count_as_they_were_when_the_person_answered() {
    let asked = History::asking(Quorum::people_from(2, ["sre"])).approved_by("ann", &["sre"]);
    assert_eq!(asked.refusal(asked.yes("bob", &["sales"])), Illegal::NotAReviewer);
    assert_eq!(asked.approved_by("bob", &["sales", "sre"]).phase(), Phase::Approved);
}

#[test]
fn an_outsider_can_neither_approve_nor_deny() {
    let asked = History::asking(Quorum::people_from(1, ["sre"]));
    assert_eq!(asked.refusal(asked.yes("eve", &["sales"])), Illegal::NotAReviewer);
    assert_eq!(asked.refusal(asked.no("eve", &[])), Illegal::NotAReviewer);
}

#[test]
fn a_yes_can_become_a_no_and_nothing_else_changes() {
    let asked = History::asking(Quorum::people(2)).approved_by("ann", &[]);
    assert_eq!(asked.refusal(asked.yes("ann", &[])), Illegal::AnsweredBefore);
    assert_eq!(asked.denied_by("ann", &[]).phase(), Phase::Denied);

    let running =
        History::asking(Quorum::people(1)).approved_by("ann", &[]).then(started(1)).denied_by("ann", &[]);
    assert_eq!(running.refusal(running.no("ann", &[])), Illegal::AnsweredBefore, "a no stays one no");
    assert_eq!(running.state.denied_by().map(|no| no.by.as_str()), Some("ann"));
}

#[test]
fn a_denial_wins_over_any_number_of_approvals_until_the_claim() {
    let approved = History::asking(Quorum::people(2)).approved_by("ann", &[]).approved_by("bob", &[]);
    let denied = approved.denied_by("eve", &[]);
    assert_eq!(denied.phase(), Phase::Denied);
    assert_eq!(denied.refusal(started(1)), Illegal::Transition { event: "started", phase: Phase::Denied });
}

#[test]
fn a_denial_needs_no_assurance_and_an_approval_needs_what_was_asked() {
    let strong = Requirement { assurance: Assurance::Sso, ..requirement(Quorum::people(1)) };
    let asked = History::of(requested(strong));
    let with =
        |assurance, answer| Event::Reviewed(Reviewed { assurance, ..asked.reviewed(answer, "ann", &[]) });
    for weak in [Assurance::Local, Assurance::Chat] {
        assert_eq!(asked.refusal(with(weak, Answer::Approve)), Illegal::AssuranceTooLow);
        assert!(asked.judge(with(weak, Answer::Deny)).is_ok());
    }
    for enough in [Assurance::Sso, Assurance::Signed] {
        assert_eq!(asked.clone().then(with(enough, Answer::Approve)).phase(), Phase::Approved);
    }
    assert_eq!(
        asked.refusal(asked.overridden("zoe")),
        Illegal::AssuranceTooLow,
        "break-glass is no way around it"
    );
}

#[test]
fn the_requester_neither_answers_nor_overrides_nor_reconciles() {
    for requester in REQUESTERS {
        let asked = History::asking(Quorum::people(1));
        assert_eq!(asked.refusal(asked.yes(requester, &[])), Illegal::Requester, "{requester}");
        assert_eq!(
            asked.refusal(asked.no(requester, &[])),
            Illegal::Requester,
            "{requester} cancels instead"
        );
        assert_eq!(asked.refusal(asked.overridden(requester)), Illegal::Requester, "{requester}");
        let running = asked.approved_by("ann", &[]).then(started(1));
        for outcome in [Reconciliation::Ran, Reconciliation::DidNotRun] {
            assert_eq!(running.refusal(reconciled(requester, outcome)), Illegal::Requester, "{requester}");
            assert_eq!(
                running.clone().then(lost(1)).refusal(reconciled(requester, outcome)),
                Illegal::Requester
            );
        }
    }
}

#[test]
fn an_external_owner_is_refused_under_the_same_id() {
    let mut call = requested(requirement(Quorum::people(1)));
    call.call.requester.owner = Principal::External("olga@example.org".to_owned());
    let asked = History::of(call);
    assert_eq!(asked.refusal(asked.yes("olga@example.org", &[])), Illegal::Requester);
    assert_eq!(
        asked.approved_by("olga", &[]).phase(),
        Phase::Approved,
        "another person, as far as a record can tell"
    );
}

fn alone(quorum: Quorum) -> History {
    History::of(requested(Requirement { single_operator: true, ..requirement(quorum) }))
}

#[test]
fn a_single_operator_decides_alone_whatever_the_quorum_asks() {
    for by in ["olga", "hank"] {
        assert_eq!(alone(Quorum::people_from(2, ["sre"])).approved_by(by, &[]).phase(), Phase::Approved);
        assert_eq!(alone(Quorum::people(2)).denied_by(by, &[]).phase(), Phase::Denied);
    }
}

#[test]
fn a_single_operator_closes_their_own_lost_attempt_but_breaks_no_glass() {
    let asked = alone(Quorum::people(1));
    assert_eq!(asked.refusal(asked.overridden("olga")), Illegal::Requester);
    let lost = asked.approved_by("olga", &[]).then(started(1)).then(lost(1));
    assert_eq!(lost.then(reconciled("olga", Reconciliation::Ran)).phase(), Phase::Succeeded);
}

#[test]
fn beside_a_single_operator_everyone_else_still_needs_the_quorum() {
    let asked = alone(Quorum::people_from(2, ["sre"]));
    assert_eq!(asked.refusal(asked.yes("ann", &[])), Illegal::NotAReviewer);
    let short = asked.approved_by("ann", &["sre"]);
    assert_eq!(short.phase(), Phase::Pending);
    assert_eq!(short.approved_by("bob", &["sre"]).phase(), Phase::Approved);
}

#[test]
fn a_single_operator_is_refused_at_critical_also_when_policy_raised_the_risk() {
    let raised =
        Requirement { single_operator: true, risk: Risk::Critical, ..requirement(Quorum::people(1)) };
    let refusal = History::empty().refusal(Event::Requested(requested(raised).into()));
    assert!(refusal.to_string().contains("single operator"), "{refusal}");
}
