//! `docs/digest.md` is read and recomputed: a page that drifts from the code fails here.

#![cfg(test)]

use std::collections::BTreeMap;

use approvals_core::capture::{Value, canonical};
use approvals_core::id::{AgentId, RequestId};
use approvals_core::request::{ArgumentValue, Commitment, Digest, Requested, Seed, StoreKey};
use approvals_test_support::python;

const PAGE: &str = include_str!("../../docs/digest.md");

fn counting_from(start: u8) -> [u8; 32] {
    std::array::from_fn(|i| start + u8::try_from(i).unwrap())
}

fn seed() -> Seed {
    Seed::from_bytes(counting_from(0))
}

/// The last fenced block of a language.
fn block(language: &str) -> &'static str {
    let fence = format!("\n```{language}\n");
    let (_, after) = PAGE.rsplit_once(&fence).unwrap_or_else(|| panic!("no ```{language} block on the page"));
    after.split_once("\n```").expect("the block ends").0
}

/// The text between backticks that follows a phrase.
fn quoted_after(phrase: &str) -> &'static str {
    let (_, after) = PAGE.split_once(phrase).unwrap_or_else(|| panic!("`{phrase}` is not on the page"));
    after.split_once('`').and_then(|(_, after)| after.split_once('`')).expect("something in backticks").0
}

/// Field, canonical JSON and commitment of every row of the table of shown values.
fn shown_rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let cell = |cell: &'static str| cell.trim().trim_matches('`');
    let rows = PAGE.lines().filter_map(|line| {
        let [_, field, value, commitment, _] = line.split('|').collect::<Vec<_>>().try_into().ok()?;
        field.trim().starts_with('`').then(|| (cell(field), cell(value), cell(commitment)))
    });
    rows.collect()
}

fn requested() -> Requested {
    serde_json::from_str(block("json")).unwrap()
}

#[test]
fn the_event_on_the_page_is_read_and_written_back_byte_for_byte() {
    assert_eq!(String::from_utf8(canonical(&requested()).unwrap()).unwrap(), block("json"));
}

#[test]
fn the_digest_on_the_page_is_that_of_its_event() {
    assert_eq!(requested().digest().unwrap().to_hex(), quoted_after("The digest: "));
}

#[test]
fn every_commitment_on_the_page_opens_to_its_value() {
    let rows = shown_rows();
    assert_eq!(rows.len(), 5, "{rows:?}");
    for (field, value, commitment) in rows {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(seed().commit(field, &value).to_hex(), commitment, "{field}");
    }
}

#[test]
fn the_secret_on_the_page_is_committed_to_under_the_key_of_the_store() {
    let digest = StoreKey::from_bytes(counting_from(32)).digest("token", &"s3cr3t");
    assert_eq!(
        seed().commit_secret("arguments.token", &digest).to_hex(),
        quoted_after("The commitment to the secret `token`")
    );
}

#[test]
fn the_event_on_the_page_holds_the_commitments_of_the_page() {
    let call = requested().call;
    let mut held = BTreeMap::from([
        ("reason".to_owned(), call.reason.unwrap()),
        ("resource".to_owned(), call.resource.unwrap()),
    ]);
    held.extend(call.labels.into_iter().map(|(name, commitment)| (format!("labels.{name}"), commitment)));
    let mut secrets = Vec::new();
    for argument in call.arguments {
        match argument.value {
            ArgumentValue::Shown(commitment) => {
                held.insert(format!("arguments.{}", argument.name), commitment);
            }
            ArgumentValue::Secret(commitment) => secrets.push(commitment.to_hex()),
            ArgumentValue::Skipped(_) => {}
        }
    }
    let rows = shown_rows();
    let on_page =
        rows.iter().map(|(field, _, hex)| ((*field).to_owned(), Commitment::from_hex(hex).unwrap()));
    assert_eq!(held, on_page.collect());
    assert_eq!(secrets, [quoted_after("The commitment to the secret `token`")]);
}

#[test]
fn the_id_on_the_page_is_that_of_its_key() {
    let key: (String, AgentId, String, String, u64) = serde_json::from_str(quoted_after("| key | ")).unwrap();
    let id = RequestId::of_key(&key.0, &key.1, &key.2, &key.3, key.4).unwrap();
    assert_eq!(id.to_string(), quoted_after("The id of the request: "));
    assert_eq!(id.as_uuid().get_version_num(), 8);
}

#[test]
fn any_byte_of_the_event_changes_the_digest() {
    let of = |requested: &Requested| requested.digest().unwrap();
    let original = requested();
    let mut digests: Vec<Digest> = vec![of(&original)];
    let changes: [fn(&mut Requested); 6] = [
        |r| r.call.action.push('s'),
        |r| drop(r.call.arguments.pop()),
        |r| r.call.requester.on_behalf_of = None,
        |r| r.terms.nonce = "0f0e0d0c0b0a09080706050403020100".to_owned(),
        |r| r.terms.open_to_store = true,
        |r| r.terms.round = Some(1),
    ];
    for change in changes {
        let mut changed = original.clone();
        change(&mut changed);
        digests.push(of(&changed));
    }
    let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn the_script_on_the_page_prints_what_the_page_says() {
    let test = "the_script_on_the_page_prints_what_the_page_says";
    let Some(printed) = python(test, block("python")) else { return };
    assert_eq!(printed.trim_end(), block("text"));
    // The page says the same in its table and in what the script prints.
    for (field, _, commitment) in shown_rows() {
        assert!(block("text").contains(&format!("{field} {commitment}\n")), "{field}");
    }
}
