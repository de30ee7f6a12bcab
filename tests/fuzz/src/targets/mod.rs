//! The targets, one file each.

pub mod answers;
pub mod attribute;
pub mod callback;
pub mod card;
pub mod decision;
pub mod endpoint;
pub mod history;
pub mod ids;
pub mod key;
pub mod manifest;
pub mod payload;
pub mod people;
pub mod quorum;
pub mod record;
pub mod retry_after;
pub mod review;
pub mod signature;
pub mod store_file;
pub mod text;
pub mod time;
pub mod typed;
pub mod url;
pub mod value;
