//! approvals-macros
