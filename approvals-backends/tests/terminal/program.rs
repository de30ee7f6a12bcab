//! The program that the tests run: an agent with one gated function.

use std::sync::Arc;

use approvals_backends::terminal::{Terminal, os_identity};
use approvals_core::__private::{Gate, Turn, show};
use approvals_core::action::{ActionSite, Argument, Risk};
use approvals_core::desk::{Desk, Review, Way, WayKind};
use approvals_core::error::ApprovalError;
use approvals_core::handle::Approvals;
use approvals_core::id::Seq;
use approvals_core::ledger::{Event, IgnoredWhy, Memory, PresentFailure, Record, Store, Stream};
use approvals_core::people::{Agent, Assurance, Identity, People, Person};
use approvals_core::state::State;

/// The environment variable that names what the program does.
pub(crate) const SCENARIO: &str = "APPROVALS_TEST_SCENARIO";

static SITE: ActionSite = ActionSite::new("demo.delete_files", file!(), line!())
    .risk(Risk::High)
    .arguments(&[Argument::shown("folder")]);

async fn delete_files(folder: &str) -> Result<(), ApprovalError> {
    let mut gate = Gate::at(&SITE);
    let permit = loop {
        match gate.turn(&|| Risk::High, &[&show(&folder)], &[]) {
            Turn::Run(permit) => break permit,
            Turn::Wait(step) => step.await,
            Turn::Stop(refusal) => return Err(refusal),
        }
    };
    permit.run(std::pin::pin!(async { Ok(()) })).await
}

#[test]
#[ignore = "the program that the other tests run, not a test"]
fn runs() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&scenario));
}

async fn run(scenario: &str) {
    let store = Memory::new().unwrap();
    let me = match scenario {
        "unmapped" => Identity::new("os", "somebody else"),
        _ => os_identity(),
    };
    let people = || {
        let kim = Person::new("kim").known_as(me.provider().clone(), me.subject());
        People::new([Person::new("dana"), kim, Person::new("lee").known_as("test", "lee")]).unwrap()
    };
    let mut builder = Approvals::builder()
        .agent(Agent::new("cleaner").owned_by("dana"))
        .directory(people())
        .store(store.clone())
        .backend(Terminal::new());
    if matches!(scenario, "elsewhere" | "ctrl_d" | "no_tty_but_open" | "unmapped") {
        builder = builder.open_to_store();
    }
    let approvals = builder.build().await.unwrap();
    approvals.install().unwrap();

    let denies_after = async |cue: fn(&Event) -> bool| lee_denies_after(&store, people(), cue).await;
    match scenario {
        "ask" => tell(delete_files("/tmp/a").await),
        "long" => tell(delete_files(&"x".repeat(500)).await),
        "elsewhere" => {
            let cue = denies_after(|event| matches!(event, Event::Presented { .. }));
            tell(tokio::join!(delete_files("/tmp/a"), cue).0);
        }
        "no_tty_but_open" => {
            let cue = denies_after(|event| matches!(event, Event::PresentFailed { .. }));
            tell(tokio::join!(delete_files("/tmp/a"), cue).0);
        }
        "unmapped" => {
            let cue = denies_after(|event| matches!(event, Event::Ignored(_)));
            tell(tokio::join!(delete_files("/tmp/a"), cue).0);
        }
        "ctrl_d" => {
            let other = async {
                tell(delete_files("/tmp/b").await);
                denies_after(|event| matches!(event, Event::Presented { .. })).await;
            };
            tell(tokio::join!(delete_files("/tmp/a"), other).0);
        }
        "two" => {
            let (one, two) = tokio::join!(delete_files("/tmp/a"), delete_files("/tmp/b"));
            tell(one);
            tell(two);
        }
        other => panic!("there is no scenario `{other}`"),
    }
    approvals.shutdown().await.unwrap();
    if scenario == "elsewhere" {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        println!("the program read: {line}");
    }
    let records = store.records(Seq::START, 100).await.unwrap();
    let events: Vec<&str> = records.iter().filter_map(name).collect();
    println!("identity: {}", os_identity());
    println!("events: {}", events.join(" "));
}

fn tell(result: Result<(), ApprovalError>) {
    match result {
        Ok(()) => println!("result: ran"),
        Err(error) => println!("result: {}", error.kind()),
    }
}

/// Waits for the cue, then says no, as somebody who is not at this terminal, to the request that it happened to.
async fn lee_denies_after(store: &Memory, people: People, cue: fn(&Event) -> bool) {
    let mut seen = Seq::START;
    let request = loop {
        let records = store.records(seen, 100).await.unwrap();
        if let Some(record) = records.iter().find(|record| cue(&record.body.event)) {
            break record.body.stream.request().unwrap();
        }
        seen = records.last().map_or(seen, |record| record.seq);
        store.wait_past(seen).await.unwrap();
    };
    let state = State::fold(&store.history(Stream::Request(request)).await.unwrap()).unwrap();
    let digest = state.opened().unwrap().digest;
    let way = Way {
        id: "elsewhere".into(),
        provider: "test".into(),
        assurance: Assurance::Local,
        kind: WayKind::Surface,
    };
    let desk = Desk::new(Arc::new(store.clone()), Arc::new(people), way, "elsewhere");
    let review = Review::deny(request, digest).comment("not today");
    desk.submit(&Identity::new("test", "lee"), review).await.unwrap();
}

fn name(record: &Record) -> Option<&'static str> {
    Some(match &record.body.event {
        Event::Requested(_) => "requested",
        Event::Presented { .. } => "presented",
        Event::PresentFailed { why: PresentFailure::NoTty, .. } => "present_failed{no_tty}",
        Event::PresentFailed { .. } => "present_failed{other}",
        Event::Reviewed(_) => "reviewed",
        Event::Ignored(ignored) if ignored.why == IgnoredWhy::Unmapped => "ignored{unmapped}",
        Event::Ignored(_) => "ignored{other}",
        Event::Cancelled { .. } => "cancelled",
        Event::Started { .. } => "started",
        Event::Finished { .. } => "finished",
        _ => return None,
    })
}
