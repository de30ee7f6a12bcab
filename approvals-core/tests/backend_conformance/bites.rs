//! Each flaw breaks exactly the rules that it should, and each rule is broken by some flaw.

use std::collections::BTreeSet;

use approvals_core::conformance::Report;
use approvals_core::conformance::backend::{RULES, run_all};
use approvals_core::state::Phase;

use crate::flaw::Flaw;
use crate::under::Under;

pub(crate) fn report(under: Under) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run_all(under))
}

/// What a flaw breaks: exactly these rules, no more and no fewer.
fn breaks(flaw: Flaw, expected: &[&str]) {
    let report = report(Under::with(flaw));
    let (found, expected) = (BTreeSet::from_iter(report.failed()), BTreeSet::from_iter(expected.to_vec()));
    let missed: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert_eq!(found, expected, "not broken: {missed:#?}\nbroken as well: {more:#?}\n{report}");
    assert_eq!(report.not_run(), Vec::<&str>::new());
}

macro_rules! flaws {
    ($($name:ident: $flaw:expr => [$($rule:ident),* $(,)?];)*) => {
        $(#[test]
        fn $name() {
            breaks($flaw, &[$(stringify!($rule)),*]);
        })*

        /// Every rule that some flaw breaks.
        const BROKEN: &[&str] = &[$($(stringify!($rule),)*)*];
    };
}

flaws! {
    a_backend_that_changes_its_assurance: Flaw::ChangesItsAssurance => [
        what_it_says_of_itself_is_true,
    ];
    a_backend_that_offers_denials_alone: Flaw::OffersDenialsAlone => [
        a_request_stands_once_and_offers_what_can_be_answered,
        after_a_restart_the_card_can_be_answered,
        an_answer_short_of_the_quorum_leaves_the_control,
        an_approval_counts_for_whoever_gave_it,
        an_answer_goes_to_its_own_request_and_no_other,
        two_people_count_as_two,
        an_answer_that_comes_twice_counts_once,
    ];
    a_backend_that_drops_a_fact: Flaw::DropsTheResource => [
        everything_that_counts_as_shown_stands_there,
    ];
    a_backend_that_posts_again: Flaw::PostsAgain => [
        presenting_again_makes_no_second_message,
        a_card_that_a_dead_process_did_not_record_is_not_placed_twice,
        a_lost_reply_makes_no_second_message,
    ];
    a_backend_that_posts_again_in_one_process: Flaw::PostsAgainInOneProcess => [
        presenting_again_makes_no_second_message,
        a_lost_reply_makes_no_second_message,
    ];
    a_backend_that_remembers_in_this_process_alone: Flaw::RemembersInThisProcessAlone => [
        a_card_that_a_dead_process_did_not_record_is_not_placed_twice,
    ];
    a_backend_that_loses_its_cards: Flaw::LosesCardsWithTheProcess => [
        after_a_restart_the_card_stands_once,
        after_a_restart_the_card_is_brought_up_to_date,
        after_a_restart_the_card_can_be_answered,
    ];
    a_backend_that_updates_its_own_cards_alone: Flaw::UpdatesOwnCardsAlone => [
        after_a_restart_the_card_is_brought_up_to_date,
    ];
    a_backend_that_answers_its_own_cards_alone: Flaw::AnswersOwnCardsAlone => [
        after_a_restart_the_card_can_be_answered,
    ];
    a_backend_that_leaves_the_buttons_of_denied_cards: Flaw::LeavesTheButtons(Phase::Denied) => [
        after_a_restart_the_card_is_brought_up_to_date,
        a_denial_from_elsewhere_is_told_and_ends_the_asking,
        a_denial_ends_the_request,
        a_late_answer_is_recorded_and_does_not_count,
    ];
    a_backend_that_leaves_the_buttons_of_approved_cards: Flaw::LeavesTheButtons(Phase::Succeeded) => [
        an_approval_from_elsewhere_is_told_and_ends_the_asking,
        an_answer_short_of_the_quorum_leaves_the_control,
    ];
    a_backend_that_leaves_the_buttons_of_withdrawn_cards: Flaw::LeavesTheButtons(Phase::Cancelled) => [
        a_withdrawn_request_is_taken_back,
    ];
    a_backend_that_leaves_the_buttons_of_expired_cards: Flaw::LeavesTheButtons(Phase::Expired) => [
        an_expired_request_is_taken_back,
    ];
    a_backend_that_never_says_how_it_ended: Flaw::NeverSaysHowItEnded => [
        a_withdrawn_request_is_taken_back,
        an_expired_request_is_taken_back,
    ];
    a_backend_that_stops_asking_at_the_first_answer: Flaw::StopsAskingAtTheFirstAnswer => [
        an_answer_short_of_the_quorum_leaves_the_control,
        two_people_count_as_two,
    ];
    a_backend_that_mistakes_people: Flaw::MistakesPeople => [
        after_a_restart_the_card_can_be_answered,
        an_approval_counts_for_whoever_gave_it,
        two_people_count_as_two,
        a_late_answer_is_recorded_and_does_not_count,
        an_answer_that_comes_twice_counts_once,
    ];
    a_backend_that_drops_denials: Flaw::DropsDenials => [
        a_denial_ends_the_request,
        a_comment_comes_with_its_answer,
        an_answer_goes_to_its_own_request_and_no_other,
        a_part_can_be_denied,
        no_secret_is_logged_recorded_or_shown,
    ];
    a_backend_that_drops_comments: Flaw::DropsComments => [
        a_comment_comes_with_its_answer,
    ];
    a_backend_that_answers_the_newest_card: Flaw::AnswersTheNewestCard => [
        an_answer_goes_to_its_own_request_and_no_other,
        an_answer_for_another_digest_does_not_count,
    ];
    a_backend_that_drops_late_clicks: Flaw::DropsLateClicks => [
        a_late_answer_is_recorded_and_does_not_count,
    ];
    a_backend_that_gives_replays_to_somebody_else: Flaw::GivesReplaysToSomebodyElse => [
        an_answer_that_comes_twice_counts_once,
    ];
    a_backend_that_takes_unsigned_clicks: Flaw::TakesUnsignedClicks => [
        a_forged_answer_leaves_no_trace_on_the_request,
        no_secret_is_logged_recorded_or_shown,
    ];
    a_backend_that_records_unsigned_clicks: Flaw::RecordsUnsignedClicks => [
        a_forged_answer_leaves_no_trace_on_the_request,
    ];
    a_backend_that_drops_strangers: Flaw::DropsStrangers => [
        an_answer_of_a_stranger_is_recorded_and_does_not_count,
    ];
    a_backend_that_takes_every_workspace: Flaw::TakesEveryWorkspace => [
        a_foreign_identity_counts_for_nobody,
    ];
    a_backend_that_believes_its_own_digest: Flaw::BelievesItsOwnDigest => [
        an_answer_for_another_digest_does_not_count,
    ];
    a_backend_that_offers_approval_of_parts: Flaw::OffersApprovalOfParts => [
        a_part_offers_no_approval,
        an_argument_of_64_kib_is_whole_or_cannot_be_approved,
    ];
    a_backend_that_offers_no_denial_of_parts: Flaw::OffersNoDenialOfParts => [
        a_part_can_be_denied,
    ];
    a_backend_that_cuts_in_silence: Flaw::CutsInSilence => [
        an_argument_of_64_kib_is_whole_or_cannot_be_approved,
    ];
    a_backend_that_passes_markup_through: Flaw::PassesMarkupThrough => [
        hostile_text_stays_text,
    ];
    a_backend_that_passes_text_through: Flaw::PassesTextThrough => [
        hostile_text_stays_text,
    ];
    a_backend_that_tries_refusals_again: Flaw::TriesRefusalsAgain => [
        a_card_that_is_refused_is_not_tried_again,
    ];
    a_backend_that_gives_up_in_an_outage: Flaw::GivesUpInAnOutage => [
        a_card_that_an_outage_held_up_is_tried_again,
        a_lost_reply_makes_no_second_message,
    ];
    a_backend_that_prints_its_token: Flaw::PrintsItsToken => [
        no_secret_stands_in_debug_output,
    ];
    a_backend_that_logs_its_token: Flaw::LogsItsToken => [
        no_secret_is_logged_recorded_or_shown,
    ];
    a_backend_that_names_its_token_in_errors: Flaw::NamesItsTokenInErrors => [
        no_secret_is_logged_recorded_or_shown,
    ];
}

#[test]
fn every_rule_bites() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name()).collect();
    let toothless: Vec<_> = names.difference(&BTreeSet::from_iter(BROKEN.to_vec())).copied().collect();
    assert_eq!(toothless, Vec::<&str>::new());
}

#[test]
fn a_sound_backend_keeps_every_rule() {
    breaks(Flaw::None, &[]);
}
