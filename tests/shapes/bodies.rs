//! Bodies: what they say runs as if there were no gate.

use approvals::requires_approval;

use crate::support::{OpsError, Res, gated, ran, runs};

#[requires_approval(risk = "high")]
async fn early(rows: u8) -> Res<&'static str> {
    ran();
    if rows == 0 {
        return Err(OpsError::Own("none"));
    }
    if rows == 1 {
        return Ok("one");
    }
    if checked(rows)? { Ok("many") } else { Ok("few") }
}

fn checked(rows: u8) -> Res<bool> {
    if rows == u8::MAX { Err(OpsError::Own("too many")) } else { Ok(rows > 5) }
}

#[tokio::test]
async fn return_and_question_mark_leave_the_body_and_nothing_else() {
    for (rows, wanted) in [(1, "one"), (2, "few"), (6, "many")] {
        let shown = rows.to_string();
        assert_eq!(gated(&[("rows", &shown)], async || early(rows).await).await.unwrap(), wanted);
    }
    for (rows, wanted) in [(0, "none"), (u8::MAX, "too many")] {
        let shown = rows.to_string();
        let outcome = gated(&[("rows", &shown)], async || early(rows).await).await;
        assert!(matches!(outcome, Err(OpsError::Own(own)) if own == wanted));
    }
}

#[requires_approval(risk = "high")]
async fn looping(rows: u8) -> Res<u8> {
    ran();
    let mut found = 0;
    'outer: loop {
        for row in 0.. {
            tokio::task::yield_now().await;
            if row == rows {
                break 'outer;
            }
            found += 1;
        }
    }
    Ok(found)
}

#[tokio::test]
async fn loops_and_labels_are_the_bodys_own() {
    assert_eq!(gated(&[("rows", "3")], async || looping(3).await).await.unwrap(), 3);
}

#[requires_approval(risk = "high")]
async fn diverging(why: &'static str) -> Res<u8> {
    ran();
    return Err(OpsError::Own(why));
}

#[requires_approval(risk = "high")]
async fn panicking(rows: u8) -> Res<u8> {
    ran();
    panic!("{rows} rows");
}

#[tokio::test]
async fn a_body_that_only_diverges() {
    let outcome = gated(&[("why", r#""over""#)], async || diverging("over").await).await;
    assert!(matches!(outcome, Err(OpsError::Own("over"))));
    let panics = tokio::spawn(async { gated(&[("rows", "1")], async || panicking(1).await).await.is_ok() });
    let panicked = panics.await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref::<String>().map(String::as_str), Some("1 rows"));
    assert_eq!(runs(), 2);
}

#[requires_approval(risk = "high")]
async fn recursive(depth: u8) -> Res<u8> {
    ran();
    match depth {
        0 => Ok(0),
        _ => Ok(Box::pin(recursive(depth - 1)).await? + 1),
    }
}

#[tokio::test]
async fn recursion_through_a_box_asks_at_each_level() {
    use approvals::Approvals;
    use approvals::testing::MockBackend;

    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    assert_eq!(approvals.scope(recursive(2)).await.unwrap(), 2);
    let shown = mock.cards().iter().map(|card| card.arguments[0].value.visible()).collect::<String>();
    assert_eq!((shown.as_str(), runs()), ("210", 3));
    approvals.shutdown().await.unwrap();
}

/// Has a gated function inside.
async fn outside(rows: u8) -> Res<u8> {
    #[requires_approval(risk = "high")]
    async fn inside(rows: u8) -> Res<u8> {
        fn innermost(rows: u8) -> u8 {
            rows + 1
        }
        ran();
        Ok(innermost(rows))
    }
    inside(rows * 2).await
}

#[requires_approval(risk = "high")]
async fn around(rows: u8) -> Res<u8> {
    async fn bare(rows: u8) -> Res<u8> {
        tokio::task::yield_now().await;
        Ok(rows + 1)
    }
    ran();
    bare(rows).await
}

#[tokio::test]
async fn functions_inside_functions() {
    assert_eq!(gated(&[("rows", "6")], async || outside(3).await).await.unwrap(), 7);
    assert_eq!(gated(&[("rows", "3")], async || around(3).await).await.unwrap(), 4);
}

/// Says what it does.
///
/// With an example that is not run.
#[must_use = "the outcome counts"]
#[allow(clippy::needless_pass_by_value, reason = "an attribute of the user's own")]
#[requires_approval(risk = "high")]
#[inline]
async fn attributed(name: String) -> Res<usize> {
    #![allow(clippy::items_after_statements, reason = "an inner attribute")]
    //! Inner words.
    ran();
    const MORE: usize = 1;
    Ok(name.len() + MORE)
}

#[tokio::test]
async fn attributes_and_documentation_inside_and_outside() {
    let outcome = gated(&[("name", r#""abc""#)], async || attributed("abc".to_owned()).await).await;
    assert_eq!(outcome.unwrap(), 4);
}

#[requires_approval(risk = "high")]
async fn empty() -> Result<(), OpsError> {
    let _: usize = ran();
    Ok(())
}

struct Guard<'a>(&'a std::cell::Cell<bool>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[requires_approval(risk = "high")]
async fn owns(#[approval(skip = "dropped at the end")] guard: Guard<'_>) -> Res<bool> {
    ran();
    tokio::task::yield_now().await;
    Ok(guard.0.get())
}

#[tokio::test]
async fn a_function_without_arguments() {
    gated(&[], async || empty().await).await.unwrap();
}

#[tokio::test]
async fn arguments_live_as_long_as_the_body_and_no_longer() {
    let dropped = std::cell::Cell::new(false);
    let shown = [("guard", "(not shown: dropped at the end)")];
    let call = async || {
        dropped.set(false);
        let outcome = owns(Guard(&dropped)).await;
        assert!(dropped.get(), "the argument outlives the call");
        outcome
    };
    assert!(!gated(&shown, call).await.unwrap(), "the argument is gone while the body runs");
}

#[requires_approval(risk = "high")]
async fn items_of_its_own(rows: u8) -> Result<u8, OpsError> {
    use std::io::{Error, Result};
    #[derive(Debug)]
    struct Small;
    fn small(rows: u8) -> Result<u8> {
        if rows > 1 { Ok(rows) } else { Err(Error::other(format!("{Small:?}"))) }
    }
    ran();
    small(rows).map_err(|_| OpsError::Own("small"))
}

#[tokio::test]
async fn items_of_the_body_do_not_change_what_its_return_type_means() {
    assert_eq!(gated(&[("rows", "2")], async || items_of_its_own(2).await).await.unwrap(), 2);
    let outcome = gated(&[("rows", "1")], async || items_of_its_own(1).await).await;
    assert!(matches!(outcome, Err(OpsError::Own("small"))));
}
