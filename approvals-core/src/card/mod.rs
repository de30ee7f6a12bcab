//! stub
use serde::{Deserialize, Serialize};
/// How much of a request a presentation could show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// All.
    Everything,
    /// Part.
    Part {
        /// How many.
        hidden: usize,
    },
}
