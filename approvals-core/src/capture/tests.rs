mod canonical;
mod keys;
mod limits;
mod numbers;
mod refusals;
mod shapes;
mod writer;

use super::{CaptureError, Limits, Value, capture};
use serde::Serialize;

/// The canonical text of what is captured, which says more in a failure than a tree does.
fn shown<T: Serialize + ?Sized>(value: &T) -> Result<String, CaptureError> {
    let value = capture(value, &Limits::default())?;
    Ok(String::from_utf8(value.canonical()).unwrap())
}

#[track_caller]
fn shows<T: Serialize + ?Sized>(value: &T, expected: &str) {
    assert_eq!(shown(value).as_deref(), Ok(expected));
}

fn parse(json: &str) -> serde_json::Result<Value> {
    serde_json::from_str(json)
}
