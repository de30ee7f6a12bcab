//! What the program `approvals` does, seen from outside: the real binary over real files.

#![cfg(test)]

mod backup;
mod bench;

mod agent;
mod cancel;
#[cfg(feature = "webhook")]
mod check_backend;
mod decide;
mod doctor;
mod list;
mod log;
mod manifest;
mod options;
mod pages;
mod reconcile;
mod show;
