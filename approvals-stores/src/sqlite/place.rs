//! Where the file may stand.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use approvals_core::ledger::{StoreError, StoreErrorKind};
use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::error::io;

/// What to do about a path that is no file.
const CHOOSE: &str = "give the path of a file";
/// What to do about something else in the place of a file of ours.
const REMOVE: &str = "remove it, for no store made it";

/// The real path of an existing file.
pub(super) fn find(path: &Path) -> Result<PathBuf, StoreError> {
    refuse_memory(path)?;
    let path = fs::canonicalize(path).map_err(|e| io(path, "open", e))?;
    refuse_network(&path)?;
    if !path.is_file() {
        return Err(not_a_file(&path, CHOOSE));
    }
    refuse_second_name(&path)?;
    Ok(path)
}

/// The real path of the file, which is made, empty and for this user alone, unless it exists.
pub(super) fn find_or_make(path: &Path) -> Result<PathBuf, StoreError> {
    refuse_memory(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    refuse_network(if path.exists() { path } else { folder })?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(io(path, "create", e)),
    }
    // Locks, key and write-ahead log stand beside the real file, whatever link it was opened by.
    let path = fs::canonicalize(path).map_err(|e| io(path, "open", e))?;
    match path.is_file() {
        true => refuse_second_name(&path).map(|()| path),
        false => Err(not_a_file(&path, CHOOSE)),
    }
}

/// Opens a file of ours beside the store; `None` if it is not there.
///
/// Without blocking, and judged by what was opened: whoever opens a pipe waits for its other end, for ever, and what is
/// looked at before it is opened may be another by then.
pub(super) fn open_beside(
    path: &Path,
    options: &mut OpenOptions,
    doing: &str,
) -> Result<Option<File>, StoreError> {
    let file = match options.custom_flags(OFlag::O_NONBLOCK.bits()).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        // A pipe that nobody reads, or a socket.
        Err(e) if e.raw_os_error() == Some(Errno::ENXIO as i32) => return Err(not_a_file(path, REMOVE)),
        Err(e) if e.kind() == ErrorKind::IsADirectory => return Err(not_a_file(path, REMOVE)),
        Err(e) => return Err(io(path, doing, e)),
    };
    match file.metadata().map_err(|e| io(path, "look at", e))?.is_file() {
        true => Ok(Some(file)),
        false => Err(not_a_file(path, REMOVE)),
    }
}

/// SQLite opens its files by name and waits at a pipe. Whoever may put one there between this look and that opening
/// may write the store.
pub(super) fn refuse_pipes(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = beside(path, suffix);
        if fs::metadata(&file).is_ok_and(|meta| !meta.is_file()) {
            return Err(not_a_file(&file, if suffix.is_empty() { CHOOSE } else { REMOVE }));
        }
    }
    Ok(())
}

fn not_a_file(path: &Path, remedy: &str) -> StoreError {
    let message = format!("`{}` is not a regular file; {remedy}", path.display());
    StoreError::new(StoreErrorKind::Unsuitable, message)
}

/// The names that a writer goes by: the store, its log and the index of that.
pub(super) struct Files([PathBuf; 3]);

/// The files that stand under those names.
///
/// SQLite writes on when they are removed or replaced under it. Another process then has a ledger of its own under the
/// same name, and both hand out one approval.
#[derive(Debug)]
pub(super) struct Standing {
    files: [(u64, u64); 3],
    /// How many names the store has.
    links: u64,
}

impl Files {
    pub(super) fn of(path: &Path) -> Self {
        Self(["", "-wal", "-shm"].map(|suffix| beside(path, suffix)))
    }

    /// What stands there now.
    pub(super) fn stand(&self) -> Result<Standing, StoreError> {
        let [store, beside @ ..] = &self.0;
        let look = |path: &Path| fs::metadata(path).map_err(|e| displaced(store).because(e));
        let meta = look(store)?;
        let mut files = [(meta.dev(), meta.ino()); 3];
        for (file, path) in files.iter_mut().skip(1).zip(beside) {
            let meta = look(path)?;
            *file = (meta.dev(), meta.ino());
        }
        Ok(Standing { files, links: meta.nlink() })
    }
}

impl Standing {
    /// Whether they are the same files.
    pub(super) fn is_of_the_files(&self, other: &Self) -> bool {
        self.files == other.files
    }

    /// Whether the store itself is the same file, whatever its log is.
    pub(super) fn is_of_the_file(&self, other: &Self) -> bool {
        self.files.first() == other.files.first()
    }

    /// Refuses a store that has a second name by now.
    pub(super) fn refuse_second_name(&self, path: &Path) -> Result<(), StoreError> {
        refuse_links(path, self.links)
    }
}

/// The writer's files are gone from where they stood.
pub(super) fn displaced(path: &Path) -> StoreError {
    let message = format!(
        "`{}`, its `-wal` or its `-shm` was removed or replaced while this process had it open; put the files back \
         where they belong, then start every program that uses the store anew",
        path.display()
    );
    StoreError::new(StoreErrorKind::Corrupt, message)
}

/// Each name of a file has a write-ahead log of its own, so two names are two ledgers.
pub(super) fn refuse_second_name(path: &Path) -> Result<(), StoreError> {
    refuse_links(path, fs::metadata(path).map_err(|e| io(path, "look at", e))?.nlink())
}

fn refuse_links(path: &Path, links: u64) -> Result<(), StoreError> {
    if links <= 1 {
        return Ok(());
    }
    let message = format!(
        "`{}` has {links} names (hard links), and each would keep a log of its own; remove the others, or link to it \
         with `ln -s`",
        path.display()
    );
    Err(StoreError::new(StoreErrorKind::Unsuitable, message))
}

/// A backup that was put back beside the log of the store it replaces: SQLite would play that log into it.
///
/// A backup says in its header (<https://www.sqlite.org/fileformat2.html#file_format_version_numbers>) that it keeps no
/// log, and a store that has one says the other. What was copied by other means cannot be told so.
pub(super) fn refuse_foreign_log(path: &Path) -> Result<(), StoreError> {
    let log = beside(path, "-wal");
    if fs::metadata(&log).map_or(0, |meta| meta.len()) == 0 {
        return Ok(());
    }
    let mut header = Vec::with_capacity(20);
    let read = fs::File::open(path).and_then(|file| file.take(20).read_to_end(&mut header));
    read.map_err(|e| io(path, "read", e))?;
    match header.get(18..20) {
        Some([1, 1]) => {
            let message = format!(
                "`{}` keeps no log and stands beside the log of another store; move `{}` and its `-shm` away, and open \
                 it again",
                path.display(),
                log.display()
            );
            Err(StoreError::new(StoreErrorKind::Corrupt, message))
        }
        _ => Ok(()),
    }
}

/// The path of what stands beside the file: its name with something added.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn refuse_memory(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str() != ":memory:" && !path.as_os_str().is_empty() {
        return Ok(());
    }
    let message = "SQLite in memory keeps nothing; give the path of a file, or use the store `Memory`";
    Err(StoreError::new(StoreErrorKind::Unsuitable, message))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn refuse_network(path: &Path) -> Result<(), StoreError> {
    let system = nix::sys::statfs::statfs(path).map_err(|e| io(path, "look at", e.into()))?;
    // Some systems give it as a signed number of 32 bits: the low half is the magic everywhere.
    match unsuitable(system.filesystem_type().0 as u32) {
        None => Ok(()),
        Some(name) => {
            let path = path.display();
            let message = format!(
                "`{path}` stands on {name}, where locks and shared memory cannot be relied on; move the store to a \
                 local disk"
            );
            Err(StoreError::new(StoreErrorKind::Unsuitable, message))
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn refuse_network(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// The name of a kind of file system on which two processes may both win a claim, by its magic number (`statfs(2)`).
///
/// The write-ahead log needs shared memory and locks that all its users see. FUSE is refused as a whole: the same
/// number stands for sshfs, GlusterFS, object stores and the folders that a virtual machine shares with its host, and
/// what cannot be told apart is closed (law 6).
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    expect(dead_code, reason = "the numbers are Linux's")
)]
const fn unsuitable(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9p"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x7375_7245 => Some("Coda"),
        0x564c => Some("NCP"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x1983_0326 => Some("BeeGFS"),
        0x2003_0528 => Some("OrangeFS"),
        0x786f_4256 => Some("a VirtualBox shared folder"),
        0xbacb_acbc => Some("a VMware shared folder"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_other_machines_share_are_refused() {
        for (magic, name) in [
            (0x6969, "NFS"),
            (0xff53_4d42, "SMB"),
            (0x6573_5546, "FUSE"),
            (0x0102_1997, "9p"),
            (0x00c3_6400, "Ceph"),
        ] {
            assert_eq!(unsuitable(magic), Some(name));
        }
    }

    #[test]
    fn local_file_systems_are_not() {
        let (ext4, xfs, btrfs, tmpfs, overlay) = (0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630);
        for magic in [ext4, xfs, btrfs, tmpfs, overlay] {
            assert_eq!(unsuitable(magic), None, "{magic:x}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_magic_number_is_read_from_the_system() {
        // procfs is on every Linux, and its number is known.
        let system = nix::sys::statfs::statfs("/proc").unwrap();
        assert_eq!(system.filesystem_type().0 as u32, 0x9fa0);
    }
}
