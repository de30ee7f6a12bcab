//! One person's answer, as an endpoint sends it.

use approvals::webhook::schema::{Decision, InvalidDecision};

use crate::oracle::assert_visible;

const FIELDS: [&str; 8] =
    ["comment", "decided_at", "decision", "digest", "nonce", "person", "request", "schema"];

/// The body of a decision.
pub fn run(data: &[u8]) {
    check(data, Decision::from_json);
}

/// The same with another reader.
pub fn check(data: &[u8], read: impl Fn(&[u8]) -> Result<Decision, InvalidDecision>) {
    match read(data) {
        Ok(decision) => {
            assert!(data.len() <= Decision::LONGEST);
            assert_eq!(decision.within_bounds(), Ok(()));
            assert!(!decision.person.trim().is_empty() && decision.person.len() <= Decision::LONGEST_PERSON);
            let json = serde_json::to_vec(&decision).unwrap();
            // A comment may take more room once it is written anew.
            assert!(json.len() > Decision::LONGEST || read(&json).as_ref() == Ok(&decision));
            let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(data).unwrap();
            assert!(fields.keys().all(|field| FIELDS.contains(&field.as_str())), "exactly its fields");
            assert!(fields.len() >= FIELDS.len() - 1);
            let said = format!("{decision:?}");
            assert!(decision.nonce.len() < 8 || !said.contains(&decision.nonce));
        }
        Err(error) => {
            let told = error.to_string();
            assert_visible(&told);
            assert!(told.len() < 2_000, "{} bytes", told.len());
        }
    }
}
