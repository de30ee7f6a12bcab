//! Ways to be wrong, each as somebody would come to it.

pub(crate) mod along;
pub(crate) mod durable;
pub(crate) mod kept;
pub(crate) mod list;
pub(crate) mod node;
pub(crate) mod order;
pub(crate) mod time;
pub(crate) mod versions;
pub(crate) mod wake;

use super::flawed::{Asked, Flaw, Replay, Sound};

/// No flaw at all.
#[derive(Default)]
pub(crate) struct None;

impl Flaw for None {}
