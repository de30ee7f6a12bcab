//! What holds for every package of ours.

use approvals_rules::{manifest, members, read, run};
use std::path::Path;

fn workspace() -> toml::Table {
    read(Path::new("Cargo.toml")).unwrap().parse().unwrap()
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    for member in members().unwrap().values() {
        let lints = manifest(member).unwrap().get("lints").cloned();
        let taken = lints.as_ref().and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(taken, Some(true), "`{}` needs `[lints] workspace = true`", member.name);
    }
}

#[test]
fn unsafe_code_is_forbidden_and_panics_are_denied() {
    let workspace = workspace();
    let lints = &workspace["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "allow_attributes_without_reason"]
    {
        assert_eq!(lints["clippy"][lint].as_str(), Some("deny"), "{lint}");
    }
}

#[test]
fn packages_of_ours_are_pinned_to_each_other() {
    // Expansions of the attribute call hidden functions: another version of core would not fit.
    let members = members().unwrap();
    let mut pinned = 0;
    for member in members.values() {
        for dependency in &member.dependencies {
            if let Some(target) = members.get(&dependency.name).filter(|target| target.published) {
                let wanted = format!("={}", target.version);
                assert_eq!(dependency.range, wanted, "`{}` → `{}`", member.name, target.name);
                pinned += 1;
            }
        }
    }
    assert!(pinned > 0, "no package depends on another");
}

#[test]
fn what_is_only_for_tests_is_not_published() {
    for member in members().unwrap().values() {
        let helper =
            ["tests", "examples", "benches", "fuzz"].iter().any(|room| member.folder.starts_with(room));
        assert_eq!(member.published, !helper, "`{}`: `publish = {}`", member.name, !helper);
    }
}

#[test]
fn every_package_shares_edition_compiler_and_licence_and_published_ones_their_version() {
    for member in members().unwrap().values() {
        let manifest = manifest(member).unwrap();
        let fields: &[&str] = if member.published {
            &["edition", "rust-version", "license", "version", "repository"]
        } else {
            &["edition", "rust-version", "license"]
        };
        for field in fields {
            let shared = manifest["package"].get(field).and_then(|value| value.get("workspace"));
            let shared = shared.and_then(toml::Value::as_bool);
            assert_eq!(shared, Some(true), "`{}` needs `{field}.workspace = true`", member.name);
        }
    }
}

#[test]
fn the_pinned_toolchain_is_the_one_that_runs() {
    let file: toml::Table = read(Path::new("rust-toolchain.toml")).unwrap().parse().unwrap();
    let pinned = file["toolchain"]["channel"].as_str().unwrap().to_owned();
    assert_eq!(pinned.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "`{pinned}` moves");
    let running = run("rustc", &["--version"]).unwrap();
    assert_eq!(running.split(' ').nth(1), Some(pinned.as_str()), "{running}");
}
