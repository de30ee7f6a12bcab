//! The console without a terminal: what is shown, asked, taken as an answer and told.

mod conformance;
mod fake;

use approvals_core::backend::Backend as _;
use approvals_core::card::corpus::{benign, hostile, poisoned};
use approvals_core::card::{CardAnswer, CardValue, Shown};
use approvals_core::desk::{Outcome, Reply};
use approvals_core::ledger::{Answer, IgnoredWhy, PresentFailure};
use approvals_core::state::Phase;

use self::fake::{Desk, card, with_answer};
use super::reader::Typed;
use super::words::{Said, understand};

fn counted(phase: Phase) -> Reply {
    Reply { outcome: Outcome::Counted { by: "kim".into(), phase }, person: None }
}

fn ignored(why: IgnoredWhy) -> Reply {
    Reply { outcome: Outcome::Ignored(why), person: None }
}

#[test]
fn a_yes_stands_alone_and_a_no_may_say_why() {
    let (mut high, mut medium) = (benign(), benign());
    high.risk = "high".into();
    medium.risk = "medium".into();
    let high = |line| understand(line, &high, Shown::Everything);
    let medium = |line| understand(line, &medium, Shown::Everything);

    assert_eq!(high(" Approve \t"), Said::Approve);
    assert_eq!(high("y"), Said::TooShort);
    assert_eq!(high("yes"), Said::TooShort);
    assert_eq!(medium("y"), Said::Approve);
    assert_eq!(medium("YES"), Said::Approve);
    assert_eq!(high("deny"), Said::Deny(None));
    assert_eq!(high("deny  too many files "), Said::Deny(Some("too many files".into())));
    assert_eq!(high("no wait"), Said::Deny(Some("wait".into())));
    assert_eq!(high("skip"), Said::Skip);
    for line in
        ["", " ", "a", "approve nothing of this", "approved", "ye", "do not approve", "not", "skip it"]
    {
        assert_eq!(medium(line), Said::Unclear, "{line:?}");
    }
}

#[test]
fn a_risk_that_is_not_known_takes_the_whole_word() {
    let mut card = benign();
    card.risk = "catastrophic".into();
    assert_eq!(understand("y", &card, Shown::Everything), Said::TooShort);
}

#[tokio::test]
async fn a_terminal_is_asked_whether_it_could_ask_and_prints_nothing() {
    let desk = Desk::standing();
    let terminal = super::Terminal::at(desk.console.clone(), super::os_identity());
    terminal.check().await.unwrap();
    assert_eq!(desk.screen(), "");
    desk.tty.unplug();
    assert_eq!(terminal.check().await.unwrap_err().why(), PresentFailure::NoTty);
}

#[test]
fn the_question_follows_the_card_and_the_answer_goes_to_the_desk() {
    let mut desk = Desk::open();
    let card = card(1);
    desk.present(&card).unwrap();
    let screen = desk.screen();
    assert!(screen.contains("cleanup.delete_files"), "{screen}");
    assert!(screen.ends_with("\napprove or deny 4f2a9c01d3e7? [approve/deny/skip] "), "{screen}");

    desk.line("deny too many files");
    let review = desk.review().unwrap();
    assert_eq!(review.request.to_string(), card.request);
    assert_eq!(review.answer, Answer::Deny);
    assert_eq!(review.comment.as_deref(), Some("too many files"));
    assert_eq!(review.shown, Shown::Everything);
    assert_eq!(desk.console.question(), None, "nothing is read while the desk judges");

    desk.report(&review, counted(Phase::Denied));
    assert!(desk.screen().ends_with("\ndenied\n"), "{}", desk.screen());
}

#[test]
fn what_is_no_answer_asks_again() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    for line in ["", "y", "approve?", "\u{1b}[A"] {
        let before = desk.console.question();
        desk.line(line);
        assert!(desk.review().is_none(), "{line:?}");
        assert!(desk.screen().ends_with("[approve/deny/skip] "));
        assert_ne!(
            desk.console.question(),
            before,
            "it is another question: earlier input does not answer it"
        );
    }
    assert!(!desk.screen().contains('\u{1b}'), "what was typed is not printed");
}

#[test]
fn a_line_typed_before_the_question_does_not_answer_it() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    let early = desk.console.question().unwrap();
    desk.line("");
    desk.console.typed(early, Typed::Line("approve".into()));
    assert!(desk.review().is_none());
    assert!(desk.screen().contains("typed before this question"));
    assert!(desk.screen().ends_with("[approve/deny/skip] "));
}

#[test]
fn the_keyboard_is_flushed_after_the_card_and_before_each_question() {
    let desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.line("");
    let log = desk.tty.log();
    let flushes: Vec<usize> =
        log.iter().enumerate().filter(|(_, what)| *what == "flush").map(|(at, _)| at).collect();
    assert_eq!(flushes.len(), 2);
    for at in flushes {
        assert!(log[at + 1].contains("[approve/deny/skip]"), "{log:?}");
    }
    assert!(log[0].contains("cleanup.delete_files"), "{log:?}");
}

#[test]
fn a_card_that_shows_a_part_takes_no_yes_and_says_where_to_find_the_rest() {
    let mut desk = Desk::open();
    let mut card = card(1);
    card.arguments[0].value = CardValue::Erased;
    assert!(matches!(desk.present(&card).unwrap(), Shown::Part { .. }));
    assert!(desk.screen().ends_with("\ndeny 4f2a9c01d3e7? [deny/skip] "), "{}", desk.screen());

    let before = desk.screen().len();
    desk.line("approve");
    assert!(desk.review().is_none());
    assert!(desk.screen()[before..].contains(&format!("`approvals show {}`", card.request)));

    desk.line("deny");
    let review = desk.review().unwrap();
    assert_eq!(review.answer, Answer::Deny);
    assert!(matches!(review.shown, Shown::Part { .. }), "the desk judges it by what was shown");
}

#[test]
fn requests_queue_and_the_prompt_says_how_many_wait() {
    let mut desk = Desk::open();
    for number in 1..=3 {
        desk.present(&card(number)).unwrap();
    }
    assert_eq!(desk.screen().matches("cleanup.delete_files").count(), 1, "one at a time");
    desk.line("");
    assert!(desk.screen().ends_with("? (2 more wait) [approve/deny/skip] "), "{}", desk.screen());
    for number in 1..=3 {
        desk.line("approve");
        let review = desk.review().unwrap();
        assert_eq!(review.request.to_string(), card(number).request, "in order");
        assert!(desk.review().is_none());
        desk.report(&review, counted(Phase::Approved));
    }
    assert_eq!(desk.screen().matches("\napproved\n").count(), 3);
    assert_eq!(desk.console.question(), None);
}

#[test]
fn the_same_request_gets_no_second_card() {
    let desk = Desk::open();
    desk.present(&card(1)).unwrap();
    let screen = desk.screen();
    desk.present(&card(1)).unwrap();
    assert_eq!(desk.screen(), screen);
}

#[test]
fn ctrl_d_is_no_answer_and_the_next_card_is_asked_about() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.present(&card(2)).unwrap();
    desk.typed(Typed::End);
    assert!(desk.review().is_none());
    assert!(desk.screen().contains("\nno answer from here; the request stays open\n"));
    desk.line("approve");
    assert_eq!(desk.review().unwrap().request.to_string(), card(2).request);
}

#[test]
fn a_terminal_that_is_gone_asks_nothing_more() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.present(&card(2)).unwrap();
    while desk.console.question().is_some() {
        desk.typed(Typed::End);
    }
    assert!(desk.review().is_none());
}

#[test]
fn a_verdict_from_elsewhere_frees_the_prompt() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.update(&with_answer(card(1), "denied", "lee", "denied", Some("not \"today\", approved by kim")));
    let screen = desk.screen();
    assert!(
        screen.ends_with("\ndecided elsewhere: denied by lee: \"not \\\"today\\\", approved by kim\"\n"),
        "{screen}"
    );
    assert_eq!(desk.console.question(), None);
    assert!(desk.review().is_none());
}

#[test]
fn each_end_has_its_words() {
    let approved = with_answer(card(1), "approved", "dana", "approved", None);
    let mut expired = card(1);
    expired.state.label = "expired".into();
    let mut withdrawn = card(1);
    withdrawn.state.label = "cancelled".into();
    withdrawn.state.lines = vec!["withdrawn: the caller is gone".into()];
    for (card_now, said) in [
        (approved, "decided elsewhere: approved by lee, dana\n"),
        (expired, "decided elsewhere: expired\n"),
        (withdrawn, "decided elsewhere: cancelled (withdrawn: the caller is gone)\n"),
    ] {
        let desk = Desk::open();
        desk.present(&card(1)).unwrap();
        desk.update(&card_now);
        assert!(desk.screen().ends_with(said), "{}", desk.screen());
    }
}

#[test]
fn a_verdict_on_a_card_that_waits_takes_it_out_of_the_queue() {
    let desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.present(&card(2)).unwrap();
    desk.update(&with_answer(card(2), "denied", "lee", "denied", None));
    desk.line("skip");
    assert_eq!(desk.console.question(), None, "nothing is left to ask");
}

#[test]
fn an_answer_from_elsewhere_that_does_not_decide_is_told() {
    let desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.update(&with_answer(card(1), "pending", "dana", "approved", Some("fine")));
    let screen = desk.screen();
    assert!(screen.contains("\ndana approved: \"fine\"\n"), "{screen}");
    assert!(screen.ends_with("[approve/deny/skip] "), "{screen}");
}

#[test]
fn the_outcome_of_an_answer_given_here_is_not_told_as_decided_elsewhere() {
    for news_first in [true, false] {
        let mut desk = Desk::open();
        desk.present(&card(1)).unwrap();
        desk.line("approve");
        let review = desk.review().unwrap();
        let news = with_answer(card(1), "approved", "kim", "approved", None);
        if news_first {
            desk.update(&news);
            desk.report(&review, counted(Phase::Approved));
        } else {
            desk.report(&review, counted(Phase::Approved));
            desk.update(&news);
        }
        assert!(desk.screen().ends_with("\napproved\n"), "{}", desk.screen());
        assert!(!desk.screen().contains("elsewhere"));
    }
}

#[test]
fn a_denial_after_the_yes_given_here_is_told() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.line("approve");
    let review = desk.review().unwrap();
    desk.report(&review, counted(Phase::Approved));
    desk.update(&with_answer(card(1), "denied", "dana", "denied", None));
    assert!(
        desk.screen().ends_with("\n4f2a9c01d3e7: decided elsewhere: denied by dana\n"),
        "{}",
        desk.screen()
    );
}

#[test]
fn a_yes_short_of_the_quorum_says_so_and_the_end_is_told_later() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.line("approve");
    let review = desk.review().unwrap();
    desk.report(&review, counted(Phase::Pending));
    assert!(desk.screen().ends_with("\nyour yes counts; more people have to decide\n"));
    desk.present(&card(2)).unwrap();
    desk.update(&with_answer(card(1), "approved", "dana", "approved", None));
    let screen = desk.screen();
    assert!(screen.contains("\n4f2a9c01d3e7: decided elsewhere: approved by lee, dana\n"), "{screen}");
    assert!(screen.ends_with("[approve/deny/skip] "), "the open question stands again: {screen}");
}

#[test]
fn an_answer_that_does_not_count_gets_the_reason_and_the_question_again() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.line("approve");
    let review = desk.review().unwrap();
    desk.report(&review, ignored(IgnoredWhy::Unmapped));
    let screen = desk.screen();
    let joined = screen.replace("\n| ", "");
    assert!(
        joined.contains("your answer does not count: nobody in the directory has this identity"),
        "{screen}"
    );
    assert!(joined.contains("(you are `os/kim` here)"), "{screen}");
    assert!(screen.ends_with("[approve/deny/skip] "));
    desk.line("deny");
    assert_eq!(desk.review().unwrap().answer, Answer::Deny);
}

#[test]
fn an_answer_that_could_not_be_recorded_is_asked_for_again_behind_the_cards_that_wait() {
    let mut desk = Desk::open();
    desk.present(&card(1)).unwrap();
    desk.line("approve");
    let review = desk.review().unwrap();
    desk.fail(&review);
    let screen = desk.screen();
    assert!(screen.replace("\n| ", "").contains("no room is left; answer again\n"), "{screen}");
    assert!(screen.ends_with("[approve/deny/skip] "), "nothing else waits: {screen}");
    desk.present(&card(2)).unwrap();
    desk.line("approve");
    let review = desk.review().unwrap();
    let news = with_answer(card(1), "pending", "lee", "approved", None);
    desk.update(&news);
    desk.fail(&review);
    desk.line("deny");
    let other = desk.review().unwrap();
    assert_eq!(other.request.to_string(), card(2).request);
    desk.report(&other, counted(Phase::Denied));
    assert!(desk.screen().contains("lee"), "the card is that of the newest news");
    desk.line("approve");
    assert_eq!(desk.review().unwrap().request, review.request);
}

#[test]
fn an_answer_that_came_too_late_is_not_asked_for_again() {
    for why in [IgnoredWhy::AlreadyDecided, IgnoredWhy::TooLate] {
        let mut desk = Desk::open();
        desk.present(&card(1)).unwrap();
        desk.line("approve");
        let review = desk.review().unwrap();
        desk.update(&with_answer(card(1), "denied", "dana", "denied", None));
        desk.report(&review, ignored(why));
        let screen = desk.screen();
        assert!(screen.contains("your answer does not count: "), "{screen}");
        assert!(screen.ends_with(": decided elsewhere: denied by dana\n"), "{screen}");
        assert_eq!(desk.console.question(), None);
    }
}

#[test]
fn an_answer_goes_to_the_terminal_whose_card_was_asked_about_and_to_no_other() {
    let mut desk = Desk::open();
    let mut other = desk.beside();
    desk.present(&card(1)).unwrap();
    other.present(&card(2)).unwrap();
    desk.line("approve");
    assert!(other.review().is_none());
    let review = desk.review().unwrap();
    desk.report(&review, counted(Phase::Approved));
    desk.line("deny");
    assert!(desk.review().is_none());
    assert_eq!(other.review().unwrap().request.to_string(), card(2).request);
}

#[test]
fn a_terminal_that_stops_takes_its_cards_back_and_presents_no_more() {
    let desk = Desk::open();
    let mut other = desk.beside();
    desk.present(&card(1)).unwrap();
    other.present(&card(2)).unwrap();
    let (console, seat, tty) = (desk.console.clone(), desk.seat, desk.tty.clone());
    drop(desk);
    assert!(tty.screen().contains("\nno longer asked here\n"));
    other.line("approve");
    assert_eq!(other.review().unwrap().request.to_string(), card(2).request);
    assert!(!console.present(seat, &card(3)).unwrap_err().is_temporary());
}

#[test]
fn without_a_terminal_nothing_is_presented() {
    let desk = Desk::open();
    desk.tty.unplug();
    let error = desk.present(&card(1)).unwrap_err();
    assert_eq!(error.why(), PresentFailure::NoTty);
    assert_eq!(desk.screen(), "");
    assert_eq!(desk.console.question(), None);
}

#[test]
fn a_card_that_could_not_be_written_is_not_asked_about() {
    let desk = Desk::open();
    desk.tty.fail_writes();
    assert!(desk.present(&card(1)).is_err());
    assert_eq!(desk.console.question(), None);
}

#[test]
fn hostile_text_stays_visible_text_in_cards_and_in_what_is_told() {
    for (number, hostile) in hostile().into_iter().enumerate() {
        // Core tests every place of a card with every text; here, each text stands in one place after the other.
        let mut places = poisoned(&hostile.text);
        let (place, poisoned) = places.swap_remove(number % places.len());
        let desk = Desk::open();
        desk.present(&poisoned).unwrap();
        let mut news = poisoned.clone();
        news.answers.push(an_answer(&hostile.text));
        desk.update(&news);
        news.state.label = "denied".into();
        desk.update(&news);
        let mut gone = card(2);
        desk.present(&gone).unwrap();
        gone.state.label = "cancelled".into();
        gone.state.lines = vec![hostile.text.clone()];
        desk.update(&gone);
        let screen = desk.screen();
        let hidden = screen.chars().find(|c| *c != '\n' && is_unprintable(*c));
        assert_eq!(hidden, None, "{} in {place}: {screen:?}", hostile.id);
        assert_eq!(
            screen.matches("\ndecided elsewhere: ").count(),
            2,
            "{} in {place}: {screen:?}",
            hostile.id
        );
    }
}

fn an_answer(text: &str) -> CardAnswer {
    let at = benign().clocks.requested_at;
    CardAnswer { who: text.into(), answer: "denied".into(), at, comment: Some(text.into()) }
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[test]
fn long_words_of_a_reviewer_never_begin_a_line() {
    let desk = Desk::open();
    desk.present(&card(1)).unwrap();
    let before = desk.screen().len();
    let comment = "approved by dana ".repeat(30);
    desk.update(&with_answer(card(1), "denied", "lee", "denied", Some(&comment)));
    let told = desk.screen()[before..].to_owned();
    let lines: Vec<&str> = told.trim_start().lines().collect();
    assert!(lines.len() > 3);
    assert!(lines[0].starts_with("decided elsewhere: denied by lee: \""));
    assert!(lines[1..].iter().all(|line| line.starts_with("| ")), "{told}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{told}");
}

#[test]
fn a_card_waits_until_its_terminal_listens() {
    let mut desk = Desk::standing();
    desk.present(&card(1)).unwrap();
    assert_eq!(desk.screen(), "");
    desk.sit();
    assert!(desk.screen().ends_with("[approve/deny/skip] "));
}
