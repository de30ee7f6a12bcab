//! What holds for every file.

use std::path::Path;

use approvals_rules::files;

/// Longest source file that is read in one go. Tests may be longer: they are read one at a time.
const LONGEST: usize = 600;

/// Longer files, and why they stay whole. An entry that is not needed any more fails.
const LONGER: [(&str, &str); 0] = [];

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    let mut longer = Vec::new();
    let source = |path: &Path| is(path, "rs") && path.components().any(|part| part.as_os_str() == "src");
    for (path, text) in files().unwrap().iter().filter(|(path, _)| source(path)) {
        let lines = text.lines().count();
        if lines > LONGEST {
            longer.push(path.to_string_lossy().into_owned());
        }
    }
    let known: Vec<_> = LONGER.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(longer, known, "split the file, or give a reason here");
}

#[test]
fn every_file_of_ours_is_read() {
    let files = files().unwrap();
    for expected in ["Cargo.toml", ".ci/run", "approvals-core/src/lib.rs", "docs/digest.md"] {
        assert!(files.iter().any(|(path, _)| path == Path::new(expected)), "{expected}");
    }
}

/// An attribute cannot ask the library while it expands, nor the library the attribute.
#[test]
fn the_attribute_and_a_call_without_it_know_the_same_names_of_credentials() {
    let files = files().unwrap();
    let text = |wanted: &str| {
        files
            .iter()
            .find(|(path, _)| path == Path::new(wanted))
            .map(|(_, text)| text)
            .expect("the file is there")
    };
    let ours = text("approvals-core/src/call/credential.rs");
    assert!(ours.contains("fn is_name_of_one"), "the list moved");
    assert_eq!(ours, text("approvals-macros/src/credential.rs"), "copy the one over the other");
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    // Written in pieces, so that this file does not name them.
    let folders = ["home", "Users", "root", "work", "mnt"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for (path, text) in files().unwrap() {
        for (number, line) in text.lines().enumerate() {
            let names = |folder: &String| {
                line.match_indices(folder.as_str()).any(|(at, _)| {
                    // In a URL the folder stands behind a host, on a machine it comes first.
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| {
                        !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | ')' | '*')
                    })
                })
            };
            if folders.iter().any(names) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_says_which_tool_wrote_it() {
    let marks =
        [["generated ", "by"], ["generated ", "with"], ["co-authored", "-by"], ["as an ai ", "language"]];
    let marks = marks.map(|pieces| pieces.concat());
    for (path, text) in files().unwrap() {
        // Lock files say so about themselves, and the licence about others.
        if is(&path, "lock") || path == Path::new("LICENSE-APACHE") {
            continue;
        }
        let text = text.to_lowercase();
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{} says `{mark}`", path.display());
        }
    }
}

#[test]
fn every_document_that_a_stranger_looks_for_is_there() {
    let files = files().unwrap();
    let documents = [
        "README.md",
        "DESIGN.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/digest.md",
        "docs/people.md",
        "docs/states.md",
    ];
    for document in documents {
        assert!(
            files.iter().any(|(path, text)| path == Path::new(document) && !text.is_empty()),
            "{document}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let files = files().unwrap();
    let exists = |path: &Path| approvals_rules::root().join(path).exists();
    for (path, text) in files.iter().filter(|(path, _)| is(path, "md")) {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new(""));
            assert!(exists(&folder.join(target)), "{} links to `{link}`", path.display());
        }
    }
}
