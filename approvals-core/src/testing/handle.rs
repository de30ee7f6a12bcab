//! Approvals for tests, in a line.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::MockBackend;
use crate::handle::{Approvals, BuildError, Builder};
use crate::people::Agent;

impl Approvals {
    /// Approvals over a ledger in memory and this mock: agent `test-agent`, owned by `owner`, the default policy, the
    /// mock's virtual time. Every record says that it is a test's. Needs a tokio runtime around it.
    ///
    /// # Panics
    /// If the set-up is refused, as when two gated functions of the test have one name; the message says why.
    #[track_caller]
    pub fn test(mock: &MockBackend) -> Self {
        match now(Self::test_builder(mock)) {
            Ok(approvals) => approvals,
            #[expect(clippy::panic, reason = "a test that cannot be set up has failed")]
            Err(error) => panic!("approvals for this test cannot be set up: {error}"),
        }
    }

    /// The set-up of [`test`](Self::test), to be changed before it is built.
    ///
    /// A store of your own should be stamped by [`MockBackend::clock`]: one that is stamped by the system's clock
    /// does not expire by [`MockBackend::advance`].
    pub fn test_builder(mock: &MockBackend) -> Builder {
        Self::builder()
            .agent(Agent::new("test-agent").owned_by("owner"))
            .directory(mock.people())
            .clock(Arc::new(mock.clock()))
            .backend(mock.registered())
            .for_test()
    }
}

/// Builds without waiting: nothing in a test's set-up does.
fn now(builder: Builder) -> Result<Approvals, BuildError> {
    match pin!(builder.build()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(built) => built,
        Poll::Pending => Err(BuildError::NoRuntime),
    }
}
