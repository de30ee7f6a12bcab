//! Names the library and calls nothing of it. Prints its manifest as JSON.

use gated_library as _;

fn main() -> Result<(), approvals::manifest::ManifestError> {
    print!("{}", approvals::manifest()?.to_json());
    Ok(())
}
