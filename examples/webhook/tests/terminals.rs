//! The programs of this example as processes, answered as a browser would.

#![cfg(test)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use approvals::webhook::endpoint::{EndpointCheck, Verdict};
use approvals::webhook::signature::SigningKey;
use reqwest::StatusCode;
use tempfile::TempDir;

/// A process that does not outlive its test.
struct Process(Child, BufReader<ChildStdout>);

impl Process {
    fn start(folder: &Path, program: &str, settings: &str, more: &[(&str, &str)], args: &[&str]) -> Self {
        let settings = fs::read_to_string(folder.join(settings)).unwrap();
        let settings = settings.lines().map(|line| {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('\'').to_owned())
        });
        let mut command = Command::new(program);
        command.current_dir(folder).args(args).envs(settings).envs(more.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    /// The rest of the next line that holds this.
    fn says(&mut self, what: &str) -> String {
        let mut line = String::new();
        while self.1.read_line(&mut line).unwrap() > 0 {
            if let Some((_, rest)) = line.split_once(what) {
                return rest.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("it ended without saying `{what}`");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Both terminals.
struct Terminals {
    folder: TempDir,
    /// Where the agent will listen.
    agent: String,
    approver: Process,
    page: String,
}

impl Terminals {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = Command::new(env!("CARGO_BIN_EXE_keys"));
        assert!(keys.current_dir(&folder).stdout(Stdio::null()).status().unwrap().success());
        let agent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let url = format!("http://{agent}/decisions");
        let more = [("APPROVER_LISTEN", "127.0.0.1:0"), ("AGENT_URL", url.as_str())];
        let program = env!("CARGO_BIN_EXE_approver");
        let mut approver = Process::start(folder.path(), program, "approver.env", &more, &[]);
        let page = approver.says("shown at ");
        Self { folder, agent, approver, page }
    }

    /// Starts the agent over a file with this text, and waits for its card.
    fn ask(&mut self, text: &str) -> Process {
        fs::write(self.folder.path().join("notes.txt"), text).unwrap();
        let url = format!("{}cards", self.page);
        let more = [("APPROVER_URL", url.as_str()), ("AGENT_LISTEN", self.agent.as_str())];
        let program = env!("CARGO_BIN_EXE_agent");
        let agent = Process::start(self.folder.path(), program, "agent.env", &more, &["notes.txt"]);
        self.approver.says(" is pending");
        agent
    }

    async fn read(&self) -> String {
        reqwest::get(&self.page).await.unwrap().text().await.unwrap()
    }

    /// Presses a button of the form on the page, coming from this site.
    async fn press(&self, button: &str, site: &str) -> (StatusCode, String) {
        let page = self.read().await;
        let between = |from: &str, to: char| page.split_once(from).unwrap().1.split_once(to).unwrap().0;
        assert!(page.contains(&format!("<button name=decision value={button}>")), "{page}");
        let url = format!("{}{}", self.page, between("action=\"/", '"'));
        let digest = between("name=digest value=\"", '"');
        let sent = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .header("origin", self.page.trim_end_matches('/'))
            .body(format!("digest={digest}&comment=seen&decision={button}"));
        let answer = sent.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    fn published(&self) -> Option<String> {
        fs::read_to_string(self.folder.path().join("published/notes.txt")).ok()
    }
}

#[tokio::test]
async fn approve_in_the_form_publishes_exactly_the_text_that_was_shown() {
    let mut terminals = Terminals::new();
    let mut agent = terminals.ask("<script>alert(1)</script>");
    let page = terminals.read().await;
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"), "{page}");
    assert_eq!(terminals.published(), None, "nothing before the answer");
    let (status, told) = terminals.press("approve", "same-origin").await;
    assert!(status.is_success() && told.contains(r#""code":"counted""#), "{told}");
    agent.says("published/notes.txt is there");
    assert!(agent.0.wait().unwrap().success());
    assert_eq!(terminals.published().as_deref(), Some("<script>alert(1)</script>"));
    assert!(!terminals.read().await.contains("<form"), "what is over offers nothing");
}

#[tokio::test]
async fn deny_in_the_form_publishes_nothing() {
    let mut terminals = Terminals::new();
    let mut agent = terminals.ask("secret plans");
    let (status, told) = terminals.press("deny", "same-origin").await;
    assert!(status.is_success() && told.contains(r#""state":"denied""#), "{told}");
    assert_eq!(agent.0.wait().unwrap().code(), Some(1));
    assert_eq!(terminals.published(), None);
}

#[tokio::test]
async fn the_page_of_another_site_cannot_answer() {
    let mut terminals = Terminals::new();
    let _agent = terminals.ask("text");
    assert_eq!(terminals.press("approve", "cross-site").await.0, StatusCode::FORBIDDEN);
    for origin in ["http://evil.example", "null"] {
        let older = reqwest::Client::new().get(&terminals.page).header("origin", origin);
        assert_eq!(older.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{origin}");
    }
    let elsewhere = reqwest::Client::new().get(&terminals.page).header("host", "evil.example:80");
    assert_eq!(elsewhere.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let (status, _) = terminals.press("approve", "same-origin").await;
    assert!(status.is_success(), "the card was still open");
}

#[test]
fn an_agent_whose_key_the_approver_does_not_know_says_so_and_publishes_nothing() {
    let terminals = Terminals::new();
    let folder = terminals.folder.path();
    fs::write(folder.join("notes.txt"), "text").unwrap();
    let other = SigningKey::generate().unwrap();
    let theirs = SigningKey::generate().unwrap().verifying().public().unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_agent"));
    agent.current_dir(folder).arg("notes.txt").env("AGENT_LISTEN", "127.0.0.1:0");
    agent.env("SIGN_WITH", other.text().expose()).env("VERIFY_WITH", theirs);
    let ran = agent.env("APPROVER_URL", format!("{}cards", terminals.page)).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && said.contains("(401)") && said.contains("clocks"), "{said}");
    assert_eq!(terminals.published(), None);
}

#[tokio::test]
async fn the_approver_keeps_the_protocol() {
    let terminals = Terminals::new();
    let settings = fs::read_to_string(terminals.folder.path().join("agent.env")).unwrap();
    let key = settings.split('\'').nth(1).unwrap().parse().unwrap();
    let report = EndpointCheck::new(format!("{}cards", terminals.page), key).run().await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.count(Verdict::Ok), report.count(Verdict::NotTold)), (17, 3), "{report}");
    assert!(!terminals.read().await.contains("<form"), "the cards of the check are withdrawn");
}
