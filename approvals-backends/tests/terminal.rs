//! The terminal backend at a real terminal: a pseudo-terminal, with a program of its own behind it.

#[cfg(test)]
#[path = "terminal/program.rs"]
mod program;
#[cfg(test)]
#[path = "terminal/pty.rs"]
mod pty;

use std::process::Command;

use self::pty::{Place, Session};

const QUESTION: &str = "[approve/deny/skip] ";

#[test]
fn the_keyboard_answers() {
    let mut session = Session::start("ask");
    session.until("delete_files");
    session.until(QUESTION);
    session.types("approve\n");
    session.until("\napproved\r\n");
    let told = session.end();
    assert!(told.contains("result: ran"), "{told}");
    assert!(told.contains("events: requested presented reviewed started"), "{told}");
}

#[test]
fn a_denial_with_a_comment_is_the_end_of_it() {
    let mut session = Session::start("ask");
    session.until(QUESTION);
    session.types("deny too many files\n");
    session.until("\ndenied\r\n");
    let told = session.end();
    assert!(told.contains("result: denied"), "{told}");
    assert!(!told.contains("started"), "{told}");
}

#[test]
fn piped_input_never_answers() {
    let told = Session::start_piped("ask", "approve\napprove\nyes\n").end();
    assert!(told.contains("result: unavailable"), "nobody else could be asked: {told}");
    assert!(told.contains("events: requested present_failed{no_tty} cancelled"), "{told}");
    assert!(!told.contains("reviewed"), "{told}");
}

#[test]
fn without_a_terminal_the_request_stays_open_for_another_way() {
    let told = Session::start_piped("no_tty_but_open", "approve\n").end();
    assert!(told.contains("result: denied"), "{told}");
    assert!(told.contains("events: requested present_failed{no_tty} reviewed"), "{told}");
}

#[test]
fn a_terminal_to_read_but_none_to_write_on_asks_nothing() {
    let mut session = Session::start_blind("ask");
    session.types("approve\n");
    let told = session.end();
    assert!(told.contains("present_failed{no_tty}"), "{told}");
    assert!(!told.contains("reviewed"), "{told}");
}

#[test]
fn a_verdict_from_elsewhere_frees_the_prompt_and_leaves_the_keyboard_to_the_program() {
    let mut session = Session::start("elsewhere");
    session.until(QUESTION);
    session.until("\ndecided elsewhere: denied by lee: \"not today\"\r\n");
    session.types("hello\n");
    let told = session.end();
    assert!(told.contains("result: denied"), "{told}");
    assert!(told.contains("the program read: hello"), "{told}");
}

#[test]
fn what_was_typed_before_the_card_does_not_answer_it() {
    let mut session = Session::start_after_typing("ask", "approve\n");
    session.until(QUESTION);
    session.types("deny\n");
    let told = session.end();
    assert!(told.contains("result: denied"), "{told}");
}

#[test]
fn ctrl_d_leaves_the_request_open() {
    let mut session = Session::start("ctrl_d");
    session.until(QUESTION);
    session.types("\u{4}");
    session.until("no answer from here; the request stays open\r\n");
    session.until(QUESTION);
    session.types("approve\n");
    session.until("decided elsewhere: denied by lee");
    let told = session.end();
    assert!(told.contains("result: ran"), "{told}");
    assert!(told.contains("result: denied"), "{told}");
}

#[test]
fn two_requests_are_asked_about_one_after_the_other() {
    let mut session = Session::start("two");
    session.until(QUESTION);
    session.types("approve\n");
    session.until("\napproved\r\n");
    session.until(QUESTION);
    session.types("deny\n");
    let told = session.end();
    assert!(told.contains("result: ran"), "{told}");
    assert!(told.contains("result: denied"), "{told}");
}

#[test]
fn the_reviewer_is_the_user_of_the_kernel_and_not_of_the_environment() {
    let Ok(id) = Command::new("id").arg("-run").output() else {
        println!("skipped: there is no `id` to compare with");
        return;
    };
    let name = String::from_utf8(id.stdout).unwrap();
    let told = Session::start_piped("ask", "").end();
    assert!(told.contains(&format!("identity: os/{name}")), "{told}");
}

#[test]
fn a_user_whom_the_directory_does_not_know_gets_the_reason() {
    let mut session = Session::start("unmapped");
    session.until(QUESTION);
    session.types("approve\n");
    session.until("your answer does not count: nobody in the directory has this identity");
    let told = session.end();
    assert!(told.contains("events: requested presented ignored{unmapped} reviewed"), "{told}");
    assert!(!told.contains("started"), "{told}");
}

#[test]
fn a_controlling_terminal_asks_too() {
    let Some(mut session) = Session::start_controlled("ask", Place::Front) else { return skipped() };
    session.until(QUESTION);
    session.types("approve\n");
    let told = session.end();
    assert!(told.contains("result: ran"), "{told}");
}

#[test]
fn in_the_background_of_its_terminal_it_is_not_stopped_and_takes_no_line_of_the_shells() {
    let Some(mut session) = Session::start_controlled("no_tty_but_open", Place::Background) else {
        return skipped();
    };
    session.types("approve\n");
    let told = session.end();
    assert!(told.contains("result: denied"), "{told}");
    assert!(told.contains("events: requested present_failed{no_tty} reviewed"), "{told}");
}

#[test]
fn a_card_is_as_wide_as_the_terminal_so_that_no_text_begins_a_row_of_it() {
    for columns in [40, 57, 200] {
        let mut session = Session::start_wide("long", columns);
        session.until(QUESTION);
        let screen = session.screen();
        let card = screen.lines().filter(|line| !line.contains("[approve/deny"));
        let widest = card.map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.into(), "{widest} of {columns} columns: {screen}");
        session.types("deny\n");
        assert!(session.end().contains("result: denied"));
    }
}

#[test]
fn a_terminal_that_is_too_narrow_for_a_card_asks_nothing() {
    let session = Session::start_wide("no_tty_but_open", 30);
    let told = session.end();
    assert!(told.contains("present_failed{no_tty}"), "{told}");
}

fn skipped() {
    println!("skipped: there is no `setsid` to get a controlling terminal with");
}
