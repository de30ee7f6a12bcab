//! Calls that wait for nobody.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::yield_now;

/// How many turns of the scheduler a call is given: a hundred times what one takes that waits for nobody.
const TURNS: usize = 20_000;

/// What a call comes to that waits for nobody, such as one that is refused. No clock is asked: one that waits is
/// recognised by the turns that everything else in the process has had meanwhile, which is the same in every run.
///
/// # Panics
/// If the call waits. On a runtime of several threads, where turns say nothing.
pub async fn at_once<F: Future>(call: F) -> F::Output {
    let flavor = Handle::current().runtime_flavor();
    assert_eq!(flavor, RuntimeFlavor::CurrentThread, "only on one thread do turns say that a call waits");
    let mut call = pin!(call);
    for _ in 0..TURNS {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            return output;
        }
        yield_now().await;
    }
    #[expect(clippy::panic, reason = "a test whose call waits has failed")]
    {
        panic!("the call waits for somebody instead of coming to an end at once")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_a_few_turns_ends() {
        let turns = async {
            for _ in 0..100 {
                yield_now().await;
            }
            7
        };
        assert_eq!(at_once(turns).await, 7);
        assert_eq!(at_once(tokio::spawn(async { 8 })).await.unwrap(), 8);
    }

    #[tokio::test]
    #[should_panic(expected = "waits for somebody")]
    async fn what_never_comes_is_a_failure() {
        at_once(std::future::pending::<()>()).await;
    }
}
