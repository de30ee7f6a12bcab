//! The programs, built once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

pub(crate) struct Programs {
    pub(crate) quickstart: PathBuf,
    pub(crate) approvals: PathBuf,
    pub(crate) resume: PathBuf,
}

/// The programs as this checkout has them, in the profile of the tests.
pub(crate) fn programs() -> &'static Programs {
    static BUILT: OnceLock<Programs> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// Together, and with the features that they have by default: what a newcomer runs.
fn build() -> Programs {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // `<target>/tmp`, also where the target folder was chosen on the command line.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--message-format=json-render-diagnostics"])
        .args(["--package", "action-approvals", "--example", "quickstart", "--example", "resume"])
        .args(["--package", "approvals-cli", "--bin", "approvals"])
        .arg("--profile")
        .arg(profile())
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "the programs cannot be built: {}", built.status);
    let messages = String::from_utf8(built.stdout).unwrap();
    let messages: Vec<Value> =
        messages.lines().map(|line| serde_json::from_str(line).expect("cargo speaks JSON")).collect();
    let program = |kind: &str, name: &str| {
        let of = |message: &&Value| message["target"]["name"] == name && message["target"]["kind"][0] == kind;
        let message = messages.iter().filter(of).find_map(|message| message["executable"].as_str());
        PathBuf::from(message.unwrap_or_else(|| panic!("cargo built no {kind} `{name}`")))
    };
    Programs {
        quickstart: program("example", "quickstart"),
        approvals: program("bin", "approvals"),
        resume: program("example", "resume"),
    }
}

/// The profile that these tests were built in: `<target>/<profile>/deps/<test>`.
fn profile() -> String {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
    if folder == "debug" { "dev".to_owned() } else { folder }
}
