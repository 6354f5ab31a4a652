//! `louver eval mask`: how well masking works, against ground truth.

use std::path::PathBuf;

use louver_codec::detector::ModelKind;
use louver_file::{FileError, MaskReport, Share, Truth, measure_masking};

use super::{cannot, print_json};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval mask --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval mask --video vtest.avi --truth gt.txt --model deimv2_femto.onnx --json > femto.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Video file
    #[arg(long, value_name = "FILE")]
    video: PathBuf,
    /// Ground truth, MOT Challenge text: frame from 1, id, left, top, width, height
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Detector model (ONNX), in place of the one that the settings name
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// How the model is read: ssd-mobilenet-v2, yolox or deimv2; guessed from its name if not given
    #[arg(long, value_name = "KIND", requires = "model")]
    kind: Option<ModelKind>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Measures masking.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let truth = Truth::read(&args.truth).map_err(|e| cannot(FileError::Truth(e)))?;
    let load = || redact::load(args.model.as_deref(), args.kind, settings);
    let (detector, mut second) = (load()?, load()?);
    let bar = redact::bar("measuring", Some(1000));
    let report = measure_masking(&args.video, &truth, detector, &mut second, |share| {
        bar.set_position((share * 1000.0) as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    if args.json {
        return print_json(&report);
    }
    print(&report);
    Ok(())
}

fn print(r: &MaskReport) {
    let row =
        |what: &str, s: Share| println!("  {what:<44} {:>6.2} %   ({} of {})", s.percent, s.count, s.of);
    println!("{} with {}, {} pictures", r.footage, r.model, r.frames);
    row("head leak", r.shown.head);
    row("body leak", r.shown.body);
    row("head leak of the backdrop alone", r.backdrop_alone.head);
    row("body leak of the backdrop alone", r.backdrop_alone.body);
    row("head leak if nothing were masked", r.unmasked.head);
    row("over-mask", r.over_mask);
    row("over-mask that can be seen", r.over_mask_visible);
    row("detector on output, person-frames found", r.detector_on_output);
    row("detector on input, person-frames found", r.detector_on_input);
    row("tracks followed", r.tracks_followed);
    let s = r.speed;
    println!(
        "  {:.0} pictures a second; a picture: decode {:.2} ms, see {:.2} ms, detect {:.2} ms; {:.2} sweeps a second of video",
        s.frames_per_second, s.decode_ms, s.see_ms, s.detect_ms, s.sweeps_per_second
    );
}
