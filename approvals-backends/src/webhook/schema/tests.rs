use approvals_core::card::corpus::hostile;
use approvals_core::card::{Card, CardAnswer, CardArgument, CardState, CardValue, Shown, visible};
use approvals_core::ledger::Answer;
use serde_json::{Value, json};

use super::*;
use crate::webhook::tests::{DIGEST, REQUEST, bare_card};

fn card() -> Card {
    let mut card = bare_card();
    card.who_may_decide = vec!["1 of group sre".into()];
    card
}

fn whole(card: &Card) -> CardDocument {
    document(card, "0f".repeat(16), None, Cut::STEPS[0])
}

fn as_json(document: &CardDocument) -> Value {
    serde_json::to_value(document).unwrap()
}

#[test]
fn a_card_is_this_json() {
    let mut card = card();
    card.arguments = vec![
        CardArgument::new("folder", CardValue::Shown("\"/tmp/\u{202e}x\"".into())),
        CardArgument::new("token", CardValue::Secret),
        CardArgument::new("pool", CardValue::Skipped { why: "a handle".into() }),
    ];
    card.reason = Some("old files".into());
    card.labels = vec![("incident".into(), "INC-7".into())];
    card.agent_says = Some("trust me".into());
    let expected = json!({
        "schema": "approvals.card/1",
        "request": REQUEST,
        "digest": DIGEST,
        "digest_prefix": "4f2a9c01d3e7",
        "nonce": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
        "state": {"label": "pending", "lines": []},
        "offer": ["approve", "deny"],
        "shown": "everything",
        "not_shown": [
            "argument token: ••• (secret: not shown, bound by a keyed digest)",
            "argument pool: (not shown: a handle)",
        ],
        "action": "cleanup.delete_files",
        "risk": "high",
        "reason": {"visible": "old files", "raw": "old files"},
        "labels": [{"name": "incident", "value": {"visible": "INC-7", "raw": "INC-7"}}],
        "arguments": [
            {"name": "folder", "kind": "shown", "value": {
                "visible": "\"/tmp/\\u{202e}x\"",
                "raw": "\"/tmp/\u{202e}x\"",
                "warnings": ["characters that reorder text are written as escapes", "1 hidden character is written as an escape"],
            }},
            {"name": "token", "kind": "secret", "value": {"visible": "••• (secret: not shown, bound by a keyed digest)"}},
            {"name": "pool", "kind": "skipped", "value": {"visible": "(not shown: a handle)"}},
        ],
        "requester": {"agent": "cleaner", "owner": "dana", "single_operator": false},
        "who_may_decide": ["1 of group sre"],
        "assurance": "local",
        "answers": [],
        "requested_at": "2026-11-21T22:53:29Z",
        "decide_by": "2026-11-21T23:53:29Z",
        "use_within_seconds": 900,
        "chain": [],
        "agent_says": {"visible": "trust me", "raw": "trust me"},
        "notes": [],
    });
    assert_eq!(as_json(&whole(&card)), expected);
    assert_eq!(serde_json::from_value::<CardDocument>(expected).unwrap(), whole(&card), "it reads back");
}

#[test]
fn an_approval_is_offered_of_a_pending_card_that_shows_everything_and_of_no_other() {
    let mut card = card();
    card.arguments =
        vec![CardArgument::new("folder", CardValue::Shown(format!("\"{}\"", "x".repeat(5_000))))];
    assert_eq!(whole(&card).offer, [Answer::Approve, Answer::Deny]);
    let cut = document(&card, String::new(), None, Cut::STEPS[4]);
    assert_eq!(cut.offer, [Answer::Deny]);
    assert_eq!(cut.shown, Shown::Part { hidden: 5_002 - 4_000 });
    card.arguments = vec![CardArgument::new("folder", CardValue::Erased)];
    assert_eq!(whole(&card).offer, [Answer::Deny]);
    assert_eq!(whole(&card).shown, Shown::Part { hidden: 0 });
    for state in ["approved", "denied", "expired", "cancelled", "executing", "succeeded", "unknown"] {
        card.state = CardState { label: state.into(), lines: Vec::new() };
        assert_eq!(whole(&card).offer, [], "{state}");
    }
}

#[test]
fn what_was_cut_is_said_where_it_stood_and_by_its_hash() {
    let mut card = card();
    let json = format!("\"{}\"", "x".repeat(5_000));
    card.arguments = vec![CardArgument::new("folder", CardValue::Shown(json))];
    let cut = document(&card, String::new(), None, Cut::STEPS[4]);
    let value = &cut.arguments[0].value;
    assert!(value.visible.ends_with("xx… (+1002 characters not shown here)"), "{}", value.visible);
    assert_eq!(value.raw, None);
    assert_eq!(cut.not_shown, ["argument folder: 1002 characters were cut"]);
    let left = value.left_out.as_ref().unwrap();
    assert_eq!(left.characters, 1_002);

    assert_eq!(left.sha256, "f6aded27d6860380436f8521caa75568b9504f97b8927dceb41de307362e8cd7");
}

#[test]
fn what_the_digest_does_not_bind_is_cut_first_and_takes_no_control_away() {
    let mut card = card();
    card.agent_says = Some("y".repeat(10_000));
    card.arguments = vec![CardArgument::new("folder", CardValue::Shown("\"x\"".into()))];
    let cut = document(&card, String::new(), None, Cut::STEPS[2]);
    assert_eq!(cut.shown, Shown::Everything);
    assert_eq!(cut.offer, [Answer::Approve, Answer::Deny]);
    assert_eq!(cut.agent_says.unwrap().left_out.unwrap().characters, 9_800);
    assert_eq!(cut.not_shown, ["the agent's words: 9800 characters were cut"]);
}

#[test]
fn every_step_cuts_more_and_none_drops_a_fact_in_silence() {
    let mut card = card();
    let argument =
        |n| CardArgument::new(format!("a{n}"), CardValue::Shown(format!("\"{}\"", "x".repeat(400))));
    card.arguments = (0..120).map(argument).collect();
    card.notes = (0..120).map(|n| (format!("n{n}"), "z".repeat(300))).collect();
    let mut last = usize::MAX;
    for cut in Cut::STEPS {
        let document = document(&card, String::new(), None, cut);
        let size = serde_json::to_vec(&document).unwrap().len();
        assert!(size <= last, "{cut:?}");
        last = size;
        let whole = document.arguments.len() == 120
            && document.arguments.iter().all(|argument| argument.value.left_out.is_none());
        assert_eq!(document.shown == Shown::Everything, whole, "{cut:?}");
    }
    assert!(last < 6_000, "{last}");
    let least = document(&card, String::new(), None, Cut::STEPS[8]);
    assert!(least.not_shown.contains(&"117 further arguments were cut".to_owned()), "{:?}", least.not_shown);
}

#[test]
fn hostile_text_is_visible_text_wherever_it_stands() {
    for hostile in hostile() {
        let (mut card, text) = (card(), || hostile.text.clone());
        card.action = text();
        card.sensitivity = Some(text());
        card.resource = Some(text());
        card.reason = Some(text());
        card.labels = vec![(text(), text())];
        card.arguments = vec![
            CardArgument::new(text(), CardValue::Shown(Value::from(text()).to_string())),
            CardArgument::new(text(), CardValue::Skipped { why: text() }),
        ];
        card.requester.agent = text();
        card.requester.owner = text();
        card.requester.on_behalf_of = Some(text());
        card.chain = vec![text()];
        card.who_may_decide = vec![text()];
        card.state.lines = vec![text()];
        card.environment = Some(text());
        card.agent_says = Some(text());
        card.notes = vec![(text(), text())];
        let at = card.clocks.requested_at.clone();
        card.answers = vec![CardAnswer { who: text(), answer: "approved".into(), at, comment: Some(text()) }];
        let mut json = as_json(&whole(&card));
        without_raw(&mut json);
        let mut seen = 0;
        each_text(&json, &mut |text| {
            seen += 1;
            // Between letters, where a mark or a space may stand.
            let hides = |c: &char| *c != '\\' && visible(&format!("a{c}a")) != format!("a{c}a");
            let hidden = text.chars().find(hides);
            assert_eq!(hidden, None, "{}: {text:?}", hostile.id);
        });
        assert!(seen > 30, "{seen}");
    }
}

fn without_raw(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.remove("raw");
            fields.values_mut().for_each(without_raw);
        }
        Value::Array(items) => items.iter_mut().for_each(without_raw),
        _ => {}
    }
}

fn each_text(json: &Value, judge: &mut dyn FnMut(&str)) {
    match json {
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, judge)),
        Value::Array(items) => items.iter().for_each(|value| each_text(value, judge)),
        Value::String(text) => judge(text),
        _ => {}
    }
}

fn decision() -> Value {
    json!({
        "schema": DECISION,
        "request": REQUEST,
        "digest": DIGEST,
        "nonce": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "person": "u-4711",
        "decision": "approve",
        "decided_at": "2026-11-21T22:58:03Z",
    })
}

fn read(json: &Value) -> Result<Decision, InvalidDecision> {
    Decision::from_json(json.to_string().as_bytes())
}

#[test]
fn a_decision_reads_back_as_it_was_written() {
    let decision = read(&decision()).unwrap();
    assert_eq!((decision.decision, decision.comment.as_deref()), (Answer::Approve, None));
    assert_eq!(read(&serde_json::to_value(&decision).unwrap()).unwrap(), decision);
}

#[test]
fn a_decision_with_a_field_missing_or_unknown_or_wrong_is_none() {
    for field in decision().as_object().unwrap().keys() {
        let mut without = decision();
        without.as_object_mut().unwrap().remove(field);
        let error = read(&without).unwrap_err();
        assert!(error.to_string().contains(field), "{field}: {error}");
        let mut wrong = decision();
        wrong[field] = json!(["x"]);
        assert!(matches!(read(&wrong), Err(InvalidDecision::Malformed(_))), "{field}");
    }
    let changes = [
        ("unless", json!("the audit is over")),
        ("schema", json!("approvals.decision/2")),
        ("decision", json!("Approve")),
        ("decision", json!("approved")),
        ("digest", json!("4F2A")),
        ("digest", json!(DIGEST.to_uppercase())),
        ("request", json!("1")),
        ("decided_at", json!(1_795_301_883)),
    ];
    for (field, value) in changes {
        let mut changed = decision();
        changed[field] = value;
        assert!(matches!(read(&changed), Err(InvalidDecision::Malformed(_))), "{changed}");
    }
    let twice = decision().to_string().replacen('{', "{\"decision\":\"deny\",", 1);
    assert!(matches!(Decision::from_json(twice.as_bytes()), Err(InvalidDecision::Malformed(_))), "{twice}");
    let list = Value::from(decision().as_object().unwrap().values().cloned().collect::<Vec<_>>());
    assert!(matches!(read(&list), Err(InvalidDecision::Malformed(_))), "{list}");
    let two = format!("{0}{0}", decision());
    assert!(matches!(Decision::from_json(two.as_bytes()), Err(InvalidDecision::Malformed(_))));
}

#[test]
fn a_decision_has_bounds() {
    let bounds = [("nonce", 64), ("person", 256), ("comment", 4_096)];
    for (field, most) in bounds {
        let mut changed = decision();
        changed[field] = json!("a".repeat(most));
        assert!(read(&changed).is_ok(), "{field}");
        changed[field] = json!("a".repeat(most + 1));
        assert_eq!(read(&changed).unwrap_err(), InvalidDecision::TooLong { what: field, most });
    }
    for nobody in ["", " "] {
        let mut changed = decision();
        changed["person"] = json!(nobody);
        assert_eq!(read(&changed).unwrap_err(), InvalidDecision::Nobody);
    }
    let padded = format!("{}{}", decision(), " ".repeat(Decision::LONGEST));
    assert!(matches!(Decision::from_json(padded.as_bytes()), Err(InvalidDecision::TooLong { .. })));
}

#[test]
fn why_a_text_is_no_decision_is_short_and_visible() {
    let mut changed = decision();
    changed[format!("\u{202e}{}", "x".repeat(5_000))] = json!(1);
    let error = read(&changed).unwrap_err().to_string();
    assert!(error.len() < 500 && error.contains("\\u{202e}"), "{error}");
}

#[test]
fn a_decision_does_not_print_its_nonce_and_comment() {
    let mut with = decision();
    with["comment"] = json!("between us");
    let printed = format!("{:?}", read(&with).unwrap());
    assert!(!printed.contains("0f1e") && !printed.contains("between us"), "{printed}");
}
