//! Names of the user's that could be taken for ours, and functions that a macro writes.
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(dead_code, reason = "only compiled")]

extern crate approvals as renamed;

use approvals::ApprovalError;

mod core {}
mod std {}
mod linkme {}

struct SITE;
struct Result;
struct Gate;

pub struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

mod inner {
    mod approvals {}
    mod __private {}

    #[::approvals::requires_approval(risk = "low", reason = "{gate} {turn} {f}", labels(f = f, capturer = gate))]
    pub async fn locals(
        gate: u8,
        permit: u8,
        turn: u8,
        outcome: u8,
        output: u8,
        refusal: u8,
        f: u8,
        #[approval(show = (capturer, gate))] capturer: u8,
    ) -> ::core::result::Result<u8, super::OpsError> {
        let _ = super::SITE;
        Ok(gate + permit + turn + outcome + output + refusal + f + capturer)
    }
}

macro_rules! gated {
    ($name:ident, $action:literal, $risk:expr, $argument:ident: $ty:ty, $key:literal) => {
        #[approvals::requires_approval(risk = $risk, action = $action, reason = "on {here} and {row}", key = $key)]
        async fn $name($argument: $ty, here: u8, row: u8) -> ::core::result::Result<$ty, OpsError> {
            let _ = (here, row);
            Ok($argument)
        }
    };
}

gated!(first, "first", "high", rows: u64, "{rows}");
gated!(second, "second", approvals::Risk::Low, name: ::std::string::String, "{name}/{row}");

#[renamed::requires_approval(risk = "low", crate = ::renamed)]
async fn elsewhere(rows: u64) -> ::core::result::Result<u64, OpsError> {
    Ok(rows)
}

fn main() {
    drop((
        inner::locals(1, 2, 3, 4, 5, 6, 7, 8),
        first(1, 2, 3),
        second(::std::string::String::new(), 1, 2),
        elsewhere(1),
    ));
}
