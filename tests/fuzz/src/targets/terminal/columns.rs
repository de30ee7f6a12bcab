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
    if !digits.is_empty() && digits.len() < 16 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let asked = digits.bytes().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        assert!(printed <= asked.max(40), "wider than was asked for: {printed}");
    } else {
        assert_eq!(printed, width(None, there), "what is no number asks for nothing");
    }
}
