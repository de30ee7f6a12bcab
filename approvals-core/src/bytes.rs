//! Byte strings of fixed length that are written in lower-case hexadecimal.

/// Text of the bytes in lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len() * 2];
    String::from(write_hex(bytes, &mut digits))
}

/// Writes the bytes in lower-case hexadecimal into room for twice as many.
pub(crate) fn write_hex<'a>(bytes: &[u8], room: &'a mut [u8]) -> &'a str {
    // By hand: every fold of a request writes its commitments, and formatting costs more than hashing them.
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    for (pair, byte) in room.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    std::str::from_utf8(room).unwrap_or_default()
}

/// The bytes behind lower-case hexadecimal text of exactly that length; `None` for anything else.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Sixty-four lower-case hexadecimal digits.
            pub fn to_hex(&self) -> String {
                crate::bytes::to_hex(&self.0)
            }

            /// Reads what [`to_hex`](Self::to_hex) wrote; `None` for anything else.
            pub fn from_hex(text: &str) -> Option<Self> {
                crate::bytes::from_hex(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(crate::bytes::write_hex(&self.0, &mut [0; 64]))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_hex(&text)
                    .ok_or_else(|| serde::de::Error::custom("not 64 lower-case hexadecimal digits"))
            }
        }
    };
}
pub(crate) use hex_bytes;
