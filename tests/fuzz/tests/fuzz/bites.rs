//! A target that notices nothing proves nothing: each defect here is found in the corpus, or in a short walk around it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use approvals::capture::Value;
use approvals::card::text::render;
use approvals::card::visible;
use approvals::id::GroupId;
use approvals::ledger::{Body, Event, Record};
use approvals::manifest::Manifest;
use approvals::request::Quorum;
use approvals::state::apply;
use approvals::time::Timestamp;
use approvals::transport::{Target, retry_after};
use approvals::webhook::schema::Decision;
use approvals::webhook::signature::verify;
use approvals_fuzz::{smoke, targets};

use crate::support::{corpus, words};

/// Whether a check fails somewhere.
fn is_found(target: &str, check: impl Fn(&[u8])) -> bool {
    let fails = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| check(input))).is_err();
    let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
    if inputs.iter().any(|input| fails(input)) {
        return true;
    }
    let words = words();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut found = false;
    smoke::walk(&inputs, &words, Duration::from_secs(2), |input| found = found || fails(input));
    found
}

#[track_caller]
fn bites(target: &str, check: impl Fn(&[u8])) {
    assert!(is_found(target, check), "the defect went unnoticed in `{target}`");
}

#[test]
fn an_escape_that_lets_an_override_through() {
    let defect = |text: &str| visible(text).replace(r"\u{202e}", "\u{202e}");
    bites("text", |input| targets::text::check(input, defect));
}

#[test]
fn an_escape_that_does_not_double_backslashes() {
    let defect = |text: &str| visible(text).replace(r"\\", r"\");
    bites("text", |input| targets::text::check(input, defect));
}

#[test]
fn a_renderer_that_drops_the_margin_of_a_second_line() {
    bites("card", |input| {
        targets::card::check(input, |card, options| {
            let mut rendered = render(card, options);
            rendered.text = rendered.text.replace("\n  | ", "\n  risk ");
            rendered
        });
    });
}

#[test]
fn a_time_that_rolls_over() {
    let defect = |text: &str| {
        let time: Timestamp = text.replace("T24:", "T00:").replace("-02-29T", "-02-28T").parse()?;
        Ok(time)
    };
    bites("time", |input| targets::time::check(input, defect));
}

#[test]
fn canonical_bytes_in_the_order_of_utf_8() {
    let defect = |value: &Value| serde_json::to_vec(value).unwrap();
    bites("value", |input| targets::value::check(input, defect));
}

#[test]
fn a_reader_of_records_that_takes_any_json() {
    bites("record", |input| {
        targets::record::check(input, |seq, bytes, payload, signature| {
            let body: Body = serde_json::from_slice(&bytes).unwrap_or_else(|_| read_again(&bytes));
            let whole = body.to_bytes().unwrap_or_default();
            let mut record = Record::from_stored(seq, whole, payload, signature)?;
            record.bytes = bytes.into();
            Ok(record)
        });
    });
}

/// A body of its own, for bytes that are none.
fn read_again(_: &[u8]) -> Body {
    let json = br#"{"event":{"down":{}},"format":1,"node":"n","stream":"system","time":"2026-11-21T12:00:01.000000Z","version":0}"#;
    serde_json::from_slice(json).unwrap()
}

#[test]
fn a_verifier_without_a_clock() {
    bites("signature", |input| {
        targets::signature::check(input, |keys, id, timestamp, header, body, now| {
            let at = timestamp
                .parse::<i64>()
                .map_or(now, |at| Timestamp::from_micros(at.saturating_mul(1_000_000)));
            verify(keys, id, timestamp, header, body, at)
        });
    });
}

#[test]
fn a_verifier_that_looks_at_any_number_of_signatures() {
    bites("signature", |input| {
        targets::signature::check(input, |keys, id, timestamp, header, body, now| {
            let whole = verify(keys, id, timestamp, header, body, now);
            header
                .split(' ')
                .fold(whole, |found, one| found.or_else(|_| verify(keys, id, timestamp, one, body, now)))
        });
    });
}

#[test]
fn a_quorum_that_counts_one_person_for_each_group() {
    let defect = |quorum: &Quorum, people: &[&BTreeSet<GroupId>]| {
        let alone: Vec<BTreeSet<GroupId>> = people
            .iter()
            .flat_map(|groups| groups.iter())
            .map(|group| BTreeSet::from([group.clone()]))
            .collect();
        quorum.is_met_by(people) || quorum.is_met_by(&alone.iter().collect::<Vec<_>>())
    };
    bites("quorum", |input| targets::quorum::check(input, defect));
}

#[test]
fn a_state_machine_that_takes_a_late_yes() {
    bites("history", |input| {
        targets::history::check(input, |state, body| {
            let mut body = body.clone();
            if let (Event::Reviewed(_), Some(last)) = (&body.event, state.last()) {
                body.time = body.time.min(last.after(Duration::from_secs(1)));
            }
            apply(state, &body)
        });
    });
}

#[test]
fn a_state_machine_that_lets_the_requester_answer_under_another_name() {
    bites("history", |input| {
        targets::history::check(input, |state, body| {
            let mut body = body.clone();
            if let Event::Reviewed(reviewed) = &mut body.event
                && reviewed.by.as_str() == "dana"
            {
                reviewed.by = "somebody".into();
            }
            let next = apply(state, &body)?;
            Ok(next)
        });
    });
}

#[test]
fn a_reader_of_decisions_that_overlooks_fields() {
    let defect = |body: &[u8]| {
        let read = Decision::from_json(body);
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(body) else { return read };
        fields.remove("assurance");
        Decision::from_json(serde_json::Value::Object(fields).to_string().as_bytes()).or(read)
    };
    bites("decision", |input| targets::decision::check(input, defect));
}

#[test]
fn a_manifest_that_loses_what_may_run_again() {
    let defect = |manifest: &Manifest| manifest.to_json().replace(",\n      \"rerunnable\": true", "");
    bites("manifest", |input| targets::manifest::check(input, defect));
}

#[test]
fn a_wait_without_a_bound() {
    let defect = |headers: &http::HeaderMap, now| {
        let number = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok();
        number.map(Duration::from_secs).or_else(|| retry_after(headers, now))
    };
    bites("retry_after", |input| targets::retry_after::check(input, defect));
}

#[test]
fn a_url_that_may_be_read_on_the_way() {
    bites("url", |input| targets::url::check(input, Target::insecure_http));
}
