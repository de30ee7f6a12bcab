//! Each write and each sync fails in turn: no room, a failing disk, a file system that became read-only.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use approvals_crash::{Defect, Orders, Part, Said};
use approvals_test_support::skip;
use nix::errno::Errno;

use crate::bench::{Place, folder, how_many};
use crate::disk::Disk;
use crate::examiner::Examiner;
use crate::line::{Line, stopped_cleanly};
use crate::process::Process;
use crate::shim::{Fault, Report, Shim};

/// The calls that are made: one takes two people's yes, the other gets a no.
const CALLS: Range<u64> = 1..3;
const ERRNOS: [Errno; 3] = [Errno::EIO, Errno::ENOSPC, Errno::EROFS];

/// A run over a disk that fails, and what the library under it did.
struct Run {
    fault: Fault,
    line: Line,
    said: Vec<Said>,
    report: Report,
}

/// A store on a disk that fails. The world outside is on another.
fn line(disk: &Path, effects: PathBuf) -> Line {
    let place = Place { effects, ..Place::in_folder(disk, "store") };
    let mut line = Line { examiner: Examiner::new(&place), place, minute: 0, defect: None };
    line.examiner.may_ask_anew = true;
    line
}

/// Has a process make the calls. Gives what it said.
fn make_the_calls(
    line: &Line,
    defect: Option<Defect>,
    change: impl FnOnce(&mut Command),
) -> Result<Vec<Said>, String> {
    let part = Part::Work { from: CALLS.start, until: Some(CALLS.end), beside: 1 };
    let orders = Orders { part, defect, ..line.place.work(0, 0) };
    let mut process = Process::start_with(&orders, change);
    // Nobody looks at the store meanwhile: what fails is to be the process's own.
    process.go();
    let said = process.rest();
    let ended = process.ended();
    if ended.success() { Ok(said) } else { Err(format!("it ended with {ended} and said {said:?}")) }
}

/// Has a process make the calls over a disk that fails.
fn run(shim: &Shim, folder: &Path, name: &str, fault: Fault, defect: Option<Defect>) -> Result<Run, String> {
    let (disk, report) = (folder.join(name), folder.join(format!("{name}.report")));
    std::fs::create_dir(&disk).unwrap();
    let line = line(&disk, folder.join(format!("{name}.effects")));
    let said = make_the_calls(&line, defect, |command| shim.fails(command, &disk, fault, &report))?;
    Ok(Run { fault, line, said, report: Report::read(&report) })
}

/// What has to hold in the run, and after the disk was mended.
fn holds(mut run: Run) -> Result<(), String> {
    let failures = run.said.iter().filter_map(|said| match said {
        Said::Failed { kind, message } => Some((kind.as_str(), message)),
        _ => None,
    });
    // What the start and the desk say is what the store says to them.
    let of_store = |kind: &str| !matches!(kind, "Start" | "Desk");
    for (number, (kind, message)) in failures.clone().filter(|(kind, _)| of_store(kind)).enumerate() {
        let typed = match (run.fault.errno, run.report.first.contains("write")) {
            (Errno::ENOSPC, true) if number == 0 => kind == "Full",
            _ => matches!(kind, "Full" | "ReadOnly" | "Other"),
        };
        if !typed {
            return Err(format!("`{message}` is of kind {kind}: {:?}", run.said));
        }
    }
    for (_, message) in failures {
        let (_, remedy) = message.rsplit_once("; ").unwrap_or_default();
        if remedy.is_empty() {
            return Err(format!("`{message}` says no remedy"));
        }
    }
    is_mended(&mut run.line, run.said)
}

/// All calls once more over a disk that works.
fn is_mended(line: &mut Line, said: Vec<Said>) -> Result<(), String> {
    line.examiner.hears(said);
    line.examiner.next = CALLS.end;
    line.ends().map(drop)
}

/// How many faults there usually are, as docs/testing.md says.
const ABOUT: usize = 470;

/// Every call that can fail, each with every error: once, or from then on.
fn faults(calls: usize) -> Vec<Fault> {
    let all = how_many("APPROVALS_FAULTS", 0) > 0;
    let mut faults = Vec::new();
    for at in 1..=calls {
        for (index, errno) in ERRNOS.into_iter().enumerate() {
            let ever = (at + index).is_multiple_of(2);
            faults.push(Fault { at, errno, ever });
            if all {
                faults.push(Fault { at, errno, ever: !ever });
            }
        }
    }
    faults
}

/// How many calls that can fail are in a run in which none does.
fn calls(shim: &Shim, folder: &Path) -> usize {
    let sound = run(shim, folder, "sound", Fault { at: 0, errno: Errno::EIO, ever: false }, None).unwrap();
    assert_eq!(sound.report.failed, 0);
    assert!(stopped_cleanly(&sound.said), "{:?}", sound.said);
    let calls = sound.report.calls;
    holds(sound).unwrap();
    calls
}

#[test]
fn whichever_write_or_sync_fails_no_body_runs_unrecorded_and_nothing_acknowledged_is_lost() {
    let name = "whichever_write_or_sync_fails_no_body_runs_unrecorded_and_nothing_acknowledged_is_lost";
    let shim = match Shim::make() {
        Ok(shim) => shim,
        Err(why) => return skip(name, &why),
    };
    let folder = folder();
    let begun = Instant::now();
    let faults = faults(calls(&shim, folder.path()));
    let (next, fired) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let works = || {
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
            let ever = if fault.ever { "on" } else { "once" };
            let name = format!("{}-{:?}-{ever}", fault.at, fault.errno);
            let run = run(&shim, folder.path(), &name, *fault, None);
            let failed = run.as_ref().is_ok_and(|run| run.report.failed > 0);
            fired.fetch_add(usize::from(failed), Ordering::SeqCst);
            run.and_then(holds).unwrap_or_else(|why| panic!("{fault:?}: {why}"));
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(works), scope.spawn(works)];
        workers
            .map(|worker| worker.join())
            .into_iter()
            .for_each(|ended| ended.expect("a fault was not borne"));
    });
    let fired = fired.into_inner();
    println!("{fired} of {} faults fired, in {:?}", faults.len(), begun.elapsed());
    if how_many("APPROVALS_FAULTS", 0) == 0 {
        let page = include_str!("../../../../docs/testing.md");
        assert!(page.contains(&format!("about {ABOUT} faults")), "docs/testing.md is to say how many");
        assert!(faults.len().abs_diff(ABOUT) * 6 < ABOUT, "{} faults, and not about {ABOUT}", faults.len());
    }
    // No two runs take quite as many calls: notes are written beside the calls, and some ride along in one commit.
    assert!(fired * 5 > faults.len() * 4, "{fired} of {} faults fired", faults.len());
}

#[test]
fn a_disk_with_less_and_less_room_runs_no_body_unrecorded_and_loses_nothing_acknowledged() {
    let name = "a_disk_with_less_and_less_room_runs_no_body_unrecorded_and_loses_nothing_acknowledged";
    let disk = match Disk::make() {
        Ok(disk) => disk,
        Err(why) => return skip(name, &why),
    };
    let folder = folder();
    let (mut full, mut enough) = (0, 0);
    // A page of the file system at a time where it matters, up to more than the calls take.
    for pages in (0..128).step_by(4) {
        let place = disk.path().join(pages.to_string());
        std::fs::create_dir(&place).unwrap();
        let mut line = line(&place, folder.path().join(format!("{pages}.effects")));
        disk.leave(pages * 4096);
        let said = make_the_calls(&line, None, |_| {}).unwrap();
        disk.free();
        match said.iter().find_map(|said| match said {
            Said::Failed { kind, message } => Some((kind, message)),
            _ => None,
        }) {
            Some((_, message)) => {
                assert!(message.contains("free space on its disk"), "{pages} pages: {message}");
                full += 1;
            }
            None => enough += 1,
        }
        is_mended(&mut line, said).unwrap_or_else(|why| panic!("{pages} pages: {why}"));
        std::fs::remove_dir_all(&place).unwrap();
    }
    println!("{full} runs without and {enough} with enough room");
    assert!(full > 0 && enough > 0);
}

#[test]
fn a_file_system_that_turns_read_only_under_a_process_keeps_its_bodies_shut() {
    let name = "a_file_system_that_turns_read_only_under_a_process_keeps_its_bodies_shut";
    let mut disk = match Disk::make().and_then(|disk| disk.turn_read_only().map(|()| disk)) {
        Ok(disk) => disk,
        Err(why) => return skip(name, &why),
    };
    disk.reboot();
    let folder = folder();
    let mut line = line(disk.path(), folder.path().join("effects"));
    for (number, place, runs) in [(0, "claim", false), (1, "claim", false), (10, "body", true)] {
        let part = Part::Work { from: number, until: Some(number + 1), beside: 1 };
        let orders = Orders { part, holds: true, ..line.orders() };
        let mut process = line.start(&orders).unwrap().expect("it comes up");
        loop {
            match process.says().expect("it goes on") {
                Said::At(at) if at == place => break,
                Said::At(_) => process.go(),
                said => line.examiner.hears([said]),
            }
        }
        disk.turn_read_only().unwrap();
        process.go();
        // What is acknowledged from here on is not counted: a sync that was met half way may be answered either way.
        loop {
            match process.says().expect("it goes on") {
                // Refused by the store, or given up by the people whose verdict was to bring the claim along.
                Said::Told { outcome, .. } => {
                    let as_expected =
                        if runs { outcome == "ran" } else { ["store", "left"].contains(&&*outcome) };
                    break assert!(as_expected, "call {number} was told `{outcome}`");
                }
                // The claim is tried again.
                Said::At(_) => process.go(),
                Said::Failed { kind, message } => {
                    assert!(matches!(kind.as_str(), "ReadOnly" | "Other" | "Desk"), "{kind}: {message}");
                }
                _ => {}
            }
        }
        process.kill();
        disk.reboot();
    }
    let tally = line.ends().unwrap();
    // The one that was in its body, and the call between these that is dropped in its own.
    assert_eq!(tally.lost, 2, "{tally:?}");
}

#[test]
fn a_body_that_runs_although_its_claim_could_not_be_recorded_is_found_out_by_a_failing_disk() {
    let name = "a_body_that_runs_although_its_claim_could_not_be_recorded_is_found_out_by_a_failing_disk";
    let shim = match Shim::make() {
        Ok(shim) => shim,
        Err(why) => return skip(name, &why),
    };
    let folder = folder();
    let defect = Some(Defect::RunsUnrecorded);
    let found = (1..=calls(&shim, folder.path())).rev().find_map(|at| {
        let fault = Fault { at, errno: Errno::EIO, ever: true };
        run(&shim, folder.path(), &at.to_string(), fault, defect).and_then(holds).err()
    });
    let found = found.expect("the defect was not found");
    assert!(found.contains("ran 1 times under 0 claims"), "{found}");
}

#[test]
fn a_sync_that_is_tried_again_on_the_same_handle_is_found_out_by_a_failing_disk() {
    let name = "a_sync_that_is_tried_again_on_the_same_handle_is_found_out_by_a_failing_disk";
    let shim = match Shim::make() {
        Ok(shim) => shim,
        Err(why) => return skip(name, &why),
    };
    let folder = folder();
    let (disk, report) = (folder.path().join("disk"), folder.path().join("report"));
    std::fs::create_dir(&disk).unwrap();
    let place = Place::in_folder(&disk, "bare");
    // The file is opened, then a line written and synced, and again.
    let fault = Fault { at: 5, errno: Errno::EIO, ever: false };
    let orders = Orders { part: Part::Stubborn, ..place.work(0, 0) };
    let mut process = Process::start_with(&orders, |command| shim.fails(command, &disk, fault, &report));
    let said = process.rest();
    assert_eq!(Report::read(&report).first, "fsync");
    let kept = std::fs::read_to_string(&place.store).unwrap();
    let lost = said.iter().filter(|said| match said {
        Said::Row(row) => !kept.lines().any(|line| line == row.to_string()),
        _ => false,
    });
    assert_eq!(lost.count(), 1, "{said:?}, and the file holds {kept:?}");
}

#[test]
fn the_clock_takes_for_patience_with_a_store_what_the_gate_has() {
    let gate = include_str!("../../../../approvals-core/src/authority/patience.rs");
    let clock = include_str!("../../src/clock.rs");
    assert!(gate.contains("LONGEST: Duration = Duration::from_secs(60);"));
    assert!(gate.contains("GRACE: Duration = Duration::from_secs(1);"));
    assert!(clock.contains("PATIENCE: Duration = Duration::from_secs(61);"));
}
