//! The headers that a message is verified by.

use approvals::time::Timestamp;
use approvals::webhook::signature::{
    MOST_SIGNATURES, Scheme, SigningKey, TOLERANCE, Unverified, VerifyingKey, sign, verify,
};

use crate::input::{Input, text};
use crate::world::{ED25519, HMAC};

/// 2026-11-21T22:53:29Z
const NOW: i64 = 1_795_301_609;

type Verify = fn(&[VerifyingKey], &str, &str, &str, &[u8], Timestamp) -> Result<Scheme, Unverified>;

/// Id, timestamp and signatures, a line each, and the body. Of the words `{now}`, `{v1}` and `{v1a}` the first is the
/// time, the others are signatures that fit, so that an input can be authentic.
pub fn run(data: &[u8]) {
    check(data, verify);
}

/// The same with another verifier.
pub fn check(data: &[u8], verify: Verify) {
    let mut input = Input(data);
    let (id, timestamp, header) = (input.text_line(), input.text_line(), input.text_line());
    let (body, now) = (input.0, Timestamp::from_micros(NOW * 1_000_000 + 999_999));
    let timestamp = timestamp.replace("{now}", &NOW.to_string());
    let keys = [HMAC, ED25519].map(|key| key.parse::<SigningKey>().unwrap());
    let sent = timestamp.parse::<i64>().ok().filter(|_| timestamp.bytes().all(|byte| byte.is_ascii_digit()));
    // What is signed is the timestamp as it was sent: with a zero in front it is another message.
    let sent = sent.filter(|sent| sent.to_string() == timestamp && sent.unsigned_abs() < 1 << 40);
    let made = |key: &SigningKey| {
        sent.and_then(|sent| {
            sign(std::slice::from_ref(key), &id, Timestamp::from_micros(sent * 1_000_000), body).ok()
        })
    };
    let [hmac, ed25519] = [made(&keys[0]), made(&keys[1])];
    let put = |header: String, word: &str, made: &Option<String>| {
        header.replace(word, made.as_deref().unwrap_or("v1,"))
    };
    let header = put(put(header, "{v1}", &hmac), "{v1a}", &ed25519);

    let verifying = keys.each_ref().map(SigningKey::verifying);
    let found = verify(&verifying, &id, &timestamp, &header, body, now);
    let words: Vec<_> = header.split(' ').filter(|word| !word.is_empty()).collect();
    let holds = |made: &Option<String>| made.as_ref().is_some_and(|made| words.contains(&made.as_str()));
    let in_time = sent.is_some_and(|sent| sent.abs_diff(NOW) <= TOLERANCE.as_secs());
    if words.len() <= MOST_SIGNATURES && in_time {
        let strongest =
            if holds(&ed25519) { Some(Scheme::Ed25519) } else { holds(&hmac).then_some(Scheme::Hmac) };
        assert_eq!(
            found.ok(),
            strongest,
            "what is believed is signed, and now: {id:?} {timestamp:?} {header:?}"
        );
    } else {
        assert!(found.is_err(), "what is believed is signed, and now: {id:?} {timestamp:?} {header:?}");
    }
    let other = [verifying[0].clone()];
    let by_one = verify(&other, &id, &timestamp, &header, body, now);
    assert!(by_one.is_err() || found.is_ok(), "fewer keys believe no more");
    let longer = [body, b" "].concat();
    assert!(verify(&verifying, &id, &timestamp, &header, &longer, now).is_err(), "{}", text(body));
}
