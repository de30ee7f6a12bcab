use super::{CaptureError, Value};
use std::fmt;

/// Largest magnitude that every JSON reader holds exactly: 2^53 − 1.
pub(super) const MAX_EXACT: i64 = (1 << 53) - 1;

/// An integer within ±(2^53 − 1), the range that every JSON reader holds exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int(i64);

impl Int {
    /// The integer, or `None` beyond ±(2^53 − 1).
    pub const fn new(value: i64) -> Option<Self> {
        if value >= -MAX_EXACT && value <= MAX_EXACT { Some(Self(value)) } else { None }
    }

    /// The integer.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A finite float that is not an integer within ±(2^53 − 1): those are [`Int`], because JSON writes `5.0`
/// and `5` alike. Made by [`Value::number`]. `Display` is its canonical JSON form.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Float(f64);

// Never NaN, so equality is total.
impl Eq for Float {}

impl Float {
    /// The float.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Value {
    /// A float as a value: an integer within ±(2^53 − 1) becomes [`Value::Int`] (and −0 becomes 0), as their
    /// canonical forms are the same; `None` for NaN and the infinities.
    pub fn number(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value.fract() == 0.0 && value.abs() <= MAX_EXACT as f64 {
            return Int::new(value as i64).map(Value::Int);
        }
        Some(Value::Float(Float(value)))
    }
}

impl fmt::Display for Float {
    /// ECMAScript's `Number::toString`, as RFC 8785 section 3.2.2.3 prescribes. Rust's own formatting will not do:
    /// of two shortest forms that are equally near, ECMAScript takes the even one (1424953923781206.2, not …6.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json_canonicalizer::to_string(&self.0) {
            Ok(text) => f.write_str(&text),
            // Only for NaN and infinities, which `Float` never is.
            Err(_) => write!(f, "{:e}", self.0),
        }
    }
}

/// A number that reached us as JSON text (`serde_json` with `arbitrary_precision`).
#[derive(Debug, PartialEq)]
pub(super) enum Text<'a> {
    /// No fraction and no exponent: any number of digits, without a needless zero.
    Integer(&'a str),
    /// Everything else, as the nearest float; it may be infinite.
    Real(f64),
}

/// Reads a number by JSON's grammar, which is narrower than Rust's (`+1`, `.5`, `inf`, `01` are none).
pub(super) fn parse(text: &str) -> Option<Text<'_>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let natural = whole.strip_prefix('-').unwrap_or(whole);
    let well_formed = digits(natural)
        && (natural == "0" || !natural.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    match (well_formed, fraction, exponent) {
        (false, ..) => None,
        (true, None, None) => Some(Text::Integer(text)),
        _ => text.parse().ok().map(Text::Real),
    }
}

/// A decimal text as a value only if its float stands for the same decimal: `0.10` does, 30 digits of π do not.
pub(super) fn exact(text: &str, float: f64) -> Result<Value, CaptureError> {
    let value = Value::number(float).ok_or(CaptureError::NotFinite)?;
    let written = match &value {
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float.to_string(),
        _ => String::new(),
    };
    match (decimal(text), decimal(&written)) {
        (Some(asked), Some(held)) if asked == held => Ok(value),
        _ => Err(CaptureError::Inexact),
    }
}

/// Sign, significant digits and power of ten of a JSON number: the same for every way to write one decimal.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (negative, whole) = match whole.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, whole),
    };
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    let shift = i64::try_from(all.len() - kept.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    let digits = kept.trim_start_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent: i64 = exponent.parse().ok()?;
    Some((negative, digits.to_owned(), exponent.checked_add(shift)?))
}
