//! approvals-core

pub mod capture;
pub mod secret;
