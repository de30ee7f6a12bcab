//! How many crates a user builds.

use approvals_rules::{members, tree};

#[track_caller]
fn within(most: usize, arguments: &[&str]) {
    let crates = tree(arguments).unwrap();
    assert!(crates.len() <= most, "{} crates, at most {most}: {crates:#?}", crates.len());
    assert!(crates.len() > 1, "the tree is empty: {arguments:?}");
}

#[test]
fn core_is_at_most_52_crates() {
    within(52, &["--package", "approvals-core", "--edges", "normal,build"]);
}

#[test]
fn the_facade_is_at_most_75_crates_by_default() {
    within(75, &["--package", "action-approvals", "--edges", "normal,build"]);
}

#[test]
fn the_quickstart_is_at_most_75_crates() {
    within(75, &["--package", "action-approvals", "--edges", "normal,build,dev"]);
}

/// Whether the facade with these features brings a crate.
fn brings(name: &str, features: &[&str]) -> bool {
    let features = features.join(",");
    let arguments = ["--package", "action-approvals", "--edges", "normal,build"];
    let arguments = [&arguments[..], &["--no-default-features", "--features", &features]].concat();
    tree(&arguments).unwrap().iter().any(|found| found.split(' ').next() == Some(name))
}

#[test]
fn no_web_client_and_no_web_server_by_default() {
    for name in ["reqwest", "axum", "hyper", "rustls", "ed25519-dalek", "backon"] {
        assert!(!brings(name, &["default"]), "{name}");
    }
    assert!(brings("reqwest", &["http"]) && brings("ed25519-dalek", &["webhook"]), "the names are right");
}

#[test]
fn a_webhook_is_at_most_160_crates() {
    within(160, &["--package", "action-approvals", "--features", "webhook", "--edges", "normal,build"]);
}

#[test]
fn only_routers_bring_a_web_server() {
    let members = members().unwrap();
    for feature in &members["action-approvals"].features {
        if !feature.ends_with("-http") && feature != "server" {
            assert!(!brings("axum", &[feature]), "feature `{feature}` brings axum");
        }
    }
    assert!(brings("axum", &["webhook-http"]), "the name is right");
}
