use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use approvals_core::id::NodeName;
use approvals_core::ledger::{Store as _, StoreError, StoreErrorKind};
use approvals_stores::{Sqlite, SqliteOptions};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::tempdir;

use super::support::{run, up};

fn pipe(path: &Path) {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
}

fn assert_refused(refused: &StoreError, path: &Path) {
    assert_eq!(refused.kind(), &StoreErrorKind::Unsuitable, "{refused}");
    let message = refused.to_string();
    assert!(message.contains(&format!("`{}` is not a regular file; ", path.display())), "{message}");
}

#[test]
fn a_store_that_is_a_pipe_is_refused_however_it_is_opened() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a.db");
        pipe(&path);
        let options = SqliteOptions::new;
        for options in [options(), options().read_only(), options().without_key()] {
            assert_refused(&Sqlite::open_with(&path, options).await.unwrap_err(), &path);
        }
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_refused(&Sqlite::open(&link).await.unwrap_err(), &path);
    });
}

#[test]
fn a_key_that_is_a_pipe_a_socket_or_a_folder_is_refused() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        let key = path.with_extension("db.key");
        let text = fs::read_to_string(&key).unwrap();

        fs::remove_file(&key).unwrap();
        pipe(&key);
        assert_refused(&Sqlite::open(&path).await.unwrap_err(), &key);

        fs::remove_file(&key).unwrap();
        let socket = UnixListener::bind(&key).unwrap();
        assert_refused(&Sqlite::open(&path).await.unwrap_err(), &key);
        drop(socket);

        fs::remove_file(&key).unwrap();
        fs::create_dir(&key).unwrap();
        assert_refused(&Sqlite::open(&path).await.unwrap_err(), &key);

        // A link to a key is a key: that is how secrets are mounted.
        fs::remove_dir(&key).unwrap();
        let mounted = folder.path().join("mounted");
        fs::write(&mounted, text).unwrap();
        fs::set_permissions(&mounted, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&mounted, &key).unwrap();
        Sqlite::open(&path).await.unwrap();
    });
}

#[test]
fn a_lock_of_a_node_that_is_a_pipe_is_refused_whether_or_not_somebody_reads_it() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("a.db");
        let store = Sqlite::open(&path).await.unwrap();
        let node = NodeName::new("host-bot");
        drop(store.hold_node(&node).await.unwrap().unwrap());
        let lock = folder.path().canonicalize().unwrap().join("a.db.nodes/host-bot.lock");
        fs::remove_file(&lock).unwrap();
        pipe(&lock);
        assert_refused(&store.hold_node(&node).await.unwrap_err(), &lock);
        let reader = fs::OpenOptions::new().read(true).write(true).open(&lock).unwrap();
        assert_refused(&store.hold_node(&node).await.unwrap_err(), &lock);
        drop(reader);
    });
}

#[test]
fn a_pipe_in_the_place_of_the_log_is_refused_and_does_not_hold_the_store_up() {
    for suffix in ["-wal", "-shm", "-journal"] {
        run(async {
            let folder = tempdir().unwrap();
            let path = folder.path().canonicalize().unwrap().join("a.db");
            let store = Sqlite::open(&path).await.unwrap();
            store.append(up()).await.unwrap();
            store.close().await;
            let beside = folder.path().canonicalize().unwrap().join(format!("a.db{suffix}"));
            pipe(&beside);
            for options in [SqliteOptions::new(), SqliteOptions::new().read_only()] {
                assert_refused(&Sqlite::open_with(&path, options).await.unwrap_err(), &beside);
            }
        });
    }
}
