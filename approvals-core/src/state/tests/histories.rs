//! What holds over every history: random events at random times, of which only the legal ones are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::kit::*;
use crate::card::Shown;
use crate::id::{GroupId, Seq};
use crate::ledger::{Answer, Body, Event, Finish, Reconciliation, Record, Reviewed};
use crate::people::Assurance;
use crate::request::{Quorum, Requirement};
use crate::state::{Phase, State, apply};

/// Who may turn up, with their groups. The last three are the requester.
pub(crate) const PEOPLE: [(&str, &[&str]); 7] = [
    ("ann", &["a"]),
    ("bob", &["b"]),
    ("cy", &["a", "b"]),
    ("eve", &[]),
    ("olga", &["a", "b"]),
    ("hank", &["b"]),
    ("bot", &["a"]),
];

/// One thing that somebody tries: what, who, on which node, under which attempt, how much later.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    what: u8,
    who: usize,
    node: bool,
    claim: u128,
    assurance: Assurance,
    other_digest: bool,
    later: Duration,
}

pub(crate) fn some_tries() -> impl Strategy<Value = Vec<Try>> {
    let later = prop_oneof![4 => Just(0), 4 => 0..2_000_u64, 1 => 0..12_000_u64];
    let one = (0..20_u8, 0..PEOPLE.len(), any::<bool>(), 1..4_u128, 0..8_u8, 0..12_u8, later);
    let one = one.prop_map(|(what, who, node, claim, assurance, digest, later)| Try {
        what,
        who,
        node,
        claim,
        assurance: [Assurance::Local, Assurance::Chat, Assurance::Sso][usize::from(assurance.min(2))],
        other_digest: digest == 0,
        later: Duration::from_millis(later),
    });
    prop::collection::vec(one, 0..40)
}

pub(crate) fn some_request() -> impl Strategy<Value = crate::request::Requested> {
    let quorum = prop_oneof![
        Just(Quorum::people(1)),
        Just(Quorum::people(2)),
        Just(Quorum::All(vec![Quorum::people_from(1, ["a"]), Quorum::people_from(1, ["b"])])),
        Just(Quorum::Any(vec![Quorum::people_from(2, ["a"]), Quorum::people_from(1, ["b"])])),
        crate::request::some_quorum().prop_filter("fit", |quorum| quorum.validate().is_ok()),
    ];
    let assurance = prop_oneof![3 => Just(Assurance::Local), 1 => Just(Assurance::Chat)];
    (quorum, assurance, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(quorum, assurance, again, single_operator)| {
            let terms = Requirement { assurance, single_operator, ..requirement(quorum) };
            if again { rerunnable(terms) } else { requested(terms) }
        },
    )
}

impl Try {
    fn event(&self, history: &History) -> Event {
        let (by, member_of) = PEOPLE[self.who];
        let answer = |answer| {
            let mut reviewed =
                Reviewed { assurance: self.assurance, ..history.reviewed(answer, by, member_of) };
            if self.other_digest {
                reviewed.digest = crate::request::Digest::from_bytes([9; 32]);
            }
            Event::Reviewed(reviewed)
        };
        match self.what {
            0..=4 => answer(Answer::Approve),
            5 => answer(Answer::Deny),
            6 => history.overridden(by),
            7 => Event::Expired {},
            8 => withdrawn(),
            9..=11 => started(self.claim),
            12 => finished(self.claim, Finish::Ok {}),
            13 => finished(self.claim, failed()),
            14 => finished(self.claim, not_run()),
            15 | 16 => lost(self.claim),
            17 => reconciled(by, if self.node { Reconciliation::Ran } else { Reconciliation::DidNotRun }),
            18 => presented(if self.node { Shown::Everything } else { Shown::Part { hidden: 1 } }),
            _ => ignored(),
        }
    }

    pub(crate) fn tried_on(&self, history: &mut History) {
        history.now = history.now.after(self.later);
        history.node = if self.node { "n1" } else { "n2" }.into();
        let _ = history.push(self.event(history));
    }
}

/// Every state that the history went through, from before its first record.
fn states(bodies: &[Body]) -> Vec<State> {
    let mut states = vec![State::default()];
    for body in bodies {
        let next = apply(&states[states.len() - 1], body).expect("a legal history folds");
        states.push(next);
    }
    states
}

fn attempts(bodies: &[Body]) -> impl Iterator<Item = (&Body, bool)> {
    bodies.iter().filter_map(|body| match &body.event {
        Event::Started { .. } => Some((body, true)),
        Event::Finished { .. } | Event::Lost { .. } | Event::Reconciled { .. } => Some((body, false)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    #[test]
    fn the_laws_hold_over_every_history(request in some_request(), tries in some_tries()) {
        let terms = request.terms.requirement.clone();
        let again = request.call.rerunnable;
        let mut history = History::of(request);
        for one in &tries {
            one.tried_on(&mut history);
        }
        let states = states(&history.bodies);
        prop_assert_eq!(states.last(), Some(&history.state), "the fold is the state");

        let mut ended = BTreeMap::<_, usize>::new();
        let mut denied = false;
        let mut no_after_yes = BTreeSet::new();
        for (body, around) in history.bodies.iter().zip(states.windows(2)) {
            let [before, after] = around else { unreachable!() };
            // Law 3.
            prop_assert!(!before.phase().is_terminal() || after.phase() == before.phase());
            if body.event.is_note() {
                prop_assert_eq!((before.phase(), before.version()), (after.phase(), after.version()));
            } else {
                prop_assert_eq!(after.version(), before.version().next());
            }
            match &body.event {
                Event::Reviewed(reviewed) => {
                    // Law 4.
                    let requester = REQUESTERS.contains(&reviewed.by.as_str());
                    prop_assert!(!requester || terms.single_operator);
                    if reviewed.answer == Answer::Approve {
                        prop_assert!(body.time < start().after(DECIDE));
                        prop_assert!(reviewed.assurance >= terms.assurance);
                        prop_assert!(!no_after_yes.contains(&reviewed.by), "a no is not taken back");
                    } else {
                        denied = true;
                        no_after_yes.insert(reviewed.by.clone());
                    }
                }
                Event::Overridden { by, .. } => prop_assert!(!REQUESTERS.contains(&by.as_str())),
                Event::Reconciled { by, .. } => {
                    prop_assert!(terms.single_operator || !REQUESTERS.contains(&by.as_str()));
                }
                Event::Started { .. } => {
                    // Laws 1 and 3, and the clock of the permit.
                    prop_assert!(!denied, "started after a denial");
                    prop_assert!(before.use_by().is_some_and(|use_by| body.time < use_by));
                    prop_assert!(before.phase() == Phase::Approved || again);
                }
                Event::Finished { claim, outcome } => {
                    let held = before.claim().map(|held| (held.id, &held.node));
                    prop_assert_eq!(held, Some((*claim, &body.node)));
                    if !matches!(outcome, Finish::NotRun { .. }) {
                        *ended.entry(*claim).or_default() += 1;
                    }
                }
                Event::Lost { .. } => {
                    prop_assert_eq!(before.claim().map(|held| &held.node), Some(&body.node));
                }
                Event::Expired {} => {
                    let opened = start().after(DECIDE);
                    prop_assert!(body.time >= before.use_by().unwrap_or(opened));
                }
                _ => {}
            }
            if before.phase() == Phase::Pending && after.phase() == Phase::Approved {
                let by_force = matches!(body.event, Event::Overridden { .. });
                let yes: Vec<_> = after.answers().iter().filter(|one| one.answer == Answer::Approve).collect();
                let alone = terms.single_operator && yes.iter().any(|one| REQUESTERS.contains(&one.by.as_str()));
                let distinct: BTreeSet<_> = yes.iter().map(|one| &one.by).collect();
                prop_assert_eq!(distinct.len(), yes.len());
                let members: Vec<BTreeSet<GroupId>> = yes.iter().map(|one| one.groups.clone()).collect();
                prop_assert!(by_force || alone || crate::request::is_met_by_brute_force(&terms.quorum, &members));
            }
        }
        // Law 2: an attempt ends once, and attempts do not overlap.
        prop_assert!(ended.values().all(|times| *times == 1));
        prop_assert!(ended.len() <= 1);
        let mut running = false;
        for (_, starts) in attempts(&history.bodies) {
            prop_assert!(!(starts && running), "two attempts at one time");
            running = starts;
        }
        let starts = attempts(&history.bodies).filter(|(_, starts)| *starts).count();
        prop_assert!(again || starts <= 1);
    }

    #[test]
    fn folding_a_beginning_and_going_on_is_folding_the_whole(
        request in some_request(),
        tries in some_tries(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut history = History::of(request);
        for one in &tries {
            one.tried_on(&mut history);
        }
        let (beginning, rest) = history.bodies.split_at(cut.index(history.bodies.len() + 1));
        let middle = states(beginning).pop().expect("there is a first state");
        let end = rest.iter().try_fold(middle, |state, body| apply(&state, body));
        prop_assert_eq!(end, Ok(history.state));
    }

    #[test]
    fn what_is_read_back_from_its_bytes_folds_to_the_same_state(
        request in some_request(),
        tries in some_tries(),
    ) {
        let mut history = History::of(request);
        for one in &tries {
            one.tried_on(&mut history);
        }
        let mut read = Vec::new();
        for (place, body) in (1..).zip(&history.bodies) {
            read.push(Record::from_stored(Seq(place), body.to_bytes()?, None, None)?);
        }
        prop_assert_eq!(State::fold(&read), Ok(history.state));
    }

    #[test]
    fn a_refused_record_leaves_no_trace(request in some_request(), tries in some_tries()) {
        let mut history = History::of(request);
        for one in &tries {
            let before = history.state.clone();
            let count = history.bodies.len();
            one.tried_on(&mut history);
            prop_assert!(history.bodies.len() > count || history.state == before);
        }
    }
}

#[test]
fn random_histories_reach_every_phase() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..1_500 {
        let drawn = (some_request(), some_tries()).new_tree(&mut runner).expect("a history");
        let (request, tries) = drawn.current();
        let mut history = History::of(request);
        for one in &tries {
            one.tried_on(&mut history);
            seen.insert(history.phase().as_str());
        }
    }
    assert_eq!(seen.len(), Phase::ALL.len() - 1, "{seen:?}");
}
