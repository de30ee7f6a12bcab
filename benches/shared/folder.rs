//! Where the ledgers of a bench are kept. A file that several benches include: they are built with few crates.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// A folder in `TMPDIR` that goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("approvals-bench-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
