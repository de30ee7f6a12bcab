//! The corpora, read from disk.

use std::path::PathBuf;

pub(crate) fn room() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every input of a target with the name of its file, in order.
pub(crate) fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = room().join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path()).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// The words of `words.dict`, without their quotes.
pub(crate) fn words() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(room().join("words.dict")).unwrap();
    let quoted = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unquoted).collect()
}

/// Of libFuzzer's form: `\\`, `\"` and `\xAB`.
fn unquoted(word: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), word.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'x') => {
                    let digits: Vec<u8> = rest.by_ref().take(2).collect();
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other.unwrap(),
            },
            byte => byte,
        });
    }
    bytes
}
