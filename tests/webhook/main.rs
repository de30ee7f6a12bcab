//! The webhook backend and its transport against endpoints that behave and endpoints that do not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod asked;
mod delivery;
mod endpoints;
mod oracle;
mod proxy;
mod redirects;
mod socket;
mod support;
mod tls;
