//! approvals-core
