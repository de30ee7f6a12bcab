//! What both serializers do alike, written once so that they cannot differ over it.

/// What is taken for another form of itself: an integer for a wider one, a `char` for a text, nothing for a unit.
macro_rules! taken_for_another {
    ($ok:ty) => {
        fn serialize_i8(self, value: i8) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_i16(self, value: i16) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_i32(self, value: i32) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_u8(self, value: u8) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_u16(self, value: u16) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_u32(self, value: u32) -> Result<$ok, CaptureError> {
            self.serialize_i64(value.into())
        }

        fn serialize_f32(self, value: f32) -> Result<$ok, CaptureError> {
            self.serialize_f64(value.into())
        }

        fn serialize_char(self, value: char) -> Result<$ok, CaptureError> {
            self.serialize_str(value.encode_utf8(&mut [0; 4]))
        }

        fn serialize_bytes(self, value: &[u8]) -> Result<$ok, CaptureError> {
            self.collect_seq(value)
        }

        fn serialize_none(self) -> Result<$ok, CaptureError> {
            self.serialize_unit()
        }

        fn serialize_unit_struct(self, _name: &'static str) -> Result<$ok, CaptureError> {
            self.serialize_unit()
        }

        fn serialize_unit_variant(
            self,
            _name: &'static str,
            _index: u32,
            variant: &'static str,
        ) -> Result<$ok, CaptureError> {
            self.serialize_str(variant)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            value: &T,
        ) -> Result<$ok, CaptureError> {
            value.serialize(self.pass_wrapper()?)
        }
    };
}

/// Sequences, tuples and their kin, each by `push` and `finish`.
macro_rules! lists {
    ($list:ident => $ok:ty: $($kind:ident :: $push:ident),+) => {$(
        impl $kind for $list<'_> {
            type Ok = $ok;
            type Error = CaptureError;

            fn $push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), CaptureError> {
                self.push(item)
            }

            fn end(self) -> Result<$ok, CaptureError> {
                self.finish()
            }
        }
    )+};
    ($list:ident => $ok:ty) => {
        lists!($list => $ok:
            SerializeSeq::serialize_element,
            SerializeTuple::serialize_element,
            SerializeTupleStruct::serialize_field,
            SerializeTupleVariant::serialize_field
        );
    };
}

/// Maps and variants with fields, by `insert` and `finish`, and the `key_text` of what writes the values.
macro_rules! maps {
    ($map:ident, $values:ident => $ok:ty) => {
        impl SerializeMap for $map<'_> {
            type Ok = $ok;
            type Error = CaptureError;

            fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CaptureError> {
                let text = self.$values.key_text(key)?;
                match self.key.replace(text) {
                    None => Ok(()),
                    Some(_) => Err(CaptureError::custom("a map key without a value")),
                }
            }

            fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CaptureError> {
                match self.key.take() {
                    Some(key) => self.insert(key.into(), value),
                    None => Err(CaptureError::custom("a map value without a key")),
                }
            }

            fn end(self) -> Result<$ok, CaptureError> {
                self.finish()
            }
        }

        impl SerializeStructVariant for $map<'_> {
            type Ok = $ok;
            type Error = CaptureError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), CaptureError> {
                self.insert(key.into(), value)
            }

            fn end(self) -> Result<$ok, CaptureError> {
                self.finish()
            }
        }
    };
}

pub(super) use {lists, maps, taken_for_another};
