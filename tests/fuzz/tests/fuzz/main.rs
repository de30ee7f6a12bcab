//! Every target over its corpus, a short walk around it, and the proof that a defect would be noticed.

#![cfg(test)]

mod bites;
mod locked;
mod replay;
mod support;
