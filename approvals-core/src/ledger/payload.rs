//! The erasable half of a record: the values behind its commitments.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::capture::Value;
use crate::request::{Commitment, Seed};

/// The values behind the commitments of one record, with the seed that opens them. Erased as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    seed: Seed,
    #[serde(default)]
    values: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes: BTreeMap<String, String>,
}

impl Payload {
    /// No values yet.
    pub fn new(seed: Seed) -> Self {
        Self { seed, values: BTreeMap::new(), notes: BTreeMap::new() }
    }

    /// The seed of the commitments.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Keeps a value under a field's name and gives the commitment to it.
    pub fn commit(&mut self, field: &str, value: Value) -> Commitment {
        let commitment = self.seed.commit(field, &value);
        self.values.insert(field.to_owned(), value);
        commitment
    }

    /// Keeps text under a field's name and gives the commitment to it.
    pub fn commit_text(&mut self, field: &str, text: &str) -> Commitment {
        self.commit(field, Value::Text(text.to_owned()))
    }

    /// The value of a field.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.values.get(field)
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.values.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Keeps a note that nothing is bound to: instance, model, session, the agent's own words.
    pub fn note(&mut self, name: &str, text: impl Into<String>) {
        self.notes.insert(name.to_owned(), text.into());
    }

    /// The notes by name.
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.notes
    }

    /// Whether the value of a field is the one that was committed to.
    pub fn opens(&self, field: &str, commitment: &Commitment) -> bool {
        self.values.get(field).is_some_and(|value| self.seed.commit(field, value) == *commitment)
    }

    /// The payload as stored: JSON.
    ///
    /// # Errors
    /// Those of `serde_json`, which has none for what a payload holds.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If the bytes are not the JSON of a payload.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}
