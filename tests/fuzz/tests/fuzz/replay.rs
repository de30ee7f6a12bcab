//! What is in the corpora holds, and so does what is near it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use approvals_fuzz::{TARGETS, Target, smoke};

use crate::support::{corpus, room, words};

/// For all targets together.
const WALK: Duration = Duration::from_secs(10);
/// The room that all corpora may take, and the files of one.
const LARGEST: usize = 1 << 20;
const MOST: usize = 120;

fn holds(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

#[test]
fn every_input_of_every_corpus_holds() {
    let (mut count, mut broken) = (0, Vec::new());
    for target in TARGETS {
        for (name, input) in corpus(target.name) {
            if !holds(target, &input) {
                broken.push(format!("{}/{name}", target.name));
            }
            count += 1;
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count >= 10 * TARGETS.len(), "{count} inputs");
}

#[test]
fn what_is_near_the_corpora_holds_too() {
    let words = words();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let time = WALK / u32::try_from(TARGETS.len()).unwrap();
    for target in TARGETS {
        let corpus: Vec<_> = corpus(target.name).into_iter().map(|(_, input)| input).collect();
        let count = smoke::walk(&corpus, &words, time, |input| {
            assert!(holds(target, input), "target `{}`, input: {}", target.name, input.escape_ascii());
        });
        assert!(count > 0, "`{}`", target.name);
    }
}

#[test]
fn each_corpus_belongs_to_a_target_and_they_are_small() {
    let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets have one name");
    let folders = std::fs::read_dir(room().join("corpus")).unwrap();
    let folders: BTreeSet<_> =
        folders.map(|folder| folder.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, names);
    let corpora: Vec<_> = names.iter().map(|name| (name, corpus(name))).collect();
    let bytes: usize = corpora.iter().flat_map(|(_, inputs)| inputs).map(|(_, input)| input.len()).sum();
    assert!(bytes <= LARGEST, "{bytes} bytes");
    for (name, inputs) in corpora {
        assert!(inputs.len() <= MOST, "`{name}` has {} inputs; minimise them", inputs.len());
    }
}
