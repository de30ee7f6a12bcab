//! Every rule that is taken away breaks the law that it stands for.

use approvals_model::configurations::*;
use approvals_model::*;
use stateright::{Checker, HasDiscoveries, Model};

/// Each line: what goes wrong, the rule taken away, the law that falls and where.
macro_rules! rules {
    ($($sentence:ident: $defect:ident breaks $law:ident in $configuration:expr;)+) => {
        $(#[test]
        fn $sentence() {
            falls(Defect::$defect, $law, $configuration);
        })+

        const TRIED: &[Defect] = &[$(Defect::$defect),+];
    };
}

fn falls(defect: Defect, law: &'static str, protocol: Protocol) {
    let checker = protocol
        .without(defect)
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyOf([law].into()))
        .spawn_bfs()
        .join();
    let states = checker.unique_state_count();
    let steps = checker.discovery(law).map(|path| path.into_actions().len());
    assert!(steps.is_some(), "{defect:?} goes unnoticed by {law} in {states} states");
    println!("without {defect:?} falls {law}: {} steps, {states} states", steps.unwrap_or_default());
}

fn on_the_run() -> Protocol {
    keyed_while_policy_turns_to(Policy::Run)
}

fn on_refusal() -> Protocol {
    keyed_while_policy_turns_to(Policy::Refuse)
}

fn on_failure() -> Protocol {
    keyed_while_policy_turns_to(Policy::Fail)
}

/// Nothing else goes wrong than this.
fn only(protocol: Protocol, left: Left) -> Protocol {
    Protocol { left, ..protocol }
}

fn dropped() -> Left {
    Left { drops: 1, ..Left::default() }
}

fn mutated() -> Left {
    Left { mutations: 1, ..Left::default() }
}

fn unanswered() -> Left {
    Left { lost_replies: 1, ..Left::default() }
}

fn crashed() -> Left {
    Left { crashes: 1, reconciliations: 1, ..Left::default() }
}

fn taken_back() -> Left {
    Left { cancels: 1, ..Left::default() }
}

rules! {
    a_denied_call_runs_if_policy_is_asked_before_the_key: PolicyBeforeKey breaks LAW_3 in on_the_run();
    a_changed_policy_opens_if_it_is_asked_before_the_key: PolicyBeforeKey breaks LAW_10 in on_the_run();
    a_denied_call_runs_if_the_key_is_looked_up_once: KeyLookedUpOnce breaks LAW_3 in on_the_run();
    a_changed_policy_opens_if_the_key_is_looked_up_once: KeyLookedUpOnce breaks LAW_10 in on_the_run();
    a_denied_call_runs_if_the_next_round_forgets: DenialForgottenByKey breaks LAW_3 in only(keyed(), dropped());
    two_bodies_run_if_append_cannot_see_the_key: KeyOutsideAppend breaks LAW_2 in only(keyed(), Left::default());
    one_key_has_two_requests_if_append_cannot_see_it: KeyOutsideAppend breaks LAW_9 in keyed();
    a_caller_is_refused_its_own_request_if_the_nonce_counts: NonceInLiveDigest breaks LAW_9 in keyed();
    one_holder_kills_the_request_of_another_if_a_drop_withdraws: KeyedWithdraws breaks LAW_9 in keyed();

    a_stale_claim_passes_without_compare_and_set: NoCompareAndSet breaks LAW_1 in only(keyed(), Left::default());
    two_bodies_run_without_compare_and_set: NoCompareAndSet breaks LAW_2 in only(keyed(), Left::default());
    a_claim_runs_for_ever_if_it_is_not_read_back: NoReadBack breaks LAW_8 in only(unkeyed(), unanswered());
    a_body_runs_unrecorded_if_a_failed_claim_holds: FailedClaimHolds breaks LAW_7 in keyed_under_two_crashes();
    a_body_runs_unpermitted_if_a_failed_claim_holds: FailedClaimHolds breaks LAW_1 in keyed_under_two_crashes();
    another_call_runs_than_was_approved_if_it_is_not_rebuilt: NotRebuilt breaks LAW_5 in unkeyed();
    a_dropped_waiter_runs_for_ever_without_not_run: NoNotRun breaks LAW_8 in only(unkeyed(), dropped());
    a_changed_call_runs_for_ever_without_not_run: NoNotRun breaks LAW_8 in only(unkeyed(), mutated());
    a_denied_call_runs_if_the_claim_is_handed_back: Released breaks LAW_3 in only(keyed(), dropped());
    a_lost_body_begins_if_anybody_calls_it_lost: LostByAnybody breaks LAW_1 in keyed();
    two_bodies_overlap_if_anybody_calls_one_lost: LostByAnybody breaks LAW_2 in only(rerunnable(), Left::default());
    a_body_runs_that_the_ledger_calls_lost_if_anybody_may: LostByAnybody breaks LAW_7 in keyed();
    an_attempt_ends_twice_if_its_end_is_not_read_back: SecondEnd breaks LAW_3 in only(unkeyed(), unanswered());
    a_body_runs_twice_if_reruns_need_no_declaration: RerunUndeclared breaks LAW_2 in only(keyed(), crashed());
    a_crash_is_passed_over_if_reruns_need_no_declaration: RerunUndeclared breaks LAW_8 in only(keyed(), crashed());
    a_body_runs_that_the_ledger_calls_cancelled: CancelledWhileRunning breaks LAW_7 in only(keyed(), taken_back());
    a_cancelled_call_begins: CancelledWhileRunning breaks LAW_1 in only(keyed(), taken_back());
    a_permit_outlives_its_caller_if_it_cannot_be_called_off: ApprovedCannotBeCancelled breaks DANGLING in unkeyed();

    a_refused_call_runs_if_policy_is_not_asked_again: PolicyNotAskedAgain breaks LAW_10 in on_refusal();
    an_approval_outlives_its_approver_if_the_directory_is_not_asked_again:
        DirectoryNotAskedAgain breaks LAW_10 in keyed_while_somebody_leaves();
    a_call_runs_if_policy_fails_open: FailedPolicyRuns breaks LAW_6 in on_failure();

    a_fused_claim_runs_for_ever_without_its_guard: FusedWithoutGuard breaks LAW_8 in only(fused(), dropped());
    a_fused_claim_of_a_changed_call_runs_for_ever: FusedWithoutGuard breaks LAW_8 in only(fused(), mutated());
    a_refused_call_runs_if_a_fused_append_asks_no_policy: FusedWithoutPolicy breaks LAW_10 in fused_unkeyed();
    a_quorum_is_short_if_a_fused_append_is_judged_by_one: FusedShortOfQuorum breaks LAW_4 in fused_quorum();
    a_claim_has_no_owner_if_it_is_fused_for_another_process: FusedForAWaiterElsewhere breaks LAW_8 in fused();
    a_review_vanishes_with_its_fused_append: FusedReviewForgotten breaks LAW_11 in fused();

    a_denied_call_reruns_if_a_late_denial_is_not_kept: LateDenialIgnored breaks LAW_3 in rerunnable();
    a_denied_call_runs_if_a_denial_after_the_approval_is_not_kept: DenialOfApprovedIgnored breaks LAW_3 in keyed();

    a_claim_passes_after_use_by_if_apply_reads_no_time: TimeUnchecked breaks CLOCKS in only(keyed_against_the_clock(), Left::default());
    a_yes_counts_after_decide_by_if_apply_reads_no_time: TimeUnchecked breaks CLOCKS in two_groups();
    a_rerun_outlives_the_permit: RerunUnbounded breaks CLOCKS in rerunnable();
    a_slow_node_approves_too_late_if_it_stamps_its_records: TimeOfTheNode breaks CLOCKS in two_groups_by_other_clocks();
    a_yes_counts_at_the_deadline: YesAtTheDeadline breaks CLOCKS in unkeyed();
    a_yes_counts_after_the_deadline: LateYesCounts breaks CLOCKS in unkeyed();
    a_claim_passes_at_the_deadline: ClaimAtTheDeadline breaks CLOCKS in unkeyed();
    a_request_expires_too_early: EarlyExpiry breaks CLOCKS in unkeyed();
    an_expired_request_is_denied: ExpiryTakenBack breaks LAW_3 in unkeyed();

    the_owner_approves: RequesterCounts breaks LAW_4 in two_groups();
    the_human_approves_under_an_alias: RequesterAliasUnknown breaks LAW_4 in two_groups();
    the_owner_breaks_the_glass: RequesterOverrides breaks LAW_4 in two_groups();
    the_owner_reconciles: RequesterReconciles breaks LAW_4 in only(keyed(), crashed());
    somebody_approves_twice_under_two_identities: AliasesAreDistinct breaks LAW_4 in two_groups();
    somebody_of_two_groups_fills_both_slots: SlotsNotMatched breaks LAW_4 in two_groups();
    two_people_of_one_group_fill_the_slots_of_two: GroupCountedTwice breaks LAW_4 in more_people_than_slots();
    one_yes_too_many_is_not_enough: QuorumByEquality breaks LAW_4 in more_people_than_slots();
    one_person_is_enough_where_two_are_asked_for: OneIsEnough breaks LAW_4 in any_two();
    somebody_denies_who_could_not_approve: AnyoneDenies breaks LAW_4 in more_people_than_slots();
    somebody_reconciles_who_could_not_approve: AnyoneReconciles breaks LAW_4 in more_people_than_slots();

    a_stranger_approves: StrangerCounts breaks LAW_6 in strangers();
    somebody_approves_what_they_saw_a_part_of: PartIsEnough breaks LAW_5 in strangers();
    somebody_approves_what_they_have_not_seen: OtherDigestCounts breaks LAW_5 in strangers();
    an_ignored_answer_is_not_on_record: IgnoredUnrecorded breaks LAW_11 in strangers();
    an_ignored_answer_holds_up_a_claim: IgnoredMovesTheVersion breaks LAW_11 in any_two();
}

#[test]
fn every_rule_is_taken_away_once_at_least() {
    let forgotten: Vec<_> = Defect::ALL.iter().filter(|defect| !TRIED.contains(defect)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn the_page_says_how_many_rules_are_taken_away() {
    let said = format!("| model check | {}: ", Defect::ALL.len());
    assert!(include_str!("../../../docs/testing.md").contains(&said), "docs/testing.md is to say `{said}`");
}
