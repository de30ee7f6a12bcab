//! The terminal backend at a real terminal: a pseudo-terminal, with a program of its own behind it.

#[path = "terminal/program.rs"]
mod program;
#[path = "terminal/pty.rs"]
mod pty;

use self::pty::Session;

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
    let told = pty::piped("ask", "approve\napprove\nyes\n");
    assert!(told.contains("result: cancelled"), "nobody else could be asked: {told}");
    assert!(told.contains("events: requested present_failed{no_tty} cancelled"), "{told}");
    assert!(!told.contains("reviewed"), "{told}");
}

#[test]
fn without_a_terminal_the_request_stays_open_for_another_way() {
    let told = pty::piped("no_tty_but_open", "approve\n");
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
    let Some(mut session) = Session::start_controlled("ask") else {
        println!("skipped: there is no `setsid` to get a controlling terminal with");
        return;
    };
    session.until(QUESTION);
    session.types("approve\n");
    let told = session.end();
    assert!(told.contains("result: ran"), "{told}");
}
