//! What stands on the pages is run.

use std::path::Path;

use approvals_rules::{files, read};

const PAGES: &str = "tests/pages/src/lib.rs";

/// Words behind a fence of Rust that keep its block from being compiled.
const UNCOMPILED: [&str; 1] = ["ignore"];

/// What stands behind the fence of every block.
fn fences(page: &str) -> Vec<&str> {
    let fences = page.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    fences.step_by(2).map(str::trim).collect()
}

fn is_rust(fence: &str) -> bool {
    let word = fence.split(',').next().unwrap_or_default();
    // rustdoc takes a block without a word for Rust.
    matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail" | "ignore")
}

#[test]
fn every_page_with_rust_on_it_is_compiled_and_run() {
    let pages = files().unwrap();
    let pages = pages.iter().filter(|(path, _)| {
        path.parent() == Some(Path::new("docs"))
            && path.extension().is_some_and(|extension| extension == "md")
    });
    let wired = read(Path::new(PAGES)).unwrap();
    let mut with_rust = 0;
    for (path, page) in pages {
        let rust: Vec<_> = fences(page).into_iter().filter(|fence| is_rust(fence)).collect();
        let skipped = rust.iter().find(|fence| UNCOMPILED.iter().any(|word| fence.contains(word)));
        assert_eq!(skipped, None, "{}: a block that is not compiled", path.display());
        if !rust.is_empty() {
            with_rust += 1;
            let include = format!("include_str!(\"../../../{}\")", path.display());
            assert!(wired.contains(&include), "`{}` has Rust on it; include it in {PAGES}", path.display());
        }
    }
    assert!(with_rust >= 4, "{with_rust} pages with Rust");
}

#[test]
fn there_is_a_page_for_each_kind_of_user() {
    for page in ["docs/agents.md", "docs/test-authors.md", "docs/platform-teams.md"] {
        let text = read(Path::new(page)).unwrap();
        assert!(fences(&text).iter().any(|fence| is_rust(fence)), "`{page}` shows no code");
        assert!(read(Path::new("README.md")).unwrap().contains(page), "README.md does not lead to `{page}`");
    }
}
