//! SIGKILL, at random moments and at every named one.

use std::path::Path;

use approvals_crash::{Defect, Orders, Part, Said, Trip};

use crate::bench::{Chance, Place, folder, how_many, seed};
use crate::examiner::{Examiner, Tally};
use crate::process::Process;

/// How often one store is crashed before the next is made.
const CRASHES: u64 = 25;
/// How many earlier calls a successor makes again first.
const AGAIN: u64 = 8;

/// One store, its processes one after the other, and what it should hold.
struct Line {
    place: Place,
    examiner: Examiner,
    minute: u64,
    defect: Option<Defect>,
}

impl Line {
    fn new(folder: &Path, name: &str) -> Self {
        let place = Place::in_folder(folder, name);
        Self { examiner: Examiner::new(&place), place, minute: 0, defect: None }
    }

    /// What the next process does: the last calls again, and new ones.
    fn orders(&mut self) -> Orders {
        self.minute += 1;
        let orders = self.place.work(self.minute, self.examiner.next.saturating_sub(AGAIN));
        Orders { defect: self.defect, ..orders }
    }

    /// Starts a process and looks at what its predecessor left. `None` if it killed itself before it was up.
    fn start(&mut self, orders: &Orders) -> Result<Option<Process>, String> {
        let mut process = Process::start(orders);
        loop {
            match process.says() {
                Some(Said::Up) => break,
                Some(Said::Failed { message, .. }) => return Err(message),
                Some(said) => self.examiner.hears([said]),
                None if orders.trip.is_some() && process.was_killed() => return Ok(None),
                None => return Err(format!("it did not start: {}", process.ended())),
            }
        }
        self.examiner.looks(Some(&orders.node))?;
        process.go();
        Ok(Some(process))
    }

    /// Kills a process once it has said so much, or a moment later.
    fn killed_at_random(&mut self, chance: &mut Chance) -> Result<(), String> {
        let orders = self.orders();
        let mut process = self.start(&orders)?.expect("it has no trip");
        for _ in 0..chance.below(60) {
            let said = process.says().ok_or("it ended by itself")?;
            self.examiner.hears([said]);
        }
        chance.dawdle();
        let (said, killed) = process.kill();
        self.examiner.hears(said);
        if killed { Ok(()) } else { Err("it ended by itself".to_owned()) }
    }

    /// Has a process kill itself at a named moment. It has to come by there.
    fn killed_at(&mut self, trip: &Trip) -> Result<(), String> {
        let mut orders = Orders { trip: Some(trip.clone()), ..self.orders() };
        if trip.name == "down" {
            let from = self.examiner.next;
            orders.part = Part::Work { from, until: Some(from + 3), beside: 4 };
        }
        let Some(mut process) = self.start(&orders)? else { return Ok(()) };
        let said = process.rest();
        self.examiner.hears(said);
        if process.was_killed() { Ok(()) } else { Err(format!("it never came by {trip:?}")) }
    }

    /// All calls once more, by a process that nobody kills.
    fn ends(&mut self) -> Result<Tally, String> {
        self.minute += 1;
        let orders = Orders { defect: self.defect, ..self.place.finish(self.minute, self.examiner.next) };
        let mut process = self.start(&orders)?.expect("it has no trip");
        let said = process.rest();
        let down = said.last() == Some(&Said::Down);
        self.examiner.hears(said);
        if !down || !process.ended().success() {
            return Err("it did not stop cleanly".to_owned());
        }
        self.examiner.settles()?;
        Ok(std::mem::take(&mut self.examiner.tally))
    }
}

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
    let (seed, kills) = (seed(), how_many("APPROVALS_KILLS", 760));
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
        "up", "requested", "presented", "reviewed", "started", "finished", "lost", "expired", "cancelled", "updated",
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
        // So that there is an attempt to be lost, once by each kind of body and once more right after the first.
        for _ in 0..2 {
            line.killed_at(&body).unwrap();
            line.killed_at(&moment).unwrap_or_else(|why| panic!("{moment:?}: {why}"));
        }
        tally.add(&line.ends().unwrap_or_else(|why| panic!("{moment:?}: {why}")));
    }
    println!("{tally:?}");
    assert!(tally.taken_up > 0 && tally.lost > 0 && tally.reruns > 0, "{tally:?}");
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
