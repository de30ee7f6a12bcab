//! Quorums: how many people of which groups it takes.

use std::collections::BTreeSet;

use approvals::id::GroupId;
use approvals::request::Quorum;
use serde::Deserialize;

use crate::oracle::{alternatives, is_met};

/// The most slots and people that are tried out one by one.
const MOST: usize = 7;

#[derive(Deserialize)]
struct Given {
    quorum: Quorum,
    people: Vec<BTreeSet<GroupId>>,
}

/// A quorum, and people by their groups, in JSON.
pub fn run(data: &[u8]) {
    check(data, Quorum::is_met_by);
}

/// The same with another judge.
pub fn check(data: &[u8], is_met_by: impl Fn(&Quorum, &[&BTreeSet<GroupId>]) -> bool) {
    let Ok(Given { quorum, people }) = serde_json::from_slice(data) else { return };
    let people: Vec<_> = people.iter().take(MOST).collect();
    let met = is_met_by(&quorum, &people);
    let json = serde_json::to_string(&quorum).unwrap();
    assert_eq!(serde_json::from_str::<Quorum>(&json).unwrap(), quorum);
    if quorum.validate().is_err() {
        assert!(!met, "what asks for nobody, or for too much, is never met");
        return;
    }
    assert!(!is_met_by(&quorum, &[]), "nobody is never enough");
    if alternatives(&quorum).iter().all(|slots| slots.len() <= MOST) {
        assert_eq!(met, is_met(&quorum, &people), "distinct people fill every slot: {quorum} by {people:?}");
    }
    for (place, person) in people.iter().enumerate() {
        let mut fewer = people.clone();
        fewer.remove(place);
        assert!(met || !is_met_by(&quorum, &fewer), "more people are never too many");
        if met && !quorum.has_place_for(person) {
            assert!(is_met_by(&quorum, &fewer), "whom no slot is for does not count");
        }
    }
}
