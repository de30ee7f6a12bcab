//! What `#[requires_approval]` accepts and what it refuses, one program each.

#[test]
fn what_is_refused_says_why_at_the_word() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn every_documented_shape_compiles() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
