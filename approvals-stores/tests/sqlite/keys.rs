use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use approvals_core::ledger::{Store as _, StoreErrorKind};
use approvals_core::request::{Commitment, Seed, StoreKey};
use approvals_stores::{Sqlite, SqliteOptions};
use tempfile::tempdir;

use super::opened;
use super::support::run;

fn key_file(store: &Path) -> PathBuf {
    store.with_extension("db.key")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn commits_to(key: &StoreKey) -> Commitment {
    Seed::from_bytes([1; 32]).commit_secret("token", &key.digest("token", &"hunter2"))
}

#[test]
fn store_and_key_are_made_for_this_user_alone_and_the_key_stays() {
    run(async {
        let (_folder, path, store) = opened().await;
        assert_eq!((mode(&path), mode(&key_file(&path))), (0o600, 0o600));
        let text = fs::read_to_string(key_file(&path)).unwrap();
        assert!(text.len() == 64 && StoreKey::from_hex(&text).is_some());
        let first = commits_to(store.key());
        store.close().await;
        assert_eq!(commits_to(Sqlite::open(&path).await.unwrap().key()), first);
        let stored = fs::read(&path).unwrap();
        assert!(!stored.windows(64).any(|window| window == text.as_bytes()));
    });
}

#[test]
fn a_key_that_others_may_use_is_refused() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        fs::set_permissions(key_file(&path), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Sqlite::open(&path).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Unsuitable);
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    });
}

#[test]
fn a_malformed_key_is_refused_and_not_replaced() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        let more = format!("{}\n\nand more", "0".repeat(64));
        for text in ["", "abc", &"A".repeat(64), &"0".repeat(65), &more] {
            fs::write(key_file(&path), text).unwrap();
            let refused = Sqlite::open(&path).await.unwrap_err();
            assert_eq!(refused.kind(), &StoreErrorKind::Corrupt, "{text:?}");
            assert!(refused.to_string().contains("64 lower-case hexadecimal digits"), "{refused}");
            assert_eq!(fs::read_to_string(key_file(&path)).unwrap(), text);
        }
    });
}

#[test]
fn a_store_whose_key_is_gone_is_not_given_another() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        fs::remove_file(key_file(&path)).unwrap();
        let refused = Sqlite::open(&path).await.unwrap_err();
        assert!(refused.to_string().contains("is gone; restore"), "{refused}");
        assert!(!key_file(&path).exists());
    });
}

#[test]
fn a_key_from_elsewhere_makes_no_file_and_has_to_be_the_same_each_time() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let with = |byte| SqliteOptions::new().key(StoreKey::from_bytes([byte; 32]));
        Sqlite::open_with(&path, with(1)).await.unwrap().close().await;
        assert!(!key_file(&path).exists());
        Sqlite::open_with(&path, with(1)).await.unwrap().close().await;
        let refused = Sqlite::open_with(&path, with(2)).await.unwrap_err();
        assert!(refused.to_string().contains("not the one that"), "{refused}");
    });
}
