//! Where the gate goes: into an `async fn`, or into the one future that a function returns.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::quote;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprAsync, ExprPath, GenericArgument, Path, PathArguments, ReturnType, Safety, Stmt, Type,
    TypeInfer, TypeParamBound,
};

use crate::mistakes::Mistakes;
use crate::sig::Function;

/// A body that can be gated.
pub(crate) struct Shape {
    /// What the body resolves to, `Result<T, E>` or an alias of it.
    pub(crate) output: Type,
    /// The statements that wait for the permit, in braces of their own: an item among them, such as
    /// `use std::io::Result`, must not change what the return type means where the expansion repeats it.
    pub(crate) statements: Group,
    /// The closing brace of these statements.
    pub(crate) end: Span,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    /// `async fn`
    Async,
    /// `fn` with the one tail `Box::pin(async move { … })`: what `#[async_trait]` leaves. Holds where `Box::pin` stood.
    Boxed(Span),
    /// `fn` with the one tail `async move { … }`.
    Future,
}

impl Shape {
    /// The shape of a function, or nothing and the mistakes that say why.
    pub(crate) fn of(function: &Function, mistakes: &mut Mistakes) -> Option<Self> {
        let signature = &function.signature;
        if let Some(word) = &signature.constness {
            mistakes.at(word, "a `const fn` cannot wait for people; make it an `async fn`");
            return None;
        }
        if let Safety::Unsafe(word) = &signature.safety {
            mistakes.at(word, "an `unsafe fn` cannot be gated; gate a safe `async fn` that calls it");
        }
        if let Some(abi) = &signature.abi {
            mistakes.at(abi, "a foreign ABI cannot wait for people; gate an `async fn` that it calls");
        }
        let Some(body) = &function.body else {
            let message = "there is no body to gate; put the attribute on the method in the `impl`";
            mistakes.at(&signature.ident, message);
            return None;
        };
        let shape = if signature.asyncness.is_some() {
            let output = match &signature.output {
                ReturnType::Type(_, output) => output.as_ref().clone(),
                ReturnType::Default => {
                    mistakes.at(&signature.ident, NO_RESULT);
                    return None;
                }
            };
            let end = body.braces.span_close();
            Self { output, statements: braced(body.statements.clone(), end), end, form: Form::Async }
        } else {
            let ReturnType::Type(_, ty) = &signature.output else {
                mistakes.at(signature.fn_token, SYNC);
                return None;
            };
            let Some(output) = output(ty) else {
                mistakes.at(signature.fn_token, SYNC);
                return None;
            };
            let statements = mistakes.keep(Block::parse_within.parse2(body.statements.clone()))?;
            let (items, form, future) = mistakes.keep(tail(statements, body.braces.span()))?;
            let end = future.block.brace_token.span.close();
            let stmts = &future.block.stmts;
            // Items run nothing, and nothing but the future can name them.
            let statements = braced(quote!(#(#items)* #(#stmts)*), end);
            Self { output: output.clone(), statements, end, form }
        };
        if is_result(&shape.output) {
            return Some(shape);
        }
        mistakes.at(&shape.output, NO_RESULT);
        None
    }

    /// The output with every `impl Trait` left to inference, for a `let`, where it has no name.
    pub(crate) fn output_for_let(&self) -> Type {
        let mut output = self.output.clone();
        InferImpl.visit_type_mut(&mut output);
        output
    }
}

const SYNC: &str = "a function that is not `async` cannot wait for people; make it an `async fn`";
const NO_RESULT: &str = "a refusal needs a way out; return `Result<T, E>` with `E: From<ApprovalError>`, or add the \
                         option `error = …`";

/// `R` of `impl Future<Output = R>`, `Pin<Box<dyn Future<Output = R> + …>>` and its usual alias `BoxFuture<'_, R>`.
fn output(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(ty) => ty.bounds.iter().find_map(future_output),
        Type::TraitObject(ty) => ty.bounds.iter().find_map(future_output),
        Type::Paren(ty) => output(&ty.elem),
        Type::Group(ty) => output(&ty.elem),
        Type::Path(ty) => {
            let last = ty.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
            let inner = arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })?;
            match last.ident.to_string().as_str() {
                "Pin" | "Box" => output(inner),
                "BoxFuture" | "LocalBoxFuture" => Some(inner),
                _ => None,
            }
        }
        _ => None,
    }
}

fn future_output(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let last = bound.path.segments.last().filter(|last| last.ident == "Future")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
        _ => None,
    })
}

/// At the closing brace, where a body without its tail expression is then reported; but ours, so that no lint asks the
/// author to remove them.
fn braced(statements: TokenStream, end: Span) -> Group {
    let mut braces = Group::new(Delimiter::Brace, statements);
    braces.set_span(end.resolved_at(Span::mixed_site()));
    braces
}

/// The one future that is the whole body, and the items before it.
fn tail(statements: Vec<Stmt>, body: Span) -> syn::Result<(Vec<Stmt>, Form, ExprAsync)> {
    let usage =
        "only a body that is one `async move { … }`, or one `Box::pin(async move { … })`, can be gated";
    let (items, statements): (Vec<_>, Vec<_>) =
        statements.into_iter().partition(|statement| matches!(statement, Stmt::Item(_)));
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else {
        return Err(syn::Error::new(body, usage));
    };
    if statements.next().is_some() {
        // Law 1: it would run when the function is called, before there is any permit.
        let message = "this would run before the permit; move it into the `async move { … }`";
        return Err(syn::Error::new_spanned(first, message));
    }
    match first {
        Stmt::Expr(Expr::Async(future), None) if future.capture.is_some() => {
            Ok((items, Form::Future, future))
        }
        Stmt::Expr(Expr::Call(call), None) if is_box_pin(&call.func) && call.args.len() == 1 => {
            match call.args.into_iter().next() {
                Some(Expr::Async(future)) if future.capture.is_some() => {
                    Ok((items, Form::Boxed(call.func.span()), future))
                }
                other => Err(syn::Error::new_spanned(other, usage)),
            }
        }
        other => Err(syn::Error::new_spanned(other, usage)),
    }
}

/// By its names alone. A `pin` of the author's own would run before the permit, so the expansion calls the real one
/// whatever these names mean (law 1).
fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(ExprPath { qself: None, path, .. }) = function else { return false };
    let plain = path.segments.iter().all(|segment| segment.arguments.is_none());
    let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    plain
        && match names.as_slice() {
            ["Box", "pin"] => path.leading_colon.is_none(),
            ["std" | "alloc", "boxed", "Box", "pin"] => true,
            _ => false,
        }
}

/// Whether a type may be a `Result` or an alias of one. What only looks like one is left to the compiler, which
/// knows aliases.
fn is_result(ty: &Type) -> bool {
    const OTHERS: &[&str] = &[
        "Option", "String", "Vec", "Box", "Arc", "Rc", "bool", "char", "str", "u8", "u16", "u32", "u64",
        "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    match ty {
        Type::Path(ty) => !last_is(&ty.path, OTHERS),
        Type::Paren(ty) => is_result(&ty.elem),
        Type::Group(ty) => is_result(&ty.elem),
        Type::Macro(_) | Type::Verbatim(_) => true,
        _ => false,
    }
}

fn last_is(path: &Path, names: &[&str]) -> bool {
    path.segments.last().is_some_and(|last| names.iter().any(|name| last.ident == name))
}

struct InferImpl;

impl VisitMut for InferImpl {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => {
                *ty = Type::Infer(TypeInfer { attrs: Vec::new(), underscore_token: Default::default() })
            }
            other => visit_mut::visit_type_mut(self, other),
        }
    }
}
