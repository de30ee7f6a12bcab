//! The webhook backend and its transport against endpoints that behave and endpoints that do not.

#![cfg(test)]

mod agent;
mod asked;
mod crowd;
mod delivery;
mod endpoints;
mod faults;
mod ledger;
mod logs;
mod oracle;
mod proxy;
mod redirects;
mod retries;
mod socket;
mod support;
mod tls;
mod updates;
