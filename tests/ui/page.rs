//! What `docs/gate-does-not-compile.md` quotes is what the compiler says.

#![cfg(test)]

use std::fs;
use std::path::Path;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// The first lines of everything that the compiler says about the fixtures.
fn told() -> Vec<String> {
    let fixtures = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fail")).unwrap();
    let paths = fixtures.map(|entry| entry.unwrap().path());
    let told = paths.filter(|path| path.extension().is_some_and(|extension| extension == "stderr"));
    let told = told.flat_map(|path| read(&path).lines().map(str::to_owned).collect::<Vec<_>>());
    told.filter(|line| line.starts_with("error")).collect()
}

#[test]
fn every_message_on_the_page_for_gates_that_do_not_compile_is_the_compilers() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gate-does-not-compile.md"));
    let told = told();
    let quoted: Vec<_> = page.lines().filter(|line| line.starts_with("error")).collect();
    assert!(quoted.len() > 30, "{} messages are quoted", quoted.len());
    let wrong: Vec<_> = quoted.iter().filter(|line| !told.iter().any(|told| told == *line)).collect();
    assert!(wrong.is_empty(), "no fixture is answered like this: {wrong:#?}");
}

#[test]
fn every_block_of_messages_on_the_page_holds_messages_alone() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gate-does-not-compile.md"));
    let blocks: Vec<_> =
        page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 10, "{} blocks", blocks.len());
    for line in blocks.iter().flat_map(|block| block.lines()) {
        assert!(line.starts_with("error"), "`{line}` would not be looked up");
    }
}
