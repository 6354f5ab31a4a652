//! What a fuzzer found worth keeping (fuzz/corpus), without the fuzzer.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

#[path = "../../../fuzz/checks/h264_stream.rs"]
mod h264_stream;
#[path = "../../../fuzz/checks/h265_stream.rs"]
mod h265_stream;
#[path = "../../../fuzz/checks/mp4_file.rs"]
mod mp4_file;
#[path = "../../../fuzz/checks/packets.rs"]
mod packets;

fn each_of(target: &str, check: fn(&[u8])) {
    let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        check(&std::fs::read(file).unwrap());
    }
}

#[test]
fn what_holds_of_any_mp4_file_holds_of_the_corpus() {
    each_of("mp4_file", mp4_file::any_bytes);
}

#[test]
fn what_holds_of_any_h264_stream_holds_of_the_corpus() {
    each_of("h264_stream", h264_stream::any_bytes);
}

#[test]
fn what_holds_of_any_h265_stream_holds_of_the_corpus() {
    each_of("h265_stream", h265_stream::any_bytes);
}
