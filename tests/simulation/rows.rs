//! The faults that the webhook is built against, one at a time and at a time of our choice.

use std::time::Duration;

use crate::clock::Wall;
use crate::plan::{AGENT, Act, Fault, Forgery, Plan, Point, Way, secs};
use crate::run::{Outcome, run};

const DAY: i64 = 24 * 3600;

/// Runs it with decisions called back, and asked for.
fn both_ways(plan: impl Fn() -> Plan) -> [Outcome; 2] {
    [Way::CalledBack, Way::Asked].map(|way| {
        let outcome = run(Plan { way, ..plan() }, None);
        outcome.holds();
        outcome
    })
}

fn cut(from_agent: bool, to_agent: bool) -> Fault {
    Fault::Partition { agent: AGENT, from_agent, to_agent }
}

fn times(outcome: &Outcome, what: &str) -> usize {
    outcome.trace.iter().filter(|line| line.contains(what)).count()
}

#[track_caller]
fn comes_to(outcome: &Outcome, phase: &str, bodies: u64) {
    assert_eq!((outcome.phases.as_slice(), outcome.bodies), (&[phase][..], bodies), "{}", outcome.report());
}

#[test]
fn nothing_that_goes_wrong_is_one_message_and_one_body() {
    for outcome in both_ways(|| Plan::calm(1)) {
        comes_to(&outcome, "succeeded", 1);
        assert_eq!(times(&outcome, "_requested, new: true"), 1);
    }
}

#[test]
fn an_endpoint_that_is_away_until_the_deadline_expires_the_request_and_no_body_runs() {
    // Row 1.
    for outcome in both_ways(|| Plan::calm(2).with(0, 200, cut(true, true))) {
        outcome.fired("partition before the verdict");
        comes_to(&outcome, "expired", 0);
        assert_eq!(times(&outcome, "present_failed"), 1, "on record once, however often it is tried");
    }
}

#[test]
fn an_endpoint_that_comes_back_in_time_is_told_and_the_body_runs() {
    // Row 1.
    for outcome in both_ways(|| Plan::calm(3).with(0, 50, cut(true, true))) {
        outcome.fired("partition before the verdict");
        comes_to(&outcome, "succeeded", 1);
    }
}

#[test]
fn a_lost_answer_to_the_create_makes_one_message() {
    // Row 2.
    for lost in [Fault::LoseCreateAnswer, Fault::LateCreateAnswer] {
        for outcome in both_ways(|| Plan::calm(4).with(0, 12, lost)) {
            assert!(times(&outcome, "_requested, new: false") >= 1, "{}", outcome.report());
            assert_eq!(times(&outcome, "_requested, new: true"), 1);
            comes_to(&outcome, "succeeded", 1);
        }
    }
}

#[test]
fn an_agent_that_dies_over_a_lost_answer_tells_people_once() {
    // Rows 2 and 10.
    for outcome in both_ways(|| {
        let crash = Fault::CrashAgent { agent: AGENT, down: secs(4) };
        Plan::calm(5).with(0, 3, Fault::LoseCreateAnswer).with(2, 0, crash)
    }) {
        outcome.fired("crash of an agent");
        assert_eq!(times(&outcome, "_requested, new: true"), 1);
        comes_to(&outcome, "succeeded", 1);
    }
}

#[test]
fn a_pause_that_is_asked_for_is_kept_and_a_storm_is_outlasted() {
    // Row 3.
    for (fault, named) in
        [(Fault::TooMany { after: 20 }, "429 with Retry-After"), (Fault::ServerErrors, "storm of 5xx")]
    {
        for outcome in both_ways(|| Plan::calm(6).with(0, 40, fault)) {
            outcome.fired(named);
            comes_to(&outcome, "succeeded", 1);
        }
    }
}

#[test]
fn the_deadline_wins_over_a_pause_and_over_a_storm() {
    // Row 3.
    for fault in [Fault::TooMany { after: 300 }, Fault::ServerErrors] {
        for outcome in both_ways(|| Plan::calm(7).with(0, 200, fault)) {
            comes_to(&outcome, "expired", 0);
            assert!(times(&outcome, "_requested") < 200, "{}", outcome.report());
        }
    }
}

#[test]
fn a_hundred_callbacks_in_any_order_and_after_the_end_are_one_verdict() {
    // Row 5.
    let act = |after, person, denies, held| Act {
        after: secs(after),
        person,
        denies,
        held: secs(held),
        copies: 100,
    };
    let mut plan = Plan::calm(8);
    // The second is brought before the first, and the third once all is over.
    plan.calls[0].people = vec![act(3, "u-1", false, 4), act(4, "u-2", false, 0), act(30, "u-1", true, 0)];
    let outcome = run(Plan { heals: secs(50), ..plan }, None);
    outcome.holds();
    for fault in ["callback duplicated", "callback reordered", "callback after the verdict"] {
        outcome.fired(fault);
    }
    comes_to(&outcome, "succeeded", 1);
    // One counts, and of each of the others one record says why it does not.
    assert_eq!((times(&outcome, " reviewed"), times(&outcome, " ignored ")), (1, 2), "{}", outcome.report());
}

#[test]
fn an_answer_after_the_deadline_is_on_record_and_opens_nothing() {
    // Row 5.
    let mut plan = Plan { decide_within: secs(20), heals: secs(50), ..Plan::calm(9) };
    plan.calls[0].people[0].after = secs(30);
    let outcome = run(plan, None);
    outcome.holds();
    comes_to(&outcome, "expired", 0);
    assert_eq!((times(&outcome, " reviewed"), times(&outcome, " ignored ")), (0, 1), "{}", outcome.report());
}

#[test]
fn approve_and_deny_in_the_same_instant_have_one_winner() {
    // Row 6.
    for outcome in both_ways(|| {
        let mut plan = Plan::calm(10);
        let yes = plan.calls[0].people[0].clone();
        plan.calls[0].people.push(Act { person: "u-2", denies: true, ..yes });
        plan
    }) {
        let one = [("denied", 0), ("succeeded", 1)];
        assert!(one.contains(&(outcome.phases[0], outcome.bodies)), "{}", outcome.report());
    }
}

#[test]
fn strangers_are_sent_away_counted_and_change_nothing() {
    // Row 7.
    for forgery in
        [Forgery::Unsigned, Forgery::OtherKey, Forgery::LeakedKey, Forgery::Tampered, Forgery::Opened]
    {
        let mut plan = Plan::calm(11).with(8, 0, Fault::Stranger(forgery));
        // Nobody who may says yes in time.
        plan.calls[0].people[0] = Act { person: "u-dana", ..plan.calls[0].people[0].clone() };
        let outcome = run(Plan { decide_within: secs(30), ..plan }, None);
        outcome.holds();
        outcome.fired(forgery.name());
        comes_to(&outcome, "expired", 0);
        assert_eq!(times(&outcome, " unauthenticated "), 1, "{}", outcome.report());
    }
}

#[test]
fn a_callback_that_is_played_again_after_five_minutes_is_of_a_stranger() {
    // Row 7.
    let outcome = run(Plan::calm(12).with(320, 0, Fault::Stranger(Forgery::Replayed)), None);
    outcome.holds();
    outcome.fired(Forgery::Replayed.name());
    comes_to(&outcome, "succeeded", 1);
}

#[test]
fn a_decision_in_the_poll_that_nobody_signed_is_believed_in_nothing() {
    // Row 7.
    let mut plan = Plan::calm(13).with(0, 20, Fault::ForgedInPoll);
    plan.calls[0].people.clear();
    let outcome = run(Plan { way: Way::Asked, decide_within: secs(30), ..plan }, None);
    outcome.holds();
    outcome.fired("unsigned decision in the poll");
    comes_to(&outcome, "expired", 0);
}

#[test]
fn a_verdict_for_another_digest_or_another_request_leaves_it_pending() {
    // Row 8.
    for forgery in [Forgery::OtherDigest, Forgery::OtherRequest] {
        let mut plan = Plan::calm(14).with(8, 0, Fault::Stranger(forgery));
        plan.calls[0].people.clear();
        let outcome = run(Plan { decide_within: secs(30), ..plan }, None);
        outcome.holds();
        outcome.fired(forgery.name());
        comes_to(&outcome, "expired", 0);
    }
}

#[test]
fn a_partition_before_during_or_after_the_verdict_ends_in_one_body() {
    // Row 9. The card arrives after 1 s, ann decides at about 7 s, and the body runs from about 8 s on.
    for (at, named) in [
        (0, "partition before the verdict"),
        (4, "partition during the verdict"),
        (7, "partition after the verdict"),
    ] {
        for (from_agent, to_agent) in [(true, true), (true, false), (false, true)] {
            for outcome in both_ways(|| {
                let mut plan = Plan::calm(15).with(at, 30, cut(from_agent, to_agent));
                plan.calls[0].people[0].held = if at == 7 { Duration::ZERO } else { secs(1) };
                plan
            }) {
                assert!(outcome.fired.keys().any(|fault| fault.starts_with("partition")), "{named}");
                comes_to(&outcome, "succeeded", 1);
                if from_agent && to_agent && at != 7 {
                    outcome.fired(named);
                }
            }
        }
    }
}

#[test]
fn a_lost_answer_to_a_decision_is_a_decision_that_counted_once() {
    for (way, lost) in [(Way::CalledBack, Fault::LoseCallbackAnswer), (Way::Asked, Fault::LosePollAnswer)] {
        let outcome = run(Plan { way, ..Plan::calm(16).with(0, 20, lost) }, None);
        outcome.holds();
        comes_to(&outcome, "succeeded", 1);
        assert_eq!(times(&outcome, " reviewed"), 1, "{}", outcome.report());
    }
}

#[test]
fn an_agent_that_dies_at_any_point_runs_the_body_once_or_says_that_nobody_knows() {
    // Row 10.
    for (point, phase, bodies) in [
        (Point::BeforeReview, "succeeded", 1),
        (Point::BeforeClaim, "succeeded", 1),
        (Point::AfterClaim, "unknown", 0),
        (Point::InBody, "unknown", 1),
        (Point::BeforeFinish, "unknown", 1),
    ] {
        for outcome in both_ways(|| Plan::calm(17).with(0, 15, Fault::CrashAt(point))) {
            outcome.fired(point.name());
            comes_to(&outcome, phase, bodies);
        }
    }
}

#[test]
fn a_wall_clock_that_is_a_day_off_for_a_while_costs_time_and_nothing_else() {
    // Row 14.
    for wall in Wall::ALL {
        for seconds in [DAY, -DAY] {
            let walls: &'static [Wall] = match wall {
                Wall::Agents => &[Wall::Agents],
                Wall::Store => &[Wall::Store],
                Wall::Endpoint => &[Wall::Endpoint],
            };
            let jump = Fault::Jump { walls, seconds, stays: false };
            for outcome in both_ways(|| Plan::calm(18).with(4, 30, jump)) {
                let ends = [("succeeded", 1), ("expired", 0)];
                assert!(ends.contains(&(outcome.phases[0], outcome.bodies)), "{}", outcome.report());
            }
        }
    }
}

#[test]
fn all_clocks_set_a_day_forwards_expire_what_waits_and_backwards_leave_it_open() {
    // Row 14.
    for (seconds, phase, bodies) in [(DAY, "expired", 0), (-DAY, "succeeded", 1)] {
        let jump = Fault::Jump { walls: &Wall::ALL, seconds, stays: true };
        for outcome in both_ways(|| Plan::calm(19).with(4, 0, jump)) {
            comes_to(&outcome, phase, bodies);
        }
    }
}

#[test]
fn a_clock_that_is_off_while_all_are_set_back_is_right_again_with_the_others() {
    // Row 14.
    for outcome in both_ways(|| {
        let all = Fault::Jump { walls: &Wall::ALL, seconds: -DAY, stays: true };
        let one = Fault::Jump { walls: &[Wall::Endpoint], seconds: -3_600, stays: false };
        Plan::calm(21).with(4, 0, all).with(5, 20, one)
    }) {
        outcome.fired("a wall clock jumps backwards");
        comes_to(&outcome, "succeeded", 1);
    }
}

#[test]
fn a_card_that_did_not_arrive_is_sent_again_although_the_clocks_were_set_back_by_a_day() {
    // Rows 9 and 14.
    for keyed in [true, false] {
        for away in [cut(true, true), Fault::TooMany { after: 35 }] {
            for outcome in both_ways(|| {
                let jump = Fault::Jump { walls: &Wall::ALL, seconds: -DAY, stays: true };
                let mut plan = Plan::calm(20).with(0, 40, away).with(10, 0, jump);
                plan.calls[0].keyed = keyed;
                plan
            }) {
                comes_to(&outcome, "succeeded", 1);
            }
        }
    }
}

#[test]
fn a_pause_is_kept_although_the_clocks_were_set_forwards_or_back_and_right_again() {
    // Rows 3 and 14.
    for (seconds, stays) in [(30, true), (3_000, true), (30, false), (-3_000, false)] {
        for outcome in both_ways(|| {
            let jump = Fault::Jump { walls: &Wall::ALL, seconds, stays };
            let plan = Plan::calm(22).with(0, 10, Fault::TooMany { after: 40 }).with(3, 9, jump);
            Plan { decide_within: secs(4_000), ..plan }
        }) {
            outcome.fired("429 with Retry-After");
            comes_to(&outcome, "succeeded", 1);
        }
    }
}
