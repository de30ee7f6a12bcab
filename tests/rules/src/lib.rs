//! Reads the repository as a whole, for the rules in `tests/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod tests_of;

pub use self::tests_of::tests_of;

/// The platform that budgets are counted on.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// What a program prints.
///
/// # Errors
/// What it says when it fails, or why it could not be started.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// What the cargo that runs the tests prints.
///
/// # Errors
/// Those of [`run`].
pub fn cargo(arguments: &[&str]) -> Result<String, String> {
    run(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// `cargo metadata` with every feature on, for every platform; where the registry cannot be reached, for the platform
/// that budgets are counted on, and why.
///
/// # Errors
/// What cargo says.
pub fn metadata() -> Result<(Value, Option<String>), String> {
    let fixed = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let (text, missing) = match cargo(&fixed) {
        Ok(text) => (text, None),
        Err(why) => (cargo(&[&fixed[..], &["--offline", "--filter-platform", TARGET]].concat())?, Some(why)),
    };
    Ok((serde_json::from_str(&text).map_err(|error| error.to_string())?, missing))
}

/// A package of the workspace.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its folder within the workspace, `""` for the root.
    pub folder: String,
    /// Its version.
    pub version: String,
    /// Whether it goes to a registry.
    pub published: bool,
    /// The names of its features.
    pub features: BTreeSet<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// A dependency as a manifest declares it.
#[derive(Debug)]
pub struct Dependency {
    /// The package.
    pub name: String,
    /// `normal`, `build` or `dev`.
    pub kind: String,
    /// The range of versions.
    pub range: String,
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The packages of the workspace by name. Asks cargo for nothing but manifests.
///
/// # Errors
/// What cargo says.
pub fn members() -> Result<BTreeMap<String, Member>, String> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let root = root();
    let members = list(&metadata, "packages").map(|package| {
        let manifest = PathBuf::from(text(package, "manifest_path"));
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(&root).ok());
        let dependencies = list(package, "dependencies").map(|dependency| Dependency {
            name: text(dependency, "name"),
            kind: dependency.get("kind").and_then(Value::as_str).unwrap_or("normal").to_owned(),
            range: text(dependency, "req"),
        });
        let features = package.get("features").and_then(Value::as_object);
        let member = Member {
            name: text(package, "name"),
            folder: folder.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default(),
            version: text(package, "version"),
            // Absent or null: every registry. An empty list: `publish = false`.
            published: package.get("publish").is_none_or(Value::is_null),
            features: features.into_iter().flatten().map(|(name, _)| name.clone()).collect(),
            dependencies: dependencies.collect(),
        };
        (member.name.clone(), member)
    });
    Ok(members.collect())
}

/// Names with versions of the crates in a tree of dependencies, the root of the tree included.
///
/// # Errors
/// What cargo says.
pub fn tree(arguments: &[&str]) -> Result<BTreeSet<String>, String> {
    tree_on(TARGET, arguments)
}

/// The same on a platform, or on `all`.
///
/// # Errors
/// What cargo says.
pub fn tree_on(target: &str, arguments: &[&str]) -> Result<BTreeSet<String>, String> {
    let fixed = ["tree", "--locked", "--target", target, "--prefix", "none", "--format", "{p}"];
    let printed = cargo(&[&fixed, arguments].concat())?;
    let crates = printed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    });
    Ok(crates.collect())
}

/// The parsed manifest of a member.
///
/// # Errors
/// If it cannot be read or parsed.
pub fn manifest(member: &Member) -> Result<toml::Table, String> {
    let text = read(&Path::new(&member.folder).join("Cargo.toml"))?;
    text.parse().map_err(|error| format!("{}: {error}", member.name))
}

/// A text file of the workspace.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Every text file of the repository with its path within it. What builds leave behind is not among them.
///
/// # Errors
/// If a folder cannot be read.
pub fn files() -> Result<Vec<(PathBuf, String)>, String> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') && name != ".ci" && name != ".github";
            if hidden || name == "target" || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.push((path.strip_prefix(&root).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    files.sort();
    Ok(files)
}
