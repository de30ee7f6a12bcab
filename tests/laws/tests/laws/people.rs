//! `people.toml`: what is wrong with it, and what becomes of a change while it is in force.

use std::fs;
use std::path::PathBuf;

use approvals::ledger::IgnoredWhy;
use approvals::people::{Directory as _, PeopleError, Requester};
use approvals::testing::PROVIDER;
use approvals::{Agent, Approvals, ErrorKind, Identity, People, Person, Principal};

use crate::support::*;

struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl File {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Self { path: folder.path().join("people.toml"), _folder: folder };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn read(&self) -> Result<People, PeopleError> {
        People::from_file(&self.path)
    }
}

const TWO: &str = r#"
[people.dana]
name = "Dana Whitfield"
identities.mock = ["dana"]

[people.kim]
groups = ["sre"]
identities.mock = ["kim", "kimmy"]

[agents.test-agent]
owner = "dana"
"#;

#[test]
fn a_file_that_is_no_list_of_people_is_refused_with_its_place() {
    for (text, words) in [
        ("[people.dana\n", ["line 1", "people.toml"]),
        ("[people.dana]\nnam = \"Dana\"\n", ["unknown field", "nam"]),
        ("[people.dana]\ngroups = \"sre\"\n", ["line 2", "sequence"]),
        ("[persons.dana]\n", ["unknown field", "persons"]),
        ("[agents.bot]\n", ["missing field", "owner"]),
    ] {
        let error = File::with(text).read().unwrap_err();
        assert!(matches!(error, PeopleError::Malformed { .. }), "{error}");
        for word in words {
            assert!(error.to_string().contains(word), "`{word}` is missing in: {error}");
        }
    }
    let missing = People::from_file("/no/such/people.toml").unwrap_err();
    assert!(matches!(missing, PeopleError::Unreadable { .. }));
    assert!(missing.to_string().contains("`/no/such/people.toml`"), "{missing}");
}

#[test]
fn an_owner_in_code_beside_a_file_is_sent_to_the_file() {
    let error = File::with(TWO).read().unwrap().agent("another", "kim").unwrap_err();
    assert!(matches!(error, PeopleError::OwnerOutsideFile(_)), "{error}");
    assert!(error.to_string().contains("`another`"), "{error}");
}

#[test]
fn people_who_cannot_be_told_apart_are_refused() {
    let shared = "[people.a]\nidentities.os = [\"x\"]\n[people.b]\nidentities.os = [\"x\"]\n";
    let error = File::with(shared).read().unwrap_err();
    assert!(matches!(error, PeopleError::IdentityTwice { .. }));
    assert!(error.to_string().contains("`os/x`") && error.to_string().contains("leave it with one"));
    let dana = || Person::new("dana").known_as("os", "dana");
    let error = People::new([dana(), dana()]).unwrap_err();
    assert!(matches!(error, PeopleError::PersonTwice(_)), "{error}");
    assert!(error.to_string().contains("merge the two entries"));
}

#[test]
fn empty_names_and_owners_who_are_nobody_are_refused() {
    for empty in [
        "[people.\"\"]\n",
        "[people.a]\nname = \"\"\n",
        "[people.a]\ngroups = [\"\"]\n",
        "[people.a]\nidentities.os = [\"\"]\n",
        "[people.a]\nidentities.\"\" = [\"x\"]\n",
    ] {
        let error = File::with(empty).read().unwrap_err();
        assert!(matches!(error, PeopleError::Empty(_)), "{error}");
        assert!(error.to_string().contains("fill it in or take it out"));
    }
    let error = File::with("[agents.bot]\nowner = \"ghost\"\n").read().unwrap_err();
    assert!(matches!(error, PeopleError::UnknownOwner { .. }));
    assert!(error.to_string().contains("add that person"));
}

async fn up(bench: &Bench, file: &File) -> Approvals {
    let directory = file.read().unwrap();
    bench.builder().agent(Agent::new("test-agent")).directory(directory).build().await.unwrap()
}

#[tokio::test]
async fn a_file_names_people_groups_identities_and_owners() {
    let bench = Bench::new();
    let file = File::with(TWO);
    let approvals = up(&bench, &file).await;
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(card.requester.owner, "dana");
    assert_eq!(ignored(&bench.mock.submit("dana", yes(&card)).await.unwrap()), IgnoredWhy::Requester);
    assert_eq!(ignored(&bench.mock.submit("zoe", yes(&card)).await.unwrap()), IgnoredWhy::Unmapped);
    counted(&bench.mock.submit("kimmy", yes(&card)).await.unwrap());
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_file_that_is_rewritten_is_noticed_at_the_next_review() {
    let bench = Bench::new();
    let file = File::with(TWO);
    let approvals = up(&bench, &file).await;
    let (call, card) = asked(&bench, &approvals).await;
    file.write(&TWO.replace("kimmy", "kimbo"));
    assert_eq!(ignored(&bench.mock.submit("kimmy", yes(&card)).await.unwrap()), IgnoredWhy::Unmapped);
    counted(&bench.mock.submit("kimbo", yes(&card)).await.unwrap());
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_person_who_leaves_the_file_before_the_claim_stops_it() {
    let bench = Bench::new();
    let file = File::with(TWO);
    let approvals = up(&bench, &file).await;
    let card = parked(&bench, &approvals).await;
    counted(&bench.mock.submit("kim", yes(&card)).await.unwrap());
    file.write(&TWO.replace("people.kim", "people.zoe"));
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Cancelled, &["those who approved may no longer"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_file_that_is_broken_while_it_is_in_force_closes_everything_until_it_is_mended() {
    let bench = Bench::new();
    let file = File::with(TWO);
    let approvals = up(&bench, &file).await;
    let (call, card) = asked(&bench, &approvals).await;
    for broken in
        ["[people.dana", "[people.kim]\nidentities.mock = [\"kim\"]\n[agents.test-agent]\nowner = \"dana\"\n"]
    {
        file.write(broken);
        assert!(bench.mock.submit("kim", yes(&card)).await.is_err());
        let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sdb"))).await;
        refused(outcome, ErrorKind::Unavailable, &["the directory could not answer"]);
    }
    fs::remove_file(&file.path).unwrap();
    assert!(bench.mock.submit("kim", yes(&card)).await.is_err());
    assert!(!call.is_finished());
    file.write(TWO);
    counted(&bench.mock.submit("kim", yes(&card)).await.unwrap());
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_change_is_noticed_however_soon_it_comes_and_however_alike_it_looks() {
    let file = File::with(TWO);
    let people = file.read().unwrap();
    for round in 0..200 {
        // The same length each time, and often the same tick of the file system's clock.
        let (now, before) = if round % 2 == 0 { ("zim", "kim") } else { ("kim", "zim") };
        file.write(&TWO.replace("\"kim\"", &format!("\"{now}\"")));
        let resolves = async |subject| people.resolve(&Identity::new(PROVIDER, subject)).await.unwrap();
        assert!(resolves(now).await.is_some(), "round {round}");
        assert!(resolves(before).await.is_none(), "round {round}");
    }
}

#[tokio::test]
async fn an_external_human_is_known_again_in_another_spelling() {
    let spellings = [
        "KIM@example.org",
        "kim@EXAMPLE.org",
        " kim@example.org ",
        "kim\u{200b}@example.org",
        "kim@example.org\u{fe0f}",
        "mail/kim@example.org",
        "Kim",
    ];
    for spelling in spellings {
        let kim = Person::new("kim").known_as(PROVIDER, "kim@example.org");
        let owner = Principal::External(spelling.to_owned());
        let requester = Requester { agent: "bot".into(), owner, on_behalf_of: None };
        let kim = kim.known_as("mail", "kim@example.org");
        assert!(requester.includes(&kim), "{spelling:?} could approve for itself");
        assert!(!requester.includes(&Person::new("kimberly")), "{spelling:?}");
    }
}

#[test]
fn what_is_no_file_is_not_read_since_it_may_have_no_end() {
    for path in ["/dev/null", "/dev/zero", "/"] {
        let error = People::from_file(path).unwrap_err();
        assert!(error.to_string().contains("not a file"), "{error}");
    }
    let file = File::with(TWO);
    let people = file.read().unwrap();
    fs::remove_file(&file.path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file.path).status();
    if made.is_ok_and(|made| made.success()) {
        let (done, answered) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(life(people.person(&"kim".into()))));
        let answer =
            answered.recv_timeout(std::time::Duration::from_secs(20)).expect("nobody waits for a pipe");
        assert!(answer.unwrap_err().to_string().contains("not a file"));
    }
    let file = File::with(TWO);
    let people = file.read().unwrap();
    fs::OpenOptions::new().write(true).open(&file.path).unwrap().set_len(1 << 40).unwrap();
    let error = life(people.person(&"kim".into())).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}
