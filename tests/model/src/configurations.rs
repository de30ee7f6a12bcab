//! Who calls, who answers and what may go wrong, small enough to be tried in every order.

use crate::people::{Came, Letter, Voter};
use crate::request::{Asked, Crowd};
use crate::world::{Left, Policy, Protocol};

/// Two nodes call with one key; one person decides. Their yes comes twice.
pub fn keyed() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::One, rerunnable: false },
        keyed: true,
        nodes: 2,
        calls: 2,
        requests: 2,
        letters: vec![Letter::yes(Voter::Ann).twice(), Letter::no(Voter::Bob)],
        slow_desk: false,
        fuses: false,
        flip: None,
        leaver: None,
        skews: vec![0],
        ticks: 0,
        left: Left { crashes: 1, drops: 1, lost_replies: 1, mutations: 1, ..Left::default() },
        defect: None,
    }
}

/// Two crashes, and writes that fail.
pub fn keyed_under_two_crashes() -> Protocol {
    let left = Left { crashes: 2, lost_replies: 1, failed_writes: 1, ..Left::default() };
    Protocol { left, ..keyed() }
}

/// Policy changes its mind.
pub fn keyed_while_policy_turns_to(flip: Policy) -> Protocol {
    Protocol { flip: Some(flip), left: Left { drops: 1, ..Left::default() }, ..keyed() }
}

/// Whoever said yes leaves the directory.
pub fn keyed_while_somebody_leaves() -> Protocol {
    Protocol { leaver: Some(Voter::Ann), left: Left { overrides: 1, ..Left::default() }, ..keyed() }
}

/// Against the clock, so that a second round follows the first.
pub fn keyed_against_the_clock() -> Protocol {
    Protocol { ticks: 3, left: Left { crashes: 1, ..Left::default() }, ..keyed() }
}

/// What was cut off is reconciled, what waits is taken back; either opens the next round.
pub fn keyed_and_settled_by_people() -> Protocol {
    Protocol {
        nodes: 1,
        calls: 3,
        letters: vec![Letter::yes(Voter::Ann).twice(), Letter::no(Voter::Bob)],
        left: Left { crashes: 2, drops: 1, cancels: 1, reconciliations: 1, ..Left::default() },
        ..keyed()
    }
}

/// A call without a key, against the clock.
pub fn unkeyed() -> Protocol {
    Protocol {
        keyed: false,
        nodes: 1,
        calls: 1,
        requests: 1,
        letters: vec![Letter::yes(Voter::Ann), Letter::no(Voter::Bob), Letter::no(Voter::Olga)],
        flip: Some(Policy::Refuse),
        ticks: 3,
        left: Left {
            crashes: 1,
            drops: 1,
            lost_replies: 1,
            mutations: 1,
            overrides: 1,
            reconciliations: 1,
            ..Left::default()
        },
        ..keyed()
    }
}

/// The body may run again after a crash.
pub fn rerunnable() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::One, rerunnable: true },
        requests: 1,
        letters: vec![Letter::yes(Voter::Ann), Letter::no(Voter::Bob)],
        ticks: 2,
        left: Left { crashes: 1, reconciliations: 1, ..Left::default() },
        ..keyed()
    }
}

/// One of each of two groups, among five people: one has two identities, and the requester is there twice, once under
/// an alias. The desk is slow.
pub fn two_groups() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::OneOfEach, rerunnable: false },
        nodes: 1,
        calls: 1,
        requests: 1,
        letters: vec![
            Letter::yes(Voter::Cy).twice(),
            Letter::yes(Voter::Cy).that_came(Came::FromSecondIdentity),
            Letter::yes(Voter::Bob),
            Letter::yes(Voter::Olga),
            Letter::yes(Voter::Hank),
            Letter::no(Voter::Ann),
        ],
        slow_desk: true,
        ticks: 3,
        left: Left { overrides: 1, ..Left::default() },
        ..keyed()
    }
}

/// The same while the clocks of the nodes go wrong, and two callbacks come twice.
pub fn two_groups_by_other_clocks() -> Protocol {
    Protocol {
        letters: vec![
            Letter::yes(Voter::Ann).twice(),
            Letter::yes(Voter::Cy).twice(),
            Letter::no(Voter::Bob),
            Letter::yes(Voter::Hank),
        ],
        skews: vec![-1, 0, 1],
        left: Left::default(),
        ..two_groups()
    }
}

/// More people say yes than there are slots, some of the same group, and some who may not answer.
pub fn more_people_than_slots() -> Protocol {
    Protocol {
        letters: vec![
            Letter::yes(Voter::Ann),
            Letter::yes(Voter::Dee),
            Letter::yes(Voter::Bob),
            Letter::no(Voter::Zoe),
            Letter::no(Voter::Ann),
        ],
        slow_desk: false,
        ticks: 2,
        left: Left { crashes: 1, reconciliations: 1, ..Left::default() },
        ..two_groups()
    }
}

/// Any two of five people, asked by two nodes with one key.
pub fn any_two() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::Two, rerunnable: false },
        calls: 1,
        requests: 1,
        letters: vec![
            Letter::yes(Voter::Ann).twice(),
            Letter::yes(Voter::Bob).twice(),
            Letter::yes(Voter::Olga),
            Letter::yes(Voter::Hank),
            Letter::no(Voter::Cy),
        ],
        left: Left { crashes: 1, ..Left::default() },
        ..keyed()
    }
}

/// Answers that come as they should not.
pub fn strangers() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::Two, rerunnable: false },
        nodes: 1,
        calls: 1,
        requests: 1,
        letters: vec![
            Letter::yes(Voter::Ann).that_came(Came::FromNobody),
            Letter::yes(Voter::Ann).that_came(Came::FromForeignProvider),
            Letter::yes(Voter::Bob).that_came(Came::ThroughPart),
            Letter::yes(Voter::Cy).that_came(Came::ForOtherDigest),
            Letter::no(Voter::Cy).that_came(Came::ForOtherDigest),
            Letter::no(Voter::Bob).that_came(Came::ThroughPart),
            Letter::yes(Voter::Ann),
            Letter::yes(Voter::Dee),
        ],
        left: Left::default(),
        ..keyed()
    }
}

/// Verdict and claim in one append, where the waiter lives in the process of the desk.
pub fn fused() -> Protocol {
    Protocol {
        fuses: true,
        requests: 1,
        letters: vec![Letter::yes(Voter::Ann).twice(), Letter::no(Voter::Bob)],
        left: Left { crashes: 1, drops: 1, lost_replies: 1, mutations: 1, ..Left::default() },
        ..keyed()
    }
}

/// Fused without a key, against the clock, while policy changes its mind.
pub fn fused_unkeyed() -> Protocol {
    Protocol {
        fuses: true,
        left: Left { crashes: 1, drops: 1, lost_replies: 1, failed_writes: 1, ..Left::default() },
        ..unkeyed()
    }
}

/// Fused where it takes two people of two groups.
pub fn fused_quorum() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::OneOfEach, rerunnable: false },
        fuses: true,
        calls: 1,
        requests: 1,
        letters: vec![
            Letter::yes(Voter::Cy).twice(),
            Letter::yes(Voter::Bob).twice(),
            Letter::yes(Voter::Hank),
            Letter::no(Voter::Ann),
        ],
        leaver: Some(Voter::Cy),
        ticks: 2,
        left: Left { drops: 1, ..Left::default() },
        ..keyed()
    }
}

/// Every configuration and its name.
pub fn all() -> Vec<(&'static str, Protocol)> {
    vec![
        ("two nodes with one key", keyed()),
        ("two nodes with one key, two crashes", keyed_under_two_crashes()),
        ("two nodes with one key while policy turns to run", keyed_while_policy_turns_to(Policy::Run)),
        ("two nodes with one key while policy turns to refuse", keyed_while_policy_turns_to(Policy::Refuse)),
        ("two nodes with one key while policy fails", keyed_while_policy_turns_to(Policy::Fail)),
        ("two nodes with one key while somebody leaves", keyed_while_somebody_leaves()),
        ("two nodes with one key against the clock", keyed_against_the_clock()),
        ("a key settled by people", keyed_and_settled_by_people()),
        ("a call without a key", unkeyed()),
        ("a rerunnable action", rerunnable()),
        ("a quorum of two groups", two_groups()),
        ("a quorum of two groups by other clocks", two_groups_by_other_clocks()),
        ("more people than slots", more_people_than_slots()),
        ("any two of five people", any_two()),
        ("strangers", strangers()),
        ("fused: two nodes with one key", fused()),
        ("fused: a call without a key", fused_unkeyed()),
        ("fused: a quorum of two groups", fused_quorum()),
    ]
}

/// All of it at once: five people, two crashes, two callbacks that come twice, two nodes with one key, both clocks and
/// those of the nodes, cancel, override, reconcile, rerun, fused claims, a quorum of two. Far too many orders to try
/// them all.
pub fn everything() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::OneOfEach, rerunnable: true },
        fuses: true,
        slow_desk: true,
        letters: vec![
            Letter::yes(Voter::Cy).twice(),
            Letter::yes(Voter::Ann).twice(),
            Letter::yes(Voter::Bob),
            Letter::yes(Voter::Hank),
            Letter::yes(Voter::Cy).that_came(Came::FromSecondIdentity),
            Letter::no(Voter::Bob),
            Letter::no(Voter::Olga),
        ],
        flip: Some(Policy::Refuse),
        leaver: Some(Voter::Ann),
        skews: vec![-1, 0, 1],
        ticks: 4,
        left: Left {
            crashes: 2,
            drops: 1,
            lost_replies: 1,
            failed_writes: 1,
            mutations: 1,
            overrides: 1,
            cancels: 1,
            reconciliations: 1,
        },
        ..keyed()
    }
}

/// Those that take minutes and gigabytes, with so much more that may go wrong.
pub fn larger(more: u8) -> Vec<(&'static str, Protocol)> {
    let reconciled = Left { reconciliations: 1, ..keyed_against_the_clock().left };
    let dropped = Left { drops: 1, ..rerunnable().left };
    let failing = Left { crashes: 2, failed_writes: 1, ..keyed().left };
    let mut all = vec![
        ("two nodes with one key, everything fails", Protocol { left: failing, ..keyed() }),
        (
            "two nodes with one key against the clock, reconciled",
            Protocol { left: reconciled, ..keyed_against_the_clock() },
        ),
        ("a rerunnable action, dropped", Protocol { left: dropped, ..rerunnable() }),
        ("fused: two rounds, two crashes", Protocol { requests: 2, left: failing, ..fused() }),
        ("everything", everything()),
    ];
    for (_, protocol) in &mut all {
        let left = &mut protocol.left;
        let budgets = [
            &mut left.crashes,
            &mut left.drops,
            &mut left.lost_replies,
            &mut left.failed_writes,
            &mut left.mutations,
            &mut left.overrides,
            &mut left.cancels,
            &mut left.reconciliations,
        ];
        for budget in budgets.into_iter().filter(|budget| **budget > 0) {
            *budget += more;
        }
    }
    all
}
