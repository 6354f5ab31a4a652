//! `louver eval speed`: what seeing costs.

use std::num::NonZeroU8;
use std::path::PathBuf;

use louver_file::{EvalReport, Measured, SpeedReport, measure_speed};

use super::{Given, cannot, print_json, truth};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval speed --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval speed --video vtest.avi --json > speed.json
  louver eval speed --video sub_stream.mp4

A clip that is a sub stream (MP4 with H.264, at most 704 pixels across) is measured as it is; any other is scaled to 640 pixels
across and coded as H.264 by ffmpeg, as a camera's sub stream is. Two more are made of it: one that costs the least to
decode, and a quiet one, its empty place under a little noise. Each is decoded alone and decoded and seen, in turns, by one
thread, and the fastest round by CPU time counts; the copy of each picture that only seeing needs is counted as seeing.
Quotients of one run mean something on any machine, milliseconds only on this one.";

/// Arguments of `louver eval speed`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// Ground truth (MOT Challenge text), so that nobody is left in the empty place
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// How often each stream is decoded, and decoded and seen; the fastest counts
    #[arg(long, value_name = "TIMES", default_value = "5")]
    rounds: NonZeroU8,
}

/// Measures.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let truth = truth(args.truth.as_deref())?;
    let detector = args.given.load(settings)?;
    let bar = redact::bar("measuring", Some(1000));
    let report = measure_speed(&args.given.video, &truth, detector, args.rounds, |share| {
        bar.set_position((share * 1000.0) as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    if args.given.json {
        let (footage, model) = (report.footage.clone(), report.model.clone());
        return print_json(&EvalReport::new(footage, model, Measured::Speed(Box::new(report))));
    }
    print(&report);
    Ok(())
}

fn print(r: &SpeedReport) {
    println!("{} with {}, {}x{}", r.footage, r.model, r.size[0], r.size[1]);
    for s in &r.streams {
        println!(
            "  {} ({}, {:.0} kbit/s): decode {:.3} ms a picture, decode and see {:.3} ms ({:.2} times), with drawing {:.2} times; detector {:.2} ms, {:.2} sweeps and {:.2} runs a second of video",
            s.name,
            s.coded,
            s.bits_per_second / 1000.0,
            s.decode_ms,
            s.decode_and_see_ms,
            s.times_decode,
            s.times_decode_with_drawing,
            s.detect_ms,
            s.sweeps_per_second,
            s.detector_runs_per_second
        );
    }
}
