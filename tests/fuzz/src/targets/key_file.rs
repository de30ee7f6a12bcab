//! Files with keys: the store's own, and the one that agents sign with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use approvals::Sqlite;
use approvals::doctor::{Report, Severity};
use approvals::webhook::signature::SigningKey;
use approvals_fuzz_program::signing_key;

use super::store_file::WHOLE;
use crate::input::{Input, text};
use crate::oracle::assert_visible;

/// The mode of the file, then what is in it.
pub fn run(data: &[u8]) {
    check(data, |store| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Sqlite::examine(store))
    });
}

/// The same with another look at the store.
pub fn check(data: &[u8], examine: impl Fn(&Path) -> Report) {
    let mut input = Input(data);
    let mode = input.one(&[0o600, 0o600, 0o400, 0o640, 0o604, 0o700]);
    let folder = tempfile::tempdir().unwrap();
    let (store, file) = (folder.path().join("ledger.db"), folder.path().join("ledger.db.key"));
    fs::write(&store, WHOLE).unwrap();
    fs::write(&file, input.0).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();

    let found = examine(&store).findings;
    let found: Vec<_> = found.iter().filter(|finding| finding.check == "key").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let told = found[0].to_string();
    assert_visible(&told.replace(' ', ""));
    assert_eq!(found[0].severity, Severity::Problem, "no key here is that of this store: {told}");
    let digits = input.0.trim_ascii_end();
    let ends = input.0[digits.len()..].iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    let is_key = digits.len() == 64 && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if mode & 0o077 != 0 {
        assert!(told.contains("others than its owner may use the key"), "a key is its owner's alone: {told}");
    } else if is_key && ends && input.0.len() <= 66 {
        assert!(told.contains("the key at hand is not the one"), "a key is read: {told}");
    } else {
        assert!(told.contains("is not a key"), "a file that holds more than a key is none: {told}");
    }
    let secret = text(digits);
    assert!(secret.len() < 16 || !told.contains(&secret), "law 12: {told}");

    let signs = std::str::from_utf8(input.0).ok().and_then(|text| text.trim().parse::<SigningKey>().ok());
    match signing_key(&file) {
        Ok(key) => assert_eq!(Some(key.scheme()), signs.map(|key| key.scheme())),
        Err((told, code)) => {
            assert!(signs.is_none() && code == 1, "{told}");
            told.split([' ', '\n']).for_each(assert_visible);
            assert!(secret.len() < 16 || !told.contains(&secret), "law 12: {told}");
        }
    }
}
