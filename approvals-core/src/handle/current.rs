//! Which handle a gated call uses: the scope's, else the installed one.

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::{AlreadyInstalled, Approvals, Inner};
use crate::call::Context;

static INSTALLED: RwLock<Option<Approvals>> = RwLock::new(None);

/// How often that has changed.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What was installed after so many changes, so that a call that runs freely takes no lock. A thread that makes no
    /// more calls keeps no handle alive.
    static SEEN: RefCell<(usize, Weak<Inner>)> = const { RefCell::new((0, Weak::new())) };
}

tokio::task_local! {
    static SCOPE: (Approvals, Context);
}

pub(super) fn install(approvals: &Approvals) -> Result<(), AlreadyInstalled> {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    match &*installed {
        Some(_) => Err(AlreadyInstalled),
        None => {
            *installed = Some(approvals.clone());
            CHANGES.fetch_add(1, Ordering::Release);
            Ok(())
        }
    }
}

pub(super) fn uninstall(approvals: &Approvals) {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if installed.as_ref().is_some_and(|handle| handle.is(approvals)) {
        *installed = None;
        CHANGES.fetch_add(1, Ordering::Release);
    }
}

fn installed() -> Option<Approvals> {
    let seen = |seen: &RefCell<(usize, Weak<Inner>)>| {
        let mut seen = seen.borrow_mut();
        if seen.0 != CHANGES.load(Ordering::Acquire) {
            *seen = look();
        }
        seen.1.upgrade().map(Approvals)
    };
    // A thread at its end has seen nothing.
    SEEN.try_with(seen).unwrap_or_else(|_| look().1.upgrade().map(Approvals))
}

/// What is installed, and after how many changes: none comes between the two.
fn look() -> (usize, Weak<Inner>) {
    let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
    let handle = installed.as_ref().map_or_else(Weak::new, |handle| Arc::downgrade(&handle.0));
    (CHANGES.load(Ordering::Relaxed), handle)
}

/// The handle and context of this very call; `None` if nothing is installed and no scope is around.
pub(crate) fn current() -> Option<(Approvals, Context)> {
    in_force(SCOPE.try_with(Clone::clone).ok(), installed, FREE)
}

/// Whether a scope may put another handle in the place of the installed one.
const FREE: bool = cfg!(any(test, feature = "testing"));

/// The installed handle with the scope's context, unless scopes are free. Asked at the call and not where the scope
/// began: a scope that was entered before the installation is no way around it.
fn in_force(
    scope: Option<(Approvals, Context)>,
    installed: impl FnOnce() -> Option<Approvals>,
    free: bool,
) -> Option<(Approvals, Context)> {
    match scope {
        Some(scope) if free => Some(scope),
        Some((scoped, context)) => Some((installed().unwrap_or(scoped), context)),
        None => installed().map(|approvals| (approvals, Context::new())),
    }
}

/// Runs a future under a handle. What a context leaves out is taken over from the scope around it.
///
/// What is installed stays in force: a scope may add a context, but not another handle, so that no code within the
/// process can put a laxer one in its place. Tests are free of that rule, since they share one process.
pub(super) fn scope<F: Future>(
    approvals: Approvals,
    context: Option<Context>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    let around = SCOPE.try_with(|(_, context)| context.clone()).unwrap_or_default();
    let context = match context {
        Some(context) => context.within(&around),
        None => around,
    };
    SCOPE.scope((approvals, context), future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockBackend;

    #[tokio::test]
    async fn a_scope_adds_a_context_and_no_other_handle_once_one_is_installed() {
        let (installed, scoped) =
            (Approvals::test(&MockBackend::new()), Approvals::test(&MockBackend::new()));
        let scope = Some((scoped.clone(), Context::for_human("kim")));
        let one = |installed: &Approvals| {
            let installed = installed.clone();
            move || Some(installed)
        };
        let (handle, context) = in_force(scope.clone(), one(&installed), false).unwrap();
        assert!(handle.is(&installed) && context == Context::for_human("kim"));
        assert!(in_force(scope.clone(), || None, false).unwrap().0.is(&scoped));
        assert!(in_force(scope, one(&installed), true).unwrap().0.is(&scoped), "tests share a process");
        assert!(in_force(None, one(&installed), false).unwrap().0.is(&installed));
        assert!(in_force(None, || None, false).is_none());
    }
}
