//! `louver eval scenes`: the hard cases, built of a clip's own pixels.

use std::path::PathBuf;

use louver_file::{BuiltScene, EvalReport, Measured, SceneReport, measure_scenes};

use super::{Given, cannot, print_json, truth};
use crate::error::Error;
use crate::redact;
use crate::settings::DetectorSettings;

const EXAMPLES: &str = "\
Examples:
  louver eval scenes --video vtest.avi --truth PETS2009-S2L1-gt.mot.txt
  louver eval scenes --video vtest.avi --truth gt.txt --scene light-up --scene turned --json > scenes.json

Scenes: still-from-start, still-walks-in, still-appears, still-far, still-near, light-up, light-down, exposure, crowd, turned,
turned-slowly, loss, night, small-16, small-24, small-32, small-48. Somebody who stands still does so for ten minutes of
video. They are made in memory (at most 1 GiB of pictures) and are the same each time. The mark of each: no picture in
which anybody's head shows.";

/// Arguments of `louver eval scenes`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// Its ground truth, MOT Challenge text: frame from 1, id, left, top, width, height
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Play this scene, and others named likewise; all of them if none is named
    #[arg(long = "scene", value_name = "NAME")]
    scenes: Vec<BuiltScene>,
}

/// Plays and measures.
pub(super) fn run(args: &Args, settings: &DetectorSettings) -> Result<(), Error> {
    let truth = truth(Some(&args.truth))?;
    let detector = args.given.load(settings)?;
    let all = BuiltScene::ALL.to_vec();
    let scenes = if args.scenes.is_empty() { all } else { args.scenes.clone() };
    let bar = redact::bar("building", Some(1));
    let report = measure_scenes(&args.given.video, &truth, detector, &scenes, |playing| {
        if playing.frame == 0 {
            bar.set_length(playing.frames);
            bar.set_message(playing.scene.as_str());
            bar.reset_eta();
        }
        bar.set_position(playing.frame + 1);
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    if args.given.json {
        let (footage, model) = (report.footage.clone(), report.model.clone());
        return print_json(&EvalReport::new(footage, model, Measured::Scenes(Box::new(report))));
    }
    println!("scenes built of {}, with {}", report.footage, report.model);
    report.scenes.iter().for_each(print);
    Ok(())
}

fn print(r: &SceneReport) {
    println!("{} {}: {}", if r.passed { "reached " } else { "MISSED  " }, r.name, r.says);
    let (heads, strict) = (r.frames_with_a_head, r.frames_with_a_head_against_median);
    let (shown, bare, ghosts) = (r.leaks.shown, r.leaks.unmasked.head, r.leaks.ghosts);
    println!(
        "    pictures that show a head: {} of {} ({} against the median alone)",
        heads.count, heads.of, strict.count
    );
    if let Some(s) = r.subject {
        let (head, bare) = (s.head, s.unmasked_head);
        println!(
            "    that show this person's: {} of {} ({} if nothing were masked)",
            head.count, head.of, bare.count
        );
    }
    println!(
        "    head leak {:.2} %, body leak {:.2} % of {} person-frames (heads {:.1} % if nothing were masked); ghosts {} of {}",
        shown.head.percent, shown.body.percent, shown.head.of, bare.percent, ghosts.count, ghosts.of
    );
    let clear = r.clear_again_seconds.map_or("never".to_owned(), |s| format!("after {s:.1} s"));
    println!(
        "    over-mask {:.1} %; 95 % clear {clear}; {:.1} % clear at the end; {} of {} pictures seen",
        r.over_mask.percent, r.clear_at_end_percent, r.frames_seen.count, r.frames_seen.of
    );
}
