//! Canonical JSON: captured arguments, and what a payload holds.

use approvals::capture::{Limits, Value, capture};

use crate::input::text;

const MOST_EXACT: u64 = (1 << 53) - 1;

/// A JSON text.
pub fn run(data: &[u8]) {
    check(data, Value::canonical);
}

/// The same with another writer.
pub fn check(data: &[u8], canonical: impl Fn(&Value) -> Vec<u8>) {
    let text = text(data);
    let plain = serde_json::from_str::<serde_json::Value>(&text).ok();
    if let Some(captured) = plain.as_ref().and_then(|plain| capture(plain, &Limits::default()).ok()) {
        assert_stands(&captured, &canonical);
    }
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return };
    assert_stands(&value, &canonical);
    let plain = plain.unwrap();
    let as_read = value.read_as::<serde_json::Value>();
    if is_large(&value) {
        assert!(as_read.is_none_or(|read| read.is_number() || read.is_object()), "digits alone are a number");
    } else if let (Some(read), serde_json::Value::Object(_)) = (&as_read, &plain) {
        assert!(read.is_object());
    }
    if holds_exactly(&plain) {
        let other = serde_json_canonicalizer::to_string(&plain).unwrap();
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), other, "two writers of RFC 8785 agree");
        if let Ok(captured) = capture(&plain, &Limits::default()) {
            assert_eq!(captured, value, "captured or read, it is the same value");
        }
    }
}

fn assert_stands(value: &Value, canonical: &impl Fn(&Value) -> Vec<u8>) {
    let bytes = canonical(value);
    let again: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(again, *value, "{}", text(&bytes));
    assert_eq!(canonical(&again), bytes, "canonical bytes are a fixed point");
}

fn is_large(value: &Value) -> bool {
    matches!(value, Value::Map(fields) if fields.len() == 1 && fields.contains_key("$int"))
}

fn holds_exactly(json: &serde_json::Value) -> bool {
    match json {
        serde_json::Value::Number(number) => {
            number.is_f64() || number.as_i64().is_some_and(|int| int.unsigned_abs() <= MOST_EXACT)
        }
        serde_json::Value::Array(items) => items.iter().all(holds_exactly),
        serde_json::Value::Object(fields) => fields.values().all(holds_exactly),
        _ => true,
    }
}
