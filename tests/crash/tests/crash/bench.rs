//! Where a store stands, chance that repeats itself, and how much is done.

use std::path::{Path, PathBuf};

use approvals_crash::{Orders, Part};
use tempfile::TempDir;

/// The seed of a run, from `APPROVALS_SEED`; told, so that a run can be repeated.
pub(crate) fn seed() -> u64 {
    let seed =
        std::env::var("APPROVALS_SEED").ok().map(|seed| seed.parse().expect("APPROVALS_SEED is a number"));
    let seed = seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        u64::try_from(now.as_micros()).unwrap()
    });
    println!("to do the same again: APPROVALS_SEED={seed}");
    seed
}

/// How many, from the environment.
pub(crate) fn how_many(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |number| number.parse().expect("a number"))
}

/// Chance that repeats itself: splitmix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Lets a moment pass that nobody can foresee.
    pub(crate) fn dawdle(&mut self) {
        self.dawdle_up_to(19);
    }

    /// Lets a moment pass of up to two to this power turns.
    pub(crate) fn dawdle_up_to(&mut self, power: u64) {
        let most = 1 << self.below(power);
        for _ in 0..self.below(most) {
            std::hint::spin_loop();
        }
    }
}

/// A folder of the test's own. In memory where that is possible: a killed process leaves what it wrote in the page
/// cache, so the disk below proves nothing and only takes time. Cutting the power does.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    made.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Where a store and the effects of its bodies stand.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: PathBuf,
    pub(crate) effects: PathBuf,
}

impl Place {
    pub(crate) fn in_folder(folder: &Path, name: &str) -> Self {
        Self { store: folder.join(format!("{name}.db")), effects: folder.join(format!("{name}.effects")) }
    }

    /// Orders to work here, from a call on, until killed.
    pub(crate) fn work(&self, minute: u64, from: u64) -> Orders {
        Orders {
            store: self.store.clone(),
            effects: self.effects.clone(),
            node: "crash/a".to_owned(),
            minute,
            part: Part::Work { from, until: None, beside: 4 },
            trip: None,
            defect: None,
            holds: false,
        }
    }

    /// Orders to make all calls up to one again, then to stop.
    pub(crate) fn finish(&self, minute: u64, until: u64) -> Orders {
        Orders { part: Part::Work { from: 0, until: Some(until), beside: 4 }, ..self.work(minute, 0) }
    }
}
