//! `louver eval track`: how well people are followed.

use std::path::PathBuf;

use louver_file::{By, EvalReport, Measured, TrackReport, measure_tracking};

use super::{Given, cannot, print_json, truth};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval track --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval track --video vtest.avi --truth gt.txt --model deimv2_femto.onnx --json > track.json";

/// Arguments of `louver eval track`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// Ground truth, MOT Challenge text: frame from 1, id, left, top, width, height
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
}

/// Measures.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let truth = truth(Some(&args.truth))?;
    let detector = args.given.load(settings)?;
    let bar = redact::bar("measuring", Some(1000));
    let report = measure_tracking(&args.given.video, &truth, detector, |share| {
        bar.set_position((share * 1000.0) as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    if args.given.json {
        let (footage, model) = (report.footage.clone(), report.model.clone());
        return print_json(&EvalReport::new(footage, model, Measured::Track(Box::new(report))));
    }
    print(&report);
    Ok(())
}

fn print(r: &TrackReport) {
    println!("{} with {}, {} pictures", r.footage, r.model, r.frames);
    let t = r.tracks_followed;
    println!("  tracks with a figure for 80 % of their time: {} of {}", t.count, t.of);
    for f in &r.at {
        println!(
            "  at {} {}: IDF1 {:.1} %, MOTA {:.1} %, found {:.1} %, {} false figures, {} switches, {} fragments, {:.2} numbers a person",
            if f.by == By::Iou { "IoU" } else { "a covered share of" },
            f.overlap,
            f.idf1_percent,
            f.mota_percent,
            f.found.percent,
            f.false_figures,
            f.switches,
            f.fragments,
            f.numbers_per_person
        );
    }
    let e = r.events;
    println!(
        "  events: {} of {} people, {:.2} a person, {} of nobody, {} of vehicles and animals",
        e.people.count, e.people.of, e.per_person, e.of_nobody, e.of_others
    );
}
