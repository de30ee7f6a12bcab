use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use approvals::time::Timestamp;
use approvals::webhook::signature::{VerifyingKey, verify};
use serde_json::Value;

use crate::bench::{Bench, Ran};

const KEY: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// Everything that a card needs, and no more.
fn sound(id: &str, at: &str, signatures: &str, body: &[u8]) -> (u16, String) {
    let keys: [VerifyingKey; 1] = [PUBLIC.parse().unwrap()];
    if body.len() > 1024 * 1024 {
        return (413, String::new());
    }
    if verify(&keys, id, at, signatures, body, Timestamp::now()).is_err() {
        return (401, String::new());
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return (400, String::new()) };
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    if text("/format") == Some("approvals.ask/1") {
        return (204, String::new());
    }
    match (text("/type"), text("/data/schema")) {
        (Some("approval.requested"), Some("approvals.card/1")) => {
            (200, serde_json::json!({ "id": text("/data/request") }).to_string())
        }
        (Some("approval.requested"), _) => (400, String::new()),
        _ => (204, String::new()),
    }
}

/// A page to sign in, whatever is asked.
fn page(_: &str, _: &str, _: &str, _: &[u8]) -> (u16, String) {
    (200, "<h1>Sign in</h1>".to_owned())
}

type Answer = fn(&str, &str, &str, &[u8]) -> (u16, String);

/// Answers until the test is over.
fn serve(answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A sender that was answered before it had sent everything breaks off.
            let _ = stream.and_then(|stream| exchange(stream, answer));
        }
    });
    at
}

fn exchange(stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head: Vec<(String, String)> = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            head.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    let text =
        |name: &str| head.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str());
    let mut body = vec![0; text("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let (id, at, signatures) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
    let (status, body) = answer(id, at, signatures, &body);
    let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
    let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-type: {kind}\r\n");
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    write!(reader.get_mut(), "{head}{length}\r\n{body}")
}

fn look(bench: &Bench, at: SocketAddr, more: &[&str]) -> Ran {
    std::fs::write(bench.path("agent.key"), format!("{KEY}\n")).unwrap();
    let url = format!("http://{at}/cards");
    bench.run([&["check-backend", &url, "--key", "agent.key", "--timeout", "60"], more].concat())
}

#[test]
fn an_endpoint_that_keeps_the_protocol_ends_with_0() {
    let bench = Bench::new();
    let ran = look(&bench, serve(sound), &[]).ends(0);
    assert!(ran.out.contains("ok       repeat") && ran.out.contains("not told people"), "{ran:?}");
    assert!(ran.out.ends_with("17 ok, 0 wrong, 3 not told\n"), "{ran:?}");
    let told = look(&bench, serve(sound), &["--json", "--cloud-events", "//ops.example/bot"]).ends(0).json();
    assert_eq!((&told["ok"], &told["wrong"], &told["not_told"]), (&17.into(), &0.into(), &3.into()));
    assert_eq!(told["findings"][0]["rule"], "check");
    assert_eq!(told["findings"][0]["remedy"], Value::Null);
}

#[test]
fn one_that_does_not_ends_with_5_the_reason_and_the_remedy() {
    let bench = Bench::new();
    let ran = look(&bench, serve(page), &[]).ends(5);
    let first: Vec<&str> = ran.out.lines().take(2).collect();
    assert!(first[0].starts_with("wrong    check ") && first[0].contains("not its answer"), "{ran:?}");
    assert!(first[1].trim().starts_with("what to do: check the URL"), "{ran:?}");
    let told = look(&bench, serve(page), &["--json"]).ends(5).json();
    assert_eq!((&told["wrong"], &told["findings"][1]["verdict"]), (&1.into(), &"not_told".into()));
}

#[test]
fn an_endpoint_that_is_not_there_is_a_finding() {
    let bench = Bench::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = look(&bench, nobody, &[]).ends(5);
    assert!(ran.out.contains("connection refused"), "{ran:?}");
}

#[test]
fn the_key_comes_from_a_file_or_the_environment_and_is_never_printed() {
    let bench = Bench::new();
    let url = format!("http://{}/", serve(sound));
    let with = |key: Option<&str>, url: &str| {
        let mut command: Command = bench.command(["check-backend", url]);
        match key {
            Some(key) => command.env("APPROVALS_WEBHOOK_KEY", key),
            None => command.env_remove("APPROVALS_WEBHOOK_KEY"),
        };
        Ran::of(&mut command)
    };
    with(Some(KEY), &url).ends(0);
    assert!(with(None, &url).ends(2).err.contains("--key FILE"));
    let ran = with(Some("whpk_canary"), &url).ends(1);
    assert!(ran.err.contains("`whsk_`") && !ran.err.contains("canary"), "{ran:?}");
    assert!(with(Some(KEY), "http://ops.example/").ends(2).err.contains("`--insecure-http`"));
    assert!(bench.run(["check-backend", &url, "--key", "missing.key"]).ends(1).err.contains("missing.key"));
}

#[test]
fn where_the_endpoint_is_asked_is_looked_at_too() {
    let bench = Bench::new();
    let at = serve(sound);
    let asks = format!("http://{at}/asks");
    let ran = look(&bench, at, &["--ask-at", &asks, "--hold", "0", "--verify-with", PUBLIC]).ends(0);
    assert!(
        ran.out.contains("ok       ask ") && ran.out.ends_with("21 ok, 0 wrong, 6 not told\n"),
        "{ran:?}"
    );
    let ran = look(&bench, at, &["--ask-at", &format!("http://{}/", serve(page))]).ends(5);
    assert!(ran.out.contains("wrong    ask "), "{ran:?}");
    let secret = look(&bench, at, &["--ask-at", &asks, "--verify-with", KEY]).ends(2);
    assert!(secret.err.contains("`whpk_`") && !secret.err.contains(KEY), "{secret:?}");
}

#[test]
fn an_authority_to_trust_comes_from_a_file() {
    let bench = Bench::new();
    let at = serve(sound);
    assert!(look(&bench, at, &["--trust", "missing.pem"]).ends(1).err.contains("missing.pem"));
    std::fs::write(bench.path("broken.pem"), "no certificate").unwrap();
    assert!(look(&bench, at, &["--trust", "broken.pem"]).ends(2).err.contains("PEM"));
}

#[test]
fn its_help_names_nothing_that_it_does_not_use() {
    let bench = Bench::new();
    let help = bench.run(["check-backend", "--help"]).ends(0).out;
    assert!(!help.contains("--store") && !help.contains("--people") && help.contains("--json"), "{help}");
    let at = serve(sound);
    look(&bench, at, &["--store", "elsewhere.db"]).ends(0);
}
