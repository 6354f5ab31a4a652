//! What a fuzzer found worth keeping (fuzz/corpus), without the fuzzer.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

#[path = "../../../fuzz/checks/sealed_segment.rs"]
mod sealed_segment;

#[test]
fn what_holds_of_any_sealed_segment_holds_of_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/sealed_segment");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        sealed_segment::any_bytes(&std::fs::read(file).unwrap());
    }
}
