//! A shop whose privileged functions the tests script answers for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use approvals::desk::{DeskError, Outcome, Reply};
use approvals::ledger::IgnoredWhy;
use approvals::{ApprovalError, requires_approval};
pub(crate) use approvals_test_support::at_once;

pub(crate) type Res<T> = Result<T, ApprovalError>;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

#[requires_approval(risk = "high", reason = "refunds {cents} cents")]
pub(crate) async fn refund(order: u64, cents: u64) -> Res<u64> {
    let _ = order;
    Ok(cents)
}

#[requires_approval(risk = "medium", action = "shop.pay", key = "{invoice}")]
pub(crate) async fn pay(invoice: &str, cents: u64) -> Res<u64> {
    let _ = invoice;
    Ok(cents)
}

#[requires_approval(risk = "critical", action = "shop.close", labels(city = city))]
pub(crate) async fn close(city: &str) -> Res<usize> {
    Ok(city.len())
}

#[requires_approval(risk = "high", action = "shop.login")]
pub(crate) async fn login(user: &str, #[approval(secret)] password: &str) -> Res<usize> {
    Ok(user.len() + password.len())
}

#[requires_approval(risk = "high", action = "shop.settle")]
pub(crate) async fn settle_order(order: u64) -> Res<u64> {
    refund(order, 5).await
}

/// What the test is told that fails in here.
pub(crate) fn failure(test: impl FnOnce()) -> String {
    let told = catch_unwind(AssertUnwindSafe(test)).expect_err("the test does not fail");
    match told.downcast::<String>() {
        Ok(text) => *text,
        Err(told) => (*told.downcast::<&str>().expect("a panic with a text")).to_owned(),
    }
}

/// Why each of these answers did not count; `None` for one that did.
pub(crate) fn reasons(replies: &[Result<Reply, DeskError>]) -> Vec<Option<IgnoredWhy>> {
    let reason = |reply: &Result<Reply, DeskError>| match &reply.as_ref().unwrap().outcome {
        Outcome::Counted { .. } => None,
        Outcome::Ignored(why) => Some(*why),
    };
    replies.iter().map(reason).collect()
}
