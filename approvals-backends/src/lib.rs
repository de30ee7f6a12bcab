//! approvals-backends
