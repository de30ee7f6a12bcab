//! Two versions of the facade in one program.

#![cfg(test)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use toml::{Table, Value};

const OURS: &str = env!("CARGO_PKG_VERSION");
/// A version that cargo lets stand beside ours.
const THEIRS: &str = "77.0.0";

const PROGRAM: &str = r#"
use ours::testing::MockBackend;
use theirs::testing::MockBackend as TheirMock;

#[ours::requires_approval(risk = "high", action = "one.name", crate = ::ours)]
async fn of_ours(rows: u64) -> Result<u64, ours::ApprovalError> {
    Ok(rows)
}

#[theirs::requires_approval(risk = "high", action = "one.name", crate = ::theirs)]
async fn of_theirs(rows: u64) -> Result<u64, theirs::ApprovalError> {
    Ok(rows + 1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let approvals = ours::Approvals::test(&MockBackend::new().approve());
    approvals.install().unwrap();
    println!("ours: {:?}", of_ours(1).await.ok());
    let refusal = of_theirs(1).await.unwrap_err();
    println!("theirs: {}: {refusal}", refusal.kind());
    let refusal = approvals.scope(of_theirs(1)).await.unwrap_err();
    println!("theirs, in a scope of ours: {}", refusal.kind());
    theirs::Approvals::test(&TheirMock::new().approve()).install().unwrap();
    println!("both installed: {:?} {:?}", of_ours(1).await.ok(), of_theirs(1).await.ok());
}
"#;

#[test]
fn with_two_versions_in_one_tree_the_call_of_the_other_one_is_refused_and_the_message_says_how_to_see_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-versions");
    let _ = fs::remove_dir_all(&folder);
    copy_as_theirs(&folder.join("theirs"));
    let told = run(&folder.join("program"), &folder.join("theirs"));
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "ours: Some(1)", "{told}");
    let (kind, message) = lines[1].strip_prefix("theirs: ").unwrap().split_once(": ").unwrap();
    assert_eq!(kind, "not_installed", "{told}");
    for words in [
        &*format!("version {THEIRS} "),
        "another version",
        &format!("`cargo tree -i action-approvals@{THEIRS}`"),
    ] {
        assert!(message.contains(words), "`{words}` is missing in: {message}");
    }
    assert_eq!(lines[2], "theirs, in a scope of ours: not_installed", "{told}");
    // Neither version's sites are among those of the other: of one name, they would be refused.
    assert_eq!(lines[3], "both installed: Some(1) Some(2)", "{told}");
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

fn manifest(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Writes the packages that are published, as they would be under the other version.
fn copy_as_theirs(to: &Path) {
    let mut workspace = manifest(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap().clone();
    let members: Vec<_> = members
        .into_iter()
        .filter(|member| {
            !["tests/", "examples/"].iter().any(|room| member.as_str().unwrap().starts_with(room))
        })
        .collect();
    let mut renamed = 0;
    for member in &members {
        let member = member.as_str().unwrap();
        let (from, to) = (root().join(member), to.join(member));
        let mut package = manifest(&from.join("Cargo.toml"));
        for needless in ["dev-dependencies", "test", "bench", "example"] {
            package.remove(needless);
        }
        if member != "." {
            fs::create_dir_all(&to).unwrap();
            fs::write(to.join("Cargo.toml"), package.to_string()).unwrap();
        }
        for folder in ["src", "corpus"] {
            renamed += copy(&from.join(folder), &to.join(folder));
        }
    }
    assert!(renamed > 0, "the list of sites is not named for the version, so two versions would share one");
    for needless in ["dev-dependencies", "test", "bench", "example", "profile"] {
        workspace.remove(needless);
    }
    let shared = workspace["workspace"].as_table_mut().unwrap();
    shared.insert("members".to_owned(), Value::Array(members));
    shared.remove("default-members");
    shared["package"]["version"] = THEIRS.into();
    for (_, dependency) in shared["dependencies"].as_table_mut().unwrap() {
        if let Some(version) = dependency.get_mut("version")
            && version.as_str() == Some(&format!("={OURS}"))
        {
            *version = format!("={THEIRS}").into();
        }
    }
    fs::write(to.join("Cargo.toml"), workspace.to_string()).unwrap();
}

/// Copies a folder. What is named for our version is named for theirs; gives how often.
fn copy(from: &Path, to: &Path) -> usize {
    let Ok(entries) = fs::read_dir(from) else { return 0 };
    fs::create_dir_all(to).unwrap();
    let (ours, theirs) = (OURS.replace('.', "_"), THEIRS.replace('.', "_"));
    let mut renamed = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            renamed += copy(&path, &to);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let names = format!("SITES_{ours}");
        renamed += text.matches(&names).count();
        fs::write(to, text.replace(&names, &format!("SITES_{theirs}"))).unwrap();
    }
    renamed
}

/// Builds and runs a program over both.
fn run(folder: &Path, theirs: &Path) -> String {
    let facade = |path: &Path| {
        let mut facade = Table::new();
        facade.insert("package".to_owned(), "action-approvals".into());
        facade.insert("path".to_owned(), path.to_str().unwrap().into());
        facade.insert("default-features".to_owned(), false.into());
        facade.insert("features".to_owned(), Value::Array(vec!["macros".into(), "testing".into()]));
        facade
    };
    let mut program: Table = r#"
        workspace = {}
        [package]
        name = "two-versions"
        # Older than ours.
        edition = "2021"
        [dependencies]
        tokio = { version = "1", features = ["rt", "macros"] }
        # As in the workspace, so that what it has built is not built again.
        [profile.dev.package."*"]
        debug = false
    "#
    .parse()
    .unwrap();
    let dependencies = program["dependencies"].as_table_mut().unwrap();
    dependencies.insert("ours".to_owned(), Value::Table(facade(root())));
    dependencies.insert("theirs".to_owned(), Value::Table(facade(theirs)));
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), program.to_string()).unwrap();
    fs::write(folder.join("src/main.rs"), PROGRAM).unwrap();
    // The versions that are here already.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
