//! A target that notices nothing proves nothing: each defect here is found in the corpus, or in a short walk around it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use approvals::capture::Value;
use approvals::card::text::render;
use approvals::card::{Shown, visible};
use approvals::id::{GroupId, Seq};
use approvals::ledger::{Body, Cursor, Event, Page, Payload, Record};
use approvals::manifest::Manifest;
use approvals::request::{Digest, Quorum};
use approvals::state::apply;
use approvals::time::Timestamp;
use approvals::transport::{Target, retry_after};
use approvals::webhook::schema::{CardDocument, Decision};
use approvals::webhook::signature::{SigningKey, VerifyingKey, verify};
use approvals::{People, Sqlite};
use approvals_fuzz::{TARGETS, smoke, targets};
use proc_macro2::TokenStream;

use crate::support::{corpus, words};

/// What a check says where it fails first: in the corpus, or near it.
fn finds(target: &str, check: impl Fn(&[u8])) -> Option<String> {
    let says = |input: &[u8]| match catch_unwind(AssertUnwindSafe(|| check(input))) {
        Ok(()) => None,
        Err(panic) => Some(match panic.downcast::<String>() {
            Ok(said) => *said,
            Err(panic) => panic.downcast::<&str>().map_or_else(|_| String::new(), |said| (*said).to_owned()),
        }),
    };
    let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
    if let Some(said) = inputs.iter().find_map(|input| says(input)) {
        return Some(said);
    }
    let words = words();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut found = None;
    smoke::walk(&inputs, &words, Duration::from_secs(2), |input| {
        if found.is_none() {
            found = says(input);
        }
    });
    found
}

/// The defect is noticed, and by the property that it breaks.
#[track_caller]
fn bites(target: &str, property: &str, check: impl Fn(&[u8])) {
    match finds(target, check) {
        None => panic!("the defect went unnoticed in `{target}`"),
        Some(said) => assert!(said.contains(property), "`{target}` is to say `{property}` and says: {said}"),
    }
}

#[test]
fn an_escape_that_lets_an_override_through() {
    let defect = |text: &str| visible(text).replace(r"\u{202e}", "\u{202e}");
    bites("text", "hides something", |input| targets::text::check(input, defect));
}

#[test]
fn an_escape_that_does_not_double_backslashes() {
    let defect = |text: &str| visible(text).replace(r"\\", r"\");
    bites("text", "another text looks like it", |input| targets::text::check(input, defect));
}

#[test]
fn a_renderer_that_drops_the_margin_of_a_second_line() {
    bites("card", "what is the card's own", |input| {
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
        let time: Timestamp = text.replace("T24:", "T00:").parse()?;
        Ok(time)
    };
    bites("time", "is no time", |input| targets::time::check(input, defect));
}

#[test]
fn canonical_bytes_in_the_order_of_utf_8() {
    let defect = |value: &Value| serde_json::to_vec(value).unwrap();
    bites("value", "two writers of RFC 8785 agree", |input| targets::value::check(input, defect));
}

#[test]
fn a_reader_of_records_that_takes_any_json() {
    bites("record", "what is hashed is what it says", |input| {
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
    bites("signature", "what is believed is signed, and now", |input| {
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
    bites("signature", "what is believed is signed, and now", |input| {
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
    bites("quorum", "distinct people", |input| targets::quorum::check(input, defect));
}

#[test]
fn a_state_machine_that_takes_a_late_yes() {
    bites("history", "no yes at or after the deadline", |input| {
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
    bites("history", "law 4", |input| {
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
    bites("decision", "exactly its fields", |input| targets::decision::check(input, defect));
}

#[test]
fn a_manifest_that_loses_what_may_run_again() {
    let defect = |manifest: &Manifest| manifest.to_json().replace(",\n      \"rerunnable\": true", "");
    bites("manifest", "what is written is what was read", |input| targets::manifest::check(input, defect));
}

#[test]
fn a_wait_without_a_bound() {
    let defect = |headers: &http::HeaderMap, now| {
        let number = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok();
        number.map(Duration::from_secs).or_else(|| retry_after(headers, now))
    };
    bites("retry_after", "longer than a host may ask for", |input| {
        targets::retry_after::check(input, defect)
    });
}

#[test]
fn a_url_that_may_be_read_on_the_way() {
    bites("url", "readable on the way", |input| targets::url::check(input, Target::insecure_http));
}

/// What is put in the place of an answer without a signature.
const SEALED: &str = r#"{"format":"approvals.answers/1","decisions":[{sealed}]}"#;

#[test]
fn an_asker_that_believes_what_is_not_signed() {
    let defect = |body: &str| if body.contains("sealed") { body.to_owned() } else { SEALED.to_owned() };
    bites("answers", "what counted was signed", |input| targets::answers::check(input, defect));
}

#[test]
fn a_cursor_that_is_tidied() {
    let defect = |mut question: serde_json::Value| {
        if let Some(cursor) = question["cursor"].as_str().map(|cursor| cursor.trim().to_owned()) {
            question["cursor"] = cursor.into();
        }
        question
    };
    bites("cursor", "the cursor comes back as it was given", |input| targets::cursor::check(input, defect));
}

#[test]
fn a_callback_that_believes_what_is_not_signed() {
    let sound = [
        ("webhook-id", "{id}"),
        ("webhook-timestamp", "{now}"),
        ("webhook-signature", "{v1} {v1a}"),
        ("content-type", "application/json"),
    ];
    bites("callback", "is not recorded one by one, and not believed", |input| {
        targets::callback::check(input, |_| {
            sound.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        });
    });
}

#[test]
fn a_callback_that_takes_the_first_of_two_headers() {
    let defect = |headers: http::HeaderMap| {
        let names: BTreeSet<_> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        let first = |name: &String| (name.parse().unwrap(), headers[name].clone());
        names.iter().map(first).collect::<http::HeaderMap>()
    };
    bites("headers", "each header once, or none is believed", |input| targets::headers::check(input, defect));
}

#[test]
fn an_error_that_quotes_what_an_endpoint_answered() {
    let defect = |told: String, body: &str| format!("{told}: {body}");
    bites("endpoint", "law 12", |input| targets::endpoint::check(input, defect));
}

#[test]
fn a_reader_of_cards_that_shows_everything() {
    let defect = |json: &[u8]| {
        let mut card: CardDocument = serde_json::from_slice(json)?;
        card.shown = Shown::Everything;
        Ok(card)
    };
    bites("document", "`shown` is what was sent", |input| targets::document::check(input, defect));
}

#[test]
fn an_attribute_that_lets_through_what_it_cannot_read() {
    let defect = |options, item: TokenStream| {
        let made = approvals_fuzz_attribute::expand(options, item.clone());
        if made.to_string().contains("compile_error") { item } else { made }
    };
    bites("attribute", "what is not refused is gated", |input| targets::attribute::check(input, defect));
}

#[test]
fn a_digest_in_capitals() {
    let defect = |text: &str| Digest::from_hex(&text.to_ascii_lowercase());
    bites("ids", "a digest has one form", |input| targets::ids::check(input, defect));
}

#[test]
fn a_secret_half_that_verifies() {
    let defect = |text: &str| {
        let read = text.parse::<VerifyingKey>();
        read.or_else(|why| text.parse::<SigningKey>().map(|key| key.verifying()).map_err(|_| why))
    };
    bites("key", "a public key has one form", |input| targets::key::check(input, defect));
}

#[test]
fn a_payload_without_its_first_value() {
    let defect = |bytes: &[u8]| {
        let whole = Payload::from_bytes(bytes)?;
        let mut json: serde_json::Value = serde_json::from_slice(bytes)?;
        let Some(values) = json["values"].as_object_mut() else { return Ok(whole) };
        let Some(first) = values.keys().next().cloned() else { return Ok(whole) };
        values.remove(&first);
        Payload::from_bytes(json.to_string().as_bytes())
    };
    bites("payload", "every value is read", |input| targets::payload::check(input, defect));
}

#[test]
fn a_reader_of_people_that_stops_early() {
    let defect = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let whole = People::from_file(path)?;
        let Some(end) = text.rfind("[people.") else { return Ok(whole) };
        std::fs::write(path, &text[..end]).unwrap();
        Ok(People::from_file(path).unwrap_or(whole))
    };
    bites("people", "as many as the file names", |input| targets::people::check(input, defect));
}

#[test]
fn a_desk_that_takes_any_digest_for_the_one_that_was_seen() {
    bites("review", "law 5", |input| {
        targets::review::check(input, |_, digest| digest.into());
    });
}

#[test]
fn a_store_that_passes_over_a_record() {
    let defect = |mut records: Vec<Record>| {
        if records.len() > 1 {
            records.remove(records.len() / 2);
        }
        records
    };
    bites("store_file", "no gap", |input| targets::store_file::check(input, defect));
}

#[test]
fn a_store_that_is_tidied_before_it_is_refused() {
    let defect = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        std::fs::write(path, bytes).unwrap();
    };
    let property = "a file that is refused is left as it is";
    bites("foreign_file", property, |input| targets::foreign_file::check(input, defect));
}

#[test]
fn a_page_that_begins_one_too_far() {
    let defect = |mut page: Page| {
        page.next = page.next.map(|Cursor(Seq(at))| Cursor(Seq(at - 1)));
        page
    };
    bites("pages", "page by page it is the same list", |input| targets::pages::check(input, defect));
}

#[test]
fn a_key_file_in_capitals() {
    let defect = |store: &Path| {
        let file = store.with_file_name("ledger.db.key");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, bytes.to_ascii_lowercase()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Sqlite::examine(store))
    };
    let property = "a file that holds more than a key is none";
    bites("key_file", property, |input| targets::key_file::check(input, defect));
}

#[test]
fn a_command_line_that_keeps_the_first_word_of_a_comment() {
    let defect = |words: Vec<OsString>| {
        let mut given = approvals_fuzz_program::read(words)?;
        given.text = given.text.map(|text| text.split(' ').next().unwrap_or_default().to_owned());
        Ok(given)
    };
    bites("arguments", "what is kept is what was said", |input| targets::arguments::check(input, defect));
}

#[test]
fn a_command_line_that_says_what_it_could_not_read() {
    let defect = |words: Vec<OsString>| {
        let said = format!("{words:?}");
        approvals_fuzz_program::read(words).map_err(|(told, code)| (format!("{told}{said}"), code))
    };
    bites("arguments", "law 12", |input| targets::arguments::check(input, defect));
}

#[test]
fn a_card_that_is_as_wide_as_somebody_asks() {
    let defect = |asked: Option<&str>, there: Option<usize>| {
        let asked = asked.and_then(|asked| asked.parse().ok());
        asked.or(there).unwrap_or(80).clamp(40, 240)
    };
    bites("columns", "the terminal would break lines", |input| {
        targets::terminal::columns::check(input, defect)
    });
}

#[test]
fn a_keyboard_whose_line_goes_on_under_the_next_question() {
    bites("keyboard", "what was typed to one question is read as typed to another", |input| {
        let mut begun = Vec::new();
        targets::terminal::keyboard::check(input, |_, typed| {
            begun.extend_from_slice(typed);
            let mut lines: Vec<_> = begun.split(|byte| matches!(byte, b'\n' | b'\r')).collect();
            let rest = lines.pop().unwrap_or_default().to_vec();
            let text = |line: &&[u8]| String::from_utf8_lossy(line).into_owned();
            let lines = lines.iter().map(|line| if line.len() > 8192 { String::new() } else { text(line) });
            let lines = lines.collect();
            begun = rest;
            lines
        });
    });
}

#[test]
fn a_yes_with_something_behind_it() {
    let defect =
        |line: &str| if line.starts_with("approve ") { "approve".to_owned() } else { line.to_owned() };
    bites("typed", "a yes stands alone on its line", |input| targets::terminal::typed::check(input, defect));
}

#[test]
fn every_target_has_a_defect_that_it_finds() {
    let words: String = include_str!("bites.rs").split_whitespace().collect();
    for target in TARGETS {
        assert!(
            words.contains(&format!("bites(\"{}\",", target.name)),
            "`{}` was never shown to bite",
            target.name
        );
    }
}
