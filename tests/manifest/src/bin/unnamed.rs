//! Depends on the library and names nothing of it. Prints its manifest as JSON.

fn main() -> Result<(), approvals::manifest::ManifestError> {
    print!("{}", approvals::manifest()?.to_json());
    Ok(())
}
