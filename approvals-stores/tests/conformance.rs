//! The public conformance suite, run over the SQLite store.
#![cfg(feature = "sqlite")]

// One line enables it: `approvals_core::conformance::store::run(make);` with a `make` that opens a store in a new folder.
