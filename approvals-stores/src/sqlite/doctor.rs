//! The files of a store, as whoever looks after the machine sees them.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use approvals_core::doctor::{Finding, Report, quoted};
use approvals_core::ledger::{StoreError, StoreErrorKind};
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, Gid, Group, Uid, User, access};
use rusqlite::Connection;

use super::place::{self, beside};
use super::schema::{self, Use};
use super::{SqliteOptions, key};

/// Below this much free space the next appends may fail, in bytes.
const NONE_LEFT: u64 = 16 << 20;
/// Below this much somebody should make room, in bytes.
const LITTLE_LEFT: u64 = 256 << 20;
/// From this size on the log is not folded in any more, in bytes: SQLite does so every 4 MiB unless a reader holds it up.
const LONG_LOG: u64 = 64 << 20;
/// How many defects of the file are told.
const DEFECTS: usize = 5;

pub(super) fn examine(path: &Path) -> Report {
    let mut report = Report::default();
    let found = &mut report.findings;
    if let Ok(false) = path.try_exists() {
        found.push(Finding::problem(
            "store",
            name(path),
            "there is no store",
            "say where it is (`--store PATH`, APPROVALS_STORE), or start the agent that makes it",
        ));
        return report;
    }
    let path = match place::find(path) {
        Ok(path) => path,
        Err(error) => {
            found.push(told("store", name(path), &error));
            return report;
        }
    };
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(error) => {
            found.push(told("store", name(&path), &super::error::io(&path, "look at", error)));
            return report;
        }
    };
    found.extend(folder(&path, &meta));
    found.extend(store(&path, &meta));
    found.extend(["-wal", "-shm"].into_iter().flat_map(|suffix| log(&beside(&path, suffix), &meta)));
    found.extend(locks(&path, &meta));
    found.extend(room(&path));
    match content(&path) {
        Ok((check, content)) => {
            found.extend(content);
            found.push(the_key(&path, &meta, &check));
        }
        Err(error) => found.push(told("store", name(&path), &error)),
    }
    report
}

/// An error of the store as a finding: its remedy stands behind the first semicolon.
pub(super) fn told(check: &'static str, subject: String, error: &StoreError) -> Finding {
    let message = error.to_string();
    let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
    match message.split_once("; ") {
        Some((says, remedy)) if !remedy.contains("; ") => {
            Finding::problem(check, subject, format!("{says}{cause}"), remedy)
        }
        // One that stands in the name of a file must not have the rest of that name told as the remedy.
        Some(_) => Finding::problem(check, subject, format!("{message}{cause}"), "do what it says"),
        None => Finding::problem(check, subject, message, "look at the system's log, then try again"),
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// The same as a word of a command.
fn word(path: &Path) -> String {
    quoted(&name(path))
}

fn user(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("user {uid}"), |user| user.name)
}

/// A group and who is in it.
fn group(gid: u32) -> String {
    match Group::from_gid(Gid::from_raw(gid)).ok().flatten() {
        None => format!("group {gid}"),
        Some(group) if group.mem.is_empty() => format!("group {}", group.name),
        Some(group) => {
            format!("group {} ({}, and those whose first group it is)", group.name, group.mem.join(", "))
        }
    }
}

fn mode(meta: &Metadata) -> u32 {
    meta.mode() & 0o7777
}

/// Whoever may rename files in the folder may put another store in the place of this one.
fn folder(path: &Path, store: &Metadata) -> Option<Finding> {
    let folder = path.parent()?;
    let meta = fs::metadata(folder).ok()?;
    // A sticky folder lets its users rename their own files alone.
    if mode(&meta) & 0o1000 != 0 {
        return None;
    }
    let by_group = mode(&meta) & 0o020 != 0 && !(mode(store) & 0o020 != 0 && store.gid() == meta.gid());
    if mode(&meta) & 0o002 != 0 {
        Some(Finding::problem(
            "folder",
            name(folder),
            "anybody on this machine may put another store in the place of this one, and so approve",
            format!("chmod o-w {}", word(folder)),
        ))
    } else if by_group {
        Some(Finding::warning(
            "folder",
            name(folder),
            format!("{} may put another store in the place of this one, and so approve", group(meta.gid())),
            format!("chmod g-w {}, unless they are to answer", word(folder)),
        ))
    } else {
        None
    }
}

/// Who may read and write the store: whoever can write it can approve.
fn store(path: &Path, meta: &Metadata) -> Vec<Finding> {
    let mut found = vec![shared(path, meta).unwrap_or_else(|| {
        let by_group =
            if mode(meta) & 0o020 != 0 { format!(", and by {}", group(meta.gid())) } else { String::new() };
        let says = format!("may be written by {}{by_group}, who can thereby approve", user(meta.uid()));
        Finding::ok("store", name(path), says)
    })];
    let writable = access(path, AccessFlags::W_OK).is_ok();
    // The log beside it is made by whoever comes first.
    let folder = path.parent().is_some_and(|folder| access(folder, AccessFlags::W_OK).is_ok());
    if !writable || (!folder && !beside(path, "-wal").exists()) {
        found.push(Finding::warning(
            "store",
            name(path),
            "you may look at it and not write it: what you answer cannot be recorded",
            format!("to answer from here, be let into {}, or have an agent run", group(meta.gid())),
        ));
    }
    found
}

/// What everybody on the machine may do to a file.
fn shared(path: &Path, meta: &Metadata) -> Option<Finding> {
    let file = name(path);
    match mode(meta) & 0o006 {
        0 => None,
        4 => Some(Finding::warning(
            "store",
            file.clone(),
            "anybody on this machine may read it: arguments, reasons, comments, names",
            format!("chmod o-r {}", word(path)),
        )),
        _ => Some(Finding::problem(
            "store",
            file.clone(),
            "anybody on this machine may write it, and whoever writes it can approve",
            format!("chmod o-rw {}", word(path)),
        )),
    }
}

/// The log and its index belong to whoever opened the store first; the others have to be able to write them.
fn log(file: &Path, store: &Metadata) -> Vec<Finding> {
    let Ok(meta) = fs::metadata(file) else { return Vec::new() };
    let mut found = Vec::from_iter(shared(file, &meta));
    let both = |meta: &Metadata| mode(meta) & 0o060 == 0o060;
    let reached = meta.uid() == store.uid() || (both(&meta) && meta.gid() == store.gid());
    let group_kept = !both(store) || (both(&meta) && meta.gid() == store.gid());
    if !reached || !group_kept {
        found.push(Finding::problem(
            "store",
            name(file),
            format!(
                "belongs to {} and {} with mode {:04o}: not all who may write the store can write it",
                user(meta.uid()),
                group(meta.gid()),
                mode(&meta)
            ),
            format!(
                "end every program that uses the store, then `chown {}:{} {file}` and `chmod {:04o} {file}`",
                store.uid(),
                store.gid(),
                mode(store) & 0o777,
                file = word(file)
            ),
        ));
    }
    if file.extension().is_some_and(|end| end.to_string_lossy().ends_with("-wal")) && meta.len() > LONG_LOG {
        found.push(Finding::warning(
            "store",
            name(file),
            format!(
                "has {} MiB: something reads the store without end, and the log cannot be folded in",
                meta.len() >> 20
            ),
            "end what reads it (a backup, a database shell)",
        ));
    }
    found
}

/// Whoever removes a lock takes its node for dead while it lives.
fn locks(path: &Path, store: &Metadata) -> Vec<Finding> {
    let folder = beside(path, ".nodes");
    let Ok(meta) = fs::metadata(&folder) else { return Vec::new() };
    let mut found = Vec::new();
    if mode(&meta) & 0o022 != 0 {
        found.push(Finding::problem(
            "locks",
            name(&folder),
            "others than its owner may remove the locks of nodes, and have those taken for dead while they run",
            format!("chmod 700 {}", word(&folder)),
        ));
    }
    let files = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    for file in files {
        match fs::metadata(&file) {
            Ok(lock) if lock.is_file() && lock.uid() == meta.uid() => {}
            Ok(lock) => found.push(Finding::problem(
                "locks",
                name(&file),
                format!("is not a regular file of {}: the node of that name cannot start", user(meta.uid())),
                match lock.is_file() {
                    true => format!("chown {} {}", meta.uid(), word(&file)),
                    false => format!("remove {}", word(&file)),
                },
            )),
            Err(_) => {}
        }
    }
    if meta.uid() != store.uid() && mode(store) & 0o020 == 0 {
        found.push(Finding::warning(
            "locks",
            name(&folder),
            format!("belongs to {}, and the store to {}", user(meta.uid()), user(store.uid())),
            "run all agents of one store as one user, or make the store for a group",
        ));
    }
    found
}

fn room(path: &Path) -> Option<Finding> {
    let folder = path.parent()?;
    let disk = statvfs(folder).ok()?;
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the widths differ by platform")]
    let free = (disk.blocks_available() as u64).saturating_mul(disk.fragment_size() as u64);
    let says = format!("{} MiB are free", free >> 20);
    let remedy = "make room: an append that finds none keeps its gate shut";
    Some(if free < NONE_LEFT || (disk.files() > 0 && disk.files_available() == 0) {
        Finding::problem("disk", name(folder), says, remedy)
    } else if free < LITTLE_LEFT {
        Finding::warning("disk", name(folder), says, remedy)
    } else {
        Finding::ok("disk", name(folder), says)
    })
}

/// What SQLite says of the file, and the check of the key that it was made with.
fn content(path: &Path) -> Result<(String, Vec<Finding>), StoreError> {
    let unused = !beside(path, "-wal").exists();
    let read = read(path);
    // A program that came meanwhile was not waited for.
    if unused && beside(path, "-wal").exists() { self::read(path) } else { read }
}

fn read(path: &Path) -> Result<(String, Vec<Finding>), StoreError> {
    let options = SqliteOptions::new().leaves_no_trace();
    let opened = schema::connect(path, &options, Use::Read)
        .and_then(|conn| Ok((schema::recognise(&conn, path)?, defects(&conn)?, synchronous(&conn)?)));
    let (found, defects, synchronous) = opened.map_err(|failure| failure.at(path))?;
    let check = found.ok_or_else(|| schema::empty(path))?.check;
    let mut found = Vec::new();
    found.push(match defects.as_slice() {
        [] => Finding::ok("integrity", name(path), "SQLite finds it whole"),
        defects => Finding::problem(
            "integrity",
            name(path),
            format!("it is damaged: {}", defects.join(", ")),
            "keep the file, and restore the store from a backup",
        ),
    });
    let logged = keeps_a_log(path);
    found.push(match (logged, synchronous) {
        (true, 2..) => {
            Finding::ok("durability", name(path), "keeps a write-ahead log, and each commit is synced")
        }
        (true, _) => Finding::problem(
            "durability",
            name(path),
            "commits are not synced, so that a power cut loses what was answered",
            "use a SQLite that is built with `synchronous`",
        ),
        (false, _) => Finding::warning(
            "durability",
            name(path),
            "keeps no write-ahead log: something else than an agent opened it",
            "start the agent, which turns the log on; edit the store with nothing else",
        ),
    });
    Ok((check, found))
}

fn defects(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = conn.prepare(&format!("PRAGMA quick_check({DEFECTS})"))?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    lines.filter(|line| !matches!(line, Ok(line) if line == "ok")).collect()
}

fn synchronous(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA synchronous", [], |row| row.get(0))
}

/// By the header of the file (<https://www.sqlite.org/fileformat2.html>): SQLite does not say so of a file that it must
/// not lock.
fn keeps_a_log(path: &Path) -> bool {
    use std::io::Read as _;
    let mut header = [0; 20];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header.ends_with(&[2, 2])
}

/// Whether the key is there, its agent's alone, and that of this store. Nothing of it is told.
fn the_key(path: &Path, store: &Metadata, check: &str) -> Finding {
    let file: PathBuf = key::file(path);
    let from_variable = std::env::var_os(key::VARIABLE).is_some();
    let subject = if from_variable { key::VARIABLE.to_owned() } else { name(&file) };
    match key::load(path, &SqliteOptions::new()) {
        Ok(Some(loaded)) if key::check(&loaded).to_hex() != check => {
            told("key", subject, &key::mismatch(path))
        }
        Ok(Some(_)) => match fs::metadata(&file) {
            Ok(meta) if !from_variable && meta.uid() != store.uid() => Finding::warning(
                "key",
                subject,
                format!(
                    "is that of this store, and belongs to {}, the store to {}",
                    user(meta.uid()),
                    user(store.uid())
                ),
                "make the agent's user the owner of both",
            ),
            _ => Finding::ok("key", subject, "is that of this store, and its owner's alone"),
        },
        Ok(None) => Finding::warning(
            "key",
            subject,
            "is not there: agents can start only if they have the key from elsewhere",
            format!(
                "see that the agent has it in `{}` or its options, or restore the file from a backup",
                key::VARIABLE
            ),
        ),
        Err(error) if *error.kind() == StoreErrorKind::ReadOnly => Finding::ok(
            "key",
            subject,
            "cannot be read by you, and to answer needs none; whether it fits, its owner can ask",
        ),
        Err(error) => told("key", subject, &error),
    }
}
