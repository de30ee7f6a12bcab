//! SIGKILL, at random moments and at every named one.

use approvals_crash::{Defect, Kind, Orders, Part, Trip};

use crate::bench::{Chance, folder, how_many, seed};
use crate::examiner::Tally;
use crate::line::Line;

/// How often one store is crashed before the next is made.
const CRASHES: u64 = 25;
/// Kills around each named moment: half of them there, half before, in a body.
const AT_EACH: usize = 4;

/// So many kills, on one store after the other.
fn random_kills(kills: usize, mut chance: Chance) -> Tally {
    let folder = folder();
    let mut tally = Tally::default();
    let mut left = kills as u64;
    for number in 0.. {
        let mut line = Line::new(folder.path(), &number.to_string());
        for _ in 0..left.min(CRASHES) {
            line.killed_at_random(&mut chance).unwrap();
        }
        tally.add(&line.ends().unwrap());
        left = left.saturating_sub(CRASHES);
        if left == 0 {
            return tally;
        }
    }
    tally
}

#[test]
fn a_process_that_is_killed_at_any_moment_loses_nothing_it_acknowledged_and_runs_no_body_twice() {
    // A thousand, with those at named moments.
    let (seed, kills) = (seed(), how_many("APPROVALS_KILLS", 1_000 - named_moments().len() * AT_EACH));
    let begun = std::time::Instant::now();
    // Two at a time, as most machines have two cores for it.
    let tallies = std::thread::scope(|scope| {
        let halves = [kills / 2, kills - kills / 2];
        let halves = [0, 1].map(|half| {
            scope.spawn(move || random_kills(halves[half], Chance(seed.wrapping_add(half as u64))))
        });
        halves.map(|half| half.join())
    });
    let mut tally = Tally::default();
    for half in tallies {
        tally.add(&half.expect("one half failed"));
    }
    println!("{kills} kills in {:?}: {tally:?}", begun.elapsed());
    let Tally { acked, taken_up, lost, reruns: _, effects } = tally;
    assert!(acked > kills && effects > 0, "nothing happened");
    assert!(kills < 100 || (taken_up > 0 && lost > 0), "nobody was killed while waiting or running");
}

/// Every moment that has a name: before and after the commit of an event, and around the effect of a body.
fn named_moments() -> Vec<Trip> {
    let events = [
        "up",
        "requested",
        "presented",
        "reviewed",
        "started",
        "reviewed+started",
        "finished",
        "lost",
        "expired",
        "cancelled",
        "updated",
        "down",
    ];
    let mut moments = Vec::new();
    for name in events {
        // A process comes and goes once.
        let times = if matches!(name, "up" | "down") { 1 } else { 3 };
        for time in 1..=times {
            moments.extend([false, true].map(|after| Trip { name: name.to_owned(), after, time }));
        }
    }
    for name in ["body entered", "body done"] {
        moments.extend((1..=3).map(|time| Trip { name: name.to_owned(), after: false, time }));
    }
    moments
}

#[test]
fn a_process_that_is_killed_at_a_named_moment_is_taken_up_by_its_successor() {
    let folder = folder();
    let mut tally = Tally::default();
    let body = Trip { name: "body entered".to_owned(), after: false, time: 1 };
    for (number, moment) in named_moments().into_iter().enumerate() {
        let mut line = Line::new(folder.path(), &number.to_string());
        for _ in 0..AT_EACH / 2 {
            // So that there is an attempt to be lost.
            line.killed_at(&body).unwrap();
            line.killed_at(&moment).unwrap_or_else(|why| panic!("{moment:?}: {why}"));
        }
        tally.add(&line.ends().unwrap_or_else(|why| panic!("{moment:?}: {why}")));
    }
    println!("{tally:?}");
    assert!(tally.taken_up > 0 && tally.lost > 0, "{tally:?}");
}

#[test]
fn of_all_bodies_that_are_killed_at_their_end_only_one_that_may_run_again_does() {
    let folder = folder();
    let bodies = (0..10).filter(|number| Kind::of(*number).may_run());
    for number in bodies {
        let mut line = Line::new(folder.path(), &number.to_string());
        let part = Part::Work { from: number, until: Some(number + 1), beside: 1 };
        let trip = Trip { name: "body done".to_owned(), after: false, time: 1 };
        let orders = Orders { part, trip: Some(trip), ..line.orders() };
        let mut process = line.start(&orders).unwrap().expect("it comes up");
        line.examiner.hears(process.rest());
        assert!(process.was_killed());
        let tally = line.ends().unwrap();
        assert_eq!(tally.lost, 1);
        let again = Kind::of(number) == Kind::Rerunnable;
        assert_eq!(tally.reruns, usize::from(again), "{:?}", Kind::of(number));
    }
}

/// What is found when a defective process is killed at a moment.
fn found(defect: Defect, name: &str, after: bool) -> String {
    let folder = folder();
    let mut line = Line::new(folder.path(), "defective");
    line.defect = Some(defect);
    let trip = Trip { name: name.to_owned(), after, time: 1 };
    line.killed_at(&trip).unwrap();
    line.ends().expect_err("the defect was not found")
}

#[test]
fn a_process_that_acknowledges_early_is_found_out_by_a_kill() {
    for name in ["requested", "reviewed", "started"] {
        let found = found(Defect::AcknowledgesEarly, name, false);
        assert!(found.contains("was acknowledged and is gone"), "{found}");
    }
}

#[test]
fn a_body_that_begins_before_its_claim_is_on_record_is_found_out_by_a_kill() {
    let found = found(Defect::EntersEarly, "body done", false);
    assert!(found.contains("ran 1 times under 0 claims"), "{found}");
}
