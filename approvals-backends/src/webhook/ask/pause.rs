//! How long until the next question: nothing, after an endpoint that answered as it should; else ever longer.

use std::sync::Arc;
use std::time::Duration;

use approvals_core::id::Chance;

/// The first pause.
const FIRST: Duration = Duration::from_millis(250);
/// The longest after an empty answer that came at once.
const LONGEST_IDLE: Duration = Duration::from_secs(5);
/// The longest after a failure.
const LONGEST_FAILED: Duration = Duration::from_secs(60);
/// The longest that an endpoint may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(10 * 60);

pub(super) struct Pause {
    chance: Arc<dyn Chance>,
    /// Answers in a row that said nothing new and were not waited for.
    idle: u32,
    /// Failures in a row.
    failed: u32,
    /// Whether an answer said again what was known, and whether a question made way for the next: each is free once after
    /// an answer that was as it should be.
    repeated: bool,
    hurried: bool,
}

impl Pause {
    pub(super) fn new(chance: Arc<dyn Chance>) -> Self {
        Self { chance, idle: 0, failed: 0, repeated: false, hurried: false }
    }

    pub(super) fn reset(&mut self) {
        (self.idle, self.failed) = (0, 0);
        (self.repeated, self.hurried) = (false, false);
    }

    /// Whether a question that names only what is over may make way at once.
    pub(super) const fn may_hurry(&self) -> bool {
        !self.hurried
    }

    /// After a question that made way.
    pub(super) const fn hurried(&mut self) {
        self.hurried = true;
    }

    /// After an answer that said nothing new and was not waited for.
    pub(super) fn idle(&mut self) -> Duration {
        // It answers: what fails next is a first failure again.
        self.failed = 0;
        self.idle = self.idle.saturating_add(1);
        self.after(self.idle, LONGEST_IDLE)
    }

    /// After an answer that may have said again what was known: nothing the first time, then as long as the last pause, and
    /// not next to nothing.
    pub(super) fn again(&mut self) -> Duration {
        self.failed = 0;
        if !std::mem::replace(&mut self.repeated, true) {
            return Duration::ZERO;
        }
        self.after(self.idle.max(2), LONGEST_IDLE)
    }

    /// After a failure; at least as long as the endpoint asked for, within reason.
    pub(super) fn failed(&mut self, asked: Option<Duration>) -> Duration {
        self.failed = self.failed.saturating_add(1);
        self.after(self.failed, LONGEST_FAILED).max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Twice as long each time in a row, less a random part of up to half, so that many agents do not ask in step.
    fn after(&self, times: u32, longest: Duration) -> Duration {
        let whole = FIRST.saturating_mul(1 << times.saturating_sub(1).min(16)).min(longest);
        let mut byte = [0];
        // Without chance: in step, which is no reason not to ask.
        let _ = self.chance.fill(&mut byte);
        let [byte] = byte;
        whole.mul_f64(1.0 - f64::from(byte) / 512.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approvals_core::id::SystemChance;

    fn pauses(mut next: impl FnMut(&mut Pause) -> Duration) -> Vec<Duration> {
        let mut pause = Pause::new(Arc::new(SystemChance));
        (0..40).map(|_| next(&mut pause)).collect()
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_are_never_less_than_half_of_it() {
        for (longest, pauses) in
            [(LONGEST_IDLE, pauses(Pause::idle)), (LONGEST_FAILED, pauses(|pause| pause.failed(None)))]
        {
            for (turn, pause) in pauses.into_iter().enumerate() {
                let whole = FIRST.saturating_mul(1 << turn.min(16)).min(longest);
                assert!(pause <= whole && pause >= whole / 2, "{turn}: {pause:?} of {whole:?}");
            }
        }
    }

    #[test]
    fn a_pause_that_the_endpoint_asks_for_is_kept_within_reason() {
        let mut pause = Pause::new(Arc::new(SystemChance));
        assert_eq!(pause.failed(Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(pause.failed(Some(Duration::from_secs(u64::MAX))), LONGEST_ASKED);
    }

    #[test]
    fn a_failure_after_many_empty_answers_is_a_first_one() {
        let mut pause = Pause::new(Arc::new(SystemChance));
        for _ in 0..9 {
            pause.idle();
        }
        assert!(pause.failed(None) <= FIRST);
        assert!(pause.failed(None) >= FIRST, "the second in a row is not");
        assert!(pause.idle() > FIRST, "and it is still idle");
    }

    #[test]
    fn haste_is_free_once_after_each_answer_that_was_as_it_should_be() {
        let mut pause = Pause::new(Arc::new(SystemChance));
        for _ in 0..3 {
            assert!(pause.may_hurry());
            assert_eq!(pause.again(), Duration::ZERO);
            for _ in 0..3 {
                pause.hurried();
                assert!(!pause.may_hurry());
                assert!(pause.again() >= FIRST, "not next to nothing");
            }
            pause.reset();
        }
    }

    #[test]
    fn an_endpoint_that_works_again_is_asked_at_once_again() {
        let mut pause = Pause::new(Arc::new(SystemChance));
        for _ in 0..9 {
            pause.idle();
        }
        pause.reset();
        assert!(pause.idle() <= FIRST);
    }
}
