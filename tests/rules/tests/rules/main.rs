//! What holds for the repository as a whole, each rule a sentence.

mod budgets;
mod dependencies;
mod imports;
mod packages;
mod security;
mod sources;
