//! The pages under `docs/` say what the code does.

#![cfg(test)]

use std::collections::BTreeSet;

use approvals_core::state::Phase;

const STATES: &str = include_str!("../../docs/states.md");

/// What stands in backticks in the first column of the tables under a heading.
fn quoted(heading: &str) -> BTreeSet<&'static str> {
    let (_, after) = STATES.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('|').take(2).flat_map(|cell| cell.split('`').skip(1).step_by(2))).collect()
}

#[test]
fn the_page_names_every_phase_and_says_which_are_terminal() {
    let phases: BTreeSet<_> = Phase::ALL.into_iter().map(Phase::as_str).collect();
    assert_eq!(quoted("Phases"), phases);
    let (_, sentence) = STATES.split_once("\n\n`denied`").expect("the sentence on terminal phases");
    let sentence = format!("`denied`{}", sentence.split(" are terminal").next().unwrap());
    let named: BTreeSet<_> = sentence.split('`').skip(1).step_by(2).collect();
    let terminal: BTreeSet<_> =
        Phase::ALL.into_iter().filter(|p| p.is_terminal()).map(Phase::as_str).collect();
    assert_eq!(named, terminal);
}

#[test]
fn the_page_moves_only_between_phases_that_exist() {
    let (_, after) = STATES.split_once("\n## Events\n").unwrap();
    let rows = after.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut reached = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        if !cells[1].starts_with("any") {
            for from in cells[1].split(", ") {
                assert!(Phase::from_name(from).is_some(), "`{from}` in {row}");
            }
        }
        if !cells[3].starts_with("unchanged") {
            reached.insert(
                Phase::from_name(cells[3]).unwrap_or_else(|| panic!("`{}` in {row}", cells[3])).as_str(),
            );
        }
    }
    let all = Phase::ALL.into_iter().filter(|phase| *phase != Phase::None).map(Phase::as_str);
    assert_eq!(reached, all.collect());
}

#[cfg(feature = "people-toml")]
mod people {
    use approvals_core::people::{Directory as _, Identity, People};

    const PEOPLE: &str = include_str!("../../docs/people.md");

    #[tokio::test]
    async fn the_people_on_the_page_are_read_as_the_page_says() {
        let (_, after) = PEOPLE.split_once("```toml\n").unwrap();
        let file = std::env::temp_dir().join(format!("approvals-people-{}.toml", std::process::id()));
        std::fs::write(&file, after.split("```").next().unwrap()).unwrap();
        let people = People::from_file(&file);
        let people = people.unwrap();
        let dana = people.resolve(&Identity::new("os", "dana-admin")).await.unwrap().unwrap();
        assert_eq!(dana.id().as_str(), "dana");
        assert_eq!(dana.name(), "Dana Whitfield");
        assert_eq!(dana.groups().len(), 2);
        let kim = people.resolve(&Identity::new("os", "kim")).await.unwrap().unwrap();
        assert_eq!(kim.name(), "kim");
        assert_eq!(people.owner(&"deploy-bot".into()).await.unwrap().unwrap().as_str(), "dana");
        assert_eq!(people.resolve(&Identity::new("slack", "Dana Whitfield")).await.unwrap(), None);
        std::fs::remove_file(&file).unwrap();
        assert!(people.resolve(&Identity::new("os", "kim")).await.is_err(), "the file is gone");
    }
}
