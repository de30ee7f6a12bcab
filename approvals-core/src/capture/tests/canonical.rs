use super::super::canonical;
use super::*;
use proptest::prelude::*;

fn text_of(json: &str) -> String {
    String::from_utf8(parse(json).unwrap().canonical()).unwrap()
}

#[test]
fn the_sample_of_the_rfc_comes_out_as_the_rfc_says() {
    let sample = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(text_of(sample), expected);
}

#[test]
fn keys_are_sorted_by_utf_16_units() {
    let keys = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude02":5,"\u0080":6,"\u00f6":7}"#;
    assert_eq!(
        text_of(keys),
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"\u{1f602}\":5,\"\u{fb33}\":3}"
    );
}

#[test]
fn text_is_escaped_as_little_as_possible_and_never_normalised() {
    let text = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/<>\u{7f}\u{2028}A\u{30a}Å";
    let expected = "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/<>\u{7f}\u{2028}A\u{30a}Å\"";
    assert_eq!(Value::from(text).canonical(), expected.as_bytes());
}

#[test]
fn empty_containers_are_written() {
    assert_eq!(text_of(" [ [ ] , { } , \"\" ] "), r#"[[],{},""]"#);
}

#[test]
fn a_record_with_an_inexact_number_is_refused() {
    assert_eq!(canonical(&u64::MAX), Err(CaptureError::IntegerOutOfRange));
    assert_eq!(canonical(&-(1_i64 << 53)), Err(CaptureError::IntegerOutOfRange));
    assert_eq!(canonical(&[f64::NAN]), Err(CaptureError::NotFinite));
    assert_eq!(canonical(&((1_i64 << 53) - 1)).unwrap(), b"9007199254740991");
}

#[test]
fn a_record_may_hold_captured_arguments() {
    let captured = capture(&u64::MAX, &Limits::default()).unwrap();
    assert_eq!(canonical(&captured), Ok(captured.canonical()));
    assert_eq!(captured.canonical(), br#"{"$int":"18446744073709551615"}"#);
}

#[test]
fn a_record_is_as_deep_as_it_can_be_read_back() {
    #[derive(serde::Serialize)]
    #[serde(transparent)]
    struct Nest(Vec<Nest>);
    let nest = |levels| (1..levels).fold(Nest(vec![]), |inner, _| Nest(vec![inner]));
    let deepest = canonical(&nest(127)).unwrap();
    assert!(serde_json::from_slice::<Value>(&deepest).is_ok());
    assert_eq!(canonical(&nest(128)), Err(CaptureError::TooDeep { limit: 127 }));
}

fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{7f}'),
        prop::char::range('\u{e000}', '\u{ffff}'),
        prop::char::range('\u{10000}', '\u{10fff}'),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(character(), 0..6).prop_map(String::from_iter)
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<i64>().prop_map(|int| int as f64),
        (any::<i32>(), -40..40_i32).prop_map(|(digits, power)| f64::from(digits) * 10_f64.powi(power)),
    ]
}

pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        float().prop_filter_map("finite", Value::number),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::btree_map(text(), inner, 0..6).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn reading_canonical_bytes_gives_the_value_again(value in value()) {
        let bytes = value.canonical();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(read.canonical(), bytes);
    }

    #[test]
    fn the_bytes_are_those_of_another_implementation(value in value()) {
        prop_assert_eq!(value.canonical(), serde_json_canonicalizer::to_vec(&value).unwrap());
    }

    #[test]
    fn values_are_equal_exactly_when_their_bytes_are(one in value(), other in value()) {
        prop_assert_eq!(one == other, one.canonical() == other.canonical());
    }

    #[test]
    fn serialising_a_value_into_a_record_keeps_its_bytes(value in value()) {
        prop_assert_eq!(canonical(&value).unwrap(), value.canonical());
    }
}
