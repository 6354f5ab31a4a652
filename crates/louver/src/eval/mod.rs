//! `louver eval`: how well Louver does what it promises, in figures.

mod mask;

use std::process::ExitCode;

use crate::error::Error;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval mask --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval mask --video vtest.avi --truth gt.txt --model deimv2_femto.onnx --json > femto.json";

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
}

/// Measures.
pub(crate) fn run(args: &Args, settings: &DetectorSettings) -> Result<ExitCode, Error> {
    match &args.what {
        What::Mask(args) => mask::run(args, settings)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The sentence for a measurement that did not come to its end.
fn cannot(e: louver_file::FileError) -> Error {
    Error::because("nothing can be measured", e)
}

/// Prints figures as JSON.
fn print_json(report: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::because("no JSON", e))?;
    println!("{text}");
    Ok(())
}
