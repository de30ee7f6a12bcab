//! Secrets by themselves and by an expression over them.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

use std::cell::Cell;

use approvals::{ApprovalError, Risk, Secret, requires_approval};

type Res<T> = Result<T, ApprovalError>;

/// Of another crate, as far as we know.
pub struct Token {
    text: String,
    used: Cell<u64>,
}

impl Token {
    fn reveal(&self) -> &str {
        &self.text
    }
}

#[requires_approval(risk = "high", reason = "as {user}")]
async fn by_method(user: &str, #[approval(secret = token.reveal())] token: Token) -> Res<usize> {
    token.used.set(1);
    Ok(token.reveal().len() + user.len())
}

#[requires_approval(risk = if pin.0 == 0 { Risk::High } else { Risk::Critical })]
async fn by_field(#[approval(secret = pin.0.to_be_bytes())] pin: (u64, bool)) -> Res<u64> {
    Ok(pin.0)
}

#[requires_approval(risk = "high")]
async fn by_place(#[approval(secret = token.text)] token: &mut Token) -> Res<()> {
    token.text.clear();
    Ok(())
}

#[requires_approval(risk = "high")]
async fn unsized_place(#[approval(secret = *bytes)] bytes: Box<[u8]>) -> Res<usize> {
    Ok(bytes.len())
}

#[requires_approval(risk = "high")]
async fn by_themselves(
    #[approval(secret)] password: Secret<String>,
    #[approval(secret)] api_key: Option<&[u8]>,
) -> Res<usize> {
    Ok(password.expose().len() + api_key.map_or(0, <[u8]>::len))
}

fn main() {
    let token = || Token { text: String::new(), used: Cell::new(0) };
    drop((by_method("kim", token()), by_field((1, true)), by_place(&mut token())));
    drop((unsized_place(Box::new([1])), by_themselves(Secret::from("a"), None)));
}
