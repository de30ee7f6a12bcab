use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use approvals::id::{ClaimId, RequestId, Seq};
use approvals::ledger::{CancelWhy, Event, Filter, IgnoredWhat, IgnoredWhy, Store as _};
use approvals::people::Agent;
use approvals::request::Requirement;
use approvals::state::Phase;
use approvals::{ApprovalError, Approvals, People, Principal, Risk, RiskPolicy, Sqlite, requires_approval};

use crate::bench::{Ask, Bench, me};

/// A request of the user who runs the tests.
fn mine() -> Ask {
    Ask { owner: "dana".into(), ..Ask::default() }
}

/// What was taken for no cancellation, and why.
fn last_ignored(bench: &Bench, id: RequestId) -> (IgnoredWhat, IgnoredWhy) {
    match &bench.history(id).last().unwrap().body.event {
        Event::Ignored(ignored) => (ignored.what, ignored.why),
        event => panic!("{event:?}"),
    }
}

#[test]
fn the_owner_takes_a_request_back_and_the_reason_is_kept() {
    let bench = Bench::new();
    let id = bench.ask(mine());
    let ran = bench.on("cancel", id, &["--reason", "wrong dataset"]).ends(0);
    assert!(ran.out.contains("\"customers\""), "the card comes first: {ran:?}");
    assert!(ran.out.ends_with("dana takes the request back; it is cancelled\n"), "{ran:?}");
    let history = bench.history(id);
    let last = history.last().unwrap();
    let Event::Cancelled { by: Some(by), why } = &last.body.event else { panic!("{last:?}") };
    assert_eq!((by.as_str(), *why), ("dana", CancelWhy::Revoked));
    assert_eq!(last.payload.as_ref().unwrap().notes()["comment"], "wrong dataset");
    let log = bench.run(["log"]).ends(0).out;
    assert!(log.contains("revoked by dana (\"Dana W.\"): \"wrong dataset\""), "{log}");
}

#[test]
fn an_approved_request_is_taken_back_before_it_runs() {
    let bench = Bench::new();
    bench.people(&format!("[people.kim]\nidentities.os = [{:?}]\n[people.olga]\n", me()));
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &[]).ends(0);
    bench.people(&format!("[people.olga]\nidentities.os = [{:?}]\n[people.kim]\n", me()));
    bench.on("cancel", id, &["--reason", "not today"]).ends(0);
    assert_eq!(bench.phase(id), Phase::Cancelled);
}

#[test]
fn the_human_that_the_agent_acts_for_takes_a_request_back() {
    let bench = Bench::new();
    let id = bench.ask(Ask { on_behalf_of: Some("dana".into()), ..Ask::default() });
    bench.on("cancel", id, &["--reason", "changed my mind"]).ends(0);
    assert_eq!(bench.phase(id), Phase::Cancelled);
}

#[test]
fn anyone_else_is_refused_with_the_remedy_and_that_is_recorded() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.on("cancel", id, &["--reason", "I do not like it"]).ends(3);
    assert!(ran.err.contains(&format!("deny it instead: `approvals deny {id}`")), "{ran:?}");
    assert_eq!(last_ignored(&bench, id), (IgnoredWhat::Cancel, IgnoredWhy::NotTheRequester));
    bench.people("[people.kim]\n");
    bench.on("cancel", id, &["--reason", "who am I"]).ends(3);
    assert_eq!(last_ignored(&bench, id), (IgnoredWhat::Cancel, IgnoredWhy::Unmapped));
    assert_eq!(bench.phase(id), Phase::Pending);
}

#[test]
fn a_single_operator_takes_back_what_asks_anew_where_a_no_would_stand() {
    let mut requirement = Requirement::at(Risk::High);
    requirement.single_operator = true;
    let bench = Bench::new();
    for (verb, more, phase) in
        [("deny", &[][..], Phase::Denied), ("cancel", &["--reason", "typo"], Phase::Cancelled)]
    {
        let id = bench.ask(Ask { requirement: requirement.clone(), ..mine() });
        bench.on(verb, id, more).ends(0);
        assert_eq!(bench.phase(id), phase, "{verb}");
    }
}

#[test]
fn what_runs_is_not_taken_back_and_neither_is_what_is_over() {
    let bench = Bench::new();
    bench.people(&format!("[people.kim]\nidentities.os = [{:?}]\n[people.olga]\n", me()));
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &[]).ends(0);
    bench.append(id, Event::Started { claim: ClaimId::from_uuid(id.as_uuid()) });
    bench.people(&format!("[people.olga]\nidentities.os = [{:?}]\n[people.kim]\n", me()));
    let ran = bench.on("cancel", id, &["--reason", "stop"]).ends(3);
    assert!(ran.err.contains("the request is executing") && ran.err.contains("approvals deny"), "{ran:?}");
    assert_eq!(last_ignored(&bench, id), (IgnoredWhat::Cancel, IgnoredWhy::AlreadyDecided));
    assert_eq!(bench.phase(id), Phase::Executing);

    let over = bench.ask(Ask::default());
    bench.on("cancel", over, &["--reason", "once"]).ends(0);
    let ran = bench.on("cancel", over, &["--reason", "twice"]).ends(3);
    assert!(ran.err.contains("there is a verdict already"), "{ran:?}");
}

#[test]
fn with_json_one_object_is_printed_as_for_an_answer() {
    let bench = Bench::new();
    let id = bench.ask(mine());
    let other = bench.on("cancel", id, &["--digest", "00000000", "--reason", "?", "--json"]).ends(3).json();
    assert_eq!((&other["counted"], &other["why"]), (&false.into(), &"other_digest".into()));
    let digest = bench.digest(id);
    let told = bench.on("cancel", id, &["--digest", &digest[..8], "--reason", "!", "--json"]).ends(0).json();
    assert_eq!(told["id"], id.to_string());
    assert_eq!(told["answer"], "cancel");
    assert_eq!(told["counted"], true);
    assert_eq!(told["state"], "cancelled");
    assert_eq!(told["by"], "dana");
    assert_eq!(told["digest"], digest);
    let keys = |told: &serde_json::Value| told.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let denied = bench.on("deny", bench.ask(Ask::default()), &["--json"]).ends(0).json();
    assert_eq!(keys(&told), keys(&denied));
}

#[test]
fn a_reason_has_to_be_given_and_an_unknown_id_leaves_no_trace() {
    let bench = Bench::new();
    let id = bench.ask(mine());
    bench.on("cancel", id, &[]).ends(2);
    bench.on("cancel", id, &["--reason", ""]).ends(2);
    bench.on("cancel", id, &["--reason", &"x".repeat(4097)]).ends(2);
    bench.run(["cancel", "ffffffff", "--reason", "gone"]).ends(4);
    assert_eq!(bench.history(id).len(), 1);
}

/// Set for a process that is to be the agent: the folder of its store.
const AGENT: &str = "APPROVALS_TEST_AGENT_IN";

#[requires_approval(risk = "high", action = "cache.warm", key = "warm-{region}", reason = "warms {region}")]
async fn warm(region: String) -> Result<String, ApprovalError> {
    Ok(format!("warmed {region}"))
}

/// What the process of the agent does: it makes the same call twice, and says what came of each.
#[test]
#[ignore = "the program that another test runs, not a test"]
fn agent_process() {
    let Some(folder) = std::env::var_os(AGENT).map(std::path::PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let approvals = Approvals::builder()
            .agent(Agent::new("deploy-bot").owned_by(Principal::from("olga")))
            .policy(RiskPolicy::ask_from(Risk::Medium))
            .store(Sqlite::open(folder.join("approvals.db")).await.unwrap())
            .directory(People::from_file(folder.join("people.toml")).unwrap())
            .open_to_store()
            .build()
            .await
            .unwrap();
        approvals.install().unwrap();
        for _ in 0..2 {
            match warm("eu-west".to_owned()).await {
                Ok(value) => println!("\nsaid: ok {value}"),
                Err(refused) => println!("\nsaid: {} {refused}", refused.kind()),
            }
        }
        approvals.shutdown().await.unwrap();
    });
}

/// The agent in a process of its own, killed if the test ends before it.
struct AgentProcess(Child);

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn next_pending(bench: &Bench, not: Option<RequestId>) -> RequestId {
    bench.wait(async {
        let pending = Filter::in_phases([Phase::Pending]);
        let mut seen = Seq::START;
        loop {
            let listed = bench.store.list(&pending, None, 10).await.unwrap().summaries;
            if let Some(one) = listed.iter().find(|one| Some(one.id) != not) {
                return one.id;
            }
            bench.store.wait_past(seen).await.unwrap();
            seen = bench.store.last().await.unwrap();
        }
    })
}

#[test]
fn an_agent_that_waits_is_told_who_took_its_request_back_and_the_same_call_asks_anew() {
    let bench = Bench::new();
    bench.people(&format!("[people.olga]\nidentities.os = [{:?}]\n[people.kim]\n", me()));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["cancel::agent_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(AGENT, bench.path("")).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut agent = AgentProcess(command.spawn().unwrap());
    let mut lines = BufReader::new(agent.0.stdout.take().unwrap()).lines();
    let mut said = move || {
        lines.by_ref().map(Result::unwrap).find_map(|line| line.strip_prefix("said: ").map(str::to_owned))
    };

    let first = next_pending(&bench, None);
    bench.on("cancel", first, &["--reason", "superseded by INC-8"]).ends(0);
    let told = said().unwrap();
    assert!(told.starts_with("cancelled "), "{told}");
    assert!(told.contains("revoked, by `olga`: `superseded by INC-8`"), "{told}");

    let second = next_pending(&bench, Some(first));
    assert_ne!(first, second, "the next round is a request of its own");
    assert_eq!(bench.state(second).opened().unwrap().requested.terms.round, Some(1));
    bench.people(&format!("[people.kim]\nidentities.os = [{:?}]\n[people.olga]\n", me()));
    bench.on("approve", second, &[]).ends(0);
    assert_eq!(said().as_deref(), Some("ok warmed eu-west"));
    assert!(agent.0.wait().unwrap().success());
}
