use approvals::Risk;
use approvals::ledger::{Event, IgnoredWhy};
use approvals::request::Requirement;
use approvals::state::Phase;

use crate::bench::{Ask, Bench, me};

/// Asks, answers, and says how that ended and what was recorded of it.
fn refused(bench: &Bench, ask: Ask, args: &[&str]) -> (String, Option<IgnoredWhy>) {
    let id = bench.ask(ask);
    let ran = bench.on("approve", id, args).ends(3);
    assert_eq!(bench.phase(id), Phase::Pending);
    (ran.err, bench.last_ignored(id))
}

#[test]
fn the_user_of_the_operating_system_approves_as_the_person_that_people_toml_makes_of_them() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.on("approve", id, &[]).ends(0);
    assert_eq!(bench.phase(id), Phase::Approved);
    assert!(ran.out.contains("\"customers\""), "the card comes first: {ran:?}");
    assert!(ran.out.ends_with("dana approves; the request is approved\n"), "{ran:?}");
    let history = bench.history(id);
    let Event::Reviewed(reviewed) = &history[1].body.event else { panic!("{history:?}") };
    assert_eq!((reviewed.by.as_str(), reviewed.way.as_str()), ("dana", "store"));
    assert_eq!(reviewed.assurance, approvals::Assurance::Local);
    assert_eq!(history[1].body.node.as_str(), "approvals-cli");
}

#[test]
fn a_denial_keeps_its_comment() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.on("deny", id, &["--comment", "wrong dataset"]).ends(0);
    assert!(ran.out.ends_with("dana denies; the request is denied\n"), "{ran:?}");
    assert_eq!(bench.phase(id), Phase::Denied);
    let payload = bench.history(id)[1].payload.clone().unwrap();
    assert_eq!(payload.text("comment"), Some("wrong dataset"));
}

#[test]
fn with_json_one_object_is_printed_and_the_card_stands_beside_it() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.on("approve", id, &["--json"]).ends(0);
    assert!(ran.err.contains("\"customers\""), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1);
    let told = ran.json();
    assert_eq!(told["id"], id.to_string());
    assert_eq!(told["counted"], true);
    assert_eq!(told["answer"], "approve");
    assert_eq!(told["state"], "approved");
    assert_eq!(told["by"], "dana");
    assert_eq!(told["identity"], format!("os/{}", me()));
    assert_eq!(told["why"], serde_json::Value::Null);

    let ran = bench.on("approve", id, &["--json"]).ends(3);
    let told = ran.json();
    assert_eq!((&told["counted"], &told["why"]), (&false.into(), &"answered_before".into()));
    assert!(told["reason"].as_str().unwrap().contains("answered already"));
}

#[test]
fn a_quorum_that_is_not_met_stays_pending() {
    let bench = Bench::new();
    let mut requirement = Requirement::at(Risk::High);
    requirement.quorum = approvals::request::Quorum::people(2);
    let id = bench.ask(Ask { requirement, ..Ask::default() });
    let ran = bench.on("approve", id, &[]).ends(0);
    assert!(ran.out.contains("still pending"), "{ran:?}");
    assert_eq!(bench.phase(id), Phase::Pending);
}

#[test]
fn whoever_is_in_no_list_does_not_count_and_that_is_recorded() {
    let bench = Bench::new();
    bench.people("[people.kim]\n[people.olga]\n");
    let (said, why) = refused(&bench, Ask::default(), &[]);
    assert_eq!(why, Some(IgnoredWhy::Unmapped));
    assert!(said.contains(&format!("you are `os/{}`", me())) && said.contains("people.toml"), "{said}");
}

#[test]
fn the_environment_does_not_say_who_answers() {
    let bench = Bench::new();
    bench.people("[people.kim]\nidentities = { os = [\"kim\"] }\n");
    let id = bench.ask(Ask::default());
    let mut command = bench.command(["approve", &id.to_string()]);
    command.env("USER", "kim").env("LOGNAME", "kim").env("SUDO_USER", "kim");
    crate::bench::Ran::of(&mut command).ends(3);
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::Unmapped));
}

#[test]
fn the_owner_of_the_agent_never_counts() {
    let bench = Bench::new();
    let ask = Ask { owner: "dana".into(), ..Ask::default() };
    let (said, why) = refused(&bench, ask, &[]);
    assert_eq!(why, Some(IgnoredWhy::Requester));
    assert!(said.contains("error: not counted: the requester's own approval never counts"), "{said}");
}

#[test]
fn the_requester_s_own_no_takes_the_request_back() {
    let bench = Bench::new();
    let id = bench.ask(Ask { owner: "dana".into(), ..Ask::default() });
    let ran = bench.on("deny", id, &[]).ends(0);
    assert!(ran.out.ends_with("dana takes the request back; it is cancelled\n"), "{ran:?}");
    assert_eq!(bench.phase(id), Phase::Cancelled);
}

#[test]
fn a_single_operator_decides_alone_and_the_card_says_so() {
    let bench = Bench::new();
    let mut requirement = Requirement::at(Risk::High);
    requirement.single_operator = true;
    let id = bench.ask(Ask { owner: "dana".into(), requirement, ..Ask::default() });
    let ran = bench.on("approve", id, &[]).ends(0);
    assert!(ran.out.contains("SINGLE OPERATOR"), "{ran:?}");
    assert_eq!(bench.phase(id), Phase::Approved);
}

#[test]
fn a_request_that_is_not_open_to_the_store_is_not_answered_here() {
    let bench = Bench::new();
    let (said, why) = refused(&bench, Ask { open_to_store: false, ..Ask::default() }, &[]);
    assert_eq!(why, Some(IgnoredWhy::WayClosed));
    assert!(said.contains(".open_to_store()"), "{said}");
}

#[test]
fn more_assurance_than_a_terminal_gives_is_refused() {
    let bench = Bench::new();
    let ask = Ask { requirement: Requirement::at(Risk::Critical), ..Ask::default() };
    assert_eq!(refused(&bench, ask, &[]).1, Some(IgnoredWhy::AssuranceTooLow));
}

#[test]
fn another_digest_is_refused_and_recorded() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &["--digest", "00000000"]).ends(3);
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::OtherDigest));
    bench.on("deny", id, &["--digest", "00000000"]).ends(3);
    assert_eq!(bench.phase(id), Phase::Pending);
    let digest = bench.digest(id);
    bench.on("approve", id, &["--digest", &digest[..12].to_uppercase()]).ends(0);
    assert_eq!(bench.phase(id), Phase::Approved);
}

#[test]
fn a_digest_that_is_too_short_or_none_is_wrong_usage() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    for digest in ["4f2a9c0", "not hexadecimal", "", &"0".repeat(65)] {
        bench.on("approve", id, &["--digest", digest]).ends(2);
    }
    assert_eq!(bench.history(id).len(), 1, "nothing was submitted");
}

#[test]
fn a_comment_that_the_desk_would_cut_is_wrong_usage() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.on("deny", id, &["--comment", &"é".repeat(2049)]).ends(2);
    assert_eq!(bench.history(id).len(), 1);
    bench.on("deny", id, &["--comment", &"é".repeat(2048)]).ends(0);
}

#[test]
fn a_second_answer_does_not_count_but_a_yes_becomes_a_no() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &[]).ends(0);
    bench.on("approve", id, &[]).ends(3);
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::AnsweredBefore));
    bench.on("deny", id, &[]).ends(0);
    assert_eq!(bench.phase(id), Phase::Denied);
    bench.on("approve", id, &[]).ends(3);
    assert_eq!(bench.phase(id), Phase::Denied);
}

#[test]
fn after_the_verdict_nothing_counts() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.append(id, Event::Cancelled { by: None, why: approvals::ledger::CancelWhy::Withdrawn });
    for verb in ["approve", "deny"] {
        let ran = bench.on(verb, id, &[]).ends(3);
        assert!(ran.err.contains("there is a verdict already"), "{ran:?}");
        assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::AlreadyDecided));
    }
}

#[test]
fn an_unknown_id_is_not_found_and_leaves_no_trace() {
    let bench = Bench::new();
    bench.ask(Ask::default());
    let before = bench.run(["log"]).ends(0).out;
    for verb in ["approve", "deny"] {
        bench.run([verb, "ffffffff-0000-7000-8000-000000000000"]).ends(4);
        let told = bench.run([verb, "ffffffff", "--json"]).ends(4).json();
        assert_eq!(told["exit"], 4);
        assert!(told["error"].as_str().unwrap().contains("ffffffff"));
    }
    assert_eq!(bench.run(["log"]).ends(0).out, before);
}

#[test]
fn a_request_whose_values_were_erased_is_denied_at_most() {
    let bench = Bench::new();
    let id = bench.ask(Ask { erased: true, ..Ask::default() });
    let ran = bench.on("approve", id, &[]).ends(3);
    assert!(ran.out.contains("(erased: the value is no longer kept)"), "{ran:?}");
    assert_eq!(bench.last_ignored(id), Some(IgnoredWhy::NotEverythingShown));
    bench.on("deny", id, &[]).ends(0);
    assert_eq!(bench.phase(id), Phase::Denied);
}

#[cfg(target_os = "linux")]
#[test]
fn a_card_that_cannot_be_printed_is_not_approved() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = bench.command(["approve", &id.to_string()]);
    let status = command.stdout(full).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(bench.history(id).len(), 1, "nothing was submitted");
}

#[test]
fn an_answer_needs_no_key_of_the_store() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    std::fs::remove_file(bench.path("approvals.db.key")).unwrap();
    bench.on("approve", id, &[]).ends(0);
    assert_eq!(bench.phase(id), Phase::Approved);
    assert!(!bench.path("approvals.db.key").exists(), "and makes none");
}

#[test]
fn people_that_cannot_be_read_are_an_error_with_the_remedy() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.people("[people.dana]\nnmae = \"typo\"\n");
    let ran = bench.on("approve", id, &[]).ends(1);
    assert!(ran.err.starts_with("error: ") && ran.err.contains("--people PATH"), "{ran:?}");
    std::fs::remove_file(bench.path("people.toml")).unwrap();
    bench.on("approve", id, &[]).ends(1);
    assert_eq!(bench.history(id).len(), 1, "nothing was submitted");
    let elsewhere = format!("[people.dana]\nidentities = {{ os = [{:?}] }}\n", me());
    std::fs::write(bench.path("others.toml"), elsewhere).unwrap();
    bench.on("approve", id, &["--people", "others.toml"]).ends(0);
}
