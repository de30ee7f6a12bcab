//! The numbers on docs/testing.md are those of the tests, as far as their sources tell. What only running or compiling
//! them tells is compared where they are: in the model, the simulation and the fuzz targets.

use std::collections::BTreeSet;
use std::path::Path;

use approvals_rules::{files, members, read, root, tests_of};

const PAGE: &str = "docs/testing.md";

/// The row of a table that begins so.
fn row(begins: &str) -> String {
    let page = read(Path::new(PAGE)).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| {begins}")));
    row.unwrap_or_else(|| panic!("{PAGE}: no row `{begins}`")).to_owned()
}

/// A number with its thousands apart, as pages write it.
fn grouped(number: usize) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", grouped(number / 1_000), number % 1_000)
}

#[track_caller]
fn says(begins: &str, number: usize, of_what: &str) {
    let row = row(begins);
    let said = format!("{} {of_what}", grouped(number));
    let stands_alone = row.match_indices(&said).any(|(at, _)| {
        let before = row.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_ascii_digit() && c != ',')
    });
    assert!(stands_alone, "{PAGE}: the row is to say `{said}`: {row}");
}

/// The sources below a folder, one after the other.
fn sources(folder: &str) -> String {
    let files = files().unwrap();
    let of_it =
        files.iter().filter(|(path, _)| path.starts_with(folder) && path.extension() == Some("rs".as_ref()));
    of_it.map(|(_, text)| format!("{text}\n")).collect()
}

/// The numbers that stand behind each of these words, up to the next comma or bracket; names of numbers are not.
fn numbers_behind(source: &str, words: &str) -> Vec<usize> {
    let behind = source.split(words).skip(1);
    let digits = behind.filter_map(|after| after.split([',', ')', ' ', ';']).next());
    digits.filter_map(|digits| digits.replace('_', "").parse().ok()).collect()
}

#[test]
fn the_page_says_how_many_tests_the_laws_have() {
    let row = row("the laws, one by one");
    let about = numbers_behind(&row, "about ");
    let tests: usize = files()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("tests/laws") && path.extension() == Some("rs".as_ref()))
        .map(|(_, text)| tests_of(text).len())
        .sum();
    let [about] = about[..] else { panic!("{PAGE}: {row}") };
    assert!(
        tests.abs_diff(about) * 20 <= about,
        "{PAGE} says about {about} tests of laws, there are {tests}"
    );
}

#[test]
fn the_page_says_how_many_kills_cuts_and_races_there_are() {
    let crash = sources("tests/crash/tests");
    let usual = |variable: &str| numbers_behind(&crash, &format!("how_many(\"{variable}\", "));
    says("a process killed anywhere", usual("APPROVALS_KILLS").iter().sum(), "kills");
    // The second of the two tests makes half as many.
    let [cuts, half] = usual("APPROVALS_CUTS")[..] else { panic!("the cuts moved") };
    assert!(cuts == half && crash.contains("how_many(\"APPROVALS_CUTS\", 50) / 2"), "the cuts moved");
    says("a power cut", cuts + half / 2, "cuts");
    says("two processes on one file", usual("APPROVALS_RACES").iter().sum(), "races");
}

#[test]
fn the_page_says_how_many_schedules_histories_and_races_there_are() {
    let schedules = sources("tests/races/tests/schedules");
    let explored: usize = numbers_behind(&schedules, " explore(").iter().sum();
    says("any schedule of tasks", explored, "schedules");
    let histories = sources("tests/races/tests/histories");
    let judged = ["judge(\"memory\", ", "judge(\"sqlite\", "].map(|call| numbers_behind(&histories, call));
    let told = numbers_behind(&sources("tests/races/tests/schedules/answers.rs"), " explore(");
    let recorded: usize = judged.iter().flatten().chain(&told).sum();
    says("any schedule of tasks", recorded, "histories");
    let found = |source: &str, words: &str| source.matches(words).count();
    let defects = found(&schedules, "    shows(") + found(&histories, "    is_found(");
    assert!(
        row("races |").starts_with(&format!("| races | {defects}: ")),
        "{PAGE}: {defects} defects of races"
    );
}

#[test]
fn the_page_says_how_many_defects_the_fuzz_targets_find() {
    let bites = read(Path::new("tests/fuzz/tests/fuzz/bites.rs")).unwrap();
    let targets: Vec<&str> =
        bites.split("    bites(\"").skip(1).filter_map(|after| after.split('"').next()).collect();
    let distinct: BTreeSet<_> = targets.iter().collect();
    let library = read(Path::new("tests/fuzz/src/lib.rs")).unwrap();
    let all = library.matches("Target { name: \"").count();
    let said = format!("| {} over {} of the {all} targets: ", targets.len(), distinct.len());
    assert!(row("fuzz targets").contains(&said), "{PAGE} is to say `{said}`");
}

#[test]
fn every_kind_of_test_has_a_command_whose_packages_variables_and_scripts_are_there() {
    let page = read(Path::new(PAGE)).unwrap();
    let (_, kinds) = page.split_once("\n## The kinds\n").unwrap();
    let rows: Vec<_> = kinds
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 10, "{} kinds of tests", rows.len());
    let (members, sources) = (members().unwrap(), sources("tests"));
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let commands: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!commands.is_empty(), "{PAGE}: no command in {row}");
        for command in commands {
            let words: Vec<&str> = command.split_whitespace().collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "-p") {
                assert!(members.contains_key(pair[1]), "`{command}`: no package `{}`", pair[1]);
            }
            let variables = words.iter().filter_map(|word| word.split_once('='));
            for (variable, _) in variables {
                assert!(
                    sources.contains(&format!("(\"{variable}\"")),
                    "`{command}`: nobody reads `{variable}`"
                );
            }
            for script in words.iter().filter(|word| word.starts_with("scripts/")) {
                assert!(root().join(script).is_file(), "`{command}`: no `{script}`");
            }
        }
    }
}

#[test]
fn the_columns_of_mutants_add_up() {
    let page = read(Path::new(PAGE)).unwrap();
    let cells = |line: &str| -> Vec<usize> {
        line.trim_matches('|').split('|').skip(1).map(|cell| cell.trim().parse().unwrap()).collect()
    };
    let rows: Vec<Vec<usize>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter(|line| line.contains(".rs` |"))
        .map(cells)
        .collect();
    let all = cells(&row("all |"));
    assert!(rows.len() > 20, "{} files with mutants", rows.len());
    for row in rows.iter().chain([&all]) {
        assert_eq!(row[0], row[1..].iter().sum::<usize>(), "{row:?}");
    }
    for (column, sum) in all.iter().enumerate() {
        assert_eq!(*sum, rows.iter().map(|row| row[column]).sum::<usize>(), "column {column}");
    }
}
