//! An attribute of somebody else's that wraps a function, to be written above and below ours.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

const WRAPPED: &str = "
    let mut attempt = 1;
    loop {
        let outcome = async BODY.await;
        if outcome.is_ok() || attempt == 3 {
            return outcome;
        }
        attempt += 1;
    }
";

/// Runs the body of an `async fn` until it gives `Ok`, three times at most.
#[proc_macro_attribute]
pub fn retry(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(body) = tokens.pop() {
        let wrapped = put(&body, WRAPPED.parse().unwrap_or_default());
        tokens.push(Group::new(Delimiter::Brace, wrapped).into());
    }
    tokens.into_iter().collect()
}

/// The tokens with the body in its place.
fn put(body: &TokenTree, tokens: TokenStream) -> TokenStream {
    let put = |token| match token {
        TokenTree::Ident(word) if word.to_string() == "BODY" => body.clone(),
        TokenTree::Group(group) => Group::new(group.delimiter(), put(body, group.stream())).into(),
        other => other,
    };
    tokens.into_iter().map(put).collect()
}
