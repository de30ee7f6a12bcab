//! The cursor that an endpoint gives with its decisions, and that the next question takes back.

use serde_json::Value;

use crate::input::text;
use crate::world::run_with;

/// The longest cursor, in bytes.
const LONGEST: usize = 1024;

/// The cursor in JSON, or as it is where that is none. It comes with a sealed decision.
pub fn run(data: &[u8]) {
    check(data, |question| question);
}

/// The same with another question.
pub fn check(data: &[u8], asks: impl Fn(Value) -> Value) {
    let given = text(data);
    let cursor = serde_json::from_str(&given).unwrap_or_else(|_| Value::from(given.as_str()));
    run_with(async |world| {
        let head = world.fill(r#"{"format":"approvals.answers/1","decisions":[{sealed}],"cursor":"#);
        world.transport.answer(200, "application/json", format!("{head}{cursor}}}"));
        let before = world.state().await.version();
        world.ask().await;
        let counted = world.state().await.version() != before;
        let sound = cursor.is_null() || cursor.as_str().is_some_and(|cursor| cursor.len() <= LONGEST);
        assert_eq!(counted, sound, "an answer with a cursor that is none is not taken in: {cursor}");
        // Card, question, and what follows an answer that was taken in.
        assert_eq!(world.transport.asked(), if sound { 3 } else { 2 }, "{cursor}");
        if sound {
            let question = asks(serde_json::from_slice(&world.transport.last()).unwrap());
            assert_eq!(question["cursor"], cursor, "the cursor comes back as it was given");
        }
    });
}
