//! Who must say yes, and by which handle: every form of the options.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

use std::rc::Rc;
use std::sync::Arc;

use approvals::{ApprovalError, Approvals, requires_approval};

type Res<T> = Result<T, ApprovalError>;

#[requires_approval(risk = "high", reviewers = 2)]
async fn two() -> Res<()> {
    Ok(())
}

#[requires_approval(risk = "high", reviewers = 32, from_any("sre", "security team"))]
async fn thirty_two() -> Res<()> {
    Ok(())
}

#[requires_approval(risk = "low", from_each("sre", "security",), reviewers = 0x3)]
async fn each() -> Res<()> {
    Ok(())
}

macro_rules! gated {
    ($name:ident, $count:expr, $group:expr, $handle:expr) => {
        #[requires_approval(risk = "high", reviewers = $count, from_any($group), approvals = $handle)]
        async fn $name() -> Res<()> {
            Ok(())
        }
    };
}

static HANDLE: std::sync::OnceLock<Approvals> = std::sync::OnceLock::new();

gated!(by_macro, 2, "sre", HANDLE.get().expect("set by main"));

#[requires_approval(risk = "high", approvals = handle)]
async fn by_argument(#[approval(skip = "the handle")] handle: Approvals) -> Res<()> {
    handle.shutdown().await.ok();
    Ok(())
}

#[requires_approval(risk = "high", approvals = *handle)]
async fn by_reference(#[approval(skip = "the handle")] handle: &Approvals) -> Res<()> {
    let _ = handle;
    Ok(())
}

#[requires_approval(risk = "high", approvals = if first { one } else { two })]
async fn by_expression(
    first: bool,
    #[approval(skip = "a handle")] one: &Arc<Approvals>,
    #[approval(skip = "a handle")] two: &Arc<Approvals>,
) -> Res<()> {
    let _ = (first, one, two);
    Ok(())
}

struct Ops {
    approvals: Arc<Approvals>,
    handles: Vec<Box<Approvals>>,
}

impl Ops {
    #[requires_approval(risk = "high", action = "ops.a", skip(self) = "one of them", approvals = self.approvals)]
    async fn by_field(&self) -> Res<()> {
        Ok(())
    }

    #[requires_approval(risk = "high", action = "ops.b", skip(self) = "one of them", approvals = self.handles[0])]
    async fn by_index(&mut self) -> Res<()> {
        Ok(())
    }

    #[requires_approval(risk = "high", action = "ops.c", skip(self) = "one of them", approvals = self.shared())]
    async fn by_call(self) -> Res<()> {
        Ok(())
    }

    fn shared(&self) -> Rc<Approvals> {
        Rc::new(self.approvals.as_ref().clone())
    }
}

fn main() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _entered = runtime.enter();
    let handle = Arc::new(Approvals::test(&approvals::testing::MockBackend::new()));
    let mut ops = Ops { approvals: handle.clone(), handles: Vec::new() };
    drop((send(two()), send(thirty_two()), send(each()), send(by_macro())));
    drop((send(by_argument(handle.as_ref().clone())), send(by_reference(&handle))));
    drop(send(by_expression(true, &handle, &handle)));
    drop(send(ops.by_field()));
    drop(send(ops.by_index()));
    drop(send(ops.by_call()));
}
