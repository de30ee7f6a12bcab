//! `approvals doctor`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use approvals::doctor::{Doctor, Finding, Report, Severity, quoted};
use approvals::id::NodeName;
use approvals::terminal::os_identity;
use approvals::{People, Sqlite, SqliteOptions};
use serde::Serialize;

use crate::args::Global;
use crate::decide::way;
use crate::output::{Exit, Failure, Out, visible_line};

/// What was found, as `--json` gives it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    problems: usize,
    warnings: usize,
}

pub(crate) async fn run(global: &Global, out: &Out) -> Result<Exit, Failure> {
    let report = look(global).await;
    let (problems, warnings) = (report.count(Severity::Problem), report.count(Severity::Warning));
    match out.json() {
        true => out.object(&Told { report: &report, problems, warnings })?,
        false => out.text(&text(&report, problems, warnings))?,
    }
    Ok(if report.is_healthy() { Exit::Done } else { Exit::Unhealthy })
}

async fn look(global: &Global) -> Report {
    let mut report = Sqlite::examine(&global.store).await;
    let files_are_fine = report.is_healthy();
    let people = people(&global.people(), global.people.is_some(), &mut report);
    match Sqlite::open_with(&global.store, SqliteOptions::new().leaves_no_trace()).await {
        Ok(store) => {
            report.extend(ledger(&store, people.as_ref()).await.findings);
            store.close().await;
        }
        // What is wrong with it stands there already.
        Err(_) if !files_are_fine => {}
        Err(error) => {
            let remedy = "look at what else uses it, then try again";
            report.extend([Finding::problem(
                "store",
                global.store.display().to_string(),
                error.to_string(),
                remedy,
            )]);
        }
    }
    report
}

async fn ledger(store: &Sqlite, people: Option<&People>) -> Report {
    let is_up = |node: &NodeName| store.is_up(node);
    let mut doctor = Doctor::new(store).is_up(&is_up);
    if let Some(people) = people {
        doctor = doctor.directory(people);
    }
    let mut report = doctor.look().await;
    report.extend(doctor.who(&os_identity(), &way()).await.findings);
    report
}

/// The people, and what is wrong with their file.
fn people(file: &Path, asked_for: bool, report: &mut Report) -> Option<People> {
    let name = file.display().to_string();
    let meta = match fs::metadata(file) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !asked_for => {
            report.extend([Finding::warning(
                "people",
                name,
                "is not there: nobody is recognised here, and so nobody can answer from here",
                "say where the people are with `--people PATH`, or write the file; the agent may have its own",
            )]);
            return None;
        }
        Err(error) => {
            let remedy = "say where the people are with `--people PATH`";
            report.extend([Finding::problem("people", name, error.to_string(), remedy)]);
            return None;
        }
    };
    let mode = meta.permissions().mode();
    let remedy = |who: &str| format!("chmod {who}-w {}", quoted(&name));
    report.extend(match mode & 0o022 {
        0 => None,
        0o020 => Some(Finding::warning(
            "people",
            name.clone(),
            "its group may write it, and say who is who: each of them can become anybody here",
            remedy("g"),
        )),
        _ => Some(Finding::problem(
            "people",
            name.clone(),
            "anybody on this machine may write it, and become anybody here",
            remedy("o"),
        )),
    });
    report.extend(folders(file).iter().filter_map(|folder| place(folder)));
    match People::from_file(file) {
        Ok(people) => {
            report.extend([Finding::ok("people", name, "can be read")]);
            Some(people)
        }
        Err(error) => {
            let remedy = "correct it; until then nobody is recognised, and every gate stays shut";
            report.extend([Finding::problem("people", name, error.to_string(), remedy)]);
            None
        }
    }
}

/// The folder that the file is named in, and the one that it really stands in if that is another.
fn folders(file: &Path) -> Vec<PathBuf> {
    let parent = |path: PathBuf| path.parent().map(Path::to_owned);
    let named = std::path::absolute(file).ok().and_then(parent);
    let real = fs::canonicalize(file).ok().and_then(parent);
    let is_same = named.as_ref().and_then(|named| fs::canonicalize(named).ok()) == real;
    named.into_iter().chain(real.filter(|_| !is_same)).collect()
}

/// Whoever may rename files in the folder may put other people in the place of these.
fn place(folder: &Path) -> Option<Finding> {
    let mode = fs::metadata(folder).ok()?.permissions().mode();
    let name = folder.display().to_string();
    let remedy = |who: &str| format!("chmod {who}-w {}", quoted(&name));
    // A sticky folder lets its users rename their own files alone.
    match (mode & 0o1000, mode & 0o022) {
        (0, 0) | (0o1000, _) => None,
        (_, 0o020) => Some(Finding::warning(
            "people",
            name.clone(),
            "its group may put another file in the place of the people: each of them can become anybody here",
            remedy("g"),
        )),
        _ => Some(Finding::problem(
            "people",
            name.clone(),
            "anybody on this machine may put another file in the place of the people, and become anybody here",
            remedy("o"),
        )),
    }
}

/// The worst first; within that, in the order it was looked at.
fn text(report: &Report, problems: usize, warnings: usize) -> String {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut text = String::new();
    for Finding { severity, check, subject, says, remedy, .. } in findings {
        text.push_str(&format!("{severity:<8} {check:<11} {}: ", visible_line(subject)));
        let mut lines = says.lines().map(visible_line);
        text.push_str(&lines.next().unwrap_or_default());
        for line in lines {
            text.push_str(&format!("\n{:21}{line}", ""));
        }
        text.push('\n');
        if let Some(remedy) = remedy {
            text.push_str(&format!("{:<20} what to do: {}\n", "", visible_line(remedy)));
        }
    }
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    text.push_str(&format!("{}, {}\n", count(problems, "problem"), count(warnings, "warning")));
    text
}
