//! `louver eval`: how well Louver does what it promises, in figures.

mod gate;
mod mask;
mod scenes;
mod speed;
mod track;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use louver_codec::detector::{Detector, FaceDetector, ModelKind};
use louver_file::{EvalReport, FileError, Truth};

use crate::error::Error;
use crate::settings::DetectorSettings;
use crate::{detector, redact};

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
    /// Measure how well people are followed: IDF1, MOTA, switches, events a person
    Track(track::Args),
    /// Measure what seeing costs beside the bare decoding of the same stream, busy and quiet
    Speed(speed::Args),
    /// Measure what leaving out quiet pictures saves, and whether events are missed by it
    Gate(gate::Args),
    /// Measure the hard cases, built of a clip's own pixels: standing still, light, a turned camera, loss, night
    Scenes(scenes::Args),
}

/// What every measurement is given.
#[derive(Debug, clap::Args)]
struct Given {
    /// Video file
    #[arg(long, value_name = "FILE")]
    video: PathBuf,
    /// Detector model (ONNX), in place of the one that the settings name
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// How the model is read: ssd-mobilenet-v2, yolox or deimv2; guessed from its name if not given
    #[arg(long, value_name = "KIND", requires = "model")]
    kind: Option<ModelKind>,
    /// Print the figures as JSON (docs/eval.schema.json)
    #[arg(long)]
    json: bool,
}

impl Given {
    fn load(&self, settings: &DetectorSettings) -> Result<Detector, Error> {
        redact::load(self.model.as_deref(), self.kind, settings)
    }
}

/// Measures.
pub(crate) fn run(args: &Args, settings: &DetectorSettings) -> Result<ExitCode, Error> {
    match &args.what {
        What::Mask(args) => mask::run(args, settings)?,
        What::Track(args) => track::run(args, settings)?,
        What::Speed(args) => speed::run(args, settings)?,
        What::Gate(args) => gate::run(args, settings)?,
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
