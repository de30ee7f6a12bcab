use super::super::number::{self, Text};
use super::super::{Int, canonical};
use super::*;
use proptest::prelude::*;
use serde::Serialize;

fn float_text(float: f64) -> String {
    String::from_utf8(Value::number(float).unwrap().canonical()).unwrap()
}

#[test]
fn floats_take_the_form_of_ecmascript() {
    let cases: &[(u64, &str)] = &[
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x8000000000000001, "-5e-324"),
        (0x7fefffffffffffff, "1.7976931348623157e+308"),
        (0xffefffffffffffff, "-1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0xc340000000000000, "-9007199254740992"),
        (0x4340000000000001, "9007199254740994"),
        (0x4430000000000000, "295147905179352830000"),
        (0x444b1ae4d6e2ef4f, "999999999999999900000"),
        (0x444b1ae4d6e2ef50, "1e+21"),
        (0x3eb0c6f7a0b5ed8d, "0.000001"),
        (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
        (0xbecbf647612f3696, "-0.0000033333333333333333"),
        (0x41b3de4355555553, "333333333.3333332"),
        (0x41b3de4355555554, "333333333.33333325"),
        (0x41b3de4355555555, "333333333.3333333"),
        (0x41b3de4355555556, "333333333.3333334"),
        (0x41b3de4355555557, "333333333.33333343"),
        (0x43143ff3c1cb0959, "1424953923781206.2"),
    ];
    for (bits, expected) in cases {
        assert_eq!(float_text(f64::from_bits(*bits)), *expected, "{bits:016x}");
    }
    assert_eq!(float_text(0.1 + 0.2), "0.30000000000000004");
    assert_eq!(float_text(-123.456), "-123.456");
    assert_eq!(float_text(1.5e300), "1.5e+300");
}

#[test]
fn a_whole_float_is_the_integer() {
    assert_eq!(Value::number(5.0), Some(Value::from(5_i64)));
    assert_eq!(Value::number(-0.0), Some(Value::from(0_i64)));
    assert_eq!(Value::number(9007199254740991.0), Some(Value::from(9007199254740991_i64)));
    assert!(matches!(Value::number(9007199254740992.0), Some(Value::Float(_))));
}

#[test]
fn a_float_that_is_none_cannot_be_made() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Value::number(float), None);
    }
}

#[test]
fn an_int_holds_only_what_json_holds() {
    let most = (1 << 53) - 1;
    for (value, kept) in
        [(most, true), (-most, true), (most + 1, false), (-most - 1, false), (i64::MIN, false)]
    {
        assert_eq!(Int::new(value).map(Int::get), kept.then_some(value));
    }
}

#[test]
fn an_integer_that_json_cannot_hold_is_written_as_digits() {
    shows(&9007199254740991_u64, "9007199254740991");
    shows(&-9007199254740991_i64, "-9007199254740991");
    shows(&9007199254740992_u64, r#"{"$int":"9007199254740992"}"#);
    shows(&i64::MIN, r#"{"$int":"-9223372036854775808"}"#);
    shows(&u64::MAX, r#"{"$int":"18446744073709551615"}"#);
    shows(&u128::MAX, r#"{"$int":"340282366920938463463374607431768211455"}"#);
    shows(&i128::MIN, r#"{"$int":"-170141183460469231731687303715884105728"}"#);
    shows(&7_u128, "7");
    shows(&-7_i128, "-7");
    assert_eq!(Value::from(u64::MAX), capture(&u64::MAX, &Limits::default()).unwrap());
    assert_eq!(Value::from(i64::MIN), capture(&i64::MIN, &Limits::default()).unwrap());
}

#[test]
fn a_float_of_single_precision_is_its_exact_value() {
    shows(&0.1_f32, "0.10000000149011612");
    shows(&0.5_f32, "0.5");
}

#[test]
fn reading_refuses_an_integer_that_it_would_round() {
    assert_eq!(parse("9007199254740994").unwrap(), Value::number(9007199254740994.0).unwrap());
    assert_eq!(parse("-9007199254740994").unwrap(), Value::number(-9007199254740994.0).unwrap());
    assert_eq!(parse("10000000000000000").unwrap(), Value::number(1e16).unwrap());
    let error = parse("9007199254740993").unwrap_err().to_string();
    assert!(error.contains("±(2^53 − 1)"), "{error}");
    assert!(parse("-9007199254740993").is_err());
    // 2^60 has a float of its own, but ECMAScript writes it as 1152921504606847000.
    assert!(parse("1152921504606846976").is_err());
    assert!(parse("1e400").is_err());
}

#[test]
fn one_number_has_one_value_however_it_is_written() {
    for text in ["5", "5.0", "0.5e1", "500E-2"] {
        assert_eq!(parse(text).unwrap(), Value::from(5_i64), "{text}");
    }
    assert_eq!(parse("-0").unwrap(), Value::from(0_i64));
    assert_eq!(parse("-0.0").unwrap(), Value::from(0_i64));
}

/// What a `serde_json::Number` is to a serializer once any crate turns on `arbitrary_precision`.
#[derive(Serialize)]
#[serde(rename = "$serde_json::private::Number")]
struct Precise<T> {
    #[serde(rename = "$serde_json::private::Number")]
    text: T,
}

#[test]
fn a_number_of_arbitrary_precision_is_a_number() {
    let cases = [
        ("0", "0"),
        ("-0", "0"),
        ("42", "42"),
        ("-9007199254740991", "-9007199254740991"),
        ("9007199254740992", r#"{"$int":"9007199254740992"}"#),
        (
            "123456789012345678901234567890123456789012",
            r#"{"$int":"123456789012345678901234567890123456789012"}"#,
        ),
        ("0.10", "0.1"),
        ("-1.5E+3", "-1500"),
        ("0.000e7", "0"),
        ("1e20", "100000000000000000000"),
        ("25e-1", "2.5"),
        ("0.0000001", "1e-7"),
        ("-0.00000012500", "-1.25e-7"),
    ];
    for (text, expected) in cases {
        shows(&Precise { text }, expected);
    }
}

#[test]
fn a_number_that_a_float_would_change_is_refused() {
    for text in [
        "3.14159265358979323846",
        "0.1000000000000000055511151231257827",
        "1e-400",
        "9007199254740993.0",
        "1424953923781206.3",
    ] {
        assert_eq!(shown(&Precise { text }), Err(CaptureError::Inexact), "{text}");
    }
    assert_eq!(shown(&Precise { text: "1e400" }), Err(CaptureError::NotFinite));
}

#[test]
fn a_false_number_does_not_pass_for_one() {
    for text in [
        "", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1.e2", "inf", "NaN", "1_0", " 1", "0x1",
        "1e1e1",
    ] {
        assert!(matches!(shown(&Precise { text }), Err(CaptureError::ReservedKey { .. })), "{text}");
    }
    assert!(matches!(shown(&Precise { text: 5 }), Err(CaptureError::ReservedKey { .. })));
    assert!(matches!(shown(&Precise { text: Some(()) }), Err(CaptureError::ReservedKey { .. })));

    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct Other {
        amount: &'static str,
    }
    assert!(matches!(shown(&Other { amount: "5" }), Err(CaptureError::ReservedKey { .. })));

    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct Empty {}
    assert!(matches!(shown(&Empty {}), Err(CaptureError::ReservedKey { .. })));

    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::Number")]
    struct Twice {
        #[serde(rename = "$serde_json::private::Number")]
        text: &'static str,
        hidden: &'static str,
    }
    assert!(matches!(shown(&Twice { text: "5", hidden: "x" }), Err(CaptureError::ReservedKey { .. })));
}

#[test]
fn the_numbers_of_serde_json_are_captured_as_they_are() {
    shows(
        &serde_json::json!([1, -2, 2.5, 1e300, u64::MAX]),
        r#"[1,-2,2.5,1e+300,{"$int":"18446744073709551615"}]"#,
    );
}

proptest! {
    #[test]
    fn a_float_reads_back_from_its_text(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        prop_assert_eq!(float_text(float).parse::<f64>().unwrap(), float);
    }

    #[test]
    fn every_float_is_exact_in_its_own_text(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for text in [float_text(float), serde_json::to_string(&float).unwrap()] {
            prop_assert_eq!(number::exact(&text, float), Ok(Value::number(float).unwrap()));
        }
    }

    #[test]
    fn numbers_are_told_apart_by_the_grammar_of_json(text in "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][-+]?[0-9]{0,2})?") {
        let valid = serde_json::from_str::<serde_json::Number>(&text).is_ok();
        let parsed = number::parse(&text);
        prop_assert_eq!(parsed.is_some(), valid, "{}", text);
        if let Some(Text::Integer(digits)) = parsed {
            prop_assert!(digits.parse::<i64>().is_ok());
        }
    }

    #[test]
    fn every_integer_keeps_its_value(int in any::<i128>()) {
        let expected = if int.unsigned_abs() < 1 << 53 { int.to_string() } else { format!(r#"{{"$int":"{int}"}}"#) };
        prop_assert_eq!(shown(&int), Ok(expected.clone()));
        prop_assert_eq!(shown(&Precise { text: int.to_string() }), Ok(expected));
        prop_assert_eq!(canonical(&int).is_ok(), int.unsigned_abs() < 1 << 53);
    }
}
