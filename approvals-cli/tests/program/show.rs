use approvals::ledger::{Answer, Event, NewEvent, Payload, Reviewed};
use approvals::request::Seed;

use crate::bench::{Ask, Bench, id};

#[test]
fn a_request_is_shown_with_its_card_and_its_history() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &["--comment", "looks right"]).ends(0);
    let ran = bench.on("show", id, &[]).ends(0);
    let digest = bench.digest(id);
    for part in [id.to_string().as_str(), "dataset.export", "\"customers\"", &digest[..12], "olga"] {
        assert!(ran.out.contains(part), "{part} is missing: {}", ran.out);
    }
    let (_, history) = ran.out.split_once("\nhistory\n").unwrap();
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 2, "{history}");
    assert!(lines[0].contains("requested") && lines[0].contains("deploy-bot asks for dataset.export"));
    assert!(
        lines[1].contains("reviewed") && lines[1].contains("approve by dana (\"Dana W.\") through store")
    );
    assert!(lines[1].ends_with(": \"looks right\""), "{history}");
}

#[test]
fn json_is_one_object_with_card_and_history() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let shown = bench.on("show", id, &["--json"]).ends(0).json();
    assert_eq!(shown["id"], id.to_string());
    assert_eq!(shown["state"], "pending");
    assert_eq!(shown["owner"], "olga");
    assert_eq!(shown["open_to_store"], true);
    assert_eq!(shown["shown"], "everything");
    assert_eq!(shown["card"]["arguments"][0]["value"]["shown"], "\"customers\"");
    assert_eq!(shown["history"][0]["event"], "requested");
    assert_eq!(shown["history"][0]["record"]["event"]["requested"]["call"]["action"], "dataset.export");
}

#[test]
fn hostile_text_is_visible_text() {
    let bench = Bench::new();
    let argument = "x\u{1b}[2J\u{202e}\u{9b}31m\n- approved by kim".to_owned();
    let id = bench.ask(Ask { argument: argument.clone(), ..Ask::default() });
    let mut payload = Payload::new(Seed::from_bytes([7; 32]));
    let comment = payload.commit_text("comment", "fine\n- 2026 reviewed\u{1b}[0m");
    let reviewed = Reviewed {
        answer: Answer::Deny,
        by: "kim".into(),
        groups: Default::default(),
        assurance: approvals::Assurance::Local,
        way: "store".into(),
        digest: bench.state(id).opened().unwrap().digest,
        comment: Some(comment),
    };
    bench.append(id, NewEvent::with(Event::Reviewed(reviewed), payload));
    for args in [&["show"][..], &["log"], &["show", "--json"], &["log", "--json"]] {
        let mut args: Vec<String> = args.iter().map(|text| (*text).to_owned()).collect();
        if args[0] == "show" {
            args.push(id.to_string());
        }
        let ran = bench.run(args).ends(0);
        let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!ran.out.contains(raw), "{ran:?}");
    }
    let ran = bench.on("show", id, &[]);
    assert!(ran.out.contains(r"\u{202e}"), "{ran:?}");
    assert!(!ran.out.lines().any(|line| line.starts_with("- approved") || line.starts_with("- 2026 rev")));
    let shown = bench.on("show", id, &["--json"]).json();
    let value: String =
        serde_json::from_str(shown["card"]["arguments"][0]["value"]["shown"].as_str().unwrap()).unwrap();
    assert_eq!(value, argument, "JSON keeps the very text");
}

#[test]
fn the_beginning_of_an_id_is_enough_while_it_fits_one_request() {
    let bench = Bench::new();
    let one = bench.ask(Ask { id: id(0xabc), ..Ask::default() });
    let shown = bench.run(["show", "0192F0C1", "--json"]).ends(0).json();
    assert_eq!(shown["id"], one.to_string());
    let other = bench.ask(Ask { id: id(0xabd), ..Ask::default() });
    let ran = bench.run(["show", "0192f0c17a3e"]).ends(2);
    assert!(ran.err.contains(&one.to_string()) && ran.err.contains(&other.to_string()), "{ran:?}");
    assert_eq!(
        bench.run(["show", &one.to_string().replace('-', ""), "--json"]).ends(0).json()["id"],
        one.to_string()
    );
}

#[test]
fn an_id_that_names_no_request_is_not_found() {
    let bench = Bench::new();
    bench.ask(Ask::default());
    for unknown in ["ffffffff-0000-7000-8000-000000000000", "ffffffff", "no-such-request"] {
        let ran = bench.run(["show", unknown]).ends(4);
        assert!(ran.err.contains("approvals list --all"), "{ran:?}");
    }
    bench.run(["show", "0192f0c"]).ends(2);
}

#[test]
fn the_card_is_as_wide_as_the_terminal_says() {
    let bench = Bench::new();
    let id = bench.ask(Ask { argument: "word ".repeat(100), ..Ask::default() });
    let widest = |columns: &str| {
        let mut command = bench.command(["show", &id.to_string()]);
        let ran = crate::bench::Ran::of(command.env("COLUMNS", columns)).ends(0);
        let (card, _) = ran.out.split_once("\nhistory\n").unwrap();
        card.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest("60") <= 60 && widest("120") > 80);
    assert!(widest("99999999999999999999") <= 80 && widest("1") <= 80, "nonsense is not believed");
}
