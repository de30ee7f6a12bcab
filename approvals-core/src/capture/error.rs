use serde::ser;
use std::fmt::{self, Write as _};

/// Longest message kept from a failing `Serialize`, in bytes.
const MESSAGE: usize = 256;

/// Why a value could not be captured or written canonically.
///
/// It never holds the argument's own value (law 12). The one text that is not ours is the message of
/// [`CaptureError::Serialize`], which the argument's type chose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The type's own `Serialize` failed; at most 256 bytes of what it said.
    #[error(
        "the value could not be serialised: `{0}`; show something else of it with `#[approval(show = expr)]`"
    )]
    Serialize(String),
    /// NaN or an infinity, which JSON has no form for.
    #[error(
        "a float is NaN or infinite, and JSON cannot hold that; pass an `Option`, or use `#[approval(show = expr)]`"
    )]
    NotFinite,
    /// A number of arbitrary precision that a 64-bit float would round, so that people would approve another one.
    #[error(
        "a decimal number has more digits than a 64-bit float holds; pass it as text, or use `#[approval(show = expr)]`"
    )]
    Inexact,
    /// An integer beyond ±(2^53 − 1) where the bytes must be plain JSON.
    #[error("an integer lies beyond ±(2^53 − 1), and JSON cannot carry that exactly; write it as text")]
    IntegerOutOfRange,
    /// A key that has a meaning of its own in captured values or in `serde_json`.
    #[error(
        "the key `{key}` is reserved (`$int` alone stands for a large integer); rename the field, or use `#[approval(show = expr)]`"
    )]
    ReservedKey {
        /// The reserved key or prefix.
        key: &'static str,
    },
    /// A `serde_json::value::RawValue`: text that nobody parsed, and that could be written in several ways.
    #[error(
        "raw JSON text cannot be compared; parse it into a `serde_json::Value`, or use `#[approval(show = expr)]`"
    )]
    RawJson,
    /// Two keys of one map become the same text. The text is not named: a key may be a value of the caller's.
    #[error("two keys of a map have the same text; use `#[approval(show = expr)]` with keys that differ")]
    DuplicateKey,
    /// More canonical JSON than [`Limits::bytes`](super::Limits::bytes) allows.
    #[error(
        "the value is larger than the limit of {limit} bytes; show less of it with `#[approval(show = expr)]`, or raise the limit `bytes`"
    )]
    TooLarge {
        /// The limit, in bytes of canonical JSON.
        limit: usize,
    },
    /// Lists and maps nested deeper than [`Limits::depth`](super::Limits::depth) allows.
    #[error(
        "the value nests deeper than the limit of {limit} levels; show less of it with `#[approval(show = expr)]`, or raise the limit `depth`"
    )]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// Two captures of one value differ.
    #[error(
        "the value serialises differently each time, so nobody can approve exactly it; show a stable part with `#[approval(show = expr)]`"
    )]
    Unstable,
}

impl ser::Error for CaptureError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut short = Shortened(String::new());
        // A full buffer, or a `Display` that fails, leaves what was written so far.
        let _ = write!(short, "{message}");
        CaptureError::Serialize(short.0)
    }
}

struct Shortened(String);

impl fmt::Write for Shortened {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.len() + character.len_utf8() > MESSAGE {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}
