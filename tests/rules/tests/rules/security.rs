//! SECURITY.md names the test of every law, and of every threat and fault that is stopped, and the test is there.

use std::collections::BTreeSet;
use std::path::Path;

use approvals_rules::{files, read, tests_of};

/// How a row says that nothing proves it.
const OPEN: [&str; 2] = ["not stopped", "not tested yet"];

const LAWS: usize = 15;
/// Sections with a row for each, and the least number of rows.
const TABLES: [(&str, usize); 3] = [("Laws and their tests", LAWS), ("Threats", 16), ("Faults", 19)];

/// The cells of every row of the table under a heading, without the head.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = read(Path::new("SECURITY.md")).unwrap();
    let (_, after) =
        page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no `## {heading}`"));
    let section = after.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
    cells.collect()
}

/// What stands between backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Names of all tests in the sources, and of the fixtures that the compiler must refuse.
fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (path, text) in files().unwrap() {
        if path.extension().is_some_and(|extension| extension == "rs") {
            known.extend(tests_of(&text).into_iter().map(str::to_owned));
        }
        if path.starts_with("tests/ui/fail") {
            known.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    known
}

#[test]
fn every_law_names_its_tests() {
    let rows = table("Laws and their tests");
    let numbers: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(numbers, (1..=LAWS).map(|law| law.to_string()).collect::<Vec<_>>());
    for row in &rows {
        assert!(!names(&row[2]).is_empty(), "law {} names no test", row[0]);
    }
}

#[test]
fn every_threat_and_fault_names_its_tests_or_says_that_it_is_open() {
    for (heading, least) in TABLES {
        let rows = table(heading);
        assert!(rows.len() >= least, "{heading}: {} rows", rows.len());
        for row in rows {
            let last = &row[2];
            let open = OPEN.iter().any(|words| last.contains(words));
            assert!(
                open || !names(last).is_empty(),
                "`{}` names no test and does not say that it is open",
                row[0]
            );
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let known = known();
    let rows = TABLES.map(|(heading, _)| table(heading)).concat();
    let named: Vec<_> = rows.iter().flat_map(|row| names(&row[2])).collect();
    let missing: BTreeSet<_> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:#?}");
    assert!(!named.is_empty());
    // Also in what is said around the tables, where a name of several words can be nothing else.
    let page = read(Path::new("SECURITY.md")).unwrap();
    let beside = page.lines().filter(|line| !line.starts_with('|')).collect::<Vec<_>>().join("\n");
    let of_a_test = |name: &&str| {
        name.matches('_').count() > 2
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let missing: Vec<_> =
        names(&beside).into_iter().filter(of_a_test).filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:#?}");
}
