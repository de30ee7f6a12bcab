//! The gate before a call that is made without the attribute: the same turns, around a closure.

use std::future::Future;
use std::pin::pin;

use super::{Gate, Turn};
use crate::action::Risk;
use crate::call::LiveCall;
use crate::call::live::{Capture, Text};
use crate::error::ApprovalError;
use crate::handle::Approvals;

/// A call before its gate. See [`Approvals::gate`].
#[must_use = "nothing is asked and nothing runs until `.run(…)` is awaited"]
pub struct Gated<'a> {
    approvals: Approvals,
    call: LiveCall<'a>,
}

impl<'a> Gated<'a> {
    pub(crate) fn new(approvals: Approvals, call: LiveCall<'a>) -> Self {
        Self { approvals, call }
    }

    /// Asks, and runs the body once people have said yes to exactly this call; its value or error is given back
    /// unchanged.
    ///
    /// The arguments are captured twice at the ask, once when there is a verdict to claim, and once more right before the
    /// closure is called, which is at most once. Between that and the first line of the body nothing is awaited. Dropped before the body, the call is
    /// withdrawn, or parked if it has a key; dropped in the body, or left by its panic, it is recorded as cut off.
    ///
    /// The future is `Send` if the closure and the body are.
    ///
    /// # Errors
    /// The body's own, or whatever kept it from running as an [`ApprovalError`] made into `E`. Beyond what a gated
    /// function can meet, [`Invalid`](crate::error::ErrorKind::Invalid) says what is wrong with the call:
    ///
    /// - its action, or the name of an argument or label, is empty or has anything but ASCII letters, digits and
    ///   `._-:/`, or an argument or label is named twice;
    /// - a gated function of this binary has that action;
    /// - no risk is said; something is skipped without a reason, or at risk critical;
    /// - an argument is named like a credential and given with [`arg`](LiveCall::arg);
    /// - a time is not between 1 s and 30 d in whole milliseconds, or it waits without a key;
    /// - a name takes more than 200 bytes, a sensitivity or a reason to skip more than 1 KiB; there are more than 256
    ///   arguments, 64 labels or 64 groups;
    /// - reviewers are no number from 1 to 32, or are named both as any and as each of some groups.
    pub fn run<T, E, B, F>(self, body: B) -> impl Future<Output = Result<T, E>> + use<'a, T, E, B, F>
    where
        B: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        E: From<ApprovalError>,
    {
        let Self { approvals, call } = self;
        let ready = call.ready();
        async move {
            let ready = ready?;
            let mut gate = Gate::of(ready.site.clone(), approvals);
            let permit = loop {
                // What a turn borrows ends before anything is awaited, so that the future is `Send`.
                let turn = {
                    let risk: &dyn Fn() -> Risk = &|| ready.risk;
                    let arguments: Vec<&dyn Capture> = ready.arguments().collect();
                    let texts: Vec<Text<'_>> = ready.texts().collect();
                    gate.turn(risk, &arguments, &texts)
                };
                match turn {
                    Turn::Run(permit) => break permit,
                    Turn::Wait(step) => step.await,
                    Turn::Stop(refusal) => return Err(refusal.into()),
                }
            };
            // The closure is part of the body: it is called inside the permit.
            permit.run(pin!(async { body().await })).await
        }
    }
}
