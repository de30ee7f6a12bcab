//! What the manifest of a program says, however the program is built.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use approvals::manifest::Manifest;

/// How a program ends that no error stops, and what it prints.
fn run(program: impl AsRef<Path>) -> (bool, String) {
    let ran = Command::new(program.as_ref()).output().unwrap();
    (ran.status.success(), String::from_utf8(ran.stdout).unwrap() + &String::from_utf8_lossy(&ran.stderr))
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The folder that this test was built into.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Builds one program of this package in a profile, with the features that it has alone.
fn build(program: &str, profile: &str, with: impl FnOnce(&mut Command)) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "--package", env!("CARGO_PKG_NAME"), "--bin", program]);
    cargo.arg("--profile").arg(profile).arg("--target-dir").arg(target()).current_dir(here("."));
    with(&mut cargo);
    assert!(cargo.status().unwrap().success(), "{program} cannot be built");
    let folder = if profile == "dev" { "debug" } else { profile };
    target().join(folder).join(program)
}

/// Compared as text: a build that tells the same in another order is a defect too.
#[track_caller]
fn prints_what_is_committed(program: impl AsRef<Path>) {
    let (ended, printed) = run(program);
    assert!(ended, "{printed}");
    let now: Manifest = printed.parse().unwrap();
    let diff = now.diff(here("gated.json")).unwrap();
    assert!(diff.is_empty(), "{diff}\n{printed}");
    assert_eq!(printed, std::fs::read_to_string(here("gated.json")).unwrap());
}

#[test]
fn gates_of_every_kind_of_place_are_listed() {
    prints_what_is_committed(env!("CARGO_BIN_EXE_gated"));
    let committed = Manifest::read(here("gated.json")).unwrap();
    let actions: Vec<_> = committed.entries().iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "gated_library::export",
            "library.close",
            "library.generic",
            "library.inside_generic",
            "library.never_called",
            "library.wipe_u8",
            "program.boxed",
            "program.by_expression",
            "program.never_called",
            "program.pay",
        ]
    );
}

/// Everything that leaves out what seems not to be needed, at once.
#[test]
fn a_stripped_program_with_link_time_optimisation_has_the_same_manifest() {
    let program = build("gated", "shipped", |cargo| {
        for setting in [
            "inherits='release'",
            "opt-level=1",
            "lto='fat'",
            "codegen-units=1",
            "panic='abort'",
            "strip='symbols'",
        ] {
            cargo.arg("--config").arg(format!("profile.shipped.{setting}"));
        }
    });
    prints_what_is_committed(program);
}

#[test]
fn a_library_is_linked_and_listed_once_some_code_names_it() {
    let (ended, printed) = run(env!("CARGO_BIN_EXE_unnamed"));
    assert!(ended, "{printed}");
    assert_eq!(printed.parse::<Manifest>().unwrap().entries(), []);
    let (ended, printed) = run(env!("CARGO_BIN_EXE_named"));
    assert!(ended, "{printed}");
    let library = Manifest::read(here("gated.json")).unwrap();
    let library = library.entries().iter().filter(|entry| entry.file.ends_with("lib.rs"));
    assert!(printed.parse::<Manifest>().unwrap().entries().iter().eq(library), "{printed}");
}

/// A compiler that takes this platform for one whose linker gathers nothing.
#[test]
fn without_a_linker_that_gathers_there_is_no_manifest_and_gates_work() {
    let compiler = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rustc-without-manifest");
    std::fs::write(&compiler, "#!/bin/sh\nexec \"$@\" --cfg approvals_no_manifest\n").unwrap();
    let run_it = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&compiler, run_it).unwrap();
    let program = build("platform", "dev", |cargo| {
        cargo.env("RUSTC_WORKSPACE_WRAPPER", &compiler);
    });
    let (ended, printed) = run(program);
    let lines: Vec<_> = printed.lines().collect();
    let [manifest, warning, ran] = lines.as_slice() else { panic!("{printed}") };
    assert!(manifest.starts_with("manifest: no manifest can be gathered on this platform"), "{manifest}");
    assert!(warning.starts_with("warning: this platform gathers no manifest"), "{warning}");
    assert_eq!((*ran, ended), ("ran", true));
}

#[test]
fn where_a_linker_gathers_the_same_program_is_refused() {
    let (ended, printed) = run(env!("CARGO_BIN_EXE_platform"));
    assert!(!ended && printed.contains("ActionTwice"), "{printed}");
}

#[test]
fn a_version_from_two_sources_is_an_error_and_not_a_panic() {
    let (ended, printed) = run(env!("CARGO_BIN_EXE_twice"));
    let told: Vec<_> = printed.lines().filter(|line| line.contains("cargo tree --duplicates")).collect();
    let starts = ["manifest: version ", "manifest: version ", "not built: version "];
    assert!(ended && told.len() == 3, "{printed}");
    assert!(told.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{printed}");
}
