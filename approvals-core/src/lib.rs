//! approvals-core

pub mod card;
