//! What can go wrong with a detector.

use std::path::PathBuf;

use crate::CodecError;

/// Why a detector cannot be had or did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorError {
    /// The library file is not there.
    #[error(
        "ONNX Runtime is not at {0}: run `make setup`, or name libonnxruntime.so as `library` under [detector]"
    )]
    NoLibrary(PathBuf),
    /// The library cannot be loaded.
    #[error("{path} is not an ONNX Runtime library that can be used: {reason}")]
    Library {
        /// The file.
        path: PathBuf,
        /// The loader's reason.
        reason: String,
    },
    /// The model file is not there.
    #[error(
        "the detector model is not at {0}: run `make setup`, or name another as `model` under [detector]"
    )]
    NoModel(PathBuf),
    /// The model cannot be read.
    #[error("{path} is not a model that can be used (damaged, or not ONNX): {reason}")]
    Model {
        /// The file.
        path: PathBuf,
        /// ONNX Runtime's reason.
        reason: String,
    },
    /// The model is of another layout than the settings say.
    #[error("{path} is not a model of kind {kind}: {reason}")]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kind that was asked for.
        kind: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// No kind was given and the file's name suggests none.
    #[error("{0}: say what kind of model this is: ssd-mobilenet-v2, yolox or deimv2")]
    UnknownKind(PathBuf),
    /// A run failed.
    #[error("the detector failed: {0}")]
    Run(String),
    /// The picture could not be prepared.
    #[error("the picture could not be scaled for the detector")]
    Scale(#[source] CodecError),
}

/// A library's message, short enough for a sentence.
pub(super) fn first_line(e: &dyn std::fmt::Display) -> String {
    e.to_string().lines().next().unwrap_or("no reason given").chars().take(300).collect()
}
