//! What the crates of others must be.

use approvals_rules::{metadata, tree, tree_on};
use approvals_test_support::skip;
use serde_json::Value;

const PERMISSIVE: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // Of data: the list of certificate authorities, where a platform has none of its own.
    "CDLA-Permissive-2.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether a licence expression (SPDX) can be met with permissive licences alone. A malformed one cannot.
fn is_permissive(expression: &str) -> bool {
    // Old manifests write `/` for `OR`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) == Some(true) && rest.is_empty()
}

/// Takes a word off the front if it is the wanted one.
fn take(rest: &mut &[&str], wanted: &str) -> bool {
    let found = rest.first() == Some(&wanted);
    if found {
        *rest = &rest[1..];
    }
    found
}

fn either(rest: &mut &[&str]) -> Option<bool> {
    let mut met = both(rest)?;
    while take(rest, "OR") {
        met |= both(rest)?;
    }
    Some(met)
}

fn both(rest: &mut &[&str]) -> Option<bool> {
    let mut met = one(rest)?;
    while take(rest, "AND") {
        met &= one(rest)?;
    }
    Some(met)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    if take(rest, "(") {
        let met = either(rest)?;
        return take(rest, ")").then_some(met);
    }
    let (name, tail) = rest.split_first()?;
    *rest = tail;
    if take(rest, "WITH") {
        let (exception, tail) = rest.split_first()?;
        *rest = tail;
        return Some(PERMISSIVE.contains(&format!("{name} WITH {exception}").as_str()));
    }
    Some(PERMISSIVE.contains(name))
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for permissive in ["MIT", "MIT/Apache-2.0", "LGPL-2.1 OR MIT", "(GPL-3.0 OR MIT) AND Unicode-3.0"] {
        assert!(is_permissive(permissive), "{permissive}");
    }
    for not in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT AND (GPL-3.0 OR AGPL-3.0)", "MIT OR", "(MIT", "MIT MIT"]
    {
        assert!(!is_permissive(not), "{not}");
    }
}

/// Every package that any feature brings on any platform, by name with version.
fn packages(test: &str) -> Vec<(String, Value)> {
    let (metadata, missing) = metadata().unwrap();
    if let Some(why) = missing {
        skip(test, &format!("only for Linux; cargo cannot read what other platforms need: {why}"));
    }
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 40, "cargo names {} packages", packages.len());
    let named = |package: &Value| {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        (name, package.clone())
    };
    packages.iter().map(named).collect()
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let packages = packages("every_dependency_has_a_permissive_licence");
    for (name, package) in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_permissive(licence), "`{name}` has licence `{licence}`");
    }
}

#[test]
fn every_dependency_builds_with_our_oldest_compiler() {
    let packages = packages("every_dependency_builds_with_our_oldest_compiler");
    let number = |text: &str| {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap());
        (parts.next().unwrap(), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    let ours = packages.iter().find(|(name, _)| name.starts_with("action-approvals "));
    let oldest = ours.unwrap().1["rust_version"].as_str().unwrap().to_owned();
    assert_eq!(number(&oldest), (1, 89, 0), "the documents name another one");
    for (name, package) in &packages {
        if let Some(needs) = package["rust_version"].as_str() {
            assert!(number(needs) <= number(&oldest), "`{name}` needs {needs}, we promise {oldest}");
        }
    }
}

#[test]
fn at_most_one_provider_for_tls() {
    // `ring` beside `aws-lc-rs` makes rustls panic at the first handshake. The lock file names what could be built, the
    // tree what is.
    let fixed = ["--workspace", "--all-features", "--edges", "normal,build,dev"];
    let crates = match tree_on("all", &fixed) {
        Ok(crates) => crates,
        Err(why) => {
            skip(
                "at_most_one_provider_for_tls",
                &format!("only for Linux; other platforms cannot be read: {why}"),
            );
            tree(&fixed).unwrap()
        }
    };
    let has = |wanted: &str| crates.iter().any(|found| found.split(' ').next() == Some(wanted));
    assert!(has("rustls") && has("aws-lc-rs"), "{crates:#?}");
    for other in ["ring", "openssl", "native-tls"] {
        assert!(!has(other), "`{other}` is a second provider");
    }
}
