//! Webhooks: an endpoint of your own is sent the cards and decides.

mod nonce;
pub mod schema;
pub mod signature;
