//! What this crate's tests and benchmarks run as their decoding process; in Louver it is `louver decode-child`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match louver_codec::decode_for_parent() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
