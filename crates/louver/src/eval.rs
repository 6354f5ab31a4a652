//! `louver eval mask`: how well masking works, against ground truth.

use std::process::ExitCode;

use crate::error::Error;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "Examples:\n  louver eval mask --video v.avi --truth gt.txt --json";

/// Arguments of `louver eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// Measures masking.
pub(crate) fn run(_args: &Args, _settings: &DetectorSettings) -> Result<ExitCode, Error> {
    Err(Error::failed("`louver eval` is not built yet", ""))
}
