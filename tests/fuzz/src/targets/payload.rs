//! What stands beside a record: values, notes, the seed. And the line about a request that an index keeps.

use approvals::ledger::{Payload, Summary};

/// The JSON of a payload, or of a summary.
pub fn run(data: &[u8]) {
    check(data, Payload::from_bytes);
}

/// The same with another reader of payloads.
pub fn check(data: &[u8], read: impl Fn(&[u8]) -> Result<Payload, serde_json::Error>) {
    if let Ok(payload) = read(data) {
        let again = Payload::from_bytes(&payload.to_bytes().unwrap()).unwrap();
        assert_eq!(again, payload);
        // A field that is passed over need not be sound.
        let json = serde_json::from_slice(data).unwrap_or(serde_json::Value::Null);
        for field in json["values"].as_object().into_iter().flatten().map(|(field, _)| field) {
            let value = payload.value(field);
            assert!(value.is_some(), "every value is read: `{field}`");
            let Some(value) = value else { continue };
            let commitment = payload.seed().commit(field, value);
            assert!(again.opens(field, &commitment), "`{field}`");
            assert!(!again.opens(&format!("{field}."), &commitment), "a commitment is to one field");
        }
    }
    if let Ok(summary) = serde_json::from_slice::<Summary>(data) {
        let json = serde_json::to_vec(&summary).unwrap();
        assert_eq!(serde_json::from_slice::<Summary>(&json).unwrap(), summary);
    }
}
