use super::canonical::{self, text_len};
use super::containers::{List, NUMBER, Object, Struct, Tag};
use super::number::{self, Int, Text};
use super::same::taken_for_another;
use super::{CaptureError, DEEPEST, Limits, Value};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use std::fmt::{self, Write as _};

/// Wrappers (`Some`, newtypes) that are passed per level: they add none to the value, but they do to the stack.
pub(super) const WRAPPERS_PER_LEVEL: usize = 4;

/// What all parts of one value spend together.
pub(super) struct Budget {
    limits: Limits,
    spent: usize,
    /// Arguments may hold any integer and must not imitate one; records hold plain JSON.
    pub(super) arguments: bool,
}

impl Budget {
    pub(super) fn arguments(limits: Limits) -> Self {
        Self { limits, spent: 0, arguments: true }
    }

    pub(super) fn records() -> Self {
        Self { limits: Limits { bytes: usize::MAX, depth: DEEPEST }, spent: 0, arguments: false }
    }

    /// Counts bytes before they are kept, so that a huge argument costs no more memory than the limit.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), CaptureError> {
        self.spent = self.spent.saturating_add(bytes);
        let limit = self.limits.bytes;
        if self.spent > limit { Err(CaptureError::TooLarge { limit }) } else { Ok(()) }
    }
}

/// Our serializer. `spent` is exactly the canonical length of what was captured so far.
pub(super) struct Capturer<'a> {
    pub(super) budget: &'a mut Budget,
    depth: usize,
    wrappers: usize,
    /// A map key, where `Some("null")` and `None` must not become one text.
    key: bool,
}

impl<'a> Capturer<'a> {
    pub(super) fn new(budget: &'a mut Budget) -> Self {
        Self::at(budget, 0, 0)
    }

    /// So many levels and wrappers into a value.
    pub(super) fn at(budget: &'a mut Budget, depth: usize, wrappers: usize) -> Self {
        Self { budget, depth, wrappers, key: false }
    }

    /// For a part of this value.
    pub(super) fn part(&mut self) -> Capturer<'_> {
        Capturer { budget: &mut *self.budget, depth: self.depth, wrappers: self.wrappers, key: false }
    }

    /// A map key as text. Only the text is counted in the end, not what it was made from.
    pub(super) fn key_text<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<String, CaptureError> {
        let before = self.budget.spent;
        let text = match key.serialize(Capturer { key: true, ..self.part() })? {
            Value::Text(text) => text,
            other => canonical::text(&other),
        };
        self.budget.spent = before;
        Ok(text)
    }

    /// A number that arrives as text, from `serde_json` with `arbitrary_precision`.
    pub(super) fn number_text<T: Serialize + ?Sized>(mut self, text: &T) -> Result<Value, CaptureError> {
        let before = self.budget.spent;
        let captured = text.serialize(self.part())?;
        self.budget.spent = before;
        let Value::Text(text) = captured else {
            return Err(CaptureError::ReservedKey { key: NUMBER });
        };
        match number::parse(&text) {
            Some(Text::Integer(digits)) => match digits.parse::<i64>() {
                Ok(int) => self.serialize_i64(int),
                Err(_) => self.large(digits.to_owned()),
            },
            Some(Text::Real(float)) => {
                let value = number::exact(&text, float)?;
                self.scalar(value)
            }
            None => Err(CaptureError::ReservedKey { key: NUMBER }),
        }
    }

    fn scalar(self, value: Value) -> Result<Value, CaptureError> {
        self.budget.spend(value.canonical().len())?;
        Ok(value)
    }

    fn large(self, digits: String) -> Result<Value, CaptureError> {
        if self.key {
            return self.serialize_str(&digits);
        }
        if !self.budget.arguments {
            return Err(CaptureError::IntegerOutOfRange);
        }
        self.scalar(Value::large_integer(digits))
    }

    pub(super) fn enter(self) -> Result<Self, CaptureError> {
        let limit = self.budget.limits.depth;
        if self.depth >= limit {
            return Err(CaptureError::TooDeep { limit });
        }
        self.budget.spend(2)?;
        Ok(Self { depth: self.depth + 1, key: false, ..self })
    }

    fn pass_wrapper(self) -> Result<Self, CaptureError> {
        let limit = self.budget.limits.depth;
        if self.wrappers >= limit.saturating_add(1).saturating_mul(WRAPPERS_PER_LEVEL) {
            return Err(CaptureError::TooDeep { limit });
        }
        Ok(Self { wrappers: self.wrappers + 1, ..self })
    }

    /// Opens `{"variant":` as serde_json's external tagging does.
    fn tagged(self, variant: &'static str) -> Result<(Self, Tag), CaptureError> {
        let tag = Tag::new(variant, self.budget.arguments)?;
        let inner = self.enter()?;
        inner.budget.spend(text_len(variant) + 1)?;
        Ok((inner, tag))
    }
}

impl<'a> Serializer for Capturer<'a> {
    type Ok = Value;
    type Error = CaptureError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Object<'a>;

    taken_for_another!(Value);

    fn serialize_bool(self, value: bool) -> Result<Value, CaptureError> {
        self.scalar(Value::Bool(value))
    }

    fn serialize_i64(self, value: i64) -> Result<Value, CaptureError> {
        match Int::new(value) {
            Some(int) => self.scalar(Value::Int(int)),
            None => self.large(value.to_string()),
        }
    }

    fn serialize_i128(self, value: i128) -> Result<Value, CaptureError> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => self.large(value.to_string()),
        }
    }

    fn serialize_u64(self, value: u64) -> Result<Value, CaptureError> {
        self.serialize_u128(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<Value, CaptureError> {
        match i64::try_from(value) {
            Ok(value) => self.serialize_i64(value),
            Err(_) => self.large(value.to_string()),
        }
    }

    fn serialize_f64(self, value: f64) -> Result<Value, CaptureError> {
        let value = Value::number(value).ok_or(CaptureError::NotFinite)?;
        self.scalar(value)
    }

    fn serialize_str(self, value: &str) -> Result<Value, CaptureError> {
        self.budget.spend(text_len(value))?;
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, CaptureError> {
        let mut inner = self.pass_wrapper()?;
        if !inner.key {
            return value.serialize(inner);
        }
        let captured = value.serialize(inner.part())?;
        Ok(Value::Text(canonical::text(&captured)))
    }

    fn serialize_unit(self) -> Result<Value, CaptureError> {
        self.scalar(Value::Null)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, CaptureError> {
        let (inner, tag) = self.tagged(variant)?;
        Ok(tag.wrap(value.serialize(inner)?))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'a>, CaptureError> {
        Ok(List::new(self.enter()?, None))
    }

    fn serialize_tuple(self, _len: usize) -> Result<List<'a>, CaptureError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<List<'a>, CaptureError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<List<'a>, CaptureError> {
        let (inner, tag) = self.tagged(variant)?;
        Ok(List::new(inner.enter()?, Some(tag)))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Object<'a>, CaptureError> {
        Ok(Object::new(self.enter()?, None))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Struct<'a>, CaptureError> {
        Struct::new(name, self)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Object<'a>, CaptureError> {
        let (inner, tag) = self.tagged(variant)?;
        Ok(Object::new(inner.enter()?, Some(tag)))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Value, CaptureError> {
        self.budget.spend(2)?;
        let mut text = Collected { budget: self.budget, text: String::new(), refused: None };
        let written = write!(text, "{value}");
        match (text.refused, written) {
            (Some(refused), _) => Err(refused),
            (None, Err(_)) => Err(CaptureError::custom("a `Display` failed")),
            (None, Ok(())) => Ok(Value::Text(text.text)),
        }
    }
}

/// A `Display` that writes without end stops at the limit.
struct Collected<'a> {
    budget: &'a mut Budget,
    text: String,
    refused: Option<CaptureError>,
}

impl fmt::Write for Collected<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if let Err(refused) = self.budget.spend(text_len(piece) - 2) {
            self.refused = Some(refused);
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}
