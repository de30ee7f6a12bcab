//! Has the core take its locks from shuttle, and knows the features that this copy does without.

fn main() {
    println!("cargo::rustc-cfg=approvals_shuttle");
    println!(r#"cargo::rustc-check-cfg=cfg(feature, values("conformance", "metrics", "people-toml"))"#);
}
