//! One store and the processes that work on it, one after the other.

use std::path::Path;

use approvals_crash::{Defect, Orders, Part, Said, Trip};

use crate::bench::{Chance, Place};
use crate::examiner::{Examiner, Tally};
use crate::process::Process;

/// How many earlier calls a successor makes again first.
const AGAIN: u64 = 6;

/// One store, its processes one after the other, and what it should hold.
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) examiner: Examiner,
    pub(crate) minute: u64,
    pub(crate) defect: Option<Defect>,
}

impl Line {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let place = Place::in_folder(folder, name);
        Self { examiner: Examiner::new(&place), place, minute: 0, defect: None }
    }

    /// What the next process does: the last calls again, and new ones.
    pub(crate) fn orders(&mut self) -> Orders {
        self.minute += 1;
        let orders = self.place.work(self.minute, self.examiner.next.saturating_sub(AGAIN));
        Orders { defect: self.defect, ..orders }
    }

    /// Starts a process and looks at what its predecessor left. `None` if it killed itself before it was up.
    pub(crate) fn start(&mut self, orders: &Orders) -> Result<Option<Process>, String> {
        let mut process = Process::start(orders);
        self.comes_up(&mut process, orders).map(|up| up.then_some(process))
    }

    /// Waits until a process is up, looks at what its predecessor left, and lets it work.
    pub(crate) fn comes_up(&mut self, process: &mut Process, orders: &Orders) -> Result<bool, String> {
        loop {
            match process.says() {
                Some(Said::Up) => break,
                Some(Said::Failed { message, .. }) => return Err(message),
                Some(said) => self.examiner.hears([said]),
                None if orders.trip.is_some() && process.was_killed() => return Ok(false),
                None => return Err(format!("it did not start: {}", process.ended())),
            }
        }
        self.examiner.looks(Some(&orders.node))?;
        process.go();
        Ok(true)
    }

    /// Kills a process once it has said so much, or a moment later.
    pub(crate) fn killed_at_random(&mut self, chance: &mut Chance) -> Result<(), String> {
        let orders = self.orders();
        let mut process = self.start(&orders)?.expect("it has no trip");
        for _ in 0..chance.below(40) {
            let said = process.says().ok_or("it ended by itself")?;
            self.examiner.hears([said]);
        }
        chance.dawdle();
        let (said, killed) = process.kill();
        self.examiner.hears(said);
        if killed { Ok(()) } else { Err("it ended by itself".to_owned()) }
    }

    /// Has a process kill itself at a named moment. It has to come by there.
    pub(crate) fn killed_at(&mut self, trip: &Trip) -> Result<(), String> {
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
    pub(crate) fn ends(&mut self) -> Result<Tally, String> {
        self.minute += 1;
        let orders = Orders { defect: self.defect, ..self.place.finish(self.minute, self.examiner.next) };
        let mut process = self.start(&orders)?.expect("it has no trip");
        let said = process.rest();
        let (down, ended) = (stopped_cleanly(&said), process.ended());
        let end = format!("{ended}, after {:?}", said.get(said.len().saturating_sub(4)..));
        self.examiner.hears(said);
        if !down || !ended.success() {
            return Err(format!("it did not stop cleanly: {end}"));
        }
        self.examiner.settles()?;
        Ok(std::mem::take(&mut self.examiner.tally))
    }
}

/// Whether a process said that it stopped, and wrote nothing afterwards. Whoever answered a card right before may hear
/// later that what was written before the stop is on the disk.
pub(crate) fn stopped_cleanly(said: &[Said]) -> bool {
    let Some(down) = said.iter().position(|said| *said == Said::Down) else { return false };
    let place = |said: &Said| match said {
        Said::Acked { seq, .. } => Some(*seq),
        _ => None,
    };
    let (before, after) = said.split_at(down);
    let stop = before.iter().filter_map(place).max();
    after.iter().skip(1).all(|said| place(said).is_some_and(|seq| Some(seq) < stop))
}
