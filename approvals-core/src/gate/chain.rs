//! Which gated bodies are running around a call, so that its card can show them.
//!
//! A stack of the thread's, on which a body stands while it is polled. It costs a body that runs freely no allocation,
//! and no await can leave anything on it.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::sync::Arc;

use crate::action::Site;
use crate::id::RequestId;
use crate::request::{Chain, Outer};

thread_local! {
    static AROUND: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone)]
pub(super) enum Frame {
    /// A body, and the request under which it runs.
    Body(Site, Option<RequestId>),
    /// The start of a task that was spawned in these bodies, if in any: those below are of somebody else.
    Task(Option<Arc<Chain>>),
}

/// Stands on the stack until it is dropped, also by a panic.
pub(super) struct Inside(());

impl Inside {
    pub(super) fn of(frame: Frame) -> Self {
        // A thread at its end, whose stack is gone, enters no further body.
        let _ = AROUND.try_with(|around| around.borrow_mut().push(frame));
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let left = AROUND.try_with(|around| around.borrow_mut().pop());
        drop(left);
    }
}

/// The bodies around whatever runs right now.
pub(super) fn around() -> Chain {
    let around = |around: &RefCell<Vec<Frame>>| {
        let frames = around.borrow();
        let mut chain = Chain::default();
        for frame in frames.iter() {
            match frame {
                Frame::Body(site, request) => {
                    chain.enter(Outer { action: site.name().to_owned(), request: *request });
                }
                Frame::Task(spawned_in) => chain = spawned_in.as_deref().cloned().unwrap_or_default(),
            }
        }
        chain
    };
    AROUND.try_with(around).unwrap_or_default()
}

/// The future, for a task of its own, inside the bodies in which it is made.
pub(crate) fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    // Most are spawned in none, and there may be a hundred thousand.
    let spawned_in = Some(around()).filter(|chain| *chain != Chain::default()).map(Arc::new);
    let mut future = Box::pin(future);
    poll_fn(move |cx| {
        let _inside = Inside::of(Frame::Task(spawned_in.clone()));
        future.as_mut().poll(cx)
    })
}
