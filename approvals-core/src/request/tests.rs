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
