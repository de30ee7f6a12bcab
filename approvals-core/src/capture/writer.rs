//! The canonical JSON of our own types, written while they are serialised: the bytes and the refusals of [`Capturer`]
//! in a record, without the tree in between. Every record of the ledger passes here.

use super::canonical::{self, order, write_text};
use super::containers::{NUMBER, RAW, check_key};
use super::same::{lists, maps, taken_for_another};
use super::serializer::{Budget, Capturer, WRAPPERS_PER_LEVEL};
use super::{CaptureError, DEEPEST, Int, Value};
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// The most fields that room is made for at once: the length that a type announces is not trusted further.
const FIELDS: usize = 16;

/// Writes one value behind what was written before.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    depth: usize,
    wrappers: usize,
}

impl<'a> Writer<'a> {
    /// For a value that stands so many levels inside another one.
    pub(super) fn at(out: &'a mut Vec<u8>, depth: usize) -> Self {
        Self { out, depth, wrappers: 0 }
    }

    fn part(&mut self) -> Writer<'_> {
        Writer { out: &mut *self.out, depth: self.depth, wrappers: self.wrappers }
    }

    fn put(self, text: &str) -> Result<(), CaptureError> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn enter(self) -> Result<Self, CaptureError> {
        if self.depth >= DEEPEST {
            return Err(CaptureError::TooDeep { limit: DEEPEST });
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn pass_wrapper(self) -> Result<Self, CaptureError> {
        if self.wrappers >= (DEEPEST + 1) * WRAPPERS_PER_LEVEL {
            return Err(CaptureError::TooDeep { limit: DEEPEST });
        }
        Ok(Self { wrappers: self.wrappers + 1, ..self })
    }

    /// Opens `{"variant":`, for whoever writes the value to close.
    fn tagged(self, variant: &'static str) -> Result<Self, CaptureError> {
        check_key(variant)?;
        let inner = self.enter()?;
        inner.out.push(b'{');
        write_text(variant, inner.out);
        inner.out.push(b':');
        Ok(inner)
    }

    /// What is rare goes by way of the tree.
    fn captured(
        self,
        capture: impl FnOnce(Capturer<'_>) -> Result<Value, CaptureError>,
    ) -> Result<(), CaptureError> {
        let mut budget = Budget::records();
        let value = capture(Capturer::at(&mut budget, self.depth, self.wrappers))?;
        canonical::write(&value, self.out);
        Ok(())
    }

    fn key_text<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<String, CaptureError> {
        let mut budget = Budget::records();
        Capturer::at(&mut budget, self.depth, self.wrappers).key_text(key)
    }
}

/// A list that was opened.
pub(super) struct Items<'a> {
    writer: Writer<'a>,
    any: bool,
    tagged: bool,
}

impl<'a> Items<'a> {
    fn open(writer: Writer<'a>, tagged: bool) -> Result<Self, CaptureError> {
        let writer = writer.enter()?;
        writer.out.push(b'[');
        Ok(Self { writer, any: false, tagged })
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), CaptureError> {
        if self.any {
            self.writer.out.push(b',');
        }
        self.any = true;
        item.serialize(self.writer.part())
    }

    fn finish(self) -> Result<(), CaptureError> {
        self.writer.put(if self.tagged { "]}" } else { "]" })
    }
}

/// A map that was opened. Its fields are written as they come, and put in order at the end if they came in another.
pub(super) struct Fields<'a> {
    writer: Writer<'a>,
    /// The fields so far, each with the place where it begins.
    begun: Vec<(Cow<'static, str>, usize)>,
    in_order: bool,
    key: Option<String>,
    tagged: bool,
}

impl<'a> Fields<'a> {
    fn open(writer: Writer<'a>, fields: usize, tagged: bool) -> Result<Self, CaptureError> {
        let writer = writer.enter()?;
        writer.out.push(b'{');
        let begun = Vec::with_capacity(fields.min(FIELDS));
        Ok(Self { writer, begun, in_order: true, key: None, tagged })
    }

    fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: Cow<'static, str>,
        value: &T,
    ) -> Result<(), CaptureError> {
        check_key(&key)?;
        if let Some((last, _)) = self.begun.last() {
            self.in_order &= order(last, &key).is_lt();
            self.writer.out.push(b',');
        }
        let begins = self.writer.out.len();
        write_text(&key, self.writer.out);
        self.writer.out.push(b':');
        self.begun.push((key, begins));
        value.serialize(self.writer.part())
    }

    fn finish(mut self) -> Result<(), CaptureError> {
        if self.key.is_some() {
            return Err(CaptureError::custom("a map key without a value"));
        }
        if !self.in_order {
            self.put_in_order()?;
        }
        self.writer.out.extend_from_slice(if self.tagged { b"}}" } else { b"}" });
        Ok(())
    }

    fn put_in_order(&mut self) -> Result<(), CaptureError> {
        let first = self.begun.first().map_or(0, |(_, begins)| *begins);
        let written = self.writer.out.split_off(first);
        // Each ends at the comma before the next one, the last at the end.
        let ends = self.begun.iter().skip(1).map(|(_, begins)| begins - first - 1).chain([written.len()]);
        let mut fields: Vec<(&str, &[u8])> = Vec::with_capacity(self.begun.len());
        for ((key, begins), end) in self.begun.iter().zip(ends) {
            fields.push((key, written.get(begins - first..end).unwrap_or_default()));
        }
        fields.sort_unstable_by(|(a, _), (b, _)| order(a, b));
        if fields.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
            return Err(CaptureError::DuplicateKey);
        }
        self.writer.out.reserve(written.len());
        for (index, (_, field)) in fields.into_iter().enumerate() {
            if index > 0 {
                self.writer.out.push(b',');
            }
            self.writer.out.extend_from_slice(field);
        }
        Ok(())
    }
}

/// A struct, or the one that `serde_json` wraps around a number of arbitrary precision.
pub(super) enum Struct<'a> {
    Fields(Fields<'a>),
    Number(Option<Writer<'a>>),
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = CaptureError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Struct<'a>;
    type SerializeStructVariant = Fields<'a>;

    taken_for_another!(());

    fn serialize_bool(self, value: bool) -> Result<(), CaptureError> {
        self.put(if value { "true" } else { "false" })
    }

    fn serialize_i64(self, value: i64) -> Result<(), CaptureError> {
        let int = Int::new(value).ok_or(CaptureError::IntegerOutOfRange)?;
        canonical::print(self.out, format_args!("{int}"));
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), CaptureError> {
        self.serialize_i64(i64::try_from(value).map_err(|_| CaptureError::IntegerOutOfRange)?)
    }

    fn serialize_u64(self, value: u64) -> Result<(), CaptureError> {
        self.serialize_i64(i64::try_from(value).map_err(|_| CaptureError::IntegerOutOfRange)?)
    }

    fn serialize_u128(self, value: u128) -> Result<(), CaptureError> {
        self.serialize_i64(i64::try_from(value).map_err(|_| CaptureError::IntegerOutOfRange)?)
    }

    fn serialize_f64(self, value: f64) -> Result<(), CaptureError> {
        self.captured(|capturer| capturer.serialize_f64(value))
    }

    fn serialize_str(self, value: &str) -> Result<(), CaptureError> {
        write_text(value, self.out);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CaptureError> {
        value.serialize(self.pass_wrapper()?)
    }

    fn serialize_unit(self) -> Result<(), CaptureError> {
        self.put("null")
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CaptureError> {
        let mut inner = self.tagged(variant)?;
        value.serialize(inner.part())?;
        inner.put("}")
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>, CaptureError> {
        Items::open(self, false)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>, CaptureError> {
        Items::open(self, false)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>, CaptureError> {
        Items::open(self, false)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, CaptureError> {
        Items::open(self.tagged(variant)?, true)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Fields<'a>, CaptureError> {
        Fields::open(self, len.unwrap_or_default(), false)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Struct<'a>, CaptureError> {
        match name {
            NUMBER => Ok(Struct::Number(Some(self))),
            RAW => Err(CaptureError::RawJson),
            _ => Fields::open(self, len, false).map(Struct::Fields),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'a>, CaptureError> {
        Fields::open(self.tagged(variant)?, len, true)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), CaptureError> {
        self.out.push(b'"');
        write!(Within(&mut *self.out), "{value}").map_err(|_| CaptureError::custom("a `Display` failed"))?;
        self.out.push(b'"');
        Ok(())
    }
}

/// The inside of a text.
struct Within<'a>(&'a mut Vec<u8>);

impl fmt::Write for Within<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        canonical::write_inside(piece, self.0);
        Ok(())
    }
}

impl SerializeStruct for Struct<'_> {
    type Ok = ();
    type Error = CaptureError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CaptureError> {
        match self {
            Struct::Fields(fields) => fields.insert(key.into(), value),
            Struct::Number(writer) => match writer.take() {
                Some(writer) if key == NUMBER => writer.captured(|capturer| capturer.number_text(value)),
                _ => Err(CaptureError::ReservedKey { key: NUMBER }),
            },
        }
    }

    fn end(self) -> Result<(), CaptureError> {
        match self {
            Struct::Fields(fields) => fields.finish(),
            Struct::Number(None) => Ok(()),
            Struct::Number(Some(_)) => Err(CaptureError::ReservedKey { key: NUMBER }),
        }
    }
}

maps!(Fields, writer => ());
lists!(Items => ());
