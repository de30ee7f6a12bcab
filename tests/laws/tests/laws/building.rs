//! A set-up that could never approve, or would approve by accident, is refused with its remedy.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use approvals::people::Principal;
use approvals::testing::PROVIDER;
use approvals::{Agent, Approvals, Assurance, BuildError, Builder, People, Person};

use crate::support::*;

async fn refused_with(builder: Builder, remedy: &str) -> BuildError {
    let error = builder.build().await.unwrap_err();
    assert!(error.to_string().contains(remedy), "`{remedy}` is missing in: {error}");
    error
}

fn people() -> People {
    People::new([Person::new("dana").known_as(PROVIDER, "dana"), Person::new("kim")]).unwrap()
}

#[tokio::test]
async fn without_an_agent() {
    let error = refused_with(Approvals::builder(), ".agent(Agent::new(").await;
    assert!(matches!(error, BuildError::NoAgent));
}

#[tokio::test]
async fn with_an_agent_whose_id_is_empty_or_a_path() {
    let bench = Bench::new();
    for id in ["", "a/2"] {
        let builder = bench.builder().agent(Agent::new(id).owned_by("owner"));
        let error = refused_with(builder, "give it a name without one").await;
        assert!(matches!(error, BuildError::AgentId(_)));
    }
}

#[tokio::test]
async fn without_an_owner() {
    let error = refused_with(Bench::new().builder().agent(Agent::new("bot")), ".owned_by(").await;
    assert!(matches!(error, BuildError::NoOwner(_)));
}

#[tokio::test]
async fn with_an_owner_whom_the_directory_does_not_know() {
    let builder = Bench::new().builder().directory(people()).agent(Agent::new("bot").owned_by("ghost"));
    let error = refused_with(builder, "`Principal::External`").await;
    assert!(matches!(error, BuildError::UnmappedOwner(_)));
}

#[tokio::test]
async fn with_another_owner_than_the_directory_says() {
    for owner in [Principal::from("kim"), Principal::External("kim@example.com".to_owned())] {
        let builder = Bench::new()
            .builder()
            .directory(people().agent("bot", "dana").unwrap())
            .agent(Agent::new("bot").owned_by(owner));
        let error = refused_with(builder, "make them agree").await;
        assert!(matches!(error, BuildError::OtherOwner { .. }));
    }
}

#[tokio::test]
async fn but_an_owner_may_come_from_the_directory_alone() {
    let bench = Bench::new();
    let directory = people().agent("bot", "dana").unwrap();
    let builder = bench.builder().directory(directory).agent(Agent::new("bot"));
    let approvals = builder.build().await.unwrap();
    let call = waiting(&bench, &approvals);
    assert_eq!(bench.card().await.requester.owner, "dana");
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn without_a_directory() {
    let builder = Approvals::builder().agent(Agent::new("bot").owned_by("dana"));
    assert!(matches!(refused_with(builder, ".directory(People::").await, BuildError::NoDirectory));
}

#[tokio::test]
async fn with_a_directory_that_cannot_answer() {
    let bench = Bench::new();
    bench.people.fail(true);
    let error = refused_with(bench.builder(), "the line is dead").await;
    assert!(matches!(error, BuildError::Directory(_)));
}

#[tokio::test]
async fn without_any_way_to_be_answered() {
    let builder = || Approvals::builder().agent(Agent::new("bot").owned_by("dana")).directory(people());
    assert!(matches!(refused_with(builder(), ".open_to_store()").await, BuildError::NoWay));
    let open = builder().open_to_store().build().await.unwrap();
    open.shutdown().await.unwrap();
}

#[tokio::test]
async fn with_two_backends_of_one_name() {
    let bench = Bench::new();
    let error = refused_with(bench.builder().backend(bench.mock.clone()), ".backend_as(").await;
    assert!(matches!(error, BuildError::BackendTwice(_)));
    let other = bench.builder().backend_as(bench.mock.clone(), "other", PROVIDER, Assurance::Chat);
    other.build().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn with_a_node_name_that_another_process_holds() {
    let bench = Bench::new();
    let first = bench.builder().node("n1").build().await.unwrap();
    assert_eq!(first.node().as_str(), "n1");
    let error = refused_with(bench.builder().node("n1"), "another `.node(…)`").await;
    assert!(matches!(error, BuildError::NodeTaken(_)));
    bench.ends(first).await;
    settle().await;
    let second = bench.builder().node("n1").build().await.unwrap();
    bench.ends(second).await;
}

#[tokio::test]
async fn processes_of_one_agent_take_the_lowest_free_name() {
    let bench = Bench::new();
    let (one, two) = (bench.up().await, bench.up().await);
    let name = one.node().as_str().to_owned();
    assert!(name.ends_with("/test-agent"), "{name}");
    assert_eq!(two.node().as_str(), format!("{name}/2"));
    bench.ends(one).await;
    settle().await;
    let third = bench.up().await;
    assert_eq!(third.node().as_str(), name);
    bench.ends(two).await;
    bench.ends(third).await;
}

#[tokio::test]
async fn a_handle_that_is_dropped_stops_its_work_and_frees_its_name() {
    let bench = Bench::new();
    bench.mock.approve();
    let first = bench.up().await;
    first.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    let name = first.node().clone();
    drop(first);
    settle().await;
    let second = bench.up().await;
    assert_eq!(*second.node(), name);
    bench.ends(second).await;
}

#[tokio::test]
async fn a_handle_that_is_dropped_while_it_takes_up_what_was_left_frees_its_name_too() {
    let bench = Bench::new();
    let fired = bench.store.fault("list of what waits", usize::MAX, Does::Fail);
    let first = bench.up().await;
    let name = first.node().clone();
    settle().await;
    drop(first);
    settle().await;
    assert!(fired.times() > 0);
    let second = bench.up().await;
    assert_eq!(*second.node(), name);
    let stop = shutting_down(&second);
    settle().await;
    assert!(stop.is_finished(), "a stop does not wait for a store that is asked again");
    stop.await.unwrap().unwrap();
}

#[tokio::test]
async fn with_nobody_to_ask_besides_the_owner() {
    let bench = Bench::new();
    bench.people.only(&["owner"]);
    let error = refused_with(bench.builder(), ".single_operator()").await;
    assert!(matches!(error, BuildError::NobodyToAsk { .. }));
    let external = Principal::External("owner".to_owned());
    let builder = bench.builder().agent(Agent::new("bot").owned_by(external)).single_operator();
    assert!(matches!(refused_with(builder, "add a person").await, BuildError::NobodyToAsk { .. }));
    bench.builder().single_operator().build().await.unwrap().shutdown().await.unwrap();
}

#[test]
fn without_a_runtime() {
    let mut build = pin!(Bench::new().builder().build());
    match build.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error @ BuildError::NoRuntime)) => assert!(error.to_string().contains("tokio")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_policy_given_asks_one_person_from_medium_up() {
    let bench = Bench::new();
    let approvals = Approvals::test_builder(&bench.mock).build().await.unwrap();
    approvals.scope(peek(bench.runs.clone(), "sda")).await.unwrap();
    let call = waiting(&bench, &approvals);
    assert_eq!(bench.card().await.who_may_decide, ["1 person"]);
    call.abort();
    let _ = call.await;
    assert_eq!(bench.runs.count(), 1);
    approvals.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_test_says_so_on_every_record_and_card() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = Approvals::test(&bench.mock);
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    assert_eq!(bench.card().await.environment.as_deref(), Some("test"));
    let store = approvals.store();
    for record in store.records(approvals::id::Seq::START, 100).await.unwrap() {
        assert!(String::from_utf8_lossy(&record.bytes).contains(r#""env":"test""#));
    }
    approvals.shutdown().await.unwrap();
}
