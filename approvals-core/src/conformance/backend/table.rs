//! Every rule, in one table: the list of results and the tests of an outsider are both made from it.

use std::fmt;
use std::sync::Arc;

use super::bench::Bench;
use super::{Ability, rules};
use crate::conformance::check::{Boxed, Checked};
use crate::conformance::report::sentence;

/// One thing that every backend keeps.
pub struct Rule {
    name: &'static str,
    laws: &'static [u8],
    needs: &'static [Ability],
    pub(super) check: fn(Arc<Bench>) -> Boxed<Checked>,
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
    pub const fn needs(&self) -> &'static [Ability] {
        self.needs
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(self.name, self.laws, f)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// The table. `table` makes [`RULES`] of it, `tests` one test per rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __backend_rules {
    (table) => { $crate::__backend_rules! { @list table () } };
    (tests ($under_test:expr)) => { $crate::__backend_rules! { @list tests ($under_test) } };

    (@list $what:ident ($($under_test:expr)?)) => {
        $crate::__backend_rules! { @$what ($($under_test)?)
            place::what_it_says_of_itself_is_true, [], [];
            place::a_request_stands_once_and_offers_what_can_be_answered, [], [];
            place::everything_that_counts_as_shown_stands_there, [], [5];
            place::presenting_again_makes_no_second_message, [], [9];
            restart::after_a_restart_the_card_stands_once, [], [9];
            restart::after_a_restart_the_card_is_brought_up_to_date, [], [];
            restart::after_a_restart_the_card_can_be_answered, [Answer], [9];
            restart::a_card_that_a_dead_process_did_not_record_is_not_placed_twice, [Outlive], [9];
            update::a_denial_from_elsewhere_is_told_and_ends_the_asking, [], [];
            update::an_approval_from_elsewhere_is_told_and_ends_the_asking, [], [];
            update::an_answer_short_of_the_quorum_leaves_the_control, [Answer], [];
            update::a_withdrawn_request_is_taken_back, [], [];
            update::an_expired_request_is_taken_back, [], [];
            answers::an_approval_counts_for_whoever_gave_it, [Answer], [1];
            answers::a_denial_ends_the_request, [Answer], [3];
            answers::a_comment_comes_with_its_answer, [Comment], [];
            answers::an_answer_goes_to_its_own_request_and_no_other, [Answer], [5];
            answers::two_people_count_as_two, [Answer, SecondPerson], [4];
            answers::a_late_answer_is_recorded_and_does_not_count, [Late], [3, 11];
            answers::an_answer_that_comes_twice_counts_once, [Answer, Repeat], [2];
            strangers::a_forged_answer_leaves_no_trace_on_the_request, [Forge], [6, 11];
            strangers::an_answer_of_a_stranger_is_recorded_and_does_not_count, [Stranger], [6, 11];
            strangers::a_foreign_identity_counts_for_nobody, [Foreign], [4, 6];
            strangers::an_answer_for_another_digest_does_not_count, [Tamper], [5];
            shown::a_part_offers_no_approval, [], [5];
            shown::a_part_can_be_denied, [Answer], [5];
            shown::an_argument_of_64_kib_is_whole_or_cannot_be_approved, [], [5];
            shown::hostile_text_stays_text, [], [13];
            faults::a_card_that_is_refused_is_not_tried_again, [Refuse], [6];
            faults::a_card_that_an_outage_held_up_is_tried_again, [Outage], [];
            faults::a_lost_reply_makes_no_second_message, [LostReply], [9];
            secrets::no_secret_stands_in_debug_output, [Secrets], [12];
            secrets::no_secret_is_logged_recorded_or_shown, [Secrets], [12];
        }
    };

    (@table () $($module:ident::$name:ident, [$($need:ident),*], [$($law:literal),*];)*) => {
        /// Every rule, by what it is about.
        pub const RULES: &[Rule] = &[$(Rule {
            name: stringify!($name),
            laws: &[$($law),*],
            needs: &[$(Ability::$need),*],
            check: |bench| Box::pin(rules::$module::$name(bench)),
        }),*];
    };

    (@tests ($under_test:expr) $($module:ident::$name:ident, [$($need:ident),*], [$($law:literal),*];)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::backend::check($under_test, ::core::stringify!($name));
            }
        )*

        #[test]
        fn the_rules_that_do_not_apply_are_named() {
            $crate::conformance::backend::say_what_does_not_apply(&$under_test);
        }
    };
}

crate::__backend_rules! { table }
