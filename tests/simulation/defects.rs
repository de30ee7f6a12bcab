//! Seeded defects: each is caught by some of the seeds that everything sound passes.

use crate::defect::Defect;
use crate::plan::Plan;
use crate::run::run;

/// How many seeds a defect has to show itself in.
const SEEDS: u64 = 200;

/// Tries seeds until one of them says so.
#[track_caller]
fn is_caught(defect: Defect, says: &str) {
    for seed in 0..SEEDS {
        let outcome = run(Plan::of(seed), Some(defect));
        if outcome.broken.iter().any(|broken| broken.contains(says)) {
            println!("seed {seed}: {:?}", outcome.broken);
            return;
        }
    }
    panic!("no seed says `{says}`");
}

#[test]
fn a_fresh_id_for_each_attempt_is_caught() {
    is_caught(Defect::FreshIdPerAttempt, "messages:");
}

#[test]
fn an_ignored_retry_after_is_caught() {
    is_caught(Defect::RetryAfterIsIgnored, "within its `Retry-After`");
}

#[test]
fn retries_that_outlive_the_deadline_are_caught() {
    is_caught(Defect::RetriesOutliveTheDeadline, "after its deadline");
}

#[test]
fn a_callback_that_counts_without_a_signature_is_caught() {
    is_caught(Defect::SignatureIsNotVerified, "counts, and nobody made it");
}

#[test]
fn a_callback_that_counts_for_any_digest_is_caught() {
    is_caught(Defect::DigestIsNotCompared, "for another digest: answered with 2");
}

#[test]
fn a_callback_that_counts_with_any_nonce_is_caught() {
    is_caught(Defect::NonceIsNotCompared, "counts, and nobody made it");
}

#[test]
fn a_callback_that_counts_however_old_it_is_is_caught() {
    is_caught(Defect::AgeIsNotChecked, "replayed after five minutes: answered with");
}

#[test]
fn an_answer_that_is_acknowledged_before_it_is_durable_is_caught() {
    is_caught(Defect::AcknowledgedBeforeDurable, "is in no record");
}

#[test]
fn a_cursor_that_is_taken_before_the_verdict_is_durable_is_caught() {
    is_caught(Defect::CursorBeforeDurable, "is in no record");
}

#[test]
fn a_claim_that_is_no_compare_and_set_is_caught() {
    is_caught(Defect::ClaimIsNotCompared, "ran 2 times");
}

#[test]
fn strangers_that_are_recorded_one_by_one_are_caught() {
    is_caught(Defect::StrangersAreRecordedOneByOne, "twice within a minute");
}

#[test]
fn strangers_that_are_told_how_far_they_came_are_caught() {
    is_caught(Defect::StrangersAreTold, "told different things");
}
