//! What a fuzzer found worth keeping (fuzz/corpus), without the fuzzer.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

#[path = "../../../fuzz/checks/scene_stream.rs"]
mod scene_stream;

#[test]
fn what_holds_of_any_scene_stream_holds_of_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/scene_stream");
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        scene_stream::any_bytes(&std::fs::read(file).unwrap());
    }
}
