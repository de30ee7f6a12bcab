//! A disk that fails: a library that stands between the process and the system's.

use std::path::{Path, PathBuf};
use std::process::Command;

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
}
