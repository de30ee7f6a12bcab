//! `Retry-After` of a host that answers "later".

use std::time::Duration;

use approvals::time::Timestamp;
use approvals::transport::retry_after;
use http::{HeaderMap, HeaderValue};

/// The longest wait that a host may ask for.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The value of the header.
pub fn run(data: &[u8]) {
    check(data, retry_after);
}

/// The same with another reader.
pub fn check(data: &[u8], retry_after: impl Fn(&HeaderMap, Timestamp) -> Option<Duration>) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", value);
    // 2026-11-21T22:53:29Z
    let now = Timestamp::from_micros(1_795_301_609_000_000);
    let wait = retry_after(&headers, now);
    assert!(wait.is_none_or(|wait| wait <= LONGEST), "longer than a host may ask for: {wait:?}");
    let digits: Vec<u8> = data.trim_ascii().to_vec();
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && data.is_ascii() {
        let number = digits
            .iter()
            .fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        assert_eq!(wait, Some(Duration::from_secs(number).min(LONGEST)));
    } else if let (Some(wait), true) = (wait, wait > Some(Duration::ZERO)) {
        let later = now.after(wait.min(Duration::from_secs(60)));
        assert!(retry_after(&headers, later) <= Some(wait), "a date draws nearer");
    }
}
