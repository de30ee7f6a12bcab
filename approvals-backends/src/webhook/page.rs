//! `docs/webhook.md` is read: a page that drifts from the code fails here.

use std::collections::BTreeSet;
use std::process::Command;

use approvals_core::card::{
    Card, CardAnswer, CardArgument, CardClocks, CardRequester, CardValue, Shown, Span, Time,
};
use approvals_core::ledger::IgnoredWhy;
use approvals_core::time::Timestamp;
use approvals_test_support::python;
use serde_json::Value;

use super::ask::read_answers;
use super::inbox::Answer;
use super::schema::{CARD, CardDocument, Cut, DECISION, Decision, InvalidDecision, document};
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
    for bound in [
        "300 s",
        "16 KiB",
        "4,096 bytes",
        "64 KiB",
        "1 MiB",
        "35 s",
        "10,000",
        "1,024 bytes",
        "eight signatures",
    ] {
        assert!(PAGE.contains(bound), "{bound}");
    }
}

/// The card that the page shows whole, as it is made.
fn card() -> CardDocument {
    let time = |text: &str, unix_ms| Time { text: text.into(), unix_ms };
    let clocks = CardClocks {
        requested_at: time("2026-11-21T22:53:29Z", 1_795_301_609_000),
        decide_by: time("2026-11-21T23:53:29Z", 1_795_305_209_000),
        use_within: Span { text: "15 min".into(), seconds: 900 },
    };
    let mut requester = CardRequester::new("cleaner", "dana");
    requester.on_behalf_of = Some("kim".into());
    let (request, digest) = ("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e", "4f2a9c01d3e7c6b5".repeat(4));
    let mut card = Card::new(request, digest, "cleanup.delete_files", "high", requester, clocks);
    card.state.lines = vec!["1 of 2 approvals".into()];
    card.environment = Some("test".into());
    card.sensitivity = Some("pii".into());
    card.resource = Some("folder:/tmp/old".into());
    card.reason = Some("deletes 12 files".into());
    card.labels = vec![("incident".into(), "INC-7".into())];
    card.arguments = vec![
        CardArgument::new("folder", CardValue::Shown("\"/tmp/\u{202e}old\"".into())),
        CardArgument::new("token", CardValue::Secret),
        CardArgument::new("pool", CardValue::Skipped { why: "a handle".into() }),
    ];
    card.who_may_decide = vec!["2 people from sre".into()];
    let (who, at) = ("ann".into(), time("2026-11-21T22:55:00Z", 1_795_301_700_000));
    card.answers = vec![CardAnswer { who, answer: "approved".into(), at, comment: Some("seen".into()) }];
    card.chain = vec!["cleanup.nightly".into()];
    card.agent_says = Some("I looked at each of these files, and nobody has read any since May.".into());
    card.notes = vec![("session".into(), "run-42".into())];
    let nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned();
    document(&card, nonce, Some("card-7"), Cut::STEPS[7])
}

/// The fenced block of JSON that begins so.
fn json_block(start: &str) -> &'static str {
    let fence = format!("\n```json\n{start}");
    let at = PAGE.find(&fence).unwrap() + "\n```json\n".len();
    PAGE[at..].split_once("\n```").unwrap().0
}

#[test]
fn the_card_of_the_page_is_one_as_it_is_made() {
    let told: Value = serde_json::from_str(json_block("{\n  \"schema\": \"approvals.card/1\"")).unwrap();
    let made = serde_json::to_string_pretty(&card()).unwrap();
    assert_eq!(told, serde_json::from_str::<Value>(&made).unwrap(), "{made}");
}

#[test]
fn the_page_explains_every_field_of_the_card() {
    fn names(value: &Value, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                all.insert(name.clone());
                names(value, all);
            }),
            Value::Array(items) => items.iter().for_each(|item| names(item, all)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    names(&serde_json::to_value(card()).unwrap(), &mut all);
    assert!(all.len() > 35, "{all:?}");
    let explained = PAGE.split_once("### The card").unwrap().1.split_once("## A decision").unwrap().0;
    let explained: String = explained.lines().filter(|line| line.starts_with("| ")).collect();
    for name in all {
        let forms = [format!("`{name}`"), format!(".{name}`"), format!("`{name}."), format!("`{name}[]")];
        assert!(forms.iter().any(|form| explained.contains(form.as_str())), "`{name}` is not explained");
    }
    let part = serde_json::to_string(&Shown::Part { hidden: 7 }).unwrap().replace('7', "n");
    assert!(explained.contains(&part), "{part}");
}

#[test]
fn the_keys_that_the_page_makes_are_pairs() {
    let script = PAGE.split("\n```sh\n").find(|block| block.starts_with("openssl")).unwrap();
    let script = script.split_once("\n```").unwrap().0;
    let folder = std::env::temp_dir().join(format!("approvals-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ran = Command::new("sh").args(["-ec", script]).current_dir(&folder).output();
    std::fs::remove_dir_all(&folder).unwrap();
    let has_openssl = Command::new("openssl").arg("version").output().is_ok();
    let output = match ran {
        Ok(output) if has_openssl => output,
        _ => {
            approvals_test_support::skip(
                "the_keys_that_the_page_makes_are_pairs",
                "openssl or sh is missing",
            );
            return;
        }
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let key = |prefix: &str| text.split_whitespace().find(|word| word.starts_with(prefix)).unwrap();
    assert_eq!(key("whsec_").parse::<SigningKey>().unwrap().scheme(), Scheme::Hmac);
    let pair: SigningKey = key("whsk_").parse().unwrap();
    assert_eq!(pair.verifying().public().as_deref(), Some(key("whpk_")));
}

#[test]
fn the_script_on_the_page_prints_what_the_page_says() {
    let test = "the_script_on_the_page_prints_what_the_page_says";
    let Some(printed) = python(test, block("python")) else { return };
    assert_eq!(printed.trim_end(), block("text"));
    let by_hmac = vectors().into_iter().find(|vector| vector.0.starts_with("whsec_Ag")).unwrap();
    assert!(block("text").ends_with(&format!("decision {}", by_hmac.4)));
}
