//! A record of the ledger, as a store kept it.

use approvals::card::Card;
use approvals::id::Seq;
use approvals::ledger::{Body, FORMAT, Record, Summary, UnreadableRecord};
use approvals::state::State;

use crate::input::Input;

/// The bytes of a record on a line, and its payload, if any, on the next.
pub fn run(data: &[u8]) {
    check(data, Record::from_stored);
}

type Read = fn(Seq, Vec<u8>, Option<&[u8]>, Option<Vec<u8>>) -> Result<Record, UnreadableRecord>;

/// The same with another reader.
pub fn check(data: &[u8], read: Read) {
    let mut input = Input(data);
    let bytes = input.line().to_vec();
    let payload = (!input.is_over()).then_some(input.0);
    let Ok(record) = read(Seq(7), bytes.clone(), payload, None) else { return };
    assert_eq!(*record.bytes, *bytes, "the very bytes that were stored");
    assert_eq!(record.body.to_bytes().unwrap(), bytes, "what is hashed is what it says");
    assert_eq!(serde_json::from_slice::<Body>(&bytes).unwrap(), *record.body);
    assert!(record.body.format <= FORMAT);
    assert_eq!(record.payload.is_some(), payload.is_some());
    let Ok(state) = State::fold([&record]) else { return };
    if let Some(summary) = Summary::of(&state) {
        let json = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
        let opened = state.opened().unwrap();
        assert_eq!(opened.requested.digest().unwrap(), opened.digest);
        assert!(opened.requested.validate().is_ok() && !state.phase().is_terminal());
        assert!(Card::of(&[record], &state).is_some());
    }
}
