//! The command line of the program `approvals`, and the request that it names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use approvals::Risk;
use approvals::id::RequestId;
use approvals::ledger::Memory;
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals_fuzz_program::{Given, find, read};

use crate::input::{Input, at_once};
use crate::oracle::assert_visible;
use crate::world::open;

/// The most of a comment, in bytes.
const COMMENT: usize = 4096;
/// Requests, of which two begin alike.
const IDS: [u128; 3] = [
    0x0192_f0c1_7a3e_7c2b_9d55_3f6a_1b2c_4d5e,
    0x0192_f0c1_7a3e_7c2b_9d55_3f6a_1b2c_4d5f,
    0x0192_f0c2_0000_7000_8000_0000_0000_0001,
];

/// The words, a line each.
pub fn run(data: &[u8]) {
    check(data, read);
}

type Told = (String, u8);

/// The same with another reader.
pub fn check(data: &[u8], read: impl Fn(Vec<OsString>) -> Result<Given, Told>) {
    let mut input = Input(data);
    let mut words = Vec::new();
    while !input.is_over() && words.len() < 24 {
        words.push(input.line().to_vec());
    }
    let said: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    match read(words.into_iter().map(OsString::from_vec).collect()) {
        Ok(given) => {
            judge(&given, &said);
            if let Some(id) = &given.id {
                name(id);
            }
        }
        Err((told, code)) => {
            assert!([0, 2].contains(&code), "the program ends with {code}");
            let secret = secret(&said);
            assert!(code == 0 || secret.is_none_or(|secret| !told.contains(secret)), "law 12: {told}");
        }
    }
}

/// A secret that was said in the place of the public key, and nowhere else.
fn secret(said: &[String]) -> Option<&str> {
    let at = said.iter().position(|word| word == "--verify-with" || word.starts_with("--verify-with="))?;
    let key = said[at].split_once('=').map(|(_, key)| key).or(said.get(at + 1).map(|key| &**key))?;
    let is_secret = key.len() > 16 && (key.starts_with("whsec_") || key.starts_with("whsk_"));
    let once = said.iter().filter(|word| word.contains(key)).count() == 1;
    let sound = said[..at].iter().all(|word| word != "--" && word != "--comment" && word != "--reason");
    (is_secret && once && sound && said[0] == "check-backend").then_some(key)
}

fn judge(given: &Given, said: &[String]) {
    // A value stands in a word of its own, or behind its option.
    let stands = |value: &str| said.iter().any(|word| word.ends_with(value));
    if let Some(digest) = &given.digest {
        let digits = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(digits && (8..=64).contains(&digest.len()), "a digest that names one: `{digest}`");
        assert!(said.iter().any(|word| word.to_ascii_lowercase().ends_with(digest)));
    }
    if let Some(text) = &given.text {
        assert!(
            (1..=COMMENT).contains(&text.len()) && stands(text),
            "what is kept is what was said: `{text}`"
        );
    }
    assert!(!given.states.contains(&Phase::None) && (given.states.is_empty() || !given.all));
    assert!(given.verb != "reconcile" || given.ran[0] != given.ran[1], "it ran, or it did not");
    assert!(given.timeout.is_none_or(|seconds| (1..=60).contains(&seconds)), "{:?}", given.timeout);
    assert!(given.hold.is_none_or(|seconds| seconds <= 25), "{:?}", given.hold);
    assert!(given.ask_at.is_some() || given.hold.is_none_or(|seconds| seconds == 2), "nobody is asked");
    let public = given.verify_with.as_ref().is_none_or(|key| key.public().is_some());
    assert!(public, "a secret is no key for the command line");
    for value in given.id.iter().chain(&given.urls).chain(&given.ask_at) {
        assert!(stands(value), "`{value}` was not said");
    }
}

/// What the word names, against the list of all.
fn name(word: &str) {
    let store = Memory::new().unwrap();
    let ids = IDS.map(|id| RequestId::from_uuid(uuid::Uuid::from_u128(id)));
    for id in ids {
        at_once(open(&store, id, Risk::High, Quorum::people(1)));
    }
    let digits: String = word.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begins = |id: &RequestId| format!("{:032x}", id.as_uuid().as_u128()).starts_with(&digits);
    let named: Vec<_> = ids.into_iter().filter(begins).collect();
    match at_once(find(&store, word)) {
        Ok(id) => {
            let whole = word.parse() == Ok(id);
            assert!(whole || (hexadecimal && digits.len() >= 8 && named == [id]), "`{word}` names `{id}`");
        }
        Err((told, code)) => {
            told.split([' ', '\n']).for_each(assert_visible);
            assert!([2, 4].contains(&code), "{code}: {told}");
            assert!(!hexadecimal || digits.len() < 8 || named.len() != 1, "`{word}` names one");
        }
    }
}
