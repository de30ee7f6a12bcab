//! Points in time as text.

use std::time::Duration;

use approvals::time::{InvalidTimestamp, Timestamp};

use crate::input::{Input, text};

/// Two times, a line each, and a number of milliseconds between them.
pub fn run(data: &[u8]) {
    check(data, str::parse);
}

/// The same with another reader.
pub fn check(data: &[u8], parse: impl Fn(&str) -> Result<Timestamp, InvalidTimestamp>) {
    let mut input = Input(data);
    let (first, second) = (input.text_line(), input.text_line());
    let wait = Duration::from_millis(text(input.0).trim().parse().unwrap_or(1));
    let read: Vec<Timestamp> = [&first, &second].into_iter().filter_map(|text| parse(text).ok()).collect();
    for time in &read {
        let written = time.to_string();
        assert_eq!(parse(&written).as_ref(), Ok(time), "`{written}`");
        assert_eq!(Timestamp::from_micros(time.as_micros()), *time, "within its range");
        let later = time.after(wait);
        assert!(later >= *time && time.until(later) <= wait && later.until(*time).is_zero());
        assert_eq!(parse(&later.to_string()), Ok(later), "every time has a text");
    }
    for text in [&first, &second] {
        if let Some(micros) = plainly(text) {
            match parse(text) {
                Ok(time) => assert_eq!(time, Timestamp::from_micros(micros), "`{text}`"),
                Err(_) => assert_ne!(Timestamp::from_micros(micros).as_micros(), micros, "`{text}`"),
            }
        } else {
            // A leap second is taken as the second before it (RFC 3339 section 5.7 lets it be written).
            let leap = text.get(17..19) == Some("60");
            assert!(!is_digits(text) || leap || parse(text).is_err(), "`{text}` is no time");
        }
    }
    if let [a, b] = *read {
        let common = a.as_micros() >= 0 && b.as_micros() >= 0;
        assert!(!common || a.to_string().cmp(&b.to_string()) == a.cmp(&b), "the text sorts like the time");
    }
}

/// Whether every place that has to be a digit is one.
fn is_digits(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00.000000Z";
    text.len() == form.len()
        && text
            .bytes()
            .zip(form)
            .all(|(byte, form)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form })
}

/// Microseconds since the epoch of a text in exactly our form, by the calendar alone (RFC 3339 section 5.7).
fn plainly(text: &str) -> Option<i64> {
    if !is_digits(text) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second, micros) = (number(11, 13), number(14, 16), number(17, 19), number(20, 26));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = |year: i64, month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let sound = (1..=12).contains(&month) && day >= 1 && day <= days(year, month) && hour < 24 && minute < 60;
    if !sound || second > 59 {
        return None;
    }
    let years: i64 = (0..year).map(|year| 365 + i64::from(leap(year))).sum();
    let months: i64 = (1..month).map(|month| days(year, month)).sum();
    // From year 0 to 1970.
    let day = years + months + day - 1 - 719_528;
    Some((((day * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros)
}
