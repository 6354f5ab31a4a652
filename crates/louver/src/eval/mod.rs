//! `louver eval`: how well Louver does what it promises, in figures.

mod mask;
mod scenes;

use std::path::Path;
use std::process::ExitCode;

use louver_codec::detector::FaceDetector;
use louver_file::{EvalReport, FileError, Truth};

use crate::detector;
use crate::error::Error;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval scenes --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt --scene still-appears
  louver eval mask --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval mask --video vtest.avi --truth gt.txt --model deimv2_femto.onnx --faces yunet.onnx --json > femto.json";

/// Arguments of `louver eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Measure leaks, over-masking and what a detector still finds, picture by picture
    Mask(mask::Args),
    /// Measure the hard cases, built of a clip's own pixels: standing still, light, a turned camera, loss, night
    Scenes(scenes::Args),
}

/// Measures.
pub(crate) fn run(args: &Args, settings: &DetectorSettings) -> Result<ExitCode, Error> {
    match &args.what {
        What::Mask(args) => mask::run(args, settings)?,
        What::Scenes(args) => scenes::run(args, settings)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The sentence for a measurement that did not come to its end.
fn cannot(e: FileError) -> Error {
    Error::because("nothing can be measured", e)
}

/// Ground truth; nobody at all where no file is named.
fn truth(file: Option<&Path>) -> Result<Truth, Error> {
    let read = file.map(|f| Truth::read(f).map_err(|e| cannot(FileError::Truth(e)))).transpose()?;
    Ok(read.unwrap_or_default())
}

/// The face detector, with the library that the settings and usual places give.
fn load_faces(model: &Path, settings: &DetectorSettings) -> Result<FaceDetector, Error> {
    let library = detector::find(settings)?.library;
    FaceDetector::load(&library, model).map_err(|e| Error::because("the face detector cannot be used", e))
}

/// Prints figures as JSON.
fn print_json(report: &EvalReport) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::because("no JSON", e))?;
    println!("{text}");
    Ok(())
}
