//! The writer of records beside the tree that arguments become: the same bytes, and the same refusals.

use super::super::serializer::{Budget, Capturer};
use super::super::{Value, canonical};
use super::*;
use proptest::prelude::*;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Names in no order, some alike, some that sort otherwise by UTF-16 units, some that are reserved.
const NAMES: [&str; 9] =
    ["b", "a", "ab", "", "\u{1f602}", "\u{fb33}", "q\"", "$int", "$serde_json::private::Number"];

/// Anything that a type may hand to a serializer.
#[derive(Debug, Clone)]
enum Shape {
    Unit,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(u128),
    Float(f64),
    Char(char),
    Text(String),
    Shown(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Shape>),
    UnitVariant(usize),
    Newtype(Box<Shape>),
    NewtypeVariant(usize, Box<Shape>),
    List(u8, Vec<Shape>),
    Map(Vec<(Shape, Shape)>),
    Struct(Vec<(usize, Shape)>),
    StructVariant(usize, Vec<(usize, Shape)>),
    Json(String),
}

fn name(index: usize) -> &'static str {
    NAMES[index % NAMES.len()]
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Wide(value) => serializer.serialize_u128(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Shown(value) => serializer.collect_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::UnitVariant(index) => serializer.serialize_unit_variant("E", 0, name(*index)),
            Self::Newtype(value) => serializer.serialize_newtype_struct("N", value),
            Self::NewtypeVariant(index, value) => {
                serializer.serialize_newtype_variant("E", 0, name(*index), value)
            }
            Self::List(kind, items) => match kind % 4 {
                0 => {
                    let mut list = serializer.serialize_seq(Some(items.len()))?;
                    items.iter().try_for_each(|item| list.serialize_element(item))?;
                    list.end()
                }
                1 => {
                    let mut list = serializer.serialize_tuple(items.len())?;
                    items.iter().try_for_each(|item| list.serialize_element(item))?;
                    list.end()
                }
                2 => {
                    let mut list = serializer.serialize_tuple_struct("T", items.len())?;
                    items.iter().try_for_each(|item| list.serialize_field(item))?;
                    list.end()
                }
                _ => {
                    let mut list = serializer.serialize_tuple_variant("E", 0, "t", items.len())?;
                    items.iter().try_for_each(|item| list.serialize_field(item))?;
                    list.end()
                }
            },
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(fields) => {
                let mut object = serializer.serialize_struct("S", fields.len())?;
                fields.iter().try_for_each(|(key, value)| object.serialize_field(name(*key), value))?;
                object.end()
            }
            Self::StructVariant(variant, fields) => {
                let mut object = serializer.serialize_struct_variant("E", 0, name(*variant), fields.len())?;
                fields.iter().try_for_each(|(key, value)| object.serialize_field(name(*key), value))?;
                object.end()
            }
            Self::Json(number) => {
                let mut object = serializer.serialize_struct("$serde_json::private::Number", 1)?;
                object.serialize_field("$serde_json::private::Number", number)?;
                object.end()
            }
        }
    }
}

fn some_shape() -> impl Strategy<Value = Shape> {
    let plain = prop_oneof![
        Just(Shape::Unit),
        any::<bool>().prop_map(Shape::Bool),
        (-100..100_i64).prop_map(Shape::Signed),
        (0..100_u64).prop_map(Shape::Unsigned),
        Just(Shape::Signed(-(1 << 53))),
        Just(Shape::Unsigned((1 << 53) - 1)),
        Just(Shape::Wide(1 << 53)),
        (-1e9..1e9).prop_map(Shape::Float),
        Just(Shape::Float(f64::NAN)),
        any::<char>().prop_map(Shape::Char),
        ".{0,8}".prop_map(Shape::Text),
        "[\"\\\\\\n\u{1}a-c\u{fb33}\u{1f602}]{0,6}".prop_map(Shape::Shown),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Shape::Bytes),
        Just(Shape::None),
        (0..NAMES.len()).prop_map(Shape::UnitVariant),
        prop_oneof!["[1-9][0-9]{0,20}", "[1-9]\\.[0-9]{1,3}", Just("x".to_owned())].prop_map(Shape::Json),
    ];
    plain.prop_recursive(5, 40, 5, |inner| {
        let fields = || prop::collection::vec((0..NAMES.len(), inner.clone()), 0..5);
        prop_oneof![
            inner.clone().prop_map(|value| Shape::Some(Box::new(value))),
            inner.clone().prop_map(|value| Shape::Newtype(Box::new(value))),
            (0..NAMES.len(), inner.clone())
                .prop_map(|(index, value)| Shape::NewtypeVariant(index, Box::new(value))),
            (any::<u8>(), prop::collection::vec(inner.clone(), 0..5))
                .prop_map(|(kind, items)| Shape::List(kind, items)),
            prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Shape::Map),
            fields().prop_map(Shape::Struct),
            (0..NAMES.len(), fields()).prop_map(|(index, fields)| Shape::StructVariant(index, fields)),
        ]
    })
}

fn by_the_tree(value: &impl Serialize) -> Result<Vec<u8>, CaptureError> {
    Ok(value.serialize(Capturer::new(&mut Budget::records()))?.canonical())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_what_the_tree_says(shape in some_shape()) {
        let (written, expected) = (canonical(&shape), by_the_tree(&shape));
        prop_assert_eq!(written.is_ok(), expected.is_ok(), "{:?} beside {:?}", written, expected);
        prop_assert_eq!(written.ok(), expected.ok());
    }
}

#[test]
fn fields_that_come_in_any_order_are_written_in_theirs() {
    let plain = |index| (index, Shape::Unit);
    let shape = Shape::StructVariant(1, [0, 5, 1, 2, 4].map(plain).into());
    let expected = "{\"a\":{\"a\":null,\"ab\":null,\"b\":null,\"\u{1f602}\":null,\"\u{fb33}\":null}}";
    assert_eq!(canonical(&shape).unwrap(), expected.as_bytes());
}

#[test]
fn a_key_twice_is_refused_in_whatever_order_it_comes() {
    for keys in [vec![1, 1], vec![0, 1, 0], vec![0, 1, 2, 1]] {
        let shape = Shape::Struct(keys.into_iter().map(|key| (key, Shape::Unit)).collect());
        assert_eq!(canonical(&shape), Err(CaptureError::DuplicateKey));
    }
}

#[test]
fn what_is_too_deep_for_the_tree_is_too_deep_to_write() {
    // The frames of a `Shape` are many times those of a type that people write.
    let roomy = std::thread::Builder::new().stack_size(256 << 20).spawn(compare_depths).unwrap();
    roomy.join().unwrap();
}

fn compare_depths() {
    let nested = |levels: usize| {
        (0..levels).fold(Shape::Unit, |inner, level| match level % 3 {
            0 => Shape::List(0, vec![inner]),
            1 => Shape::NewtypeVariant(0, Box::new(inner)),
            _ => Shape::Struct(vec![(0, inner)]),
        })
    };
    for levels in [126, 127, 128, 129] {
        assert_eq!(canonical(&nested(levels)), by_the_tree(&nested(levels)), "{levels}");
    }
    assert!(canonical(&nested(127)).is_ok() && canonical(&nested(128)).is_err());
    let wrapped = |count: usize| (0..count).fold(Shape::Unit, |inner, _| Shape::Some(Box::new(inner)));
    for count in [511, 512, 513] {
        assert_eq!(canonical(&wrapped(count)), by_the_tree(&wrapped(count)), "{count}");
    }
}

#[test]
fn numbers_of_every_width_are_written_like_the_widest_and_a_unit_like_nothing() {
    #[derive(Serialize)]
    struct Nothing;
    let signed = (-1_i8, -2_i16, -3_i32, -4_i64, -5_i128);
    let unsigned = (1_u8, 2_u16, 3_u32, 4_u64, 5_u128);
    let written = canonical(&(signed, unsigned, 0.5_f32, 0.25_f64, Nothing)).unwrap();
    assert_eq!(written, b"[[-1,-2,-3,-4,-5],[1,2,3,4,5],0.5,0.25,null]");
}

/// Calls itself a number of JSON, and gives these fields.
struct Posing(&'static [(&'static str, &'static str)]);

impl Serialize for Posing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct(NAMES[8], self.0.len())?;
        self.0.iter().try_for_each(|(key, value)| object.serialize_field(key, value))?;
        object.end()
    }
}

#[test]
fn what_poses_as_a_number_of_json_is_refused() {
    assert_eq!(canonical(&Posing(&[(NAMES[8], "1")])).unwrap(), b"1");
    for fields in [&[][..], &[("n", "1")], &[(NAMES[8], "1"), (NAMES[8], "1")], &[(NAMES[8], "x")]] {
        let posing = Posing(fields);
        assert!(canonical(&posing).is_err() && by_the_tree(&posing).is_err(), "{fields:?}");
    }
}

#[test]
fn captured_values_are_written_as_they_were_captured() {
    let value: Value = parse(r#"{"b":[1,2.5,{"c":null}],"a":"\u0001"}"#).unwrap();
    assert_eq!(canonical(&value).unwrap(), value.canonical());
}
