//! See the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    let orders = std::env::args().nth(1).unwrap_or_default();
    match approvals_crash::obey(&orders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
