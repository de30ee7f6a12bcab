//! A policy of one's own: what it takes depends on the call, not on its risk alone.
//!
//! ```sh
//! cargo test --example policy --features testing
//! cargo run --example policy --features testing
//! ```
//!
//! Transfers between own accounts run freely up to a limit. What leaves the house takes one person from finance, large
//! sums two, of whom one is from risk. A country on the list is refused, and nobody can be asked for it.

use approvals::id::PolicyVersion;
use approvals::policy::{PolicyError, Ruling, SiteRuling};
use approvals::request::{Quorum, Requirement};
use approvals::testing::MockBackend;
use approvals::{
    ActionSite, ApprovalError, Approvals, BuildError, Call, Policy, Risk, async_trait, requires_approval,
};

struct TransferPolicy {
    refused: Vec<String>,
    free_cents: u64,
    large_cents: u64,
}

#[async_trait]
impl Policy for TransferPolicy {
    // Stands in every record that it ruled. Whoever changes a rule changes this text; here the rules are the text.
    fn version(&self) -> PolicyVersion {
        let Self { refused, free_cents, large_cents } = self;
        let refused = refused.join("|");
        PolicyVersion::new(format!("transfers/1 refused={refused} free={free_cents} large={large_cents}"))
    }

    // The fast path: no argument is read. What this lets run is never shown to `rule`.
    fn rule_site(&self, _: &ActionSite, risk: Risk) -> SiteRuling {
        match risk {
            Risk::Low => SiteRuling::Run,
            _ => SiteRuling::NeedsCall,
        }
    }

    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        if call.action() != "bank.transfer" {
            return Ok(Ruling::Ask(Requirement::for_call(call)));
        }
        // An argument that is not there, or of another type, is an error: the gate stays shut.
        let cents: u64 = call.argument_as("cents").ok_or_else(|| unreadable("cents"))?;
        let country: String = call.argument_as("country").ok_or_else(|| unreadable("country"))?;
        if self.refused.contains(&country) {
            return Ok(Ruling::Refuse(format!("nothing is sent to `{country}`")));
        }
        if country == "own" && cents <= self.free_cents {
            return Ok(Ruling::Run);
        }
        let mut requirement = Requirement::for_call(call);
        requirement.quorum = if cents >= self.large_cents {
            requirement.risk = requirement.risk.max(Risk::Critical);
            Quorum::All(vec![Quorum::people_from(1, ["finance"]), Quorum::people_from(1, ["risk"])])
        } else {
            Quorum::people_from(1, ["finance"])
        };
        Ok(Ruling::Ask(requirement))
    }
}

fn unreadable(name: &str) -> PolicyError {
    PolicyError(format!("a transfer shows no `{name}` that can be judged"))
}

#[requires_approval(risk = "medium", action = "bank.transfer", reason = "sends {cents} cents to {account}")]
async fn transfer(account: String, country: String, cents: u64) -> Result<String, ApprovalError> {
    Ok(format!("sent {cents} cents to {account}"))
}

async fn bank(mock: &MockBackend) -> Result<Approvals, BuildError> {
    mock.group("fay", ["finance"]).group("rob", ["risk"]);
    let refused = vec!["xx".to_owned()];
    let policy = TransferPolicy { refused, free_cents: 10_000, large_cents: 1_000_000 };
    Approvals::test_builder(mock).policy(policy).build().await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mock = MockBackend::new().approve_by(["fay", "rob"]);
    let approvals = bank(&mock).await?;
    for (country, cents) in [("own", 9_000), ("at", 9_000), ("at", 2_000_000), ("xx", 1)] {
        let cards = mock.cards().len();
        let sent = approvals.scope(transfer("AT61".to_owned(), country.to_owned(), cents)).await;
        let asked = mock.cards().into_iter().nth(cards).map(|card| card.who_may_decide.join(" and "));
        println!("{cents} cents to `{country}`, asked: {}", asked.as_deref().unwrap_or("nobody"));
        println!("  {}", sent.unwrap_or_else(|refusal| refusal.to_string()));
    }
    approvals.shutdown().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use approvals::ErrorKind;

    use super::*;

    async fn send(mock: &MockBackend, country: &str, cents: u64) -> Result<String, ApprovalError> {
        let approvals = bank(mock).await.unwrap();
        approvals.scope(transfer("AT61".to_owned(), country.to_owned(), cents)).await
    }

    #[tokio::test]
    async fn small_sums_within_the_house_ask_nobody() {
        let mock = MockBackend::new();
        assert!(send(&mock, "own", 10_000).await.is_ok());
        assert!(mock.cards().is_empty());
    }

    #[tokio::test]
    async fn what_leaves_the_house_takes_finance() {
        let mock = MockBackend::new().approve_by(["fay"]);
        assert!(send(&mock, "at", 9_000).await.is_ok());
        assert_eq!(mock.cards()[0].who_may_decide, ["1 person from finance"]);
    }

    #[tokio::test]
    async fn large_sums_take_risk_as_well() {
        let mock = MockBackend::new().approve_by(["fay", "rob"]);
        assert!(send(&mock, "at", 1_000_000).await.is_ok());
        assert_eq!(mock.cards()[0].risk, "critical");
        assert_eq!(mock.cards()[0].who_may_decide, ["1 person from finance and 1 person from risk"]);
    }

    #[tokio::test]
    async fn a_refused_country_is_refused_before_anybody_is_asked() {
        let mock = MockBackend::new().approve_by(["fay", "rob"]);
        assert_eq!(send(&mock, "xx", 1).await.unwrap_err().kind(), ErrorKind::Refused);
        assert!(mock.cards().is_empty());
    }
}
