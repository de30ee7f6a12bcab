//! Which handle a gated call uses: the scope's, else the installed one.

use std::future::Future;
use std::sync::{PoisonError, RwLock};

use super::{AlreadyInstalled, Approvals};
use crate::call::Context;

static INSTALLED: RwLock<Option<Approvals>> = RwLock::new(None);

tokio::task_local! {
    static SCOPE: (Approvals, Context);
}

pub(super) fn install(approvals: &Approvals) -> Result<(), AlreadyInstalled> {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    match &*installed {
        Some(_) => Err(AlreadyInstalled),
        None => {
            *installed = Some(approvals.clone());
            Ok(())
        }
    }
}

pub(super) fn uninstall(approvals: &Approvals) {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if installed.as_ref().is_some_and(|handle| handle.is(approvals)) {
        *installed = None;
    }
}

fn installed() -> Option<Approvals> {
    INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The handle and context of this very call; `None` if nothing is installed and no scope is around.
pub(crate) fn current() -> Option<(Approvals, Context)> {
    match SCOPE.try_with(Clone::clone) {
        Ok(scope) => Some(scope),
        Err(_) => installed().map(|approvals| (approvals, Context::new())),
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
    let approvals =
        if cfg!(any(test, feature = "testing")) { approvals } else { installed().unwrap_or(approvals) };
    SCOPE.scope((approvals, context), future)
}
