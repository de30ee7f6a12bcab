//! Which record may follow which: versions, streams, environments, and whose attempt it is.

use super::kit::*;
use crate::action::Risk;
use crate::id::{RequestId, Version};
use crate::ledger::{Body, CancelWhy, Env, Event, Finish, NotRunWhy, Reconciliation, Stream};
use crate::request::{Digest, Quorum, Requirement};
use crate::state::{Illegal, Opened, Phase, State, apply};

fn approved() -> History {
    History::asking(Quorum::people(1)).approved_by("ann", &[])
}

#[test]
fn the_next_version_is_the_only_one_that_moves_a_request() {
    let asked = approved();
    let at = asked.state.version();
    for found in [Version(0), Version(at.0 - 1), at, Version(at.0 + 2), Version(u64::MAX)] {
        let body = Body { version: found, ..asked.next(started(1)) };
        assert_eq!(apply(&asked.state, &body), Err(Illegal::Version { at, found }));
    }
    assert_eq!(asked.then(started(1)).state.version(), Version(at.0 + 1));
}

#[test]
fn a_note_stands_at_the_version_it_found() {
    let asked = approved();
    let at = asked.state.version();
    for found in [Version(at.0 - 1), at.next()] {
        let body = Body { version: found, ..asked.next(ignored()) };
        assert_eq!(apply(&asked.state, &body), Err(Illegal::Version { at, found }));
    }
}

#[test]
fn a_request_opens_at_version_one_and_only_once() {
    let opening = History::empty().next(Event::Requested(requested(requirement(Quorum::people(1))).into()));
    assert_eq!(apply(&State::default(), &opening).unwrap().version(), Version(1));
    let again = approved().refusal(opening.event);
    assert_eq!(again, Illegal::Transition { event: "requested", phase: Phase::Approved });
}

#[test]
fn the_record_of_another_stream_is_refused() {
    let asked = approved();
    let other = RequestId::from_uuid(uuid::Uuid::from_u128(8));
    for stream in [Stream::Request(other), Stream::System, Stream::Allowed] {
        for event in [started(1), ignored()] {
            let body = Body { stream, ..asked.next(event) };
            assert_eq!(apply(&asked.state, &body), Err(Illegal::OtherStream));
        }
    }
    let opening = History::empty().next(Event::Requested(requested(requirement(Quorum::people(1))).into()));
    let nowhere = Body { stream: Stream::System, ..opening };
    assert_eq!(apply(&State::default(), &nowhere), Err(Illegal::OtherStream));
}

#[test]
fn live_and_test_records_do_not_mix_from_the_first_record_on() {
    for (ours, theirs) in [(Env::Live, Env::Test), (Env::Test, Env::Live)] {
        let opening = Event::Requested(requested(requirement(Quorum::people(1))).into());
        let mut noticed = History { env: ours, ..History::empty() }.then(ignored());
        noticed.env = theirs;
        assert_eq!(noticed.refusal(opening.clone()), Illegal::OtherEnv);
        noticed.env = ours;

        let mut asked = noticed.then(opening);
        asked.env = theirs;
        assert_eq!(asked.refusal(asked.yes("ann", &[])), Illegal::OtherEnv);
        assert_eq!(asked.refusal(ignored()), Illegal::OtherEnv, "notes too");
    }
}

#[test]
fn only_the_node_that_claimed_finishes_or_loses_the_attempt() {
    let running = approved().then(started(1));
    for event in [finished(1, Finish::Ok {}), finished(1, failed()), finished(1, not_run()), lost(1)] {
        assert_eq!(running.clone().on("n2").refusal(event.clone()), Illegal::NotTheClaim);
        assert!(running.judge(event).is_ok());
    }
}

#[test]
fn only_the_attempt_that_runs_finishes_or_is_lost() {
    let running = approved().then(started(1));
    for event in [finished(2, Finish::Ok {}), finished(2, failed()), finished(2, not_run()), lost(2)] {
        assert_eq!(running.refusal(event), Illegal::NotTheClaim);
    }
}

#[test]
fn the_first_attempt_cannot_end_a_rerun() {
    let asked = History::of(rerunnable(requirement(Quorum::people(1)))).approved_by("ann", &[]);
    let rerun = asked.then(started(1)).then(lost(1)).then(started(2));
    assert_eq!(rerun.refusal(finished(1, Finish::Ok {})), Illegal::NotTheClaim);
    assert_eq!(rerun.refusal(lost(1)), Illegal::NotTheClaim);
    assert_eq!(rerun.then(finished(2, Finish::Ok {})).phase(), Phase::Succeeded);
}

#[test]
fn a_rerun_needs_a_fresh_attempt() {
    let asked = History::of(rerunnable(requirement(Quorum::people(1)))).approved_by("ann", &[]);
    let lost = asked.then(started(1)).then(lost(1));
    assert_eq!(lost.refusal(started(1)), Illegal::NotTheClaim);
}

#[test]
fn the_successor_of_a_node_on_another_name_cannot_say_lost_but_a_person_can_say_what_became_of_it() {
    let running = approved().then(started(1)).on("n1/2");
    assert_eq!(running.refusal(lost(1)), Illegal::NotTheClaim);
    let closed = running.then(reconciled("zoe", Reconciliation::DidNotRun));
    assert_eq!(closed.phase(), Phase::Cancelled);
    assert_eq!(
        closed.on("n1").refusal(finished(1, Finish::Ok {})).to_string(),
        "`finished` cannot happen to a request that is cancelled"
    );
}

#[test]
fn a_denial_while_the_body_runs_blocks_every_later_claim() {
    for late in ["while executing", "while unknown"] {
        let asked = History::of(rerunnable(requirement(Quorum::people(1)))).approved_by("ann", &[]);
        let running = asked.then(started(1));
        let unknown = match late {
            "while executing" => running.denied_by("eve", &[]).then(lost(1)),
            _ => running.then(lost(1)).denied_by("eve", &[]),
        };
        assert_eq!(unknown.phase(), Phase::Unknown);
        assert_eq!(unknown.refusal(started(2)), Illegal::DeniedMeanwhile, "{late}");
    }
}

#[test]
fn a_requirement_that_cannot_stand_opens_nothing() {
    let plain = || requirement(Quorum::people(1));
    let micros = std::time::Duration::from_micros;
    let unfit = [
        ("nobody", requirement(Quorum::people(0))),
        ("33 people", requirement(Quorum::people(33))),
        ("no time to decide", Requirement { decide_within: micros(999_000), ..plain() }),
        ("no time to use", Requirement { use_within: micros(999_000), ..plain() }),
        ("31 days", Requirement { decide_within: Requirement::LONGEST + micros(1000), ..plain() }),
        ("a clock finer than its record", Requirement { use_within: micros(1_000_500), ..plain() }),
        ("alone at critical", Requirement { risk: Risk::Critical, single_operator: true, ..plain() }),
    ];
    for (what, requirement) in unfit {
        let refusal = History::empty().refusal(Event::Requested(requested(requirement).into()));
        assert!(matches!(refusal, Illegal::Unfit(_)), "{what}: {refusal}");
    }
    let mut same = requested(plain());
    same.call.risk = plain().risk;
    assert_eq!(History::of(same).phase(), Phase::Pending, "as the author declared it");
    let mut lowered = requested(plain());
    lowered.call.risk = Risk::High;
    let refusal = History::empty().refusal(Event::Requested(lowered.into()));
    assert!(matches!(refusal, Illegal::Unfit(_)), "a policy may raise the risk, never lower it: {refusal}");
}

#[test]
fn the_shortest_and_the_longest_clocks_stand() {
    assert_eq!(Requirement::LONGEST, std::time::Duration::from_secs(2_592_000), "30 days");
    for clock in [std::time::Duration::from_secs(1), Requirement::LONGEST] {
        let requirement =
            Requirement { decide_within: clock, use_within: clock, ..requirement(Quorum::people(1)) };
        assert_eq!(History::of(requested(requirement)).phase(), Phase::Pending);
    }
}

#[test]
fn an_answer_for_another_digest_is_refused_whatever_it_says() {
    let asked = History::asking(Quorum::people(1));
    let digest = Digest::from_bytes([9; 32]);
    for answer in [crate::ledger::Answer::Approve, crate::ledger::Answer::Deny] {
        let reviewed = crate::ledger::Reviewed { digest, ..asked.reviewed(answer, "ann", &[]) };
        assert_eq!(asked.refusal(Event::Reviewed(reviewed)), Illegal::OtherDigest);
    }
    let Event::Overridden { by, assurance, reason, .. } = asked.overridden("zoe") else {
        panic!("no override")
    };
    assert_eq!(asked.refusal(Event::Overridden { by, assurance, digest, reason }), Illegal::OtherDigest);
}

#[test]
fn the_terms_of_a_request_stay_those_it_was_opened_with() {
    let asked = History::asking(Quorum::people(1));
    let opened: Opened =
        std::sync::Arc::try_unwrap(asked.state.opened().cloned().unwrap()).unwrap_or_else(|shared| Opened {
            id: shared.id,
            requested: shared.requested.clone(),
            digest: shared.digest,
            at: shared.at,
            env: shared.env,
        });
    let done = asked.approved_by("ann", &[]).then(started(1)).then(finished(1, Finish::Ok {}));
    assert_eq!(**done.state.opened().unwrap(), opened);
    assert_eq!(opened.requested.digest(), Ok(opened.digest));
}

#[test]
fn a_phase_is_read_by_the_name_that_it_writes_and_by_no_other() {
    for phase in Phase::ALL {
        assert_eq!(Phase::from_name(phase.as_str()), Some(phase));
    }
    for other in ["", "Pending", "pending ", "running"] {
        assert_eq!(Phase::from_name(other), None, "`{other}`");
    }
}

#[test]
fn who_decided_alone_and_who_called_it_off_and_why_stand_in_the_state() {
    let asked = History::asking(Quorum::people(1));
    assert_eq!((asked.state.overridden_by(), asked.state.cancelled()), (None, None));
    let by_force = asked.overridden("zoe");
    let overridden = asked.clone().then(by_force);
    assert_eq!(overridden.state.overridden_by(), Some(&"zoe".into()));
    let olga = crate::id::PersonId::from("olga");
    for (by, why) in
        [(Some(&olga), CancelWhy::Revoked), (Some(&olga), CancelWhy::Requester), (None, CancelWhy::Withdrawn)]
    {
        let cancelled = asked.clone().then(Event::Cancelled { by: by.cloned(), why });
        assert_eq!(cancelled.state.cancelled(), Some((why, by)));
    }
}

#[test]
fn why_a_claimed_body_was_never_entered_stands_in_the_state() {
    let running = approved().then(started(1));
    assert_eq!(running.state.not_run(), None);
    assert_eq!(running.then(finished(1, not_run())).state.not_run(), Some(NotRunWhy::CallerGone));
}
