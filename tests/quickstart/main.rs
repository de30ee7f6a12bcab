//! The quickstart as a newcomer runs it, answered by the program `approvals`: real processes over a real store.

#![cfg(test)]

mod programs;
mod run;
mod story;

mod answers;
mod restarts;
mod resume;
mod set_up;
mod siblings;
mod terminal;
mod text;
