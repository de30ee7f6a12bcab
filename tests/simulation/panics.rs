//! Whatever panics while a run is under way, a task of a host too, is told with the run, and breaks it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The run that is under way on this thread: how to have it again, and what panicked in it.
    static UNDER_WAY: RefCell<Option<(String, Vec<String>)>> = const { RefCell::new(None) };
}

/// Runs it, with what it gave if it came to its end, and what panicked on the way. Each panic is printed where it
/// happens, with how to have it again.
pub(crate) fn told<T>(again: &str, run: impl FnOnce() -> T) -> (Option<T>, Vec<String>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            before(panic);
            note(panic);
        }));
    });
    UNDER_WAY.set(Some((again.to_owned(), Vec::new())));
    let ended = catch_unwind(AssertUnwindSafe(run)).ok();
    let panicked = UNDER_WAY.take().map(|(_, panicked)| panicked).unwrap_or_default();
    (ended, panicked)
}

fn note(panic: &PanicHookInfo<'_>) {
    let said = panic.payload();
    let said =
        said.downcast_ref::<&str>().copied().or_else(|| said.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("something without words");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    // A thread that ends has no run any more.
    let _ = UNDER_WAY.try_with(|under_way| {
        if let Ok(mut under_way) = under_way.try_borrow_mut()
            && let Some((again, panicked)) = &mut *under_way
        {
            eprintln!("{again}");
            panicked.push(format!("panicked at {place}: {said}"));
        }
    });
}

#[test]
fn a_panic_is_told_with_the_run_that_it_happened_in_and_ends_no_other() {
    let (ended, panicked) = told("again: so", || panic!("as part of the test"));
    assert_eq!((ended, panicked.len()), (None::<()>, 1));
    assert!(
        panicked[0].contains("panics.rs") && panicked[0].ends_with(": as part of the test"),
        "{panicked:?}"
    );
    // Nor does one that a runtime caught pass unseen.
    let (ended, panicked) = told("again: so", || catch_unwind(|| panic!("as part of the test")).is_err());
    assert_eq!((ended, panicked.len()), (Some(true), 1));
    assert_eq!(told("again: so", || 7), (Some(7), Vec::new()));
}
