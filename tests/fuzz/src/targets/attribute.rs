//! What stands in `#[requires_approval(…)]` and below it.

use approvals_fuzz_attribute::expand;
use proc_macro2::{TokenStream, TokenTree};

use crate::input::{Input, text};

/// Deeper than this nobody writes, and a compiler refuses it before us.
const DEEPEST: usize = 48;

/// The options on the first line, the item below.
pub fn run(data: &[u8]) {
    check(data, expand);
}

/// The same with another expansion.
pub fn check(data: &[u8], expand: impl Fn(TokenStream, TokenStream) -> TokenStream) {
    let mut input = Input(data);
    let (options, item) = (input.text_line(), text(input.0));
    let (Ok(options), Ok(item)) = (options.parse::<TokenStream>(), item.parse::<TokenStream>()) else {
        return;
    };
    if depth(&options) > DEEPEST || depth(&item) > DEEPEST {
        return;
    }
    let made = expand(options.clone(), item.clone()).to_string();
    assert_eq!(expand(options, item.clone()).to_string(), made, "the same becomes the same");
    let refused = made.contains("compile_error");
    assert!(refused || made.contains("__private"), "what is not refused is gated: {made}");
    let is_function = syn::parse2::<syn::ItemFn>(item).is_ok();
    assert!(refused || !is_function || syn::parse_str::<syn::File>(&made).is_ok(), "{made}");
}

fn depth(tokens: &TokenStream) -> usize {
    let mut deepest = 0;
    let mut open = vec![(tokens.clone(), 1)];
    while let Some((tokens, depth)) = open.pop() {
        deepest = deepest.max(depth);
        open.extend(tokens.into_iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some((group.stream(), depth + 1)),
            _ => None,
        }));
    }
    deepest
}
