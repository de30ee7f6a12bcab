async fn export(token: &str) -> Res<u64> {
    Ok(1)
}
::core::compile_error! {
    "unknown risk `hihg`; did you mean `high`? (known: `low`, `medium`, `high`, `critical`)"
}
