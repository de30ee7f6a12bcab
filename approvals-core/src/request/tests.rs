use super::*;

#[test]
fn a_digest_prints_whole_where_it_is_named_and_short_where_it_is_shown() {
    let bytes = std::array::from_fn(|i| u8::try_from(i * 7).unwrap());
    let digest = Digest::from_bytes(bytes);
    let whole = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
    assert_eq!(digest.to_string(), whole);
    assert_eq!(digest.prefix(), whole[..12]);
    assert_eq!(format!("{digest:?}"), format!("Digest({})", &whole[..12]));
}

#[test]
fn seeds_keys_and_digests_of_secrets_do_not_print_and_commitments_do() {
    let bytes = [0xab; 32];
    let key = StoreKey::from_bytes(bytes);
    let secret = key.digest("token", &"hunter2");
    assert_eq!(format!("{:?}", Seed::from_bytes(bytes)), "Seed(..)");
    assert_eq!(format!("{key:?} {secret:?}"), "StoreKey(..) SecretDigest(..)");
    let commitment = Commitment::from_bytes(bytes);
    assert_eq!(format!("{commitment:?}"), format!("Commitment({})", "ab".repeat(32)));
}

#[test]
fn a_store_key_is_read_from_its_64_digits_and_from_nothing_else() {
    let text = "ab".repeat(32);
    let (read, made) = (StoreKey::from_hex(&text).unwrap(), StoreKey::from_bytes([0xab; 32]));
    assert_eq!(read.digest("token", &"hunter2"), made.digest("token", &"hunter2"));
    for other in ["", &text[1..], &text.to_uppercase(), &"xy".repeat(32)] {
        assert!(StoreKey::from_hex(other).is_none(), "`{other}`");
    }
}

#[test]
fn a_requirement_is_read_back_as_it_was_written_clocks_and_all() {
    use std::time::Duration;
    let terms = Requirement {
        decide_within: Duration::from_millis(1_500),
        use_within: Duration::from_secs(7),
        ..Requirement::at(Risk::High)
    };
    let json = serde_json::to_value(&terms).unwrap();
    assert_eq!((&json["decide_within_ms"], &json["use_within_ms"]), (&1_500.into(), &7_000.into()));
    assert_eq!(serde_json::from_value::<Requirement>(json).unwrap(), terms);
}
