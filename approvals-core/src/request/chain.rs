//! The chain: the gated bodies that a call is made in.

use serde::{Deserialize, Serialize};

use crate::id::RequestId;

/// The most outer bodies that a record names.
const MOST: usize = 16;
/// How many of them are the outermost; the rest are those next to the call.
const OUTERMOST: usize = MOST / 2;

/// The gated bodies that a call is made in, outermost first. At most 16 are named, from both ends; how many stand
/// between them is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chain {
    bodies: Vec<Outer>,
    #[serde(default, skip_serializing_if = "is_none")]
    left_out: u32,
}

/// A gated body around a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outer {
    /// The stable name of the action.
    pub action: String,
    /// The request under which it runs; `None` if it runs freely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(left_out: &u32) -> bool {
    *left_out == 0
}

impl Chain {
    /// Whether the call is made in no gated body.
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// The bodies that are named, outermost first.
    pub fn bodies(&self) -> &[Outer] {
        &self.bodies
    }

    /// How many bodies stand, unnamed, between the outer half of those that are named and the inner half.
    pub fn left_out(&self) -> u32 {
        self.left_out
    }

    /// Steps into a further body.
    pub(crate) fn enter(&mut self, outer: Outer) {
        if self.bodies.len() >= MOST {
            self.bodies.remove(OUTERMOST);
            self.left_out = self.left_out.saturating_add(1);
        }
        self.bodies.push(outer);
    }

    /// One line for each body that is named, and one for those that are not.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.bodies.iter().map(Outer::line).collect();
        if self.left_out > 0 {
            let at = OUTERMOST.min(lines.len());
            lines.insert(at, format!("({} more between these)", self.left_out));
        }
        lines
    }
}

impl Outer {
    fn line(&self) -> String {
        match self.request {
            Some(request) => format!("{} ({request})", self.action),
            None => format!("{} (runs freely)", self.action),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_chain_keeps_both_its_ends_and_counts_the_rest() {
        let mut chain = Chain::default();
        for depth in 0..40 {
            chain.enter(Outer { action: format!("a{depth}"), request: None });
        }
        let named: Vec<&str> = chain.bodies().iter().map(|outer| outer.action.as_str()).collect();
        assert_eq!(named[..8], ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"]);
        assert_eq!(named[8..], ["a32", "a33", "a34", "a35", "a36", "a37", "a38", "a39"]);
        assert_eq!(chain.left_out(), 24);
        assert_eq!(chain.lines()[8], "(24 more between these)");
        assert_eq!(chain.lines().len(), 17);
        let json = serde_json::to_string(&chain).unwrap();
        assert_eq!(serde_json::from_str::<Chain>(&json).unwrap(), chain);
    }

    #[test]
    fn a_short_chain_names_every_body_and_whether_it_runs_under_a_request() {
        let mut chain = Chain::default();
        assert!(chain.is_empty() && chain.lines().is_empty());
        let request = RequestId::from_uuid(uuid::Uuid::from_u128(7));
        chain.enter(Outer { action: "plan".to_owned(), request: None });
        chain.enter(Outer { action: "deploy".to_owned(), request: Some(request) });
        assert!(!chain.is_empty());
        assert_eq!(chain.lines(), ["plan (runs freely)".to_owned(), format!("deploy ({request})")]);
    }

    #[test]
    fn the_empty_chain_is_not_in_a_record() {
        let json = serde_json::to_string(&Chain::default()).unwrap();
        assert_eq!(serde_json::from_str::<Chain>(&json).unwrap(), Chain::default());
        assert!(!json.contains("left_out"), "{json}");
    }
}
