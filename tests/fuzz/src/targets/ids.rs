//! Names and numbers that people and other programs give: ids, phases, risks, digests, keys in hexadecimal.

use approvals::Risk;
use approvals::desk::Seen;
use approvals::id::RequestId;
use approvals::ledger::Stream;
use approvals::request::{Commitment, Digest, Seed, StoreKey};
use approvals::state::Phase;

use crate::input::text;

/// A text.
pub fn run(data: &[u8]) {
    check(data, Digest::from_hex);
}

/// The same with another reader of digests.
pub fn check(data: &[u8], digest_of: impl Fn(&str) -> Option<Digest>) {
    let text = text(data);
    if let Ok(id) = text.parse::<RequestId>() {
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        assert_eq!(id.to_string().len(), 36);
        assert_eq!(text.parse::<Stream>(), Ok(Stream::Request(id)));
    }
    if let Ok(stream) = text.parse::<Stream>() {
        assert_eq!(stream.to_string().parse::<Stream>(), Ok(stream));
        assert!(stream.request().is_some() || stream.to_string() == text);
    }
    if let Ok(risk) = text.parse::<Risk>() {
        assert_eq!(risk.as_str(), text, "one word for one risk");
    }
    if let Some(phase) = Phase::from_name(&text) {
        assert_eq!(phase.as_str(), text);
    }
    let hexadecimal = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digest = digest_of(&text).map(|digest| digest.to_hex());
    assert_eq!(digest, hexadecimal.then(|| text.clone()), "a digest has one form");
    assert_eq!(Commitment::from_hex(&text).map(|bytes| bytes.to_hex()), hexadecimal.then(|| text.clone()));
    assert_eq!(StoreKey::from_hex(&text).is_some(), hexadecimal);
    let seed = serde_json::from_value::<Seed>(serde_json::Value::from(text.as_str()));
    assert_eq!(seed.is_ok(), hexadecimal);

    let digest = Digest::from_bytes([0xab; 32]);
    let counts = text.len() >= 8 && digest.to_hex().starts_with(&text.to_ascii_lowercase());
    assert_eq!(Seen::Prefix(text).is(&digest), counts);
}
