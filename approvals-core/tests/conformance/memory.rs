//! The store in memory, judged by the line that outsiders use.

use std::sync::Arc;

use approvals_core::conformance::{SetupError, StoreUnderTest, store_conformance};
use approvals_core::ledger::Memory;
use approvals_core::time::Clock;

pub(crate) struct InMemory;

impl StoreUnderTest for InMemory {
    type Store = Memory;
    type Place = Memory;
    const DURABLE: bool = false;

    async fn place(&self, clock: Arc<dyn Clock>) -> Result<Memory, SetupError> {
        Ok(Memory::with_clock(clock)?)
    }

    async fn open(&self, place: &Memory) -> Result<Memory, SetupError> {
        Ok(place.clone())
    }
}

store_conformance!(InMemory);
