//! A folder to clean up and a store beside it, both of one test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::programs::programs;
use crate::run::{Ended, Run};

pub(crate) struct Story {
    root: TempDir,
}

impl Story {
    /// A folder with these files in it.
    pub(crate) fn of(files: &[&str]) -> Self {
        let story = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(story.folder()).unwrap();
        fs::create_dir(story.beside_the_store()).unwrap();
        story.add(files);
        story
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root().join("files")
    }

    pub(crate) fn beside_the_store(&self) -> PathBuf {
        self.root().join("state")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.beside_the_store().join("approvals.db")
    }

    pub(crate) fn people(&self) -> PathBuf {
        self.beside_the_store().join("people.toml")
    }

    /// Puts files into the folder.
    pub(crate) fn add(&self, files: &[&str]) {
        for name in files {
            fs::write(self.folder().join(name), "x").unwrap();
        }
    }

    /// What is in the folder.
    pub(crate) fn left(&self) -> Vec<String> {
        files_in(&self.folder())
    }

    /// The quickstart over the store, without a folder yet.
    pub(crate) fn quickstart(&self) -> Command {
        let mut command = Command::new(&programs().quickstart);
        command.current_dir(self.root()).arg("--store").arg(self.store()).env("NO_COLOR", "1");
        command
    }

    /// The quickstart over the folder.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = self.quickstart();
        command.arg(self.folder()).args(options);
        command
    }

    /// Starts it.
    pub(crate) fn start(&self, options: &[&str]) -> Run {
        Run::start(self.command(options))
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, options: &[&str]) -> Ended {
        self.start(options).end()
    }

    /// Starts it and waits until the request is there, the only one or one more; with the request's id.
    pub(crate) fn asks(&self, options: &[&str]) -> (Run, String) {
        let before = self.requests().len();
        let mut run = self.start(options);
        let id = self.asked(&mut run, before);
        (run, id)
    }

    /// Waits until a run has asked; the id of the request that comes after so many others.
    pub(crate) fn asked(&self, run: &mut Run, others: usize) -> String {
        // From then on there is a store to follow.
        run.until("deny ID");
        let mut log = Run::start(self.approvals_command(&["log", "--follow", "--json"]));
        for _ in 0..others {
            log.line(r#""event":"requested""#);
        }
        let record: Value = serde_json::from_str(&log.line(r#""event":"requested""#)).unwrap();
        record["record"]["stream"].as_str().unwrap().to_owned()
    }

    fn approvals_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&programs().approvals);
        command.current_dir(self.root()).arg("--store").arg(self.store()).args(arguments);
        command
    }

    /// Runs the program `approvals` over the store.
    pub(crate) fn approvals(&self, arguments: &[&str]) -> Ended {
        Run::start(self.approvals_command(arguments)).end()
    }

    /// The same, when it has to succeed; what it printed.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let ended = self.approvals(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.text);
        ended.text
    }

    pub(crate) fn approve(&self, id: &str) {
        self.succeeds(&["approve", id]);
    }

    pub(crate) fn deny(&self, id: &str) {
        self.succeeds(&["deny", id]);
    }

    /// Every record of the ledger.
    pub(crate) fn ledger(&self) -> Vec<Value> {
        if !self.store().exists() {
            return Vec::new();
        }
        let log = self.succeeds(&["log", "--json"]);
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What moved each request, in the order in which they were opened, and what did not count. Each of them folds.
    pub(crate) fn requests(&self) -> Vec<String> {
        let mut order = Vec::new();
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in self.ledger() {
            let id = record["record"]["stream"].as_str().unwrap().to_owned();
            if let Some(word) = word(&record).filter(|_| id != "system" && id != "allowed") {
                if !order.contains(&id) {
                    order.push(id.clone());
                }
                told.entry(id).or_default().push(word);
            }
        }
        for id in &order {
            self.succeeds(&["show", id]);
        }
        order.iter().map(|id| told[id].join(" ")).collect()
    }
}

/// The word for what a record says of its request; none for a note that counts for nothing.
fn word(record: &Value) -> Option<String> {
    let event = record["event"].as_str().unwrap();
    let says = &record["record"]["event"][event];
    let word = match event {
        "presented" | "present_failed" | "updated" => return None,
        "reviewed" => says["answer"].as_str().unwrap().to_owned(),
        "ignored" => format!("ignored({})", says["why"].as_str().unwrap()),
        "finished" if says["outcome"].get("ok").is_none() => format!("finished({})", says["outcome"]),
        "cancelled" => format!("cancelled({})", says["why"].as_str().unwrap()),
        event => event.to_owned(),
    };
    Some(word)
}

/// The names of the files in a folder, in order.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
