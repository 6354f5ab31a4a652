//! `louver redact`: the same seeing and masking on a video file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use indicatif::{ProgressBar, ProgressStyle};
use louver_codec::VideoFile;
use louver_codec::detector::{Detector, ModelKind};
use louver_file::{FileError, Pass, RedactReport};

use crate::error::Error;
use crate::settings::DetectorSettings;
use crate::{detector, stop};

const EXAMPLES: &str = "\
Examples:
  louver redact in.mp4 -o out.mp4
  louver redact in.mp4 -o out.mp4 --report report.json
  louver redact in.mp4 -o out.mp4 --policy everything
  louver redact in.mp4 -o out.mp4 --model deimv2_femto.onnx --kind deimv2

The output has the pictures and times of the input at its size. People and whatever else moves are drawn as boxes
over the place as it is without them; until the place is known (a few seconds) it is grey. Sound is left out, because
voices are personal too; --audio keeps it. The output appears whole at the end, or not at all.";

/// What is left to be seen.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Policy {
    /// The place without its people; what moves is drawn as boxes
    People,
    /// Boxes on flat ground: the place is hidden too
    Everything,
}

/// Arguments of `louver redact`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Video file to mask, of any kind that libav reads
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Video file (MP4) to write; an existing file is never overwritten
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Detector model (ONNX), in place of the one that the settings name
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// How the model is read: ssd-mobilenet-v2, yolox or deimv2; guessed from its name if not given
    #[arg(long, value_name = "KIND", requires = "model")]
    kind: Option<ModelKind>,
    /// File (JSON) for counts, model and speed
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What is left to be seen
    #[arg(long, value_name = "POLICY", default_value = "people")]
    policy: Policy,
    /// Keep the sound of the input, as it is
    #[arg(long)]
    audio: bool,
}

/// Masks people in a video file.
pub(crate) fn run(args: &Args, settings: &DetectorSettings) -> Result<ExitCode, Error> {
    if args.out.exists() {
        return Err(Error::Exists(args.out.clone()));
    }
    let file = VideoFile::open(&args.input).map_err(unreadable)?;
    let detector = load(args.model.as_deref(), args.kind, settings)?;
    let stop = stop::on_signal()?;
    let bar = bar("masking", file.frames_expected());
    let policy = match args.policy {
        Policy::People => louver_file::Policy::People,
        Policy::Everything => louver_file::Policy::Everything,
    };
    let sound = args.audio.then_some(args.input.as_path());
    let masked = louver_file::redact(Pass::new(file, detector), &args.out, policy, sound, |progress| {
        if let Some(of) = progress.of {
            bar.set_length(of.max(progress.frames));
        }
        bar.set_position(progress.frames);
        !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    let report = masked.map_err(failed)?;
    if let Some(path) = &args.report {
        write_report(path, &report)?;
    }
    println!(
        "Wrote {} ({} pictures, {:.1} s of video, {:.1} pictures a second).",
        args.out.display(),
        report.frames,
        report.seconds,
        report.frames_per_second
    );
    println!(
        "  people drawn in {} pictures, unknown movement in {}, mostly hidden {} (the place was not known yet)",
        report.frames_with_people, report.frames_with_unknown_movement, report.frames_mostly_hidden
    );
    Ok(ExitCode::SUCCESS)
}

/// Loads the model that was named, or the one that the settings and usual places give.
pub(crate) fn load(
    model: Option<&Path>,
    kind: Option<ModelKind>,
    settings: &DetectorSettings,
) -> Result<Detector, Error> {
    let mut settings = settings.clone();
    if let Some(model) = model {
        settings.model = Some(model.to_owned());
        settings.kind = kind;
    }
    let found = detector::find(&settings)?;
    Detector::load(&found.library, &found.model, found.kind)
        .map_err(|e| Error::because("the detector cannot be used", e))
}

/// A progress bar over pictures, with the time left.
pub(crate) fn bar(doing: &str, of: Option<u64>) -> ProgressBar {
    let template = format!("{doing} {{bar:40}} {{pos}} of {{len}} pictures, {{per_sec}}, {{eta}} left");
    ProgressBar::new(of.unwrap_or(0))
        .with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn unreadable(e: louver_codec::CodecError) -> Error {
    Error::because("the video cannot be masked; nothing was written", e)
}

/// The sentence for a pass over a file that did not end well.
pub(crate) fn failed(e: FileError) -> Error {
    match e {
        FileError::Stopped => Error::failed("stopped; nothing was written", ""),
        FileError::Exists(path) => Error::Exists(path),
        other => Error::because("the video cannot be masked; nothing was written", other),
    }
}

fn write_report(path: &Path, report: &RedactReport) -> Result<(), Error> {
    let text =
        serde_json::to_string_pretty(report).map_err(|e| Error::because("the report cannot be made", e))?;
    std::fs::write(path, text + "\n").map_err(|source| Error::File {
        doing: "written",
        file: path.to_owned(),
        source,
    })
}
