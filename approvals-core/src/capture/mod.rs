//! Capture: typed arguments become plain values that can be shown, compared and hashed.
//!
//! `serde_json` would not do: it refuses maps whose keys are not text, writes integers that JSON readers round,
//! turns NaN into `null`, and changes with the features that another crate turns on. See [`capture`] for the rules.

mod canonical;
mod containers;
mod error;
mod number;
mod same;
mod serializer;
mod value;
mod writer;

#[cfg(test)]
mod tests;

pub use error::CaptureError;
pub use number::{Float, Int};
pub use value::Value;

use serde::Serialize;
use serializer::{Budget, Capturer};
use writer::Writer;

/// The one key of the map that stands for an integer beyond ±(2^53 − 1).
const INT: &str = "$int";

/// `serde_json` stops reading at 128 levels; what is written must stay readable.
const DEEPEST: usize = 127;

/// What most records take, in bytes.
const ROOM: usize = 1024;

/// How much of a value is captured before it is refused.
///
/// ```
/// use approvals_core::capture::{CaptureError, Limits, capture};
///
/// let limits = Limits { bytes: 8, ..Limits::default() };
/// assert!(capture("short", &limits).is_ok());
/// assert_eq!(capture("not so short", &limits), Err(CaptureError::TooLarge { limit: 8 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most canonical JSON of one value, in bytes. Default 64 KiB. Work stops where it is passed.
    pub bytes: usize,
    /// Most lists and maps inside one another. Default 64; a limit over 100 counts as 100, because a record that
    /// holds the value has levels of its own and must stay readable.
    pub depth: usize,
}

impl Limits {
    const MOST_DEPTH: usize = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 * 1024, depth: 64 }
    }
}

/// Captures a value as people will see it and as it is hashed.
///
/// Like `serde_json`, except that:
/// - an integer beyond ±(2^53 − 1) becomes `{"$int":"<decimal>"}`;
/// - a map key becomes text: text, characters, integers, bools and unit variants as they read, a newtype as what it
///   holds, everything else (options, floats, tuples, structs) as its canonical JSON;
/// - bytes are a list of numbers, and an `f32` is its exact value.
///
/// # Errors
/// Whatever people could not see, or could see in two ways, is refused: see [`CaptureError`].
///
/// ```
/// use approvals_core::capture::{Limits, capture};
/// use std::collections::HashMap;
///
/// let moves = HashMap::from([((1_u8, 2_u8), u64::MAX)]);
/// let value = capture(&moves, &Limits::default())?;
/// assert_eq!(value.canonical(), br#"{"[1,2]":{"$int":"18446744073709551615"}}"#);
/// # Ok::<(), approvals_core::capture::CaptureError>(())
/// ```
pub fn capture<T: Serialize + ?Sized>(value: &T, limits: &Limits) -> Result<Value, CaptureError> {
    let limits = Limits { depth: limits.depth.min(Limits::MOST_DEPTH), ..*limits };
    value.serialize(Capturer::new(&mut Budget::arguments(limits)))
}

/// Captures a value twice and compares.
///
/// # Errors
/// [`CaptureError::Unstable`] when the captures differ (a clock, a counter, a random id), and those of [`capture`].
pub fn capture_stable<T: Serialize + ?Sized>(value: &T, limits: &Limits) -> Result<Value, CaptureError> {
    let first = capture(value, limits)?;
    if capture(value, limits)? == first { Ok(first) } else { Err(CaptureError::Unstable) }
}

/// The canonical JSON (RFC 8785) of one of our own types: a record, a requirement, a key.
///
/// The shape is that of `serde_json`; map keys become text as [`capture`] says. Nothing is limited in size.
///
/// # Errors
/// [`CaptureError`] where JSON would not hold the value exactly: an integer beyond ±(2^53 − 1), NaN, an infinity,
/// a key twice, raw JSON, or more than 127 levels.
///
/// ```
/// use approvals_core::capture::canonical;
///
/// assert_eq!(canonical(&("a", 1.0, None::<u8>))?, br#"["a",1,null]"#);
/// assert!(canonical(&u64::MAX).is_err());
/// # Ok::<(), approvals_core::capture::CaptureError>(())
/// ```
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CaptureError> {
    canonical_within(0, value)
}

/// The same for a value that will stand so many levels inside another one, and must stay readable there.
pub(crate) fn canonical_within<T: Serialize + ?Sized>(
    levels: usize,
    value: &T,
) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::with_capacity(ROOM);
    value.serialize(Writer::at(&mut bytes, levels))?;
    Ok(bytes)
}
