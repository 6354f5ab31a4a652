//! `louver eval mask`: how well masking works, against ground truth.

use std::path::PathBuf;

use louver_file::{EvalReport, Hits, Look, MaskReport, Measured, Share, measure_masking};

use super::{Given, cannot, load_faces, print_json, truth};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval mask --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval mask --video vtest.avi --truth gt.txt --model deimv2_femto.onnx --faces yunet.onnx --json > femto.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// Ground truth, MOT Challenge text: frame from 1, id, left, top, width, height. Without it only over-masking and
    /// what detectors report can be measured
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Face detector (YuNet, ONNX) that looks at what is shown; it serves measuring alone
    #[arg(long, value_name = "FILE")]
    faces: Option<PathBuf>,
}

/// Measures masking.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let truth = truth(args.truth.as_deref())?;
    let (detector, mut second) = (args.given.load(settings)?, args.given.load(settings)?);
    let mut faces = args.faces.as_deref().map(|f| load_faces(f, settings)).transpose()?;
    let bar = redact::bar("measuring", Some(1000));
    let look = Look { people: &mut second, faces: faces.as_mut() };
    let report = measure_masking(&args.given.video, &truth, detector, look, |share| {
        bar.set_position((share * 1000.0) as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    if args.given.json {
        let (footage, model) = (report.footage.clone(), report.model.clone());
        return print_json(&EvalReport::new(footage, model, Measured::Mask(Box::new(report))));
    }
    print(&report);
    Ok(())
}

fn print(r: &MaskReport) {
    let row =
        |what: &str, s: Share| println!("  {what:<44} {:>6.2} %   ({} of {})", s.percent, s.count, s.of);
    println!("{} with {}, {} pictures", r.footage, r.model, r.frames);
    let (leaks, strict) = (r.leaks, r.against_median);
    row("head leak", leaks.shown.head);
    row("the same against the median alone", strict.shown.head);
    row("body leak", leaks.shown.body);
    row("the same against the median alone", strict.shown.body);
    row("head leak of the backdrop alone", leaks.backdrop_alone.head);
    row("body leak of the backdrop alone", leaks.backdrop_alone.body);
    row("head leak if nothing were masked", leaks.unmasked.head);
    row("the same against the median alone", strict.unmasked.head);
    row("head places that show somebody who has left", leaks.ghosts);
    row("the same against the median alone", strict.ghosts);
    row("over-mask", r.over_mask);
    row("over-mask that can be seen", r.over_mask_visible);
    row("detector on output, person-frames found", r.detector_on_output);
    row("detector on input, person-frames found", r.detector_on_input);
    let hits = |what: &str, output: Hits, input: Hits| {
        println!(
            "  {what:<44} {} true, {} in all, in {} pictures (on input {} true, {} in all)",
            output.true_hits, output.all, output.pictures, input.true_hits, input.all
        );
    };
    hits("person detector's hits on output", r.person_hits_on_output, r.person_hits_on_input);
    for at in r.faces.iter().flat_map(|f| &f.at) {
        hits(&format!("face detector's hits on output, {} times as large", at.larger), at.output, at.input);
    }
    row("tracks followed", r.tracks_followed);
    let s = r.speed;
    println!(
        "  {:.0} pictures a second; a picture: decode {:.2} ms, see {:.2} ms, detect {:.2} ms; {:.2} sweeps a second of video",
        s.frames_per_second, s.decode_ms, s.see_ms, s.detect_ms, s.sweeps_per_second
    );
}
