use super::*;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Named {
    z: u8,
    a: Option<u8>,
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { b: u8, a: u8 },
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn every_shape_of_serde_is_captured() {
    shows(&true, "true");
    shows(&(-1_i8, -2_i16, -3_i32, -4_i64), "[-1,-2,-3,-4]");
    shows(&(1_u8, 2_u16, 3_u32, 4_u64), "[1,2,3,4]");
    shows(&'é', "\"é\"");
    shows("text", "\"text\"");
    shows(&Bytes(&[0, 255]), "[0,255]");
    shows(&(), "null");
    shows(&Unit, "null");
    shows(&None::<u8>, "null");
    shows(&Some(Some(5)), "5");
    shows(&Newtype(5), "5");
    shows(&Pair(5, "a"), "[5,\"a\"]");
    shows(&Named { z: 1, a: None }, "{\"a\":null,\"z\":1}");
    shows(&BTreeSet::from(["b", "a"]), "[\"a\",\"b\"]");
    shows(&BTreeMap::from([("a", vec![(); 2])]), "{\"a\":[null,null]}");
    shows(&Shape::Unit, "\"Unit\"");
    shows(&Shape::Newtype(5), "{\"Newtype\":5}");
    shows(&Shape::Tuple(5, 6), "{\"Tuple\":[5,6]}");
    shows(&Shape::Struct { b: 5, a: 6 }, "{\"Struct\":{\"a\":6,\"b\":5}}");
}

#[test]
fn a_type_that_prints_itself_is_text() {
    shows(&std::net::Ipv6Addr::LOCALHOST, "\"::1\"");
    shows(&format_args!("{}-{}", "a\n", 5), "\"a\\n-5\"");
}

#[test]
fn a_display_that_fails_is_an_error() {
    struct Broken;
    impl std::fmt::Display for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    assert_eq!(shown(&Broken), Err(CaptureError::Serialize("a `Display` failed".into())));
}

#[test]
fn the_shapes_are_those_of_serde_json() {
    let shapes = (Unit, Newtype(5), Pair(5, "a"), Named { z: 1, a: Some(2) }, Bytes(b"a"), 'c', 2.5, (5,));
    let variants = [Shape::Unit, Shape::Newtype(1), Shape::Tuple(1, 2), Shape::Struct { b: 1, a: 2 }];
    let both = (shapes, variants);
    let theirs: Value = serde_json::from_value(serde_json::to_value(&both).unwrap()).unwrap();
    assert_eq!(capture(&both, &Limits::default()), Ok(theirs));
}

#[test]
fn what_was_captured_is_read_back_as_the_type_that_it_was() {
    type Whole = BTreeMap<String, Vec<(u128, Option<f64>, String)>>;
    let whole = Whole::from([
        ("a\"b".to_owned(), vec![(u128::MAX, Some(1.5), "x".to_owned()), (1, None, "\n".to_owned())]),
        ("c".to_owned(), vec![]),
    ]);
    let value = capture(&whole, &Limits::default()).unwrap();
    assert_eq!(value.read_as::<Whole>(), Some(whole));
    assert_eq!(value.read_as::<Vec<u8>>(), None);
}
