//! Each flaw breaks exactly the rules that it should, and each rule is broken by some flaw.

use std::collections::BTreeSet;

use approvals_core::conformance::{RULES, run_all};

use super::flawed::{Flaw, Under};
use super::flaws;

/// What a flaw breaks: exactly these rules, no more and no fewer.
fn breaks<F: Flaw>(expected: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run_all(Under::<F>::default()));
    let (found, expected) = (BTreeSet::from_iter(report.failed()), BTreeSet::from_iter(expected.to_vec()));
    let missed: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert_eq!(found, expected, "not broken: {missed:#?}\nbroken as well: {more:#?}\n{report}");
}

macro_rules! flaws {
    ($($name:ident: $flaw:path => [$($rule:ident),* $(,)?];)*) => {
        $(#[test]
        fn $name() {
            breaks::<$flaw>(&[$(stringify!($rule)),*]);
        })*

        /// Every rule that some flaw breaks.
        const BROKEN: &[&str] = &[$($(stringify!($rule),)*)*];
    };
}

flaws! {
    a_store_that_drops_a_note_that_rides_along: flaws::along::DropsTheNote => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        a_note_that_rides_along_wakes_a_waiter,
        no_append_waits_for_a_note_that_rides_along,
        what_rides_along_is_refused_where_an_append_is,
        a_note_that_rode_along_is_there_after_reopening,
    ];
    a_store_that_answers_a_note_before_it_writes_it: flaws::along::AnswersBeforeItWrites => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        a_note_that_rides_along_wakes_a_waiter,
        what_rides_along_is_refused_where_an_append_is,
        a_note_that_rode_along_is_there_after_reopening,
    ];
    a_store_that_keeps_a_note_until_company_comes: flaws::along::WaitsForCompany => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        a_note_that_rides_along_wakes_a_waiter,
        what_rides_along_is_refused_where_an_append_is,
        a_note_that_rode_along_is_there_after_reopening,
    ];
    a_store_that_keeps_its_writer_for_a_note: flaws::along::KeepsTheWriter => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        a_note_that_rides_along_wakes_a_waiter,
        no_append_waits_for_a_note_that_rides_along,
        what_rides_along_is_refused_where_an_append_is,
        a_note_that_rode_along_is_there_after_reopening,
    ];
    a_store_that_takes_whatever_rides_along_for_a_note: flaws::along::TakesAnythingForANote => [
        what_rides_along_is_refused_where_an_append_is,
    ];
    a_store_that_wakes_nobody_for_a_note_that_rode_along: flaws::along::RidesInSilence => [
        a_note_that_rides_along_wakes_a_waiter,
    ];
    a_store_that_panics_on_filters: flaws::list::PanicsOnFilters => [
        a_filter_admits_by_phase_and_by_agent,
    ];
    a_store_that_ignores_the_version: flaws::versions::IgnoresTheVersion => [
        what_rides_along_is_refused_where_an_append_is,
        a_stale_version_conflicts_and_writes_nothing,
        a_version_ahead_conflicts_and_writes_nothing,
        an_event_that_is_no_note_needs_a_version,
        one_of_many_first_appends_for_one_request_wins,
        one_of_many_reviews_at_one_version_counts,
        one_of_many_claims_wins,
        a_denial_and_a_claim_at_one_version_do_not_both_win,
        one_of_many_first_appends_through_two_handles_wins,
        one_of_many_claims_through_two_handles_wins,
        the_sequence_is_gapless_from_one_across_streams,
        what_one_handle_wrote_another_reads_at_once,
    ];
    a_store_that_checks_before_it_writes: flaws::versions::ChecksBeforeItWrites => [
        one_of_many_first_appends_for_one_request_wins,
        one_of_many_reviews_at_one_version_counts,
        one_of_many_claims_wins,
        a_denial_and_a_claim_at_one_version_do_not_both_win,
        one_of_many_first_appends_through_two_handles_wins,
        one_of_many_claims_through_two_handles_wins,
    ];
    a_store_that_locks_within_the_process: flaws::versions::LocksWithinTheProcess => [
        one_of_many_first_appends_through_two_handles_wins,
        one_of_many_claims_through_two_handles_wins,
    ];
    a_store_that_inserts_unless_there: flaws::versions::InsertsUnlessThere => [
        one_of_many_first_appends_for_one_request_wins,
        one_of_many_first_appends_through_two_handles_wins,
        the_system_stream_takes_its_own_events_and_refuses_others,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
        a_note_about_an_unknown_request_lists_nothing,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_takes_versions_ahead: flaws::versions::TakesVersionsAhead => [
        a_version_ahead_conflicts_and_writes_nothing,
    ];
    a_store_that_needs_no_version: flaws::versions::NeedsNoVersion => [
        what_rides_along_is_refused_where_an_append_is,
        an_event_that_is_no_note_needs_a_version,
    ];
    a_store_that_compares_notes: flaws::versions::ComparesNotes => [
        notes_fit_at_any_version_and_do_not_move_it,
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
        what_is_past_a_known_record_is_the_rest_of_its_history,
    ];
    a_store_that_counts_notes: flaws::versions::CountsNotes => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        no_append_waits_for_a_note_that_rides_along,
        an_append_answers_with_the_place_and_version_of_its_last_record,
        notes_fit_at_any_version_and_do_not_move_it,
        the_bytes_are_the_canonical_form_of_the_record,
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
        the_system_stream_takes_its_own_events_and_refuses_others,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
        time_never_runs_backwards_within_a_request,
        a_note_about_an_unknown_request_lists_nothing,
        what_one_handle_wrote_another_reads_at_once,
        a_storm_of_random_events_breaks_nothing,
        an_append_answers_with_what_it_wrote_or_with_no_record,
        what_is_past_a_known_record_is_the_rest_of_its_history,
    ];
    a_store_that_writes_one_by_one: flaws::versions::WritesOneByOne => [
        a_batch_with_an_illegal_event_writes_nothing,
        the_sequence_is_gapless_from_one_across_streams,
        a_storm_of_random_events_breaks_nothing,
        an_append_answers_with_what_it_wrote_or_with_no_record,
    ];
    a_store_that_writes_notes_first: flaws::versions::WritesNotesFirst => [
        a_batch_is_written_side_by_side,
    ];
    a_store_that_answers_with_the_first_place: flaws::versions::AnswersWithTheFirstPlace => [
        an_append_answers_with_the_place_and_version_of_its_last_record,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_drops_the_illegal: flaws::versions::DropsTheIllegal => [
        a_batch_with_an_illegal_event_writes_nothing,
        an_illegal_event_is_named_and_writes_nothing,
        the_sequence_is_gapless_from_one_across_streams,
        the_system_stream_takes_its_own_events_and_refuses_others,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
        live_and_test_records_do_not_mix_in_one_request,
        an_approval_counts_until_the_deadline_and_not_at_it,
        a_claim_counts_until_the_deadline_and_not_at_it,
        an_expiry_counts_at_the_deadline_and_not_before,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_hides_the_reason: flaws::versions::HidesTheReason => [
        an_illegal_event_is_named_and_writes_nothing,
        the_system_stream_takes_its_own_events_and_refuses_others,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
        live_and_test_records_do_not_mix_in_one_request,
        an_approval_counts_until_the_deadline_and_not_at_it,
        a_claim_counts_until_the_deadline_and_not_at_it,
        an_expiry_counts_at_the_deadline_and_not_before,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_mixes_environments: flaws::versions::MixesEnvironments => [
        live_and_test_records_do_not_mix_in_one_request,
    ];
    a_store_that_sorts_into_streams: flaws::versions::SortsIntoStreams => [
        the_system_stream_takes_its_own_events_and_refuses_others,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
    ];
    a_store_that_burns_numbers: flaws::order::BurnsNumbers => [
        the_sequence_is_gapless_from_one_across_streams,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_numbers_by_time: flaws::order::NumbersByTime => [
        the_sequence_is_the_order_of_commits,
        the_sequence_is_gapless_under_many_writers,
        what_was_acknowledged_is_there_after_reopening,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_guesses_the_place: flaws::order::GuessesThePlace => [
        the_sequence_is_gapless_under_many_writers,
        a_storm_of_random_events_breaks_nothing,
    ];
    a_store_that_reads_the_place_again: flaws::order::ReadsThePlaceAgain => [
        records_past_a_place_come_in_order_a_page_at_a_time,
    ];
    a_store_that_reads_without_limit: flaws::order::ReadsWithoutLimit => [
        records_past_a_place_come_in_order_a_page_at_a_time,
    ];
    a_store_that_ends_at_one_when_empty: flaws::order::EndsAtOneWhenEmpty => [
        the_last_place_is_that_of_the_last_record,
    ];
    a_store_that_drops_free_calls: flaws::order::DropsFreeCalls => [
        the_sequence_is_gapless_from_one_across_streams,
        records_past_a_place_come_in_order_a_page_at_a_time,
        the_allowed_stream_takes_its_own_events_and_refuses_others,
        a_note_wakes_a_waiter,
    ];
    a_store_that_reformats_bytes: flaws::kept::ReformatsBytes => [
        the_bytes_are_the_canonical_form_of_the_record,
        an_append_answers_with_what_it_wrote_or_with_no_record,
    ];
    a_store_that_drops_large_payloads: flaws::kept::DropsLargePayloads => [
        payloads_come_back_as_they_were_given,
    ];
    a_store_that_keeps_payloads_for_histories_only: flaws::kept::KeepsPayloadsForHistoriesOnly => [
        payloads_come_back_as_they_were_given,
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
    ];
    a_store_that_drops_signatures: flaws::kept::DropsSignatures => [
        signatures_come_back_as_they_were_given,
    ];
    a_store_that_orders_by_version: flaws::kept::OrdersByVersion => [
        a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones,
        payloads_come_back_as_they_were_given,
        signatures_come_back_as_they_were_given,
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
    ];
    a_store_that_reads_past_any_place: flaws::kept::ReadsPastAnyPlace => [
        what_is_past_a_known_record_is_the_rest_of_its_history,
    ];
    a_store_that_reads_past_a_version: flaws::kept::ReadsPastAVersion => [
        what_is_past_a_known_record_is_the_rest_of_its_history,
    ];
    a_store_that_tells_the_last_record: flaws::kept::TellsTheLastRecord => [
        an_append_answers_with_what_it_wrote_or_with_no_record,
    ];
    a_store_that_shares_the_other_history: flaws::kept::SharesTheOtherHistory => [
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
    ];
    a_store_that_fails_on_unknown_streams: flaws::kept::FailsOnUnknownStreams => [
        a_history_is_exactly_the_records_of_its_stream_oldest_first,
        an_unknown_stream_has_an_empty_history,
    ];
    a_store_that_has_its_own_clock: flaws::time::HasItsOwnClock => [
        records_are_stamped_by_the_clock_of_the_store,
        time_never_runs_backwards_within_a_request,
        an_approval_counts_until_the_deadline_and_not_at_it,
        a_claim_counts_until_the_deadline_and_not_at_it,
        an_expiry_counts_at_the_deadline_and_not_before,
        time_does_not_run_backwards_after_reopening,
    ];
    a_store_that_stops_the_clock: flaws::time::StopsTheClock => [
        records_are_stamped_by_the_clock_of_the_store,
        time_never_runs_backwards_within_a_request,
        an_approval_counts_until_the_deadline_and_not_at_it,
        a_claim_counts_until_the_deadline_and_not_at_it,
        an_expiry_counts_at_the_deadline_and_not_before,
    ];
    a_store_that_rounds_to_seconds: flaws::time::RoundsToSeconds => [
        records_are_stamped_by_the_clock_of_the_store,
        time_never_runs_backwards_within_a_request,
        an_approval_counts_until_the_deadline_and_not_at_it,
        a_claim_counts_until_the_deadline_and_not_at_it,
        an_expiry_counts_at_the_deadline_and_not_before,
        time_does_not_run_backwards_after_reopening,
    ];
    a_store_that_stamps_whatever_the_clock_says: flaws::time::StampsWhateverTheClockSays => [
        time_never_runs_backwards_within_a_request,
        time_does_not_run_backwards_after_reopening,
    ];
    a_store_that_lists_oldest_first: flaws::list::ListsOldestFirst => [
        requests_are_listed_newest_first_a_page_at_a_time,
        a_request_that_comes_between_two_pages_shifts_nothing,
        an_event_does_not_move_a_request_in_the_list,
        a_filter_admits_by_phase_and_by_agent,
        a_note_about_an_unknown_request_lists_nothing,
    ];
    a_store_that_pages_by_count: flaws::list::PagesByCount => [
        a_request_that_comes_between_two_pages_shifts_nothing,
    ];
    a_store_that_never_ends: flaws::list::NeverEnds => [
        requests_are_listed_newest_first_a_page_at_a_time,
        an_event_does_not_move_a_request_in_the_list,
        a_filter_admits_by_phase_and_by_agent,
        a_note_about_an_unknown_request_lists_nothing,
    ];
    a_store_that_orders_by_the_last_change: flaws::list::OrdersByTheLastChange => [
        an_event_does_not_move_a_request_in_the_list,
    ];
    a_store_that_orders_by_the_first_record: flaws::list::OrdersByTheFirstRecord => [
        a_note_about_an_unknown_request_lists_nothing,
    ];
    a_store_that_filters_by_phase_only: flaws::list::FiltersByPhaseOnly => [
        a_filter_admits_by_phase_and_by_agent,
    ];
    a_store_that_keeps_stale_summaries: flaws::list::KeepsStaleSummaries => [
        a_summary_is_the_fold_of_its_history_after_every_event,
    ];
    a_store_that_misses_the_race: flaws::wake::MissesTheRace => [
        no_wake_up_is_missed_when_an_append_races_a_wait,
    ];
    a_store_that_never_looks: flaws::wake::NeverLooks => [
        a_wait_past_an_earlier_record_returns_at_once,
    ];
    a_store_that_wakes_one: flaws::wake::WakesOne => [
        an_append_wakes_every_waiter,
    ];
    a_store_that_sleeps_through_notes: flaws::wake::SleepsThroughNotes => [
        a_note_that_rides_along_wakes_a_waiter,
        a_wait_past_an_earlier_record_returns_at_once,
        a_note_wakes_a_waiter,
        no_wake_up_is_missed_when_an_append_races_a_wait,
        an_append_through_another_handle_wakes_a_waiter,
    ];
    a_store_that_hears_only_itself: flaws::wake::HearsOnlyItself => [
        an_append_through_another_handle_wakes_a_waiter,
    ];
    a_store_that_gives_names_to_all: flaws::node::GivesNamesToAll => [
        a_node_name_is_held_by_one_at_a_time,
        a_node_name_is_held_by_one_across_handles,
    ];
    a_store_that_never_frees_names: flaws::node::NeverFreesNames => [
        a_node_name_is_free_again_when_its_hold_is_dropped,
        a_node_name_is_held_by_one_across_handles,
    ];
    a_store_that_flattens_names: flaws::node::FlattensNames => [
        different_node_names_do_not_exclude_each_other,
    ];
    a_store_that_keeps_names_per_handle: flaws::node::KeepsNamesPerHandle => [
        a_node_name_is_held_by_one_across_handles,
    ];
    a_store_that_frees_names_with_the_handle: flaws::node::FreesNamesWithTheHandle => [
        a_node_name_is_held_by_one_across_handles,
    ];
    a_store_that_loses_the_tail: flaws::durable::LosesTheTail => [
        a_note_that_rode_along_is_there_after_reopening,
        everything_is_there_after_reopening,
        what_was_acknowledged_is_there_after_reopening,
        the_sequence_goes_on_after_reopening,
        the_list_is_there_after_reopening,
        time_does_not_run_backwards_after_reopening,
    ];
    a_store_that_forgets_the_list: flaws::durable::ForgetsTheList => [
        the_list_is_there_after_reopening,
    ];
    a_store_that_makes_a_key_per_start: flaws::durable::MakesAKeyPerStart => [
        the_key_is_the_same_after_reopening,
    ];
    a_store_that_makes_a_key_per_handle: flaws::durable::MakesAKeyPerHandle => [
        the_key_is_the_same_through_every_handle,
        the_key_is_the_same_after_reopening,
    ];
    a_store_that_remembers_histories: flaws::durable::RemembersHistories => [
        what_one_handle_wrote_another_reads_at_once,
    ];
}

#[test]
fn every_rule_bites() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name()).collect();
    let toothless: Vec<_> = names.difference(&BTreeSet::from_iter(BROKEN.to_vec())).copied().collect();
    assert_eq!(toothless, Vec::<&str>::new());
}

#[test]
fn a_sound_store_keeps_every_rule() {
    breaks::<flaws::None>(&[]);
}

/// The contract allows it, so the suite must.
#[test]
fn a_store_whose_waits_end_early_keeps_every_rule() {
    breaks::<flaws::wake::EndsWaitsEarly>(&[]);
}
