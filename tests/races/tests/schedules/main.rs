//! The core itself, its tasks and its locks taking turns as shuttle draws them.

mod claims;
mod explore;
mod room;
mod shelf;
mod watched;
