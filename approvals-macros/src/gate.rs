//! From the attribute and its item to what stands in their place.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote};

use crate::attr::Options;
use crate::check::Gated;
use crate::expand;
use crate::mistakes::Mistakes;
use crate::shape::Shape;
use crate::sig::Function;

pub(crate) fn gate(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(mistake) => {
            let function =
                item.clone().into_iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "fn"));
            let message =
                "`#[requires_approval]` belongs on an `async fn`, where the privileged work is done";
            let mistake = if function { mistake } else { syn::Error::new_spanned(&item, message) };
            let mistake = mistake.into_compile_error();
            return quote!(#item #mistake);
        }
    };
    let mut mistakes = Mistakes::default();
    let options = Options::parse(attr, &mut mistakes);
    function.refuse_second_gate(&mut mistakes);
    let arguments = function.take_arguments(&mut mistakes);
    let shape = Shape::of(&function, &mut mistakes);
    let gated = Gated { function: &function, options: &options, arguments: &arguments };
    gated.check(shape.as_ref().map(|shape| &shape.form), &mut mistakes);
    match (mistakes.into_error(), shape) {
        (None, Some(shape)) => expand::expand(&gated, &shape),
        (error, _) => {
            // Without our attributes the item still stands, so that its callers do not fail as well.
            let error = error.map(syn::Error::into_compile_error);
            let mut tokens = function.to_token_stream();
            tokens.extend(error);
            tokens
        }
    }
}
