use super::number::{self, Float, Int, Text};
use super::{CaptureError, INT, canonical};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;

/// A captured argument: what people are shown, what is hashed, and what a policy looks at.
///
/// Two values are equal exactly when their canonical bytes are, because the numbers have one form each. Reading
/// canonical bytes back gives the value again. An integer beyond ±(2^53 − 1) is the map `{"$int":"<decimal>"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing: `None`, `()`, a unit struct.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer within ±(2^53 − 1).
    Int(Int),
    /// Any other finite number.
    Float(Float),
    /// Text, not normalised.
    Text(String),
    /// A sequence, a tuple, a set or bytes.
    List(Vec<Value>),
    /// A map, a struct, or a variant with data under its name.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The canonical JSON of RFC 8785: the only bytes of a value that are hashed.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::bytes(self)
    }

    /// The value as a type that serde can read, a large integer as the number it is; `None` if it is not of that type.
    ///
    /// ```
    /// use approvals_core::capture::{Limits, capture};
    ///
    /// let value = capture(&u64::MAX, &Limits::default())?;
    /// assert_eq!(value.read_as::<u64>(), Some(u64::MAX));
    /// assert_eq!(value.read_as::<u8>(), None);
    /// # Ok::<(), approvals_core::capture::CaptureError>(())
    /// ```
    pub fn read_as<T: de::DeserializeOwned>(&self) -> Option<T> {
        let mut json = String::new();
        self.write_plain(&mut json);
        serde_json::from_str(&json).ok()
    }

    /// JSON in which a large integer is a plain number. Not canonical: for reading back alone.
    fn write_plain(&self, json: &mut String) {
        use std::fmt::Write as _;
        let mut separator = "";
        // Writing to a string does not fail.
        match self {
            Value::List(items) => {
                json.push('[');
                for item in items {
                    json.push_str(separator);
                    item.write_plain(json);
                    separator = ",";
                }
                json.push(']');
            }
            Value::Map(fields) => {
                // Only digits: a value that was read, and not captured, may hold any text there.
                if let (1, Some(Value::Text(digits))) = (fields.len(), fields.get(INT))
                    && let Some(Text::Integer(digits)) = number::parse(digits)
                {
                    return json.push_str(digits);
                }
                json.push('{');
                for (key, field) in fields {
                    let _ = write!(json, "{separator}{}:", serde_json::Value::from(key.as_str()));
                    field.write_plain(json);
                    separator = ",";
                }
                json.push('}');
            }
            plain => json.push_str(&String::from_utf8_lossy(&plain.canonical())),
        }
    }

    /// An integer too large for JSON, given by its decimal digits.
    pub(super) fn large_integer(digits: String) -> Self {
        Value::Map(BTreeMap::from([(INT.to_owned(), Value::Text(digits))]))
    }

    fn from_json(json: serde_json::Value) -> Result<Self, CaptureError> {
        Ok(match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Number(number) => Self::from_json_number(&number)?,
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(Self::from_json).collect::<Result<_, _>>()?)
            }
            serde_json::Value::Object(fields) => Value::Map(
                fields.into_iter().map(|(key, value)| Ok((key, Self::from_json(value)?))).collect::<Result<
                    _,
                    CaptureError,
                >>(
                )?,
            ),
        })
    }

    // By its text, which is the one view of a number that stays the same under `arbitrary_precision`.
    fn from_json_number(number: &serde_json::Number) -> Result<Self, CaptureError> {
        if let Some(int) = number.as_i64().and_then(Int::new) {
            return Ok(Value::Int(int));
        }
        let text = number.to_string();
        match number::parse(&text) {
            Some(Text::Real(float)) => Value::number(float).ok_or(CaptureError::NotFinite),
            // A float from 2^53 to 10^21 is written without a point. Any other integer of that size would be
            // rounded, and is refused.
            Some(Text::Integer(digits)) => {
                let float = digits.parse().map_err(|_| CaptureError::IntegerOutOfRange)?;
                let value = Value::number(float).ok_or(CaptureError::IntegerOutOfRange)?;
                if value.canonical() == digits.as_bytes() {
                    Ok(value)
                } else {
                    Err(CaptureError::IntegerOutOfRange)
                }
            }
            None => Err(CaptureError::Inexact),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    /// Beyond ±(2^53 − 1) it becomes `{"$int":"<decimal>"}`.
    fn from(value: i64) -> Self {
        Int::new(value).map_or_else(|| Value::large_integer(value.to_string()), Value::Int)
    }
}

impl From<u64> for Value {
    /// Beyond 2^53 − 1 it becomes `{"$int":"<decimal>"}`.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Value::large_integer(value.to_string()), Value::from)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(int) => serializer.serialize_i64(int.get()),
            Value::Float(float) => serializer.serialize_f64(float.get()),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Self::from_json(json).map_err(de::Error::custom)
    }
}
