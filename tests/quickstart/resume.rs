//! The example of an agent that is killed while it waits and while it works.

use std::process::Command;

use crate::programs::programs;
use crate::run::Run;

#[test]
fn the_resume_example_tells_that_nothing_ran_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(&programs().resume);
    command.env("TMPDIR", folder.path());
    let ended = Run::start(command).end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let told = [
        "lee approves `invoices.send`: Counted",
        "agent: `invoices.send` did not run (unknown)",
        "lee has looked, `invoices.send` did run: Counted",
        "lee approves `index.rebuild`: Counted",
        "agent: `invoices.send` did not run (already_ran)",
        "agent: index done",
    ];
    let mut rest = ended.text.as_str();
    for line in told {
        let (_, after) =
            rest.split_once(line).unwrap_or_else(|| panic!("`{line}` is not told:\n{}", ended.text));
        rest = after;
    }
    assert!(folder.path().read_dir().unwrap().next().is_none(), "it leaves nothing behind");
}
