//! A manifest of gated actions, from a file.

use approvals::manifest::Manifest;

use crate::input::text;

/// The text of the file.
pub fn run(data: &[u8]) {
    check(data, Manifest::to_json);
}

/// The same with another writer.
pub fn check(data: &[u8], write: impl Fn(&Manifest) -> String) {
    let Ok(manifest) = text(data).parse::<Manifest>() else { return };
    let json = write(&manifest);
    let again: Manifest = json.parse().unwrap();
    assert_eq!(again.entries(), manifest.entries(), "what is written is what was read");
    assert_eq!(write(&again), json);
    assert!(again.since(&manifest).is_empty() && manifest.since(&again).is_empty());
    assert!(
        manifest.entries().windows(2).all(|pair| pair[0].action < pair[1].action),
        "each action once, in order"
    );
    let nothing: Manifest = r#"{"format":1,"actions":[]}"#.parse().unwrap();
    let diff = manifest.since(&nothing);
    assert_eq!(diff.is_empty(), manifest.entries().is_empty());
}
