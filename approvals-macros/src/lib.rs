//! The attribute `#[requires_approval]` of `action-approvals`; use it through the facade `approvals`.

mod attr;
mod check;
mod credential;
mod expand;
mod gate;
#[cfg(test)]
mod golden;
mod look;
mod mark;
mod mistakes;
mod notice;
mod people;
mod shape;
mod sig;
mod source;
mod template;

use crate::gate::gate;

#[doc = include_str!("docs.md")]
#[proc_macro_attribute]
pub fn requires_approval(
    attr: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    gate(attr.into(), item.into()).into()
}
