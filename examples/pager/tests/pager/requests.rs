//! The whole way: an agent asks, a page goes out, somebody presses a button.

use std::sync::atomic::{AtomicBool, Ordering};

use approvals::id::{AgentId, GroupId, PersonId};
use approvals::ledger::{Event, IgnoredWhy, Memory, Record, Stream};
use approvals::people::{Directory, DirectoryError};
use approvals::{
    Agent, ApprovalError, Approvals, ErrorKind, Identity, People, Person, async_trait, requires_approval,
};

use crate::service::{Page, Pressed, Service, soon};

#[requires_approval(risk = "high", key = "{table}")]
async fn drop_table(table: String) -> Result<(), ApprovalError> {
    Ok(())
}

fn people() -> People {
    People::new([Person::new("dana"), Person::new("kim").known_as("pager", "T7/U2")]).unwrap()
}

async fn agent(service: &Service, store: Memory, directory: impl Directory) -> Approvals {
    Approvals::builder()
        .agent(Agent::new("cleaner").owned_by("dana"))
        .directory(directory)
        .store(store)
        .backend(service.pager())
        .build()
        .await
        .unwrap()
}

async fn history(approvals: &Approvals, page: &Page) -> Vec<Record> {
    approvals.store().history(Stream::Request(page.key.parse().unwrap())).await.unwrap()
}

/// Why answers did not count.
async fn ignored(approvals: &Approvals, page: &Page) -> Vec<IgnoredWhy> {
    let why = |record: &Record| match &record.body.event {
        Event::Ignored(ignored) => Some(ignored.why),
        _ => None,
    };
    history(approvals, page).await.iter().filter_map(why).collect()
}

#[tokio::test]
async fn an_answer_for_another_digest_is_recorded_and_does_not_count() {
    let service = Service::start().await;
    let approvals = agent(&service, Memory::new().unwrap(), people()).await;
    let call = approvals.spawn(drop_table("orders".to_owned()));
    let page = service.page().await;
    for digest in ["0".repeat(64), page.digest[..12].to_owned(), String::new()] {
        service.press(Pressed { digest, ..page.pressed("U2", "yes") }).await;
    }
    service.press(page.pressed("U2", "no")).await;
    assert_eq!(soon(call).await.unwrap().unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(ignored(&approvals, &page).await, [IgnoredWhy::OtherDigest; 3]);
}

#[tokio::test]
async fn an_answer_that_is_given_again_and_again_is_submitted_once() {
    let service = Service::start().await;
    service.state().forgetful = true;
    let approvals = agent(&service, Memory::new().unwrap(), people()).await;
    let _call = approvals.spawn(drop_table("orders".to_owned()));
    let page = service.page().await;
    for _ in 0..2 {
        service.press(page.pressed("U9", "yes")).await;
    }
    assert_eq!(ignored(&approvals, &page).await, [IgnoredWhy::Unmapped; 2]);
}

#[tokio::test]
async fn what_is_no_answer_of_ours_holds_up_nothing() {
    let service = Service::start().await;
    let approvals = agent(&service, Memory::new().unwrap(), people()).await;
    let call = approvals.spawn(drop_table("orders".to_owned()));
    let page = service.page().await;
    service.press(Pressed { key: "the disk is full".to_owned(), ..page.pressed("U2", "yes") }).await;
    service.press(page.pressed("U2", "maybe")).await;
    let history = history(&approvals, &page).await;
    let answered = |record: &Record| matches!(record.body.event, Event::Reviewed(_) | Event::Ignored(_));
    assert!(!history.iter().any(answered), "{history:?}");
    service.press(page.pressed("U2", "yes")).await;
    soon(call).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_came_while_the_agent_was_down_counts_once() {
    let (service, store) = (Service::start().await, Memory::new().unwrap());
    let approvals = agent(&service, store.clone(), people()).await;
    let call = approvals.spawn(drop_table("orders".to_owned()));
    let page = service.page().await;
    call.abort();
    approvals.shutdown().await.unwrap();

    service.state().answers.push(page.pressed("U2", "yes"));
    let approvals = agent(&service, store.clone(), people()).await;
    approvals.scope(drop_table("orders".to_owned())).await.unwrap();
    assert_eq!(service.state().pages.len(), 1);
}

/// Fails the first time that it is asked who somebody is.
struct Flaky(People, AtomicBool);

#[async_trait]
impl Directory for Flaky {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        match self.1.swap(true, Ordering::SeqCst) {
            true => self.0.resolve(identity).await,
            false => Err(DirectoryError("the directory is away".to_owned())),
        }
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        self.0.person(id).await
    }

    async fn owner(&self, agent: &AgentId) -> Result<Option<PersonId>, DirectoryError> {
        self.0.owner(agent).await
    }

    async fn members(&self, groups: &[GroupId]) -> Result<Option<Vec<Person>>, DirectoryError> {
        self.0.members(groups).await
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_judged_comes_again() {
    let service = Service::start().await;
    let directory = Flaky(people(), AtomicBool::new(false));
    let approvals = agent(&service, Memory::new().unwrap(), directory).await;
    let call = approvals.spawn(drop_table("orders".to_owned()));
    service.press(service.page().await.pressed("U2", "yes")).await;
    soon(call).await.unwrap().unwrap();
}
