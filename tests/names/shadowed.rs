//! Names of the user's where the expansion could look for ours, or for those of the standard library.
#![allow(
    dead_code,
    unused_macros,
    non_camel_case_types,
    clippy::upper_case_acronyms,
    reason = "they only stand in the way"
)]

mod approvals {}
mod core {}
mod std {}
mod alloc {}
mod gates {}
mod linkme {}
mod __private {}

struct Result;
struct Option;
struct Box;
struct String;
struct Ok;
struct Err;
struct Some;
struct None;
struct Gate;
struct Turn;
struct Risk;
struct SITE;
struct SITES;
struct bool;

trait Future {}
trait Fn {}
trait Send {}
trait Into {}
trait From {}

macro_rules! in_the_way {
    ($($name:ident)*) => {
        $(macro_rules! $name {
            ($d:tt) => {
                compile_error!("the user's own macro was taken")
            };
        })*
    };
}
in_the_way!(concat file line module_path format_args panic write);

fn drop() {}
fn refuse() {}

#[::gates::requires_approval(
    risk = "high",
    reason = "{rows} {name}",
    labels(rows = rows),
    show(all = (rows, name)),
    crate = ::gates
)]
async fn gated(
    rows: u64,
    name: &str,
    #[approval(secret)] token: &str,
) -> ::core::result::Result<u64, ::gates::ApprovalError> {
    let _ = (SITE, Gate, name, token);
    drop();
    refuse();
    ::core::result::Result::Ok(rows)
}

#[::tokio::test]
async fn names_of_the_users_are_not_taken_for_ours() {
    ::core::assert_eq!(crate::denied_and_approved(async || gated(1, "a", "b").await).await.unwrap(), 1);
}
