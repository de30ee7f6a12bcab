//! What holds for the repository as a whole, each rule a sentence.

#![cfg(test)]

mod budgets;
mod dependencies;
mod imports;
mod logs;
mod numbers;
mod packages;
mod pages;
mod security;
mod sources;
