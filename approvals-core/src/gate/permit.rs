//! The permit: what lets one body run, once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Held;
use super::chain::{Frame, Inside};
use super::turn::Ending;
use crate::action::Site;
use crate::ledger::Finish;

/// Proof that a verdict covers this call. Single use; only the gate makes one.
///
/// What it covers stays with the gate. A body that is dropped, or left by a panic, is lost (law 8) once its gate is dropped,
/// which is after it: a body that may run again must not meet the destructors of this one.
#[must_use]
pub struct Permit<'g> {
    site: &'g Site,
    held: &'g mut Option<Held>,
}

impl<'g> Permit<'g> {
    pub(super) fn new(site: &'g Site, held: &'g mut Option<Held>) -> Self {
        Self { site, held }
    }

    /// Runs the body, which is polled as soon as this is, and records how it ends. The body is an `async` block, which
    /// holds nothing any more once it has ended. It is borrowed: moved in, it would take its room twice.
    pub fn run<F>(self, body: Pin<&'g mut F>) -> Running<'g, F> {
        Running { permit: self, body }
    }

    fn inside(&self) -> Inside {
        let request = self.held.as_ref().map(|held| held.ticket().request);
        Inside::of(Frame::Body(self.site.clone(), request))
    }

    /// Errors go by the name of their type only (law 12).
    fn record<O: Ending>(&mut self, polled: Poll<O>) -> Poll<O> {
        if let Poll::Ready(outcome) = &polled
            && let Some(held) = self.held.take()
        {
            held.finish(match outcome.error() {
                None => Finish::Ok {},
                Some(name) => Finish::Err { kind: name.to_owned() },
            });
        }
        polled
    }
}

/// A body that runs under its permit.
#[must_use = "a body runs only while it is polled"]
pub struct Running<'g, F> {
    permit: Permit<'g>,
    body: Pin<&'g mut F>,
}

// Compiled anew for each gated function: what does not depend on the body stands in the permit.
impl<F: Future<Output: Ending>> Future for Running<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let running = self.get_mut();
        let polled = {
            let _inside = running.permit.inside();
            running.body.as_mut().poll(cx)
        };
        running.permit.record(polled)
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

    fn held(log: &Log) -> Held {
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
        held
    }

    struct Leaves(Log);

    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("the body is gone".to_owned());
        }
    }

    /// As a gated function does it: the gate stands outside of what the body is pinned in.
    async fn body_of(log: &Log, ends: bool) {
        let guard = Leaves(Arc::clone(log));
        let mut held = Some(held(log));
        let site = Site::Code(&SITE);
        let outcome = Permit::new(&site, &mut held)
            .run(pin!(async move {
                // Lent and not moved: gone with the block that holds it.
                let _guard = &guard;
                if !ends {
                    std::future::pending::<()>().await;
                }
                Ok::<_, ApprovalError>(())
            }))
            .await;
        outcome.unwrap();
    }

    fn log_of(ends: bool) -> Vec<String> {
        let log = Log::default();
        {
            let mut running = pin!(body_of(&log, ends));
            let polled = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), ends);
        }
        let log = log.lock().unwrap();
        log.clone()
    }

    #[test]
    fn a_body_is_gone_with_all_it_holds_before_its_end_is_told() {
        assert_eq!(log_of(true), ["the body is gone", "Finished(Ok)"]);
        assert_eq!(log_of(false), ["the body is gone", "Lost"]);
    }
}
