use super::super::canonical;
use super::*;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Region {
    #[serde(rename = "eu-west")]
    EuWest,
    Other(u8),
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Cents(u64);

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    y: u8,
    x: u8,
}

/// A map of any keys, also of those that no map type takes.
struct Keys<K>(Vec<K>);

impl<K: Serialize> Serialize for Keys<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|key| (key, 0)))
    }
}

#[track_caller]
fn key<K: Serialize>(key: K, expected: &str) {
    let value = capture(&Keys(vec![key]), &Limits::default()).unwrap();
    assert_eq!(value, Value::Map(BTreeMap::from([(expected.to_owned(), Value::from(0_i64))])));
}

#[test]
fn a_simple_key_reads_as_it_is() {
    key("a\"b", "a\"b");
    key('é', "é");
    key(true, "true");
    key(-5_i8, "-5");
    key(7_u16, "7");
    key(u64::MAX, "18446744073709551615");
    key(u128::MAX, "340282366920938463463374607431768211455");
    key(i128::MIN, "-170141183460469231731687303715884105728");
    key(Region::EuWest, "eu-west");
    key(Cents(12), "12");
    key(std::net::Ipv4Addr::LOCALHOST, "127.0.0.1");
}

#[test]
fn any_other_key_reads_as_its_canonical_json() {
    key((1_u8, "a"), r#"[1,"a"]"#);
    key([0_u8; 2], "[0,0]");
    key(Point { y: 2, x: 1 }, r#"{"x":1,"y":2}"#);
    key(Region::Other(3), r#"{"Other":3}"#);
    key(1.5, "1.5");
    key(2.0, "2");
    key((), "null");
    key((u64::MAX,), r#"[{"$int":"18446744073709551615"}]"#);
    key(Ok::<_, ()>(u64::MAX), r#"{"Ok":{"$int":"18446744073709551615"}}"#);
}

#[test]
fn an_optional_key_is_not_the_text_it_resembles() {
    key(None::<&str>, "null");
    key(Some("null"), "\"null\"");
    key(Some(5), "5");
    key(Some((1, 2)), "[1,2]");
    shows(&BTreeMap::from([(None, 1), (Some("null"), 2)]), r#"{"\"null\"":2,"null":1}"#);
}

#[test]
fn maps_that_serde_json_refuses_are_captured() {
    shows(&HashMap::from([((1_u8, 2_u8), "a")]), r#"{"[1,2]":"a"}"#);
    shows(&HashMap::from([(u128::MAX, 1)]), r#"{"340282366920938463463374607431768211455":1}"#);
    shows(&BTreeMap::from([(10_u64, 'a'), (9, 'b')]), r#"{"10":"a","9":"b"}"#);
    shows(&HashMap::from([(Region::EuWest, 1), (Region::Other(1), 2)]), r#"{"eu-west":1,"{\"Other\":1}":2}"#);
}

#[test]
fn a_map_without_order_is_captured_the_same_each_time() {
    let forwards: HashMap<u32, u32> = (0..100).map(|n| (n, n)).collect();
    let backwards: HashMap<u32, u32> = (0..100).rev().map(|n| (n, n)).collect();
    assert_eq!(shown(&forwards), shown(&backwards));
}

#[test]
fn keys_with_one_text_are_refused() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Text(&'static str),
    }
    let keys = Keys(vec![Either::Number(1), Either::Text("1")]);
    assert_eq!(shown(&keys), Err(CaptureError::DuplicateKey));
    assert_eq!(canonical(&keys), Err(CaptureError::DuplicateKey));
    assert_eq!(shown(&Keys(vec![1.0, 1.0])), Err(CaptureError::DuplicateKey));

    #[derive(Serialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }
    assert_eq!(shown(&Flat { id: 1, rest: BTreeMap::from([("id", 2)]) }), Err(CaptureError::DuplicateKey));
}

#[test]
fn a_duplicate_key_is_not_named() {
    let error = shown(&Keys(vec!["canary-7f3a", "canary-7f3a"])).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn a_key_without_its_value_is_an_error() {
    enum Step {
        Key,
        Value,
    }
    struct Broken(&'static [Step]);
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for step in self.0 {
                match step {
                    Step::Key => map.serialize_key("a")?,
                    Step::Value => map.serialize_value("b")?,
                }
            }
            map.end()
        }
    }
    shows(&Broken(&[Step::Key, Step::Value]), r#"{"a":"b"}"#);
    for broken in [&[Step::Key] as &[_], &[Step::Value], &[Step::Key, Step::Key, Step::Value]] {
        assert!(matches!(shown(&Broken(broken)), Err(CaptureError::Serialize(_))));
    }
}

#[test]
fn a_key_that_json_cannot_hold_is_refused() {
    assert_eq!(shown(&Keys(vec![f64::NAN])), Err(CaptureError::NotFinite));
    assert_eq!(shown(&Keys(vec![(f32::INFINITY,)])), Err(CaptureError::NotFinite));
}
