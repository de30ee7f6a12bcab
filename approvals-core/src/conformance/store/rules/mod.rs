//! The rules, by what they are about. Each asserts one thing, so that a defect names itself.

pub(super) mod along;
pub(super) mod append;
pub(super) mod durable;
pub(super) mod handles;
pub(super) mod kept;
pub(super) mod list;
pub(super) mod node;
pub(super) mod order;
pub(super) mod race;
pub(super) mod storm;
pub(super) mod streams;
pub(super) mod time;
pub(super) mod wake;
