//! The core itself, its tasks and its locks taking turns as shuttle draws them.

mod claims;
mod commits;
mod explore;
mod requested;
mod room;
mod shelf;
mod watched;
