//! The permit: what lets one body run, once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Held;
use super::chain::{Frame, Inside};
use super::turn::Ending;
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
    fn finish(&mut self, outcome: &impl Ending) {
        if let Some(held) = self.held.take() {
            held.finish(match outcome.error() {
                None => Finish::Ok {},
                Some(name) => Finish::Err { kind: name.to_owned() },
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

impl<F: Future<Output: Ending>> Future for Running<'_, F> {
    type Output = F::Output;

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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    use async_trait::async_trait;

    use super::*;
    use crate::action::{ActionSite, Risk};
    use crate::authority::{Asked, Authority, End, Grant, Seat, Ticket, Verdict, Waited};
    use crate::call::{Call, Caps};
    use crate::error::ApprovalError;
    use crate::id::Version;
    use crate::policy::SiteRuling;
    use crate::request::{Quorum, Seed, StoreKey};
    use crate::state::tests::kit;

    static SITE: ActionSite = ActionSite::new("permit.test", file!(), line!());

    type Log = Arc<Mutex<Vec<String>>>;

    /// Writes down how a claim ends; nothing else is asked of it.
    struct Scribe(Log);

    #[async_trait]
    impl Authority for Scribe {
        fn rule_site(&self, _: &ActionSite, _: Risk) -> SiteRuling {
            unreachable!()
        }

        fn reading(&self) -> (&Caps, &StoreKey) {
            unreachable!()
        }

        async fn ask(&self, _: &Call) -> Result<Asked, ApprovalError> {
            unreachable!()
        }

        fn wait(&self, _: &Arc<Ticket>, _: Option<Box<Seat>>) -> Verdict {
            unreachable!()
        }

        async fn claim(&self, _: &Call, _: &Arc<Ticket>, _: Waited) -> Result<Option<Held>, ApprovalError> {
            unreachable!()
        }

        fn finish(&self, _: &Grant, end: End) {
            self.0.lock().unwrap().push(format!("{end:?}"));
        }

        fn leave(&self, _: &Ticket) {
            unreachable!()
        }
    }

    fn permit(log: &Log) -> Permit {
        let requested = kit::requested(kit::requirement(Quorum::people(1)));
        let ticket = Ticket {
            action: "permit.test".into(),
            request: kit::id(),
            seed: Seed::from_bytes([0; 32]),
            bound: requested.call.bound_to(None).unwrap(),
            keyed: false,
            patience: None,
        };
        let grant = Grant { ticket: Arc::new(ticket), claim: kit::claim(1), version: Version::default() };
        let mut held = Held::new(Arc::new(Scribe(Arc::clone(log))), grant);
        held.enter();
        Permit::new(Site::Code(&SITE), Some(held))
    }

    struct Leaves(Log);

    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("the body is gone".to_owned());
        }
    }

    fn log_of(polls: usize, ends: bool) -> Vec<String> {
        let log = Log::default();
        let guard = Leaves(Arc::clone(&log));
        let mut body = pin!(Some(async move {
            let _guard = guard;
            if !ends {
                std::future::pending::<()>().await;
            }
            Ok::<_, ApprovalError>(())
        }));
        let mut running = permit(&log).run(body.as_mut());
        for _ in 0..polls {
            let polled = Pin::new(&mut running).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), ends);
        }
        drop(running);
        let log = log.lock().unwrap();
        log.clone()
    }

    #[test]
    fn a_body_is_gone_with_all_it_holds_before_its_end_is_told() {
        assert_eq!(log_of(1, true), ["the body is gone", "Finished(Ok)"]);
        assert_eq!(log_of(1, false), ["the body is gone", "Lost"]);
        assert_eq!(log_of(0, true), ["the body is gone", "Lost"]);
    }
}
