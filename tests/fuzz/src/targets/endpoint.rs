//! What an endpoint answers to a card.

use approvals::backend::Backend as _;

use crate::input::{Input, text};
use crate::world::run_with;

/// Status and content type, a line each, then the body.
pub fn run(data: &[u8]) {
    check(data, |told, _| told);
}

/// The same with another way to tell an error, which may look at the body.
pub fn check(data: &[u8], tells: impl Fn(String, &str) -> String) {
    let mut input = Input(data);
    let status = input.text_line().trim().parse::<u16>().unwrap_or(200).clamp(100, 999);
    let kind = input.text_line();
    let body = text(input.0);
    run_with(async |world| {
        world.transport.answer(status, &kind, body.clone());
        let card = world.card().await;
        let presented = world.webhook.present(&card).await;
        match presented {
            Ok(presented) => {
                assert!((200..300).contains(&status) || status == 409, "{status}");
                let reference = presented.reference.as_str();
                assert!(!reference.is_empty() && reference.len() <= 256);
                assert!(reference.bytes().all(|byte| byte.is_ascii_graphic()), "{reference}");
            }
            Err(error) => {
                let told = tells(error.to_string(), &body);
                assert!(!body.contains("s3cr3t") || !told.contains("s3cr3t"), "law 12: {told}");
                assert!(told.len() < 2_000);
            }
        }
    });
}
