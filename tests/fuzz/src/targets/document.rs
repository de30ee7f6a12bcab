//! A card as an endpoint gets it.

use approvals::webhook::schema::CardDocument;
use serde_json::Value;

/// The JSON of a card.
pub fn run(data: &[u8]) {
    check(data, |json| serde_json::from_slice(json));
}

/// The same with another reader.
pub fn check(data: &[u8], read: impl Fn(&[u8]) -> Result<CardDocument, serde_json::Error>) {
    let Ok(card) = read(data) else { return };
    let json = serde_json::to_vec(&card).unwrap();
    assert_eq!(read(&json).unwrap(), card);
    // Lists of values in order are read too; what they are the order says.
    let Ok(Value::Object(said)) = serde_json::from_slice(data) else { return };
    let Ok(Value::Object(written)) = serde_json::from_slice(&json) else { unreachable!("it is an object") };
    for field in ["request", "digest", "nonce", "offer", "risk", "action", "use_within_seconds"] {
        assert_eq!(written[field], said[field], "`{field}` is what was sent");
    }
    let everything = |card: &serde_json::Map<String, Value>| card["shown"] == "everything";
    assert_eq!(everything(&written), everything(&said), "`shown` is what was sent");
    let mut later = said;
    later.insert("a field of a later version".to_owned(), Value::from(1));
    let later = serde_json::to_vec(&later).unwrap();
    assert_eq!(read(&later).ok().as_ref(), Some(&card), "a reader passes over what it does not know");
}
