//! `louver redact`: the same seeing and masking on a video file.

use std::process::ExitCode;

use crate::error::Error;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "Examples:\n  louver redact in.mp4 -o out.mp4";

/// Arguments of `louver redact`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// Masks people in a video file.
pub(crate) fn run(_args: &Args, _settings: &DetectorSettings) -> Result<ExitCode, Error> {
    Err(Error::failed("`louver redact` is not built yet", ""))
}
