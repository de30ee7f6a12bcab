//! Gated functions under test: the mock answers in place of people, by script and in virtual time.
//!
//! ```sh
//! cargo test --example mock --features testing
//! cargo run --example mock --features testing
//! ```

use std::time::Duration;

use anyhow::Context as _;
use approvals::testing::{MockBackend, action, no, yes};
use approvals::{ApprovalError, Approvals, requires_approval};

#[requires_approval(risk = "high", reason = "refunds {cents} cents")]
async fn refund(order: u64, cents: u64, #[approval(secret)] token: &str) -> Result<String, ApprovalError> {
    let _ = token;
    Ok(format!("refunded {cents} cents of order {order}"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mock = MockBackend::new();
    // The first rule that is for a card takes it; nobody answers a card that no rule is for.
    mock.when(action("refund").arg("cents", |cents: u64| cents > 5_000)).deny("too large").expect(1);
    mock.when(action("refund"))
        .answer([no("bob").after(HOUR), yes("ann").after(MINUTE)])
        .named("small refunds");
    let approvals = Approvals::test(&mock);

    if let Err(refusal) = approvals.scope(refund(8, 990_000, "t0p")).await {
        println!("for people: {refusal}");
        println!("for a model: {}", refusal.message_for_model());
    }

    let call = approvals.spawn(refund(7, 1_200, "t0p"));
    let card = mock.presented(2).await.pop().context("two cards were presented")?;
    println!("a person is asked whether it {}", card.reason.as_deref().unwrap_or_default());
    // A minute later ann answers, without anybody waiting for it.
    mock.advance(MINUTE).await;
    println!("{}", call.await??);

    let ledger = mock.ledger(&approvals).await;
    ledger.assert_sequence(&card, ["requested", "presented", "reviewed", "started", "finished"]);
    ledger.assert_no_secret("t0p");
    approvals.shutdown().await?;
    // What `expect` said is checked here, and when the last handle of the mock is dropped.
    mock.verify();
    Ok(())
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use approvals::ledger::IgnoredWhy;
    use approvals::testing::Who;
    use approvals::{ErrorKind, Identity};

    #[tokio::test]
    async fn a_refund_runs_when_a_person_says_yes() {
        let mock = MockBackend::new().approve();
        assert!(Approvals::test(&mock).scope(refund(7, 1_200, "t0p")).await.is_ok());
        assert_eq!(mock.cards()[0].reason.as_deref(), Some("refunds 1200 cents"));
    }

    #[tokio::test]
    async fn a_large_refund_is_denied_and_a_small_one_is_not() {
        let mock = MockBackend::new().strict();
        mock.when(action("refund").arg("cents", |cents: u64| cents > 5_000)).deny("too large").expect(1);
        mock.when(action("refund")).approve().expect(1..=3);
        let approvals = Approvals::test(&mock);
        assert!(approvals.scope(refund(7, 9_900, "t0p")).await.unwrap_err().is_denied());
        assert!(approvals.scope(refund(8, 1_200, "t0p")).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_who_may_not_answer_can_have_a_refund_run() {
        let mock = MockBackend::new().stranger("eve");
        mock.when(action("refund")).answer([
            yes(Who::Owner),
            yes("eve"),
            yes(Identity::new("slack", "ann")),
            yes("ann").for_another_digest(),
        ]);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(7, 1_200, "t0p"));
        mock.replied(4).await;
        mock.advance(HOUR).await;
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
        mock.ledger(&approvals).await.assert_ignored(
            "refund",
            [
                IgnoredWhy::Requester,
                IgnoredWhy::Unmapped,
                IgnoredWhy::ForeignProvider,
                IgnoredWhy::OtherDigest,
            ],
        );
    }

    #[tokio::test]
    #[should_panic(
        expected = "rule `large refunds` cannot look at `mock::refund`: argument `cents`, 1200, cannot be"
    )]
    async fn a_test_that_is_wrong_about_a_type_fails_by_name() {
        let mock = MockBackend::new();
        mock.when(action("refund").arg("cents", |cents: String| cents.len() > 4))
            .approve()
            .named("large refunds");
        let refusal = Approvals::test(&mock).scope(refund(7, 1_200, "t0p")).await.unwrap_err();
        assert!(refusal.is_unavailable());
    }
}
