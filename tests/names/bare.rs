//! A module in which nothing has a name until it is given one.
#![no_implicit_prelude]

#[::gates::requires_approval(
    risk = "high",
    reason = "{rows} {name}",
    key = "{name}/{rows}",
    labels(rows = rows),
    show(all = (rows, name)),
    crate = ::gates
)]
pub(crate) async fn gated(
    rows: u64,
    name: &str,
    #[approval(secret)] token: &str,
) -> ::core::result::Result<u64, ::gates::ApprovalError> {
    let _ = (name, token);
    ::core::result::Result::Ok(rows)
}

#[::gates::requires_approval(risk = "high", crate = ::gates)]
pub(crate) fn boxed<'a>(
    rows: &'a u64,
) -> ::std::pin::Pin<
    ::std::boxed::Box<
        dyn ::core::future::Future<Output = ::core::result::Result<&'a u64, ::gates::ApprovalError>> + 'a,
    >,
> {
    ::std::boxed::Box::pin(async move { ::core::result::Result::Ok(rows) })
}
