//! `louver eval gate`: what leaving out quiet pictures saves, and whether an event is missed by it.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use louver_codec::detector::{Detector, ModelKind};
use louver_file::gate::{CODINGS, GateEval, GateFigures, built, measure_gate};
use louver_file::{EvalReport, FileError, Measured, Truth};

use super::{cannot, print_json};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval gate --video sub_stream.mp4
  louver eval gate --build vtest.avi --truth PETS2009-S2L1-gt.mot.txt --model deimv2_femto.onnx --json > gate.json
  louver eval gate --build vtest.avi --truth gt.txt --coding steady --coding cbr --minutes 5

With --build, quiet footage with passers-by is put together from the clip's own pixels and coded by ffmpeg in the ways of
cameras: steady, vbr, low, cbr, padded, long, smart, reordered, night.";

/// Arguments of `louver eval gate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Video file, MP4 with H.264, as a camera sent it; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "build")]
    video: Vec<PathBuf>,
    /// Clip that quiet footage is built of
    #[arg(long, value_name = "FILE", requires = "truth")]
    build: Option<PathBuf>,
    /// Its ground truth, MOT Challenge text
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Only these ways of coding, separated by commas; may be given several times
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = PossibleValuesParser::new(CODINGS.map(|c| c.name)))]
    coding: Vec<String>,
    /// Minutes of built footage
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(3..=240))]
    minutes: u32,
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

/// Measures.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let detector = redact::load(args.model.as_deref(), args.kind, settings)?;
    let (model, mut files) = (detector.name(), Vec::new());
    let measured = measure(args, detector, &mut files);
    measured.map_err(cannot)?;
    let figures = GateFigures::of(files);
    if args.json {
        let footage = args.build.iter().chain(&args.video).next();
        let name = footage.and_then(|p| p.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        return print_json(&EvalReport::new(name, model, Measured::Gate(Box::new(figures))));
    }
    println!("with {model}");
    figures.files.iter().for_each(print);
    println!(
        "all together: {} of {} events are told of behind the gate",
        figures.recall.count, figures.recall.of
    );
    Ok(())
}

fn measure(args: &Args, mut detector: Detector, files: &mut Vec<GateEval>) -> Result<(), FileError> {
    for video in &args.video {
        let bar = redact::bar("measuring", Some(1000));
        let progress = |share: f64| bar.set_position((share * 1000.0) as u64);
        let (file, back) = measure_gate(video, "", &[], detector, progress)?;
        bar.finish_and_clear();
        detector = back;
        files.push(file);
    }
    let (Some(clip), Some(truth)) = (&args.build, &args.truth) else { return Ok(()) };
    let truth = Truth::read(truth)?;
    let wanted = |name: &str| args.coding.is_empty() || args.coding.iter().any(|c| c == name);
    for coding in CODINGS.iter().filter(|c| wanted(c.name)) {
        let bar = redact::bar(coding.name, Some(1000));
        let progress = |share: f64| bar.set_position((share * 1000.0) as u64);
        let (file, back) = built(clip, &truth, coding, args.minutes, detector, progress)?;
        bar.finish_and_clear();
        detector = back;
        files.push(file);
    }
    Ok(())
}

fn print(r: &GateEval) {
    println!("{} ({})", r.footage, if r.says.is_empty() { "a file" } else { &r.says });
    println!(
        "  events told of behind the gate: {} of {} ({:.1} %), {} ms later (95 %: {} ms); {} only behind it",
        r.recall.count, r.recall.of, r.recall.percent, r.later_ms_median, r.later_ms_p95, r.only_gated
    );
    println!(
        "  decoded: {:.1} % of the pictures; CPU by bare decode: quiet {:.2} (everything seen: {:.2}), whole file {:.2}",
        r.decoded.percent, r.quiet.ratio, r.quiet.ratio_everything, r.whole.ratio
    );
    let opened = &r.open_when_quiet;
    println!(
        "  the stream is {}; open while quiet, in pictures: {opened:?}",
        r.habit.unwrap_or("not known yet")
    );
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn ways_of_coding_are_given_one_by_one_or_in_one_word_and_unknown_ones_are_refused() {
        let read = |coding: &[&str]| Line::try_parse_from(["gate", "--video", "a.mp4"].iter().chain(coding));
        let some = read(&["--coding", "steady,cbr", "--coding", "long"]).unwrap();
        assert_eq!(some.args.coding, ["steady", "cbr", "long"]);
        let refused = read(&["--coding", "steady,fast"]).unwrap_err().to_string();
        assert!(refused.contains("fast") && refused.contains("padded"), "{refused}");
    }
}
