//! Who calls, who answers and what may go wrong, small enough to be tried in every order.

use approvals_model::{Asked, Crowd, Left, Letter, Policy, Protocol, Voter};

/// Two nodes call with one key; one person decides.
pub(crate) fn keyed() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::One, rerunnable: false },
        keyed: true,
        nodes: 2,
        calls: 2,
        requests: 2,
        letters: vec![Letter::yes(Voter::Ann).twice(), Letter::no(Voter::Bob)],
        slow_desk: false,
        fused: false,
        flip: None,
        ticks: 0,
        left: Left { crashes: 1, drops: 1, lost_replies: 1, mutations: 1, ..Left::default() },
        defect: None,
    }
}

/// The same while policy changes its mind.
pub(crate) fn keyed_while_policy_turns_to(flip: Policy) -> Protocol {
    Protocol { flip: Some(flip), left: Left { drops: 1, ..Left::default() }, ..keyed() }
}

/// The same against the clock, so that a second round follows the first.
pub(crate) fn keyed_against_the_clock() -> Protocol {
    Protocol { ticks: 3, left: Left { crashes: 1, ..Left::default() }, ..keyed() }
}

/// A call without a key, against the clock.
pub(crate) fn unkeyed() -> Protocol {
    Protocol {
        keyed: false,
        nodes: 1,
        calls: 1,
        requests: 1,
        letters: vec![Letter::yes(Voter::Ann), Letter::no(Voter::Bob), Letter::no(Voter::Olga)],
        flip: Some(Policy::Refuse),
        ticks: 3,
        left: Left { crashes: 1, drops: 1, lost_replies: 1, mutations: 1, overrides: 1, reconciliations: 1 },
        ..keyed()
    }
}

/// The body may run again after a crash.
pub(crate) fn rerunnable() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::One, rerunnable: true },
        requests: 1,
        letters: vec![Letter::yes(Voter::Ann), Letter::no(Voter::Bob)],
        ticks: 2,
        left: Left { crashes: 1, reconciliations: 1, ..Left::default() },
        ..keyed()
    }
}

/// One of each of two groups. Somebody with two identities, and the requester under an alias, vote too; the desk is
/// slow.
pub(crate) fn two_groups() -> Protocol {
    Protocol {
        asked: Asked { quorum: Crowd::OneOfEach, rerunnable: false },
        nodes: 1,
        calls: 1,
        requests: 1,
        letters: vec![
            Letter::yes(Voter::Cy).twice(),
            Letter::yes(Voter::Cy).from_elsewhere(),
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

/// Two nodes call with one key, and a verdict brings the claim along.
pub(crate) fn fused() -> Protocol {
    Protocol { fused: true, calls: 1, ..keyed() }
}

/// A call without a key, whose verdict brings the claim along, while policy and the arguments may change.
pub(crate) fn fused_unkeyed() -> Protocol {
    Protocol { fused: true, left: Left { overrides: 0, reconciliations: 0, ..unkeyed().left }, ..unkeyed() }
}

/// One of each of two groups, the last of whom brings the claim along.
pub(crate) fn fused_two_groups() -> Protocol {
    Protocol { fused: true, slow_desk: false, ..two_groups() }
}

/// Every configuration and its name.
pub(crate) fn all() -> Vec<(&'static str, Protocol)> {
    vec![
        ("two nodes with one key", keyed()),
        ("two nodes with one key while policy turns to run", keyed_while_policy_turns_to(Policy::Run)),
        ("two nodes with one key while policy turns to refuse", keyed_while_policy_turns_to(Policy::Refuse)),
        ("two nodes with one key against the clock", keyed_against_the_clock()),
        ("a call without a key", unkeyed()),
        ("a rerunnable action", rerunnable()),
        ("a quorum of two groups", two_groups()),
        ("a verdict that brings the claim along, with one key", fused()),
        ("a verdict that brings the claim along, without a key", fused_unkeyed()),
        ("a verdict of two groups that brings the claim along", fused_two_groups()),
    ]
}

/// Those that take minutes and gigabytes.
pub(crate) fn larger() -> Vec<(&'static str, Protocol)> {
    let reconciled = keyed_against_the_clock();
    let left = Left { reconciliations: 1, ..reconciled.left };
    let dropped = rerunnable();
    let more = Left { drops: 1, ..dropped.left };
    let letters = vec![Letter::yes(Voter::Ann).twice(), Letter::no(Voter::Bob)];
    vec![
        ("two nodes with one key against the clock, reconciled", Protocol { left, ..reconciled }),
        ("a rerunnable action, dropped", Protocol { left: more, letters, ..dropped }),
    ]
}
