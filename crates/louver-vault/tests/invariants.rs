//! Invariant 1: what a store takes as `Sealed` cannot be an original, because that does not compile.

#[test]
fn an_original_is_refused_by_the_compiler_where_sealed_is_asked_for() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
