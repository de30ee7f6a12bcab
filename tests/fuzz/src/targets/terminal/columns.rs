//! `COLUMNS`, which says how wide a card is printed.

use approvals_fuzz_program as program;

use super::tty;
use crate::input::Input;

/// What the environment asks for and what the terminal has, a line each.
pub fn run(data: &[u8]) {
    check(data, tty::width);
    check(data, program::width);
}

/// The same with another reader.
pub fn check(data: &[u8], width: impl Fn(Option<&str>, Option<usize>) -> usize) {
    let mut input = Input(data);
    let (asked, there) = (input.text_line(), input.text_line());
    let there: Option<usize> = there.trim().parse().ok();
    let printed = width(Some(&asked), there);
    assert!((40..=240).contains(&printed), "a card keeps its left edge: {printed}");
    assert!(there.is_none_or(|there| printed <= there.max(40)), "the terminal would break lines: {printed}");
    let digits = asked.strip_prefix('+').unwrap_or(&asked);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_u128, |number, digit| number.saturating_mul(10).saturating_add(u128::from(digit - b'0')));
    if is_number && number <= u128::from(u64::MAX) {
        assert!(printed as u128 <= number.max(40), "wider than was asked for: {printed}");
    } else {
        assert_eq!(printed, width(None, there), "what is no number asks for nothing");
    }
}
