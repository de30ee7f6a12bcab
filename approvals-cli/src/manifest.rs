//! `approvals manifest diff`: what changed from one stored manifest to another.

use approvals::manifest::{Change, Diff, Manifest};
use serde::Serialize;

use crate::args::ManifestVerb;
use crate::output::{Exit, Failure, Out};

/// The answer of `manifest diff --json`.
#[derive(Debug, Serialize)]
struct Told<'a> {
    differs: bool,
    weakened: usize,
    changes: &'a [Change],
}

pub(crate) fn run(verb: &ManifestVerb, out: &Out) -> Result<Exit, Failure> {
    let ManifestVerb::Diff { old, new } = verb;
    let read = |path| Manifest::read(path).map_err(|e| Failure::because(&e));
    let diff = read(new)?.since(&read(old)?);
    tell(&diff, out)?;
    Ok(if diff.is_empty() { Exit::Done } else { Exit::NotCounted })
}

fn tell(diff: &Diff, out: &Out) -> Result<(), Failure> {
    if out.json() {
        let (differs, weakened, changes) = (!diff.is_empty(), diff.weakened().count(), diff.changes());
        out.object(&Told { differs, weakened, changes })
    } else {
        Ok(out.text(&format!("{diff}\n"))?)
    }
}
