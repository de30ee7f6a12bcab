//! Keys of webhooks as text.

use approvals::time::Timestamp;
use approvals::webhook::signature::{InvalidKey, Scheme, SigningKey, VerifyingKey, sign, verify};

use crate::input::text;

/// The text of a key.
pub fn run(data: &[u8]) {
    check(data, str::parse);
}

/// The same with another reader of the keys that verify.
pub fn check(data: &[u8], read: impl Fn(&str) -> Result<VerifyingKey, InvalidKey>) {
    let text = text(data);
    let (signing, verifying) = (text.parse::<SigningKey>(), read(&text));
    for said in [format!("{signing:?}"), format!("{verifying:?}")] {
        let secret = text.split_once('_').map_or("", |(_, secret)| secret);
        assert!(secret.len() < 16 || !said.contains(secret), "no key prints");
    }
    if let Ok(key) = &verifying {
        assert_eq!(key.public().is_none(), key.scheme() == Scheme::Hmac);
        assert!(key.public().is_none_or(|public| public == text), "a public key has one form");
    }
    let Ok(signing) = signing else { return };
    assert_eq!(verifying.is_ok(), signing.scheme() == Scheme::Hmac, "only a secret serves both ways");
    let now = Timestamp::from_micros(1_795_301_609_000_000);
    let header = sign(std::slice::from_ref(&signing), "msg_1", now, b"{}").unwrap();
    let keys = [signing.verifying()];
    assert_eq!(verify(&keys, "msg_1", "1795301609", &header, b"{}", now), Ok(signing.scheme()));
    assert!(verify(&keys, "msg_1", "1795301609", &header, b"{ }", now).is_err());
}
