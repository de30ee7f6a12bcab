//! Every rule, in one table: the list of results and the tests of an outsider are both made from it.

use std::fmt;
use std::sync::Arc;

use super::bench::Bench;
use super::rules;
use crate::conformance::check::{Boxed, Checked};
use crate::conformance::report::sentence;

/// One thing that every store keeps.
pub struct Rule {
    name: &'static str,
    laws: &'static [u8],
    need: Need,
    pub(super) check: fn(Arc<Bench>) -> Boxed<Checked>,
}

/// What a rule can only be run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Any store will do.
    Nothing,
    /// Two handles at once: [`SHARED`](super::StoreUnderTest::SHARED).
    SecondHandle,
    /// A ledger that outlives its handles: [`DURABLE`](super::StoreUnderTest::DURABLE).
    Durability,
    /// Records stamped by the suite's clock: [`HANDED_CLOCK`](super::StoreUnderTest::HANDED_CLOCK).
    HandedClock,
    /// Both of the last two.
    DurabilityAndClock,
}

impl Rule {
    /// Its name, which is that of its test.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The laws of the design that fall with it, by number; none for what only the trait promises.
    pub const fn laws(&self) -> &'static [u8] {
        self.laws
    }

    /// What it can only be run with.
    pub const fn need(&self) -> Need {
        self.need
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(self.name, self.laws, f)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).field("need", &self.need).finish_non_exhaustive()
    }
}

/// The table. `table` makes [`RULES`] of it, `tests` one test per rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules {
    (table) => { $crate::__store_rules! { @list table () } };
    (tests ($under_test:expr)) => { $crate::__store_rules! { @list tests ($under_test) } };

    (@list $what:ident ($($under_test:expr)?)) => {
        $crate::__store_rules! { @$what ($($under_test)?)
            append::an_append_answers_with_the_place_and_version_of_its_last_record, Nothing, [];
            append::an_append_answers_with_what_it_wrote_or_with_no_record, Nothing, [];
            append::a_batch_is_written_side_by_side, Nothing, [];
            append::a_batch_with_an_illegal_event_writes_nothing, Nothing, [2, 3];
            append::a_stale_version_conflicts_and_writes_nothing, Nothing, [2, 3];
            append::a_version_ahead_conflicts_and_writes_nothing, Nothing, [2];
            append::an_event_that_is_no_note_needs_a_version, Nothing, [2];
            append::an_illegal_event_is_named_and_writes_nothing, Nothing, [3, 4, 5];
            append::notes_fit_at_any_version_and_do_not_move_it, Nothing, [11];
            along::a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones, Nothing, [11];
            along::a_note_that_rides_along_wakes_a_waiter, Nothing, [14];
            along::no_append_waits_for_a_note_that_rides_along, Nothing, [14];
            along::what_rides_along_is_refused_where_an_append_is, Nothing, [2];
            race::one_of_many_first_appends_for_one_request_wins, Nothing, [2, 9];
            race::one_of_many_reviews_at_one_version_counts, Nothing, [2, 3];
            race::one_of_many_claims_wins, Nothing, [2];
            race::a_denial_and_a_claim_at_one_version_do_not_both_win, Nothing, [3];
            race::one_of_many_first_appends_through_two_handles_wins, SecondHandle, [2, 9];
            race::one_of_many_claims_through_two_handles_wins, SecondHandle, [2];
            order::the_sequence_is_gapless_from_one_across_streams, Nothing, [11];
            order::the_sequence_is_the_order_of_commits, Nothing, [11];
            order::the_sequence_is_gapless_under_many_writers, Nothing, [11];
            order::the_last_place_is_that_of_the_last_record, Nothing, [];
            order::records_past_a_place_come_in_order_a_page_at_a_time, Nothing, [];
            kept::the_bytes_are_the_canonical_form_of_the_record, Nothing, [5];
            kept::payloads_come_back_as_they_were_given, Nothing, [5];
            kept::signatures_come_back_as_they_were_given, Nothing, [];
            kept::a_history_is_exactly_the_records_of_its_stream_oldest_first, Nothing, [11];
            kept::what_is_past_a_known_record_is_the_rest_of_its_history, Nothing, [11];
            kept::an_unknown_stream_has_an_empty_history, Nothing, [];
            streams::the_system_stream_takes_its_own_events_and_refuses_others, Nothing, [];
            streams::the_allowed_stream_takes_its_own_events_and_refuses_others, Nothing, [7];
            streams::live_and_test_records_do_not_mix_in_one_request, Nothing, [];
            time::records_are_stamped_by_the_clock_of_the_store, HandedClock, [];
            time::time_never_runs_backwards_within_a_request, HandedClock, [];
            time::an_approval_counts_until_the_deadline_and_not_at_it, HandedClock, [];
            time::a_claim_counts_until_the_deadline_and_not_at_it, HandedClock, [1];
            time::an_expiry_counts_at_the_deadline_and_not_before, HandedClock, [];
            list::requests_are_listed_newest_first_a_page_at_a_time, Nothing, [];
            list::a_request_that_comes_between_two_pages_shifts_nothing, Nothing, [];
            list::an_event_does_not_move_a_request_in_the_list, Nothing, [];
            list::a_filter_admits_by_phase_and_by_agent, Nothing, [];
            list::a_summary_is_the_fold_of_its_history_after_every_event, Nothing, [];
            list::a_note_about_an_unknown_request_lists_nothing, Nothing, [11];
            wake::a_wait_past_an_earlier_record_returns_at_once, Nothing, [14];
            wake::an_append_wakes_every_waiter, Nothing, [14];
            wake::a_note_wakes_a_waiter, Nothing, [14];
            wake::no_wake_up_is_missed_when_an_append_races_a_wait, Nothing, [14];
            wake::an_append_through_another_handle_wakes_a_waiter, SecondHandle, [14];
            handles::what_one_handle_wrote_another_reads_at_once, SecondHandle, [9];
            handles::the_key_is_the_same_through_every_handle, SecondHandle, [9, 12];
            node::a_node_name_is_held_by_one_at_a_time, Nothing, [8];
            node::a_node_name_is_free_again_when_its_hold_is_dropped, Nothing, [8];
            node::different_node_names_do_not_exclude_each_other, Nothing, [];
            node::a_node_name_is_held_by_one_across_handles, SecondHandle, [8];
            durable::everything_is_there_after_reopening, Durability, [7];
            durable::what_was_acknowledged_is_there_after_reopening, Durability, [7];
            durable::the_sequence_goes_on_after_reopening, Durability, [11];
            durable::the_list_is_there_after_reopening, Durability, [];
            durable::the_key_is_the_same_after_reopening, Durability, [9, 12];
            durable::time_does_not_run_backwards_after_reopening, DurabilityAndClock, [];
            along::a_note_that_rode_along_is_there_after_reopening, Durability, [7];
            storm::a_storm_of_random_events_breaks_nothing, Nothing, [2, 3, 11];
        }
    };

    (@table () $($module:ident::$name:ident, $need:ident, [$($law:literal),*];)*) => {
        /// Every rule, by what it is about.
        pub const RULES: &[Rule] = &[$(Rule {
            name: stringify!($name),
            laws: &[$($law),*],
            need: Need::$need,
            check: |bench| Box::pin(rules::$module::$name(bench)),
        }),*];
    };

    (@tests ($under_test:expr) $($module:ident::$name:ident, $need:ident, [$($law:literal),*];)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::check($under_test, ::core::stringify!($name));
            }
        )*

        #[test]
        fn the_rules_that_do_not_apply_are_named() {
            $crate::conformance::say_what_does_not_apply(&$under_test);
        }
    };
}

crate::__store_rules! { table }
