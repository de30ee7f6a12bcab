//! A disk that fails: a library that stands between the process and the system's.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use tempfile::TempDir;

/// The library, built for this test.
pub(crate) struct Shim {
    library: PathBuf,
    #[expect(dead_code, reason = "removed when dropped")]
    folder: TempDir,
}

impl Shim {
    /// Builds it, or says why that is not possible here.
    pub(crate) fn make() -> Result<Self, String> {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Err("needs the C library of GNU".to_owned());
        }
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/shim.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .output()
            .map_err(|e| format!("no C compiler: {e}"))?;
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Ok(Self { library, folder })
    }

    fn under(&self, command: &mut Command, folder: &Path) {
        command.env("LD_PRELOAD", &self.library).env("FAULT_FOLDER", folder);
    }

    /// Has the disk say that it synced when it did not.
    pub(crate) fn lies(&self, command: &mut Command, folder: &Path) {
        self.under(command, folder);
        command.env("FAULT_LIES", "1");
    }

    /// Has a call that writes under a folder fail, as a fault says. A sync that fails forgets what it should have kept.
    pub(crate) fn fails(&self, command: &mut Command, folder: &Path, fault: Fault, report: &Path) {
        self.under(command, folder);
        command.env("FAULT_AT", fault.at.to_string()).env("FAULT_ERRNO", (fault.errno as i32).to_string());
        command.env("FAULT_REPORT", report).env("FAULT_DROPS", "1");
        if fault.ever {
            command.env("FAULT_EVER", "1");
        }
    }
}

/// What fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Which of all calls that open for writing, write, cut or sync, from 1; 0 for none.
    pub(crate) at: usize,
    /// How it fails.
    pub(crate) errno: Errno,
    /// Whether all later ones fail too.
    pub(crate) ever: bool,
}

/// What the library did.
#[derive(Debug)]
pub(crate) struct Report {
    /// How many calls it saw.
    pub(crate) calls: usize,
    /// How many of them it let fail.
    pub(crate) failed: usize,
    /// The name of the first that failed.
    pub(crate) first: String,
}

impl Report {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the library was loaded");
        let mut words = text.split_whitespace();
        let mut number = || words.next().unwrap().parse().unwrap();
        let (calls, failed) = (number(), number());
        Self { calls, failed, first: words.next().unwrap_or_default().to_owned() }
    }
}
