//! Wrong at node names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};

use approvals_core::id::NodeName;
use approvals_core::ledger::{NodeHold, Store as _, StoreError};
use async_trait::async_trait;

use super::{Flaw, Sound};

/// Whoever asks gets the name.
#[derive(Default)]
pub(crate) struct GivesNamesToAll;

#[async_trait]
impl Flaw for GivesNamesToAll {
    async fn hold_node(&self, _sound: &Sound, _node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        Ok(Some(NodeHold::new(())))
    }
}

/// A name that was held once is gone for good.
#[derive(Default)]
pub(crate) struct NeverFreesNames(Mutex<BTreeSet<NodeName>>);

#[async_trait]
impl Flaw for NeverFreesNames {
    async fn hold_node(&self, _sound: &Sound, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        Ok(self.0.lock().unwrap().insert(node.clone()).then(|| NodeHold::new(())))
    }
}

/// Names become file names by replacing what those cannot hold.
#[derive(Default)]
pub(crate) struct FlattensNames;

#[async_trait]
impl Flaw for FlattensNames {
    async fn hold_node(&self, sound: &Sound, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        let flat = node.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        sound.memory.hold_node(&flat.into()).await
    }
}

/// A table of names per handle, which another process does not see.
#[derive(Default)]
pub(crate) struct KeepsNamesPerHandle;

#[async_trait]
impl Flaw for KeepsNamesPerHandle {
    async fn hold_node(&self, sound: &Sound, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        sound.memory.hold_node(&format!("{}:{node}", sound.number).into()).await
    }
}

/// The name belongs to the handle, and is free when that is gone, whatever is still held.
#[derive(Default)]
pub(crate) struct FreesNamesWithTheHandle(Mutex<BTreeMap<NodeName, Held>>);

type Held = (Weak<()>, Weak<()>);

#[async_trait]
impl Flaw for FreesNamesWithTheHandle {
    async fn hold_node(&self, sound: &Sound, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        let mut names = self.0.lock().unwrap();
        let is_alive = |alive: &Weak<()>| alive.strong_count() > 0;
        if names.get(node).is_some_and(|(handle, hold)| is_alive(handle) && is_alive(hold)) {
            return Ok(None);
        }
        let hold = Arc::new(());
        names.insert(node.clone(), (Arc::downgrade(&sound.alone), Arc::downgrade(&hold)));
        Ok(Some(NodeHold::new(hold)))
    }
}
