//! What is fuzzed is what is built: the lock file of the package outside the workspace says the same.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::room;

/// What libFuzzer brings along.
const OWN: [&str; 3] = ["approvals-libfuzzer", "arbitrary", "libfuzzer-sys"];

fn packages(path: &Path) -> BTreeSet<(String, String)> {
    let lock: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let text = |package: &toml::Value, field: &str| package[field].as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

#[test]
fn libfuzzer_is_given_the_packages_of_the_workspace() {
    let workspace = packages(&room().join("../../Cargo.lock"));
    let fuzzed = packages(&room().join("libfuzzer/Cargo.lock"));
    let strays: Vec<_> =
        fuzzed.difference(&workspace).filter(|(name, _)| !OWN.contains(&name.as_str())).collect();
    assert!(
        strays.is_empty(),
        "{strays:?}: copy `Cargo.lock` over `tests/fuzz/libfuzzer/Cargo.lock`, then run `scripts/fuzz --list`"
    );
}
