use super::super::{canonical, capture_stable};
use super::*;
use serde::ser::{Error as _, SerializeStruct};
use serde::{Serialize, Serializer};
use std::cell::Cell;
use std::collections::BTreeMap;

const INT: Result<String, CaptureError> = Err(CaptureError::ReservedKey { key: "$int" });

#[test]
fn what_imitates_a_large_integer_is_refused() {
    #[derive(Serialize)]
    struct Plain {
        #[serde(rename = "$int")]
        int: &'static str,
    }
    #[derive(Serialize)]
    enum Variants {
        #[serde(rename = "$int")]
        Newtype(&'static str),
        #[serde(rename = "$int")]
        Tuple(u8, u8),
        #[serde(rename = "$int")]
        Struct { a: u8 },
        Inner {
            #[serde(rename = "$int")]
            int: u8,
        },
    }
    assert_eq!(shown(&Plain { int: "5" }), INT);
    assert_eq!(shown(&BTreeMap::from([("$int", 5)])), INT);
    assert_eq!(shown(&[Some(BTreeMap::from([("$int", ())]))]), INT);
    assert_eq!(shown(&serde_json::json!({"a": {"$int": "5"}})), INT);
    assert_eq!(shown(&Variants::Newtype("5")), INT);
    assert_eq!(shown(&Variants::Tuple(1, 2)), INT);
    assert_eq!(shown(&Variants::Struct { a: 1 }), INT);
    assert_eq!(shown(&Variants::Inner { int: 1 }), INT);
}

#[test]
fn the_reserved_key_beside_another_is_only_a_key() {
    shows(&BTreeMap::from([("$int", 5), ("a", 1)]), r#"{"$int":5,"a":1}"#);
    shows("$int", "\"$int\"");
}

#[test]
fn the_private_names_of_serde_json_are_refused_as_keys() {
    for key in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        let expected = CaptureError::ReservedKey { key: "$serde_json::private::" };
        assert_eq!(shown(&BTreeMap::from([(key, "5")])), Err(expected.clone()));
        assert_eq!(canonical(&BTreeMap::from([(key, "5"), ("a", "b")])), Err(expected));
    }
    #[derive(Serialize)]
    enum Disguised {
        #[serde(rename = "$serde_json::private::Number")]
        Number(&'static str),
    }
    assert!(matches!(shown(&Disguised::Number("5")), Err(CaptureError::ReservedKey { .. })));
}

#[test]
fn raw_json_is_refused() {
    struct Raw;
    impl Serialize for Raw {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut raw = serializer.serialize_struct("$serde_json::private::RawValue", 1)?;
            raw.serialize_field("$serde_json::private::RawValue", "{\"a\":1,\"a\":2}")?;
            raw.end()
        }
    }
    assert_eq!(shown(&[Raw]), Err(CaptureError::RawJson));
    assert_eq!(canonical(&Raw), Err(CaptureError::RawJson));
}

#[test]
fn a_float_that_is_none_is_refused_wherever_it_stands() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(shown(&float), Err(CaptureError::NotFinite));
        assert_eq!(shown(&BTreeMap::from([("a", [Some(float)])])), Err(CaptureError::NotFinite));
        assert_eq!(shown(&(float as f32)), Err(CaptureError::NotFinite));
    }
}

struct Failing<'a>(&'a str);

impl Serialize for Failing<'_> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(self.0))
    }
}

#[test]
fn a_failing_serialize_is_reported_in_its_own_words() {
    assert_eq!(shown(&[Failing("lock poisoned")]), Err(CaptureError::Serialize("lock poisoned".into())));
}

#[test]
fn a_failing_serialize_cannot_fill_a_log() {
    let CaptureError::Serialize(message) = shown(&Failing(&"é".repeat(1_000_000))).unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(message, "é".repeat(128));
}

#[test]
fn a_value_that_changes_between_two_captures_is_unstable() {
    struct Counter(Cell<u32>);
    impl Serialize for Counter {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            serializer.serialize_u32(self.0.get())
        }
    }
    let limits = Limits::default();
    assert_eq!(capture_stable(&Counter(Cell::new(0)), &limits), Err(CaptureError::Unstable));
    assert_eq!(capture_stable("still", &limits), Ok(Value::from("still")));
    assert_eq!(capture_stable(&f64::NAN, &limits), Err(CaptureError::NotFinite));
}

#[test]
fn every_refusal_names_a_remedy() {
    let all = [
        CaptureError::Serialize("x".into()),
        CaptureError::NotFinite,
        CaptureError::Inexact,
        CaptureError::ReservedKey { key: "$int" },
        CaptureError::RawJson,
        CaptureError::DuplicateKey,
        CaptureError::TooLarge { limit: 7 },
        CaptureError::TooDeep { limit: 7 },
        CaptureError::Unstable,
    ];
    for error in all {
        let text = error.to_string();
        assert!(text.contains("`#[approval(show = expr)]`"), "{text}");
        assert!(!text.ends_with('.') && text.starts_with(char::is_lowercase), "{text}");
    }
    assert!(CaptureError::IntegerOutOfRange.to_string().ends_with("write it as text"));
    assert!(CaptureError::TooLarge { limit: 70_001 }.to_string().contains("70001"));
}
