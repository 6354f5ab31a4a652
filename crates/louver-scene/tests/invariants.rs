//! Invariant 1: an original cannot be stored, sent or shown, because that does not compile.

#[test]
fn an_original_is_refused_by_the_compiler_where_masked_is_asked_for() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
