//! The sources of `approvals-macros`: a crate of procedural macros gives nothing else away, and runs in a compiler only.

#[path = "../../../../approvals-macros/src/attr.rs"]
mod attr;
#[path = "../../../../approvals-macros/src/check.rs"]
mod check;
#[path = "../../../../approvals-macros/src/credential.rs"]
mod credential;
#[path = "../../../../approvals-macros/src/expand.rs"]
mod expand;
#[path = "../../../../approvals-macros/src/gate.rs"]
mod gate;
#[path = "../../../../approvals-macros/src/look.rs"]
mod look;
#[path = "../../../../approvals-macros/src/mark.rs"]
mod mark;
#[path = "../../../../approvals-macros/src/mistakes.rs"]
mod mistakes;
#[path = "../../../../approvals-macros/src/notice.rs"]
mod notice;
#[path = "../../../../approvals-macros/src/people.rs"]
mod people;
#[path = "../../../../approvals-macros/src/shape.rs"]
mod shape;
#[path = "../../../../approvals-macros/src/sig.rs"]
mod sig;
#[path = "../../../../approvals-macros/src/source.rs"]
mod source;
#[path = "../../../../approvals-macros/src/template.rs"]
mod template;

use proc_macro2::TokenStream;

/// What the attribute with these options makes of this item.
pub fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    gate::gate(options, item)
}
