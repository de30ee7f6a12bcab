//! The pager over a service that is played by wiremock.

#![cfg(test)]

mod conformance;
mod http;
mod requests;
mod service;
