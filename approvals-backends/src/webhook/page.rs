//! `docs/webhook.md` is read: a page that drifts from the code fails here.

use std::io::Write as _;
use std::process::{Command, Stdio};

use approvals_core::ledger::IgnoredWhy;
use approvals_core::time::Timestamp;

use super::ask::read_answers;
use super::inbox::Answer;
use super::schema::{CARD, DECISION, Decision, InvalidDecision};
use super::signature::{Scheme, SigningKey, TOLERANCE, Unverified, VerifyingKey, sign, verify};
use super::verify::Refusal;

const PAGE: &str = include_str!("../../../docs/webhook.md");

/// The cells of the rows that have so many, without their backticks.
fn rows(cells: usize) -> Vec<Vec<&'static str>> {
    let row = |line: &'static str| -> Option<Vec<&'static str>> {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(line.split(" | ").map(|cell| cell.trim_matches('`')).collect())
    };
    PAGE.lines().filter_map(row).filter(|row| row.len() == cells).collect()
}

/// The last fenced block of a language.
fn block(language: &str) -> &'static str {
    let fence = format!("\n```{language}\n");
    PAGE.rsplit_once(&fence).unwrap().1.split_once("\n```").unwrap().0
}

/// The line of JSON that begins so.
fn json(start: &str) -> &'static str {
    PAGE.lines().find(|line| line.starts_with(start)).unwrap()
}

/// Key, id, timestamp, body and signature of every vector.
fn vectors() -> Vec<(&'static str, &'static str, &'static str, &'static str, &'static str)> {
    let body =
        |text| if text == "the decision above" { json("{\"schema\":\"approvals.decision/1\"") } else { text };
    let vectors = rows(5).into_iter().filter(|row| row[0].starts_with("whs"));
    vectors.map(|row| (row[0], row[1], row[2], body(row[3]), row[4])).collect()
}

#[test]
fn every_vector_of_the_page_is_made_and_verified() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 4, "{vectors:?}");
    for (key, id, timestamp, body, signature) in vectors {
        let key: SigningKey = key.parse().unwrap();
        let at = Timestamp::from_micros(timestamp.parse::<i64>().unwrap() * 1_000_000);
        assert_eq!(sign(std::slice::from_ref(&key), id, at, body.as_bytes()).unwrap(), signature, "{id}");
        let verified = verify(&[key.verifying()], id, timestamp, signature, body.as_bytes(), at);
        assert_eq!(verified.unwrap(), key.scheme(), "{id}");
    }
}

#[test]
fn the_public_key_of_the_page_verifies_what_its_secret_half_signed() {
    let public = PAGE.split('`').find(|word| word.starts_with("whpk_") && word.len() > 40).unwrap();
    let key: VerifyingKey = public.parse().unwrap();
    let (_, id, timestamp, body, signature) =
        *vectors().iter().find(|vector| vector.0.starts_with("whsk_")).unwrap();
    let at = Timestamp::from_micros(timestamp.parse::<i64>().unwrap() * 1_000_000);
    assert_eq!(verify(&[key], id, timestamp, signature, body.as_bytes(), at), Ok(Scheme::Ed25519));
}

#[test]
fn the_decision_of_the_page_is_one() {
    let decision = Decision::from_json(json("{\"schema\":\"approvals.decision/1\"").as_bytes()).unwrap();
    assert_eq!(
        (decision.person.as_str(), decision.comment.as_deref()),
        ("u-4711", Some("not before the audit"))
    );
    assert!(PAGE.contains(&format!("`{DECISION}`")) && PAGE.contains(&format!("`{CARD}`")));
}

#[test]
fn the_answer_of_the_page_is_one_and_holds_the_id_and_time_of_its_vector() {
    let (ids, cursor) = read_answers(json("{\"format\":\"approvals.answers/1\"").as_bytes()).unwrap();
    assert_eq!((ids, cursor.as_deref()), (vec!["decision_18".to_owned()], Some("18")));
}

#[test]
fn the_page_names_every_answer_with_its_status_and_no_other() {
    let refused = [
        Refusal::NotJson,
        Refusal::Invalid(InvalidDecision::Nobody),
        Refusal::Invalid(InvalidDecision::TooLong { what: "person", most: 256 }),
    ];
    let ignored = [
        IgnoredWhy::Unmapped,
        IgnoredWhy::Requester,
        IgnoredWhy::NotAReviewer,
        IgnoredWhy::AssuranceTooLow,
        IgnoredWhy::NotEverythingShown,
        IgnoredWhy::UnknownRequest,
        IgnoredWhy::AnsweredBefore,
        IgnoredWhy::AlreadyDecided,
        IgnoredWhy::TooLate,
        IgnoredWhy::OtherDigest,
    ];
    let answers = refused.map(Answer::Refused).into_iter().chain(ignored.map(Answer::Ignored));
    let answers = answers.chain([Answer::Stranger, Answer::Away]);
    let mut made: Vec<_> = answers.map(|answer| (answer.status().to_string(), answer.code())).collect();
    let status = |row: &Vec<&str>| row[0].len() == 3 && row[0].bytes().all(|byte| byte.is_ascii_digit());
    let mut told: Vec<_> =
        rows(3).into_iter().filter(status).map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    made.sort();
    told.sort();
    assert_eq!(told, made);
    assert_eq!(Answer::Refused(Refusal::Unverified(Unverified::TooOld)).status(), 401);
}

#[test]
fn the_bounds_of_the_page_are_those_of_the_code() {
    assert_eq!((TOLERANCE.as_secs(), Decision::LONGEST, Decision::LONGEST_COMMENT), (300, 16 * 1024, 4_096));
    for bound in ["300 s", "16 KiB", "4,096 bytes", "64 KiB", "1 MiB", "35 s", "10,000", "1,024 bytes"] {
        assert!(PAGE.contains(bound), "{bound}");
    }
}

#[test]
fn the_script_on_the_page_prints_what_the_page_says() {
    let python = Command::new("python3")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            let why = format!("python3: {error}");
            approvals_test_support::skip("the_script_on_the_page_prints_what_the_page_says", &why);
            return;
        }
    };
    python.stdin.take().unwrap().write_all(block("python").as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), block("text"));
    let by_hmac = vectors().into_iter().find(|vector| vector.0.starts_with("whsec_Ag")).unwrap();
    assert!(block("text").ends_with(&format!("decision {}", by_hmac.4)));
}
