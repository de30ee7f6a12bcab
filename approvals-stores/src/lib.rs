//! approvals-stores
