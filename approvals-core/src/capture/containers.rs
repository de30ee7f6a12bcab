use super::canonical::text_len;
use super::same::{lists, maps};
use super::serializer::Capturer;
use super::{CaptureError, INT, Value};
use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use std::collections::BTreeMap;

/// Names under which `serde_json` passes numbers and raw text through any serializer.
const PRIVATE: &str = "$serde_json::private::";
pub(super) const NUMBER: &str = "$serde_json::private::Number";
pub(super) const RAW: &str = "$serde_json::private::RawValue";

/// The name of a variant around its data.
pub(super) struct Tag(&'static str);

impl Tag {
    pub(super) fn new(variant: &'static str, arguments: bool) -> Result<Self, CaptureError> {
        check_key(variant)?;
        if arguments && variant == INT {
            return Err(CaptureError::ReservedKey { key: INT });
        }
        Ok(Self(variant))
    }

    pub(super) fn wrap(self, value: Value) -> Value {
        Value::Map(BTreeMap::from([(self.0.to_owned(), value)]))
    }
}

fn wrap(tag: Option<Tag>, value: Value) -> Value {
    match tag {
        Some(tag) => tag.wrap(value),
        None => value,
    }
}

// Written out, such a key would be read back as a number or as parsed text under some features of `serde_json`.
pub(super) fn check_key(key: &str) -> Result<(), CaptureError> {
    if key.starts_with(PRIVATE) { Err(CaptureError::ReservedKey { key: PRIVATE }) } else { Ok(()) }
}

pub(super) struct List<'a> {
    capturer: Capturer<'a>,
    tag: Option<Tag>,
    items: Vec<Value>,
}

impl<'a> List<'a> {
    // The length that a type announces is not trusted with an allocation.
    pub(super) fn new(capturer: Capturer<'a>, tag: Option<Tag>) -> Self {
        Self { capturer, tag, items: Vec::new() }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), CaptureError> {
        self.capturer.budget.spend(usize::from(!self.items.is_empty()))?;
        self.items.push(item.serialize(self.capturer.part())?);
        Ok(())
    }

    fn finish(self) -> Result<Value, CaptureError> {
        Ok(wrap(self.tag, Value::List(self.items)))
    }
}

pub(super) struct Object<'a> {
    capturer: Capturer<'a>,
    tag: Option<Tag>,
    fields: BTreeMap<String, Value>,
    key: Option<String>,
}

impl<'a> Object<'a> {
    pub(super) fn new(capturer: Capturer<'a>, tag: Option<Tag>) -> Self {
        Self { capturer, tag, fields: BTreeMap::new(), key: None }
    }

    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), CaptureError> {
        check_key(&key)?;
        if self.fields.contains_key(&key) {
            return Err(CaptureError::DuplicateKey);
        }
        let comma = usize::from(!self.fields.is_empty());
        self.capturer.budget.spend(comma + text_len(&key) + 1)?;
        let value = value.serialize(self.capturer.part())?;
        self.fields.insert(key, value);
        Ok(())
    }

    fn finish(self) -> Result<Value, CaptureError> {
        if self.key.is_some() {
            return Err(CaptureError::custom("a map key without a value"));
        }
        if self.capturer.budget.arguments && self.fields.len() == 1 && self.fields.contains_key(INT) {
            return Err(CaptureError::ReservedKey { key: INT });
        }
        Ok(wrap(self.tag, Value::Map(self.fields)))
    }
}

/// A struct, or the one that `serde_json` wraps around a number of arbitrary precision.
pub(super) enum Struct<'a> {
    Fields(Object<'a>),
    Number(Option<Capturer<'a>>, Option<Value>),
}

impl<'a> Struct<'a> {
    pub(super) fn new(name: &'static str, capturer: Capturer<'a>) -> Result<Self, CaptureError> {
        match name {
            NUMBER => Ok(Struct::Number(Some(capturer), None)),
            RAW => Err(CaptureError::RawJson),
            _ => Ok(Struct::Fields(Object::new(capturer.enter()?, None))),
        }
    }
}

impl SerializeStruct for Struct<'_> {
    type Ok = Value;
    type Error = CaptureError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CaptureError> {
        match self {
            Struct::Fields(object) => object.insert(key.to_owned(), value),
            Struct::Number(capturer, number) => match capturer.take() {
                Some(capturer) if key == NUMBER => {
                    *number = Some(capturer.number_text(value)?);
                    Ok(())
                }
                _ => Err(CaptureError::ReservedKey { key: NUMBER }),
            },
        }
    }

    fn end(self) -> Result<Value, CaptureError> {
        match self {
            Struct::Fields(object) => object.finish(),
            Struct::Number(_, number) => number.ok_or(CaptureError::ReservedKey { key: NUMBER }),
        }
    }
}

maps!(Object, capturer => Value);
lists!(List => Value);
