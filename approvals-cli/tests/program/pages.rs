use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bench::Bench;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];
const VERBS: &[&str] = &[
    "list",
    "show",
    "approve",
    "deny",
    "cancel",
    "reconcile",
    "log",
    "doctor",
    #[cfg(feature = "webhook")]
    "check-backend",
];

/// Runs a program of the system over a text: whether it ended well, what it printed, and what it complained of. `None`,
/// and a line that says so, where it is not installed.
fn over(text: &str, program: &str, args: &[&str]) -> Option<(bool, String, String)> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.env("LC_ALL", "C.UTF-8").spawn() else {
        println!("skipped: `{program}` is not installed");
        return None;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((ended.status.success(), text(&ended.stdout), text(&ended.stderr)))
}

#[test]
fn the_completions_of_every_shell_know_every_verb_and_need_no_store() {
    let bench = Bench::new();
    for shell in SHELLS {
        let script = bench.run(["completions", shell, "--store", "missing.db"]).ends(0).out;
        for word in VERBS.iter().chain(&["--store", "--no-payload", "--did-not-run"]) {
            assert!(script.contains(word.trim_start_matches('-')), "{word} is missing for {shell}");
        }
    }
    let ran = bench.run(["completions", "tcsh"]).ends(2);
    assert!(ran.err.contains("bash") && ran.err.contains("zsh"), "{ran:?}");
}

#[test]
fn the_shells_that_are_here_read_their_completions() {
    let bench = Bench::new();
    for shell in ["bash", "zsh"] {
        let script = bench.run(["completions", shell]).ends(0).out;
        if let Some((fine, _, complaint)) = over(&script, shell, &["-n"]) {
            assert!(fine && complaint.is_empty(), "{shell}: {complaint}");
        }
    }
}

#[test]
fn bash_offers_the_verbs_that_begin_as_what_was_typed() {
    let bench = Bench::new();
    let script = bench.run(["completions", "bash"]).ends(0).out;
    let ask = "\nCOMP_WORDS=(approvals de); COMP_CWORD=1; _approvals approvals de approvals; echo \"${COMPREPLY[*]}\"";
    if let Some((fine, offered, complaint)) = over(&format!("{script}{ask}"), "bash", &["-s"]) {
        assert!(fine && offered.trim() == "deny", "{offered}{complaint}");
    }
}

#[test]
fn the_manual_has_the_program_a_verb_or_everything() {
    let bench = Bench::new();
    let program = bench.run(["man"]).ends(0).out;
    assert!(program.contains(".TH approvals 1") && program.contains("Exit codes"), "{program}");
    let verb = bench.run(["man", "cancel"]).ends(0).out;
    assert!(verb.contains(".TH approvals\\-cancel 1") || verb.contains(".TH approvals-cancel 1"), "{verb}");
    assert!(verb.contains("requester") && !verb.contains("reconcile"), "{verb}");
    let all = bench.run(["man", "--all"]).ends(0).out;
    assert_eq!(all.matches(".TH ").count(), 1, "one page");
    for verb in VERBS {
        assert!(all.contains(&format!(".SH \"APPROVALS {}\"\n", verb.to_uppercase())), "{verb}: {all}");
    }
    let ran = bench.run(["man", "frobnicate"]).ends(2);
    assert!(ran.err.contains("reconcile"), "{ran:?}");
    bench.run(["man", "--all", "list"]).ends(2);
}

#[cfg(feature = "webhook")]
#[test]
fn a_program_that_checks_backends_says_so_on_its_pages_and_names_no_key() {
    let bench = Bench::new();
    let mut command = bench.command(["man", "check-backend"]);
    let page = crate::bench::Ran::of(command.env("APPROVALS_WEBHOOK_KEY", "whsk_canary")).ends(0).out;
    // roff writes a hyphen so.
    let page = page.replace("\\-", "-");
    for wanted in [".TH approvals-check-backend 1", "URL", "APPROVALS_WEBHOOK_KEY", "marked `test`"] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    assert!(!page.contains("canary"), "{page}");
    let script = bench.run(["completions", "bash"]).ends(0).out;
    let ask = "\nCOMP_WORDS=(approvals che); COMP_CWORD=1; _approvals approvals che approvals; \
               echo \"${COMPREPLY[*]}\"";
    if let Some((fine, offered, complaint)) = over(&format!("{script}{ask}"), "bash", &["-s"]) {
        assert!(fine && offered.trim() == "check-backend", "{offered}{complaint}");
    }
}

#[cfg(not(feature = "webhook"))]
#[test]
fn a_program_that_cannot_check_backends_does_not_offer_it() {
    let bench = Bench::new();
    assert!(!bench.run(["completions", "bash"]).ends(0).out.contains("check__backend"));
    bench.run(["man", "check-backend"]).ends(2);
}

#[test]
fn the_manual_does_not_depend_on_where_it_is_made() {
    let bench = Bench::new();
    let mut command = bench.command(["man", "--all"]);
    let elsewhere =
        crate::bench::Ran::of(command.env("APPROVALS_STORE", "/secret/place.db").env("COLUMNS", "40"));
    assert_eq!(elsewhere.ends(0).out, bench.run(["man", "--all"]).ends(0).out);
}

#[test]
fn the_manual_renders_without_a_warning() {
    let bench = Bench::new();
    for args in [&["man"][..], &["man", "--all"], &["man", "doctor"]] {
        let page = bench.run(args).ends(0).out;
        let Some((fine, shown, complaint)) = over(&page, "groff", &["-man", "-Tutf8", "-ww", "-P-cbou"])
        else {
            return;
        };
        assert!(fine && complaint.is_empty(), "{args:?}: {complaint}");
        assert!(shown.contains("NAME") && shown.contains("OPTIONS"), "{shown}");
    }
}
