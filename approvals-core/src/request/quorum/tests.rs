use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{InvalidQuorum, Quorum};
use crate::action::ActionSite;
use crate::id::GroupId;
use crate::request::Requested;
use crate::state::tests::kit::{requested, requirement};

fn groups(names: &[&str]) -> BTreeSet<GroupId> {
    names.iter().map(|name| GroupId::from(*name)).collect()
}

fn is_met(quorum: &Quorum, people: &[&[&str]]) -> bool {
    let people: Vec<_> = people.iter().map(|names| groups(names)).collect();
    quorum.is_met_by(&people.iter().collect::<Vec<_>>())
}

fn from(count: u32, names: &[&str]) -> Quorum {
    Quorum::people_from(count, names.iter().copied())
}

#[test]
fn enough_people_are_enough_and_so_are_more() {
    let two = Quorum::people(2);
    assert!(!is_met(&two, &[]));
    assert!(!is_met(&two, &[&["sre"]]));
    assert!(is_met(&two, &[&[], &[]]));
    assert!(is_met(&two, &[&[], &[], &[], &[]]));
}

#[test]
fn a_person_of_another_group_fills_no_slot() {
    let one = from(1, &["sre", "security"]);
    assert!(!is_met(&one, &[&["sales"], &[]]));
    assert!(is_met(&one, &[&["sales"], &["security"]]));
}

#[test]
fn a_chain_of_moves_is_found_when_only_the_last_slot_is_free() {
    // Each person fits two neighbouring slots; the one who fits only the first comes last and moves them all.
    let chain = Quorum::All(vec![from(1, &["a"]), from(1, &["b"]), from(1, &["c"]), from(1, &["d"])]);
    let people: &[&[&str]] = &[&["a", "b"], &["b", "c"], &["c", "d"], &["a"]];
    assert!(is_met(&chain, people));
    assert!(!is_met(&chain, &[&["a", "b"], &["a", "b"], &["a", "b"], &["c", "d"]]));
}

#[test]
fn the_branches_of_all_take_different_people_and_any_takes_one_branch() {
    let both = Quorum::All(vec![from(2, &["sre"]), from(1, &["security"])]);
    assert!(!is_met(&both, &[&["sre", "security"], &["sre"]]));
    assert!(is_met(&both, &[&["sre", "security"], &["sre"], &["sre"]]));
    let either = Quorum::Any(vec![from(2, &["sre"]), from(1, &["security"])]);
    assert!(is_met(&either, &[&["security"]]));
    assert!(!is_met(&either, &[&["sre"]]), "half of each branch is no branch");
}

#[test]
fn a_quorum_that_asks_for_nobody_is_refused_and_never_met() {
    for nobody in [
        Quorum::people(0),
        Quorum::All(vec![]),
        Quorum::Any(vec![]),
        Quorum::Any(vec![Quorum::people(1), Quorum::people(0)]),
        Quorum::All(vec![Quorum::people(1), Quorum::Any(vec![])]),
    ] {
        assert_eq!(nobody.validate(), Err(InvalidQuorum::Nobody), "{nobody:?}");
        assert!(!is_met(&nobody, &[&["sre"], &["sre"]]), "{nobody:?}");
    }
}

#[test]
fn the_caps_hold_at_their_edge() {
    let branches = |count: usize| vec![Quorum::people(1); count];
    let people = Err(InvalidQuorum::TooManyPeople { max: Quorum::MAX_PEOPLE });
    let alternatives = Err(InvalidQuorum::TooManyAlternatives { max: Quorum::MAX_ALTERNATIVES });
    assert_eq!(Quorum::people(32).validate(), Ok(()));
    assert_eq!(Quorum::people(33).validate(), people);
    assert_eq!(Quorum::people(u32::MAX).validate(), people);
    assert_eq!(Quorum::All(branches(32)).validate(), Ok(()));
    assert_eq!(Quorum::All(branches(33)).validate(), people);
    assert_eq!(Quorum::All(branches(100_000)).validate(), people, "and at once");
    assert_eq!(Quorum::Any(branches(64)).validate(), Ok(()));
    assert_eq!(Quorum::Any(branches(65)).validate(), alternatives);
    let pairs = |count: usize| Quorum::All(vec![Quorum::Any(branches(2)); count]);
    assert_eq!(pairs(6).validate(), Ok(()), "2^6 alternatives");
    assert_eq!(pairs(7).validate(), alternatives);
    for branch in [Quorum::All, Quorum::Any] {
        let nested = |levels: usize| (1..levels).fold(Quorum::people(1), |inner, _| branch(vec![inner]));
        assert_eq!(nested(64).validate(), Ok(()));
        assert_eq!(nested(65).validate(), alternatives);
    }
}

#[test]
fn it_reads_as_a_sentence() {
    let quorum = Quorum::All(vec![
        from(2, &["sre", "security"]),
        Quorum::Any(vec![Quorum::people(1), from(3, &["board"])]),
    ]);
    assert_eq!(quorum.to_string(), "2 people from security or sre and (1 person or 3 people from board)");
}

/// Every set of people (as bits) that one way of meeting the quorum can use up, by trying all subsets.
fn uses(quorum: &Quorum, people: &[BTreeSet<GroupId>], free: u32) -> BTreeSet<u32> {
    match quorum {
        Quorum::People { count, from } => (0..1_u32 << people.len())
            .filter(|set| set & !free == 0 && set.count_ones() == *count)
            .filter(|set| {
                let chosen = people.iter().enumerate().filter(|(i, _)| set & (1 << i) != 0);
                chosen
                    .into_iter()
                    .all(|(_, groups)| from.is_empty() || groups.iter().any(|g| from.contains(g)))
            })
            .collect(),
        Quorum::Any(branches) => branches.iter().flat_map(|branch| uses(branch, people, free)).collect(),
        Quorum::All(branches) => branches.iter().fold(BTreeSet::from([0]), |done, branch| {
            done.iter()
                .flat_map(|used| uses(branch, people, free & !used).into_iter().map(move |more| used | more))
                .collect()
        }),
    }
}

/// Whether the quorum is met, by brute force over all assignments.
pub(crate) fn is_met_by_brute_force(quorum: &Quorum, people: &[BTreeSet<GroupId>]) -> bool {
    !uses(quorum, people, u32::MAX).is_empty()
}

fn some_groups() -> impl Strategy<Value = BTreeSet<GroupId>> {
    prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]).prop_map(GroupId::from), 0..=3)
}

pub(crate) fn some_quorum() -> impl Strategy<Value = Quorum> {
    let leaf = (1..=2_u32, some_groups()).prop_map(|(count, from)| Quorum::People { count, from });
    leaf.prop_recursive(2, 6, 3, |inner| {
        let branches = prop::collection::vec(inner, 1..=3);
        prop_oneof![branches.clone().prop_map(Quorum::All), branches.prop_map(Quorum::Any)]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn the_matching_finds_what_brute_force_finds(
        quorum in some_quorum(),
        people in prop::collection::vec(some_groups(), 0..=5),
    ) {
        prop_assume!(quorum.validate().is_ok());
        let given: Vec<_> = people.iter().collect();
        prop_assert_eq!(quorum.is_met_by(&given), is_met_by_brute_force(&quorum, &people));
    }

    #[test]
    fn one_more_person_never_unmeets_it_and_order_does_not_matter(
        quorum in some_quorum(),
        people in prop::collection::vec(some_groups(), 0..=5),
        more in some_groups(),
    ) {
        let given: Vec<_> = people.iter().collect();
        let reversed: Vec<_> = people.iter().rev().collect();
        prop_assert_eq!(quorum.is_met_by(&given), quorum.is_met_by(&reversed));
        if quorum.is_met_by(&given) {
            let larger: Vec<_> = people.iter().chain([&more]).collect();
            prop_assert!(quorum.is_met_by(&larger));
        }
    }

    #[test]
    fn whoever_has_no_place_never_completes_it(
        quorum in some_quorum(),
        people in prop::collection::vec(some_groups(), 0..=5),
    ) {
        let stranger = groups(&["z"]);
        if quorum.has_place_for(&stranger) {
            return Ok(());
        }
        let given: Vec<_> = people.iter().collect();
        let larger: Vec<_> = people.iter().chain([&stranger]).collect();
        prop_assert_eq!(quorum.is_met_by(&given), quorum.is_met_by(&larger));
    }
}

fn asked(policy: Quorum, code: Option<Quorum>) -> Requested {
    let mut requested = requested(requirement(Quorum::people(1)));
    requested.terms.requirement.quorum = policy;
    requested.call.quorum = code;
    requested
}

fn are_enough(requested: &Requested, people: &[&[&str]]) -> bool {
    let people: Vec<_> = people.iter().map(|names| groups(names)).collect();
    requested.is_met_by(&people.iter().collect::<Vec<_>>())
}

#[test]
fn what_the_code_asks_for_is_met_beside_what_policy_asks() {
    let both = asked(Quorum::people(2), Some(from(1, &["sre"])));
    assert!(are_enough(&both, &[&["sre"], &[]]), "the same person fills a slot of each");
    assert!(!are_enough(&both, &[&["sre"]]) && !are_enough(&both, &[&[], &[]]), "either alone is not enough");
    let other = asked(from(1, &["security"]), Some(from(1, &["sre"])));
    assert!(are_enough(&other, &[&["sre", "security"]]) && !are_enough(&other, &[&["sre"]]));
    assert!(other.has_place_for(&groups(&["sre"])) && !other.has_place_for(&groups(&["sales"])));
}

#[test]
fn a_quorum_that_is_part_of_the_other_is_not_said_twice() {
    let said = |requested: Requested| requested.quorums().cloned().collect::<Vec<_>>();
    assert_eq!(said(asked(from(3, &["sre"]), Some(Quorum::people(2)))), [from(3, &["sre"])]);
    assert_eq!(said(asked(Quorum::people(1), Some(from(2, &["sre"])))), [from(2, &["sre"])]);
    assert_eq!(said(asked(Quorum::people(2), Some(Quorum::people(2)))), [Quorum::people(2)]);
    let both = [Quorum::people(2), from(1, &["sre"])];
    assert_eq!(said(asked(Quorum::people(2), Some(from(1, &["sre"])))), both);
}

#[test]
fn a_quorum_of_the_codes_that_cannot_stand_is_refused() {
    assert!(asked(Quorum::people(1), None).validate().is_ok());
    assert!(asked(Quorum::people(1), Some(Quorum::people(0))).validate().is_err());
    assert!(asked(Quorum::people(0), Some(Quorum::people(1))).validate().is_err());
}

#[test]
fn it_names_its_groups_unless_one_of_its_slots_is_open_to_anyone() {
    assert_eq!(Quorum::people(2).groups(), None);
    assert_eq!(from(2, &["sre", "dba"]).groups(), Some(groups(&["sre", "dba"])));
    let each = vec![from(1, &["sre"]), from(1, &["legal"])];
    assert_eq!(Quorum::All(each.clone()).groups(), Some(groups(&["sre", "legal"])));
    assert_eq!(Quorum::Any([each, vec![Quorum::people(1)]].concat()).groups(), None);
}

#[test]
fn nobody_has_a_place_where_nobody_is_asked_for() {
    assert!(!Quorum::people(0).has_place_for(&groups(&["sre"])));
    assert!(Quorum::people(1).has_place_for(&groups(&[])));
    assert!(!Quorum::people(1).includes(&Quorum::people(0)), "which cannot stand");
}

#[test]
fn the_fewest_who_can_meet_it_are_those_of_its_smallest_alternative() {
    let (sre, anyone) = (groups(&["sre"]), groups(&[]));
    let smaller = Quorum::All(vec![from(1, &["sre"]), Quorum::people(1)]);
    assert_eq!(Quorum::Any(vec![Quorum::people(3), smaller]).fewest_slots(), [&sre, &anyone]);
    assert!(Quorum::people(0).fewest_slots().is_empty());
}

#[test]
fn a_site_declares_how_many_people_and_whence() {
    let site = ActionSite::new("a", "f", 1);
    assert_eq!(site.declared_quorum(), None);
    assert_eq!(site.clone().reviewers(2).declared_quorum(), Some(Quorum::people(2)));
    assert_eq!(site.clone().from_any(&["sre", "dba"]).declared_quorum(), Some(from(1, &["sre", "dba"])));
    let each = site.from_each(&["sre", "dba"]);
    let one_each = vec![from(1, &["sre"]), from(1, &["dba"])];
    assert_eq!(each.declared_quorum(), Some(Quorum::All(one_each.clone())));
    let third = [one_each, vec![Quorum::people(1)]].concat();
    assert_eq!(each.reviewers(3).declared_quorum(), Some(Quorum::All(third)));
}
