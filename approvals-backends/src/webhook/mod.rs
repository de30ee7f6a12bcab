//! Webhooks: an endpoint of your own is sent the cards and decides.

pub mod signature;
