//! Two processes share one file.

use approvals_crash::{Defect, Kind, Orders, Part, Said};

use crate::bench::{Chance, folder, how_many, seed};
use crate::line::Line;
use crate::process::Process;

const NODES: [&str; 2] = ["crash/a", "crash/b"];

/// Has both nodes start once more and stop cleanly, so that each takes up what it left; then all has to be settled.
fn ends(line: &mut Line) -> Result<(), String> {
    line.minute += 1;
    let b = Orders { node: NODES[1].to_owned(), ..line.place.finish(line.minute, 0) };
    let mut process = line.start(&b)?.expect("it has no trip");
    line.examiner.hears(process.rest());
    line.ends().map(drop)
}

/// Two processes that have come to the claim of one approval, both of them.
fn at_the_claim(line: &mut Line, number: u64, defect: Option<Defect>) -> Result<[Process; 2], String> {
    line.minute += 1;
    let part = Part::Work { from: number, until: Some(number + 1), beside: 1 };
    let orders = NODES.map(|node| Orders {
        node: node.to_owned(),
        part: part.clone(),
        holds: true,
        defect,
        ..line.place.work(line.minute, number)
    });
    let mut processes = orders.each_ref().map(Process::start);
    for (process, orders) in processes.iter_mut().zip(&orders) {
        line.comes_up(process, orders)?;
    }
    for process in &mut processes {
        loop {
            match process.says().ok_or("it ended by itself")? {
                Said::At(place) if place == "claim" => break,
                said => line.examiner.hears([said]),
            }
        }
    }
    Ok(processes)
}

/// Whether a process comes into the body; if not, how its call ended.
fn wins(line: &mut Line, process: &mut Process) -> Result<bool, String> {
    loop {
        match process.says().ok_or("it ended by itself")? {
            Said::At(place) if place == "body" => return Ok(true),
            Said::At(_) => process.go(),
            Said::Told { outcome, .. } if outcome == "running" => return Ok(false),
            Said::Told { outcome, .. } => return Err(format!("the other was told `{outcome}`")),
            said => line.examiner.hears([said]),
        }
    }
}

#[test]
fn of_two_processes_at_one_claim_one_runs_the_body_and_the_other_is_told_that_it_runs() {
    let folder = folder();
    let mut chance = Chance(seed());
    let mut line = Line::new(folder.path(), "raced");
    let (mut cut_off, mut wins_of_b) = (0, 0);
    for round in 0..how_many("APPROVALS_RACES", 24) as u64 {
        // Calls of one person's yes and of two.
        let number = round * 10 + round % 2;
        assert!(matches!(Kind::of(number), Kind::One | Kind::Two));
        let mut processes = at_the_claim(&mut line, number, None).unwrap();
        if chance.below(2) == 0 {
            processes.reverse();
        }
        for process in &mut processes {
            process.go();
            chance.dawdle();
        }
        let won = processes.each_mut().map(|process| wins(&mut line, process).unwrap());
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "one wins");
        let [first, second] = &mut processes;
        let (winner, loser) = if won[0] { (first, second) } else { (second, first) };
        wins_of_b += usize::from(won[1]);
        if chance.below(2) == 0 {
            winner.go();
            if chance.below(2) == 0 {
                chance.dawdle();
                line.examiner.hears(winner.kill().0);
            } else {
                line.examiner.hears(winner.rest());
            }
        } else {
            cut_off += 1;
            line.examiner.hears(winner.kill().0);
        }
        line.examiner.hears(loser.rest());
    }
    line.examiner.next = 0;
    ends(&mut line).unwrap();
    println!("{cut_off} cut off in the body, {wins_of_b} won by the second");
    assert!(cut_off > 0);
}

#[test]
fn two_processes_that_are_killed_at_random_over_one_file_run_no_body_twice() {
    let folder = folder();
    let mut chance = Chance(seed());
    let mut line = Line::new(folder.path(), "shared");
    let orders = |line: &mut Line, node: usize| Orders { node: NODES[node].to_owned(), ..line.orders() };
    let mut processes = [0, 1].map(|node| {
        let orders = orders(&mut line, node);
        line.start(&orders).unwrap().expect("it has no trip")
    });
    for _ in 0..how_many("APPROVALS_RACES", 24) {
        let node = usize::from(chance.below(2) == 0);
        for _ in 0..chance.below(80) {
            let said = processes[node].says().expect("it ended by itself");
            line.examiner.hears([said]);
        }
        chance.dawdle();
        let (said, killed) = processes[node].kill();
        assert!(killed);
        line.examiner.hears(said);
        let orders = orders(&mut line, node);
        processes[node] = line.start(&orders).unwrap().expect("it has no trip");
    }
    for process in &mut processes {
        line.examiner.hears(process.kill().0);
    }
    ends(&mut line).unwrap();
}

#[test]
fn a_claim_without_compare_and_set_is_found_out_by_two_processes() {
    let folder = folder();
    let mut line = Line::new(folder.path(), "raced");
    let mut processes = at_the_claim(&mut line, 0, Some(Defect::ClaimsAnyway)).unwrap();
    for process in &mut processes {
        process.go();
        assert!(wins(&mut line, process).unwrap(), "the defect lets both in");
    }
    for process in &mut processes {
        process.go();
        line.examiner.hears(process.rest());
    }
    line.examiner.next = 1;
    let found = ends(&mut line).expect_err("the defect was not found");
    assert!(found.contains("ran 2 times"), "{found}");
}
