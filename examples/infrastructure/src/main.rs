//! An infrastructure agent: it plans freely, and applies a plan only after a person said yes to exactly that plan.
//!
//! ```sh
//! cargo run -p infrastructure-example [FOLDER]
//! ```
//!
//! A human, Kim, asked the agent to work on an incident. The agent reads what runs, plans, and asks at the terminal.
//! The card says what changes, for whom, in which incident and what kind of system it touches. Neither Kim nor Dana,
//! who owns the agent, can approve it: you are Lee, of `sre`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use anyhow::{Context as _, bail};
use approvals::people::{PeopleError, Person};
use approvals::terminal::os_identity;
use approvals::{
    Agent, ApprovalError, Approvals, Context, People, Risk, RiskPolicy, Sqlite, Terminal, requires_approval,
};
use serde::Serialize;

/// How many of each service run.
type Services = BTreeMap<String, u32>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Plan {
    changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Change {
    service: String,
    from: u32,
    to: u32,
}

impl Plan {
    fn between(current: &Services, wanted: &Services) -> Self {
        let names: BTreeSet<&String> = current.keys().chain(wanted.keys()).collect();
        let count = |services: &Services, name| services.get(name).copied().unwrap_or(0);
        let changes = names
            .into_iter()
            .map(|name| Change { service: name.clone(), from: count(current, name), to: count(wanted, name) })
            .filter(|change| change.from != change.to)
            .collect();
        Self { changes }
    }

    /// What ends for good needs more care than what only grows.
    fn risk(&self) -> Risk {
        if self.changes.iter().any(|change| change.to == 0) { Risk::High } else { Risk::Medium }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Change { service, from, to }) in self.changes.iter().enumerate() {
            write!(f, "{}{service} from {from} to {to}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[derive(Debug)]
enum InfraError {
    /// Nobody let it run; nothing was changed.
    Approval(ApprovalError),
    /// What runs is no longer what the plan was made from; nothing was changed.
    Moved(String),
    /// The folder could not be read or written.
    Io(io::Error),
}

impl From<ApprovalError> for InfraError {
    fn from(refusal: ApprovalError) -> Self {
        Self::Approval(refusal)
    }
}

impl From<io::Error> for InfraError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for InfraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(refusal) => fmt::Display::fmt(refusal, f),
            Self::Moved(service) => write!(f, "`{service}` has changed since the plan was made; plan anew"),
            Self::Io(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for InfraError {}

fn file(folder: &Path) -> PathBuf {
    folder.join("services.json")
}

#[requires_approval(risk = "low", action = "infrastructure.read")]
async fn read(folder: PathBuf) -> Result<Services, InfraError> {
    Ok(serde_json::from_slice(&fs::read(file(&folder))?).map_err(io::Error::from)?)
}

#[requires_approval(
    risk = plan.risk(),
    action = "infrastructure.apply",
    reason = "sets {plan}",
    sensitivity = "production",
    labels(changes = plan.changes.len())
)]
async fn apply(folder: PathBuf, plan: Plan) -> Result<(), InfraError> {
    // The approval is for these changes. Whether they still fit what runs is for the body to see.
    let mut services = read(folder.clone()).await?;
    for Change { service, from, to } in plan.changes {
        if services.get(&service).copied().unwrap_or(0) != from {
            return Err(InfraError::Moved(service));
        }
        match to {
            0 => services.remove(&service),
            _ => services.insert(service, to),
        };
    }
    fs::write(file(&folder), serde_json::to_vec_pretty(&services).map_err(io::Error::from)?)?;
    Ok(())
}

/// What the agent does about the incident. Every call in it is Kim's, by the context.
async fn work(folder: PathBuf) -> Result<Plan, InfraError> {
    let current = read(folder.clone()).await?;
    let wanted = Services::from([("queue-worker".to_owned(), 6)]);
    let plan = Plan::between(&current, &wanted);
    if !plan.changes.is_empty() {
        apply(folder, plan.clone()).await?;
    }
    Ok(plan)
}

fn who_and_why() -> Context {
    Context::for_human("kim").session("run-42").label("incident", "INC-7").says(
        "The queue backs up and nobody has read a report for a month, so I take its machine for workers.",
    )
}

fn people() -> Result<People, PeopleError> {
    let you = os_identity();
    People::new([
        Person::new("dana").named("Dana, who owns the agent").in_group("sre"),
        Person::new("kim").named("Kim, who asked for it").in_group("sre"),
        Person::new("lee").named("Lee").in_group("sre").known_as(you.provider().clone(), you.subject()),
    ])
}

fn agent() -> Agent {
    // Without a human to act for, a call is an error: a lost context must not let that human approve.
    Agent::new("infra-bot").owned_by("dana").acts_for_people()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join("approvals-infrastructure"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    if !file(&folder).exists() {
        fs::write(file(&folder), "{\"queue-worker\": 2, \"reports\": 1}\n")?;
    }
    let approvals = Approvals::builder()
        .agent(agent())
        .policy(RiskPolicy::default().from(["sre"], Risk::Medium))
        .store(Sqlite::open(folder.join("approvals.db")).await?)
        .directory(people()?)
        .backend(Terminal::new())
        .build()
        .await?;
    let worked = approvals.acting(who_and_why(), work(folder.clone())).await;
    approvals.shutdown().await?;
    match worked {
        Ok(plan) if plan.changes.is_empty() => println!("nothing to do in {}", folder.display()),
        Ok(plan) => println!("applied: {plan}"),
        // What the model is told, so that it does not try another way round.
        Err(InfraError::Approval(refusal)) => bail!("{}", refusal.message_for_model()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use approvals::testing::MockBackend;
    use approvals::{ErrorKind, Identity};

    use super::*;

    async fn bench(mock: &MockBackend, services: &str) -> (Approvals, PathBuf, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path()), services).unwrap();
        let approvals = Approvals::test_builder(mock).agent(agent()).build().await.unwrap();
        (approvals, folder.path().to_owned(), folder)
    }

    #[tokio::test]
    async fn the_card_tells_the_plan_the_incident_and_for_whom() {
        let mock = MockBackend::new().approve_by(["lee"]);
        let (approvals, folder, _keep) = bench(&mock, r#"{"queue-worker": 2, "reports": 1}"#).await;
        approvals.acting(who_and_why(), work(folder.clone())).await.unwrap();
        let card = mock.cards().remove(0);
        assert_eq!(card.reason.as_deref(), Some("sets queue-worker from 2 to 6, reports from 1 to 0"));
        assert_eq!((card.risk.as_str(), card.sensitivity.as_deref()), ("high", Some("production")));
        assert!(card.labels.contains(&("incident".to_owned(), "INC-7".to_owned())));
        assert_eq!(card.requester.on_behalf_of.as_deref(), Some("kim"));
        assert!(card.agent_says.is_some_and(|words| words.starts_with("The queue backs up")));
        assert_eq!(fs::read_to_string(file(&folder)).unwrap(), "{\n  \"queue-worker\": 6\n}");
    }

    #[tokio::test]
    async fn what_nobody_approved_changes_nothing() {
        let mock = MockBackend::new().deny_by("lee", "keep the reports");
        let before = r#"{"queue-worker": 2, "reports": 1}"#;
        let (approvals, folder, _keep) = bench(&mock, before).await;
        let refused = approvals.acting(who_and_why(), work(folder.clone())).await.unwrap_err();
        assert!(matches!(refused, InfraError::Approval(refusal) if refusal.is_denied()));
        assert_eq!(fs::read_to_string(file(&folder)).unwrap(), before);
    }

    #[tokio::test]
    async fn a_plan_that_no_longer_fits_is_not_applied() {
        let mock = MockBackend::new().approve_by(["lee"]);
        let (approvals, folder, _keep) = bench(&mock, r#"{"queue-worker": 3}"#).await;
        let stale = Plan { changes: vec![Change { service: "queue-worker".to_owned(), from: 2, to: 6 }] };
        let failed = approvals.acting(who_and_why(), apply(folder, stale)).await.unwrap_err();
        assert!(matches!(failed, InfraError::Moved(service) if service == "queue-worker"));
        assert_eq!(mock.cards()[0].risk, "medium", "nothing ends for good");
    }

    #[tokio::test]
    async fn a_call_that_has_lost_its_human_is_an_error() {
        let mock = MockBackend::new().approve_by(["kim"]);
        let (approvals, folder, _keep) = bench(&mock, "{}").await;
        let refused = approvals.scope(work(folder)).await.unwrap_err();
        assert!(
            matches!(refused, InfraError::Approval(refusal) if refusal.kind() == ErrorKind::Unattributed)
        );
    }

    #[tokio::test]
    async fn you_are_lee_and_none_of_the_requester() {
        use approvals::people::Directory as _;

        let you: Identity = os_identity();
        assert_eq!(people().unwrap().resolve(&you).await.unwrap().unwrap().id().as_str(), "lee");
    }
}
