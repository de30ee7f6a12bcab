//! The power goes: what was not synced is lost, and nothing else.

use std::process::Command;

use approvals_crash::{Orders, Part, Said};
use approvals_test_support::skip;
use rusqlite::Connection;

use crate::bench::{Chance, Place, how_many, seed};
use crate::disk::Disk;
use crate::examiner::Tally;
use crate::line::Line;
use crate::process::Process;
use crate::shim::Shim;

/// How often the power of one store is cut before the next is made.
const CUTS: usize = 10;

/// Cuts the power under processes at random moments, on one store after the other, and looks at what is left.
fn cuts(
    disk: &mut Disk,
    cuts: usize,
    chance: &mut Chance,
    change: &dyn Fn(&mut Command),
) -> Result<Tally, String> {
    let (mut tally, mut left) = (Tally::default(), cuts);
    for number in 0.. {
        let mut line = Line::new(disk.path(), &format!("{cuts}-{number}"));
        for _ in 0..left.min(CUTS) {
            let orders = line.orders();
            let mut process = Process::start_with(&orders, change);
            // Now and then before it is up: while it makes the store, or recovers it.
            if chance.below(5) == 0 {
                chance.dawdle();
            } else {
                line.comes_up(&mut process, &orders)?;
                for _ in 0..chance.below(60) {
                    let said = process.says().ok_or("it ended by itself")?;
                    line.examiner.hears([said]);
                }
                chance.dawdle();
            }
            disk.cut()?;
            // What it says from here on no machine without power could say: a sync that the cut met half way may be
            // answered either way.
            line.examiner.hears_of_calls(process.kill().0);
            disk.reboot();
        }
        tally.add(&line.ends()?);
        left = left.saturating_sub(CUTS);
        if left == 0 {
            break;
        }
    }
    Ok(tally)
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged_and_runs_no_body_twice() {
    let name = "a_power_cut_loses_nothing_that_was_acknowledged_and_runs_no_body_twice";
    let mut disk = match Disk::make() {
        Ok(disk) => disk,
        Err(why) => return skip(name, &why),
    };
    let (mut chance, number) = (Chance(seed()), how_many("APPROVALS_CUTS", 50));
    let begun = std::time::Instant::now();
    let tally = cuts(&mut disk, number, &mut chance, &|_| {}).unwrap();
    println!("{number} cuts in {:?}: {tally:?}", begun.elapsed());
    assert!(tally.acked > number && tally.effects > 0, "nothing happened: {tally:?}");
}

#[test]
fn a_power_cut_while_a_store_is_made_leaves_one_that_opens() {
    let name = "a_power_cut_while_a_store_is_made_leaves_one_that_opens";
    let mut disk = match Disk::make() {
        Ok(disk) => disk,
        Err(why) => return skip(name, &why),
    };
    let mut chance = Chance(seed());
    let mut half_made = 0;
    for number in 0..how_many("APPROVALS_CUTS", 50) / 2 {
        let mut line = Line::new(disk.path(), &number.to_string());
        let mut process = Process::start(&line.orders());
        chance.dawdle_up_to(23);
        disk.cut().unwrap();
        half_made += usize::from(!process.kill().0.contains(&Said::Up));
        disk.reboot();
        let orders = line.orders();
        line.start(&orders)
            .unwrap_or_else(|why| panic!("store {number}: {why}"))
            .expect("it comes up")
            .kill();
    }
    println!("{half_made} stores were cut while they were made");
    assert!(half_made > 0);
}

/// The most rows that a bare database lost to a power cut, with a `PRAGMA synchronous`, over some cuts.
fn rows_lost(disk: &mut Disk, synchronous: &str, chance: &mut Chance) -> u64 {
    let mut lost = 0;
    for number in 0..8 {
        let place = Place::in_folder(disk.path(), &format!("{synchronous}-{number}"));
        let part = Part::Probe { synchronous: synchronous.to_owned() };
        let mut process = Process::start(&Orders { part, ..place.work(0, 0) });
        let mut acked = 0;
        for _ in 0..50 + chance.below(100) {
            match process.says().expect("it ended by itself") {
                Said::Row(row) => acked = row,
                said => assert_eq!(said, Said::Up),
            }
        }
        disk.cut().unwrap();
        process.kill();
        disk.reboot();
        // Even the table may be gone.
        let left = Connection::open(&place.store)
            .and_then(|conn| conn.query_row("SELECT count(*) FROM rows", [], |row| row.get::<_, i64>(0)));
        lost = lost.max(acked.saturating_sub(u64::try_from(left.unwrap_or(0)).unwrap()));
    }
    lost
}

#[test]
fn a_power_cut_takes_what_a_weaker_setting_than_the_stores_acknowledged() {
    let name = "a_power_cut_takes_what_a_weaker_setting_than_the_stores_acknowledged";
    let mut disk = match Disk::make() {
        Ok(disk) => disk,
        Err(why) => return skip(name, &why),
    };
    let mut chance = Chance(seed());
    assert_eq!(rows_lost(&mut disk, "FULL", &mut chance), 0);
    assert!(rows_lost(&mut disk, "NORMAL", &mut chance) > 0, "the cut does not bite");
}

#[test]
fn a_disk_that_lies_about_its_syncs_is_found_out_by_a_power_cut() {
    let name = "a_disk_that_lies_about_its_syncs_is_found_out_by_a_power_cut";
    let made = Disk::make().and_then(|disk| Ok((disk, Shim::make()?)));
    let (mut disk, shim) = match made {
        Ok(made) => made,
        Err(why) => return skip(name, &why),
    };
    let folder = disk.path().to_owned();
    let found = cuts(&mut disk, 10, &mut Chance(seed()), &|command| shim.lies(command, &folder));
    let found = found.expect_err("the lie was not found");
    println!("found: {found}");
    // What the store has lost, and not that a process came to nothing.
    let lost = ["acknowledged and is gone", "were read before", "under 0 claims", "ran, and nobody let it"];
    let torn = ["cannot be opened", "SQLite says", "no ledger", "damaged"];
    assert!(lost.iter().chain(&torn).any(|words| found.contains(words)), "{found}");
}
