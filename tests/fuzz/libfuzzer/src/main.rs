//! Runs the target that `APPROVALS_FUZZ_TARGET` names under libFuzzer.

#![no_main]

use std::sync::OnceLock;

use approvals_fuzz::{TARGETS, Target, target};

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("APPROVALS_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("`APPROVALS_FUZZ_TARGET` is `{name}`; it is one of {}", names.join(", "));
        std::process::exit(2);
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = CHOSEN.get_or_init(chosen);
    (target.run)(data);
});
