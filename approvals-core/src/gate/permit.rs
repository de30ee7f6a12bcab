//! The permit: what lets one body run, once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Held;
use super::chain::{Frame, Inside};
use crate::action::Site;
use crate::id::RequestId;
use crate::ledger::Finish;

/// Proof that a verdict covers this call. Single use; only the gate makes one.
#[must_use]
pub struct Permit {
    site: Site,
    held: Option<Held>,
}

impl Permit {
    pub(super) fn new(site: Site, held: Option<Held>) -> Self {
        Self { site, held }
    }

    /// Runs the body, which is polled as soon as this is, and records how it ends. The body is borrowed: moved in, it
    /// would take its room twice.
    pub fn run<F>(self, body: Pin<&mut Option<F>>) -> Running<'_, F> {
        Running { permit: self, body }
    }

    fn request(&self) -> Option<RequestId> {
        self.held.as_ref().map(|held| held.ticket().request)
    }

    /// Errors go by the name of their type only (law 12).
    fn finish<T, E>(&mut self, outcome: &Result<T, E>) {
        if let Some(held) = self.held.take() {
            held.finish(match outcome {
                Ok(_) => Finish::Ok {},
                Err(_) => Finish::Err { kind: std::any::type_name::<E>().to_owned() },
            });
        }
    }
}

/// A body that runs under its permit. Dropped, or left by a panic, it is lost (law 8).
#[must_use = "a body runs only while it is polled"]
pub struct Running<'b, F> {
    permit: Permit,
    /// Emptied before the record of its end: a body that may run again must not meet the destructors of this one.
    body: Pin<&'b mut Option<F>>,
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for Running<'_, F> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { permit, body } = &mut *self;
        let outcome = {
            let _inside = Inside::of(Frame::Body(permit.site.clone(), permit.request()));
            match body.as_mut().as_pin_mut() {
                Some(body) => ready!(body.poll(cx)),
                None => return Poll::Pending,
            }
        };
        body.set(None);
        permit.finish(&outcome);
        Poll::Ready(outcome)
    }
}

impl<F> Drop for Running<'_, F> {
    fn drop(&mut self) {
        self.body.set(None);
    }
}
