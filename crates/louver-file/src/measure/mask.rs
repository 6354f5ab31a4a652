//! How well masking works, by DESIGN 4's measures, picture by picture at the picture's own time.
//!
//! The empty place is not taken from the product but from the whole clip and its ground truth: the range of what each pixel
//! showed while no annotated person was near it, without what it showed seldom. A pixel *leaks* when the masked picture
//! shows a pixel that came from the camera (it is not under a figure or a flat fill) and that differs from all of that
//! range: whoever's it is, and whenever it was taken, so that somebody who was learned into the backdrop leaks for as long
//! as he is in it. The same is counted against the median of that range alone, where tape and branches leak by swaying.

use std::path::Path;
use std::time::Duration;

use louver_base::MediaTime;
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_scene::{Rect, Style};
use schemars::JsonSchema;
use serde::Serialize;

use super::empty::Empty;
use super::look::{Faces, Hits, Look, Looked};
use super::place::Place;
use super::share::{LeaksOfAll, Share};
use super::sums::{Drawn, Sums};
use crate::{FileError, Pass, Times, Truth, TruthBox};

/// Every so many pictures the detectors look at the masked one.
const LOOK_EVERY: u64 = 5;
/// Heads that show are named one by one up to this many.
const NAMED: usize = 50;

/// Speed of one pass.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Speed {
    /// Pictures a second of decoding, seeing and detecting together.
    pub frames_per_second: f64,
    /// Milliseconds a picture: decoding.
    pub decode_ms: f64,
    /// Milliseconds a picture: seeing without the detector.
    pub see_ms: f64,
    /// Milliseconds a picture: the detector, spread over all pictures.
    pub detect_ms: f64,
    /// Sweeps of the detector a second of video.
    pub sweeps_per_second: f64,
}

impl Speed {
    /// Of so many pictures that took so long, with sweeps over so many seconds of video.
    pub(crate) fn of(frames: u64, times: Times, sweeps: u64, video_seconds: f64) -> Self {
        let ms = |d: Duration| 1000.0 * d.as_secs_f64() / frames.max(1) as f64;
        let all = times.decode + times.see + times.detect;
        Self {
            frames_per_second: frames as f64 / all.as_secs_f64().max(1e-9),
            decode_ms: ms(times.decode),
            see_ms: ms(times.see),
            detect_ms: ms(times.detect),
            sweeps_per_second: sweeps as f64 / video_seconds.max(1e-9),
        }
    }
}

/// A head that can be seen, for whoever looks for the reason.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct HeadShown {
    /// Picture, from 0.
    pub frame: u64,
    /// Seconds since the first picture.
    pub seconds: f64,
    /// Whose, by the number in the ground truth.
    pub id: u32,
    /// Left, top, right, bottom of the person's box, pixels.
    pub person: [i32; 4],
}

impl HeadShown {
    /// Adds those of one picture to a list that is not to grow without bound.
    pub(crate) fn note(list: &mut Vec<Self>, frame: u64, at: MediaTime, heads: &[u32], people: &[TruthBox]) {
        for person in people.iter().filter(|p| heads.contains(&p.id)) {
            if list.len() < NAMED {
                let Rect { left, top, right, bottom } = person.rect;
                let seconds = (at - MediaTime::ZERO).seconds();
                list.push(Self { frame, seconds, id: person.id, person: [left, top, right, bottom] });
            }
        }
    }
}

/// Everything `louver eval mask` says. Shares of nothing (0 of 0) are of footage without ground truth.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MaskReport {
    /// The clip's file name.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// Pictures.
    pub frames: u64,
    /// Against the empty place: the range of what each pixel shows of it. The marks are about these.
    #[serde(flatten)]
    pub leaks: LeaksOfAll,
    /// Against the median of each pixel alone: stricter, and what sways in the place counts.
    pub against_median: LeaksOfAll,
    /// The first heads that show, one by one.
    pub heads_shown: Vec<HeadShown>,
    /// Pixels outside all (widened) person boxes that are masked: unknown or occupied cells, or under a figure.
    pub over_mask: Share,
    /// ... of these, pixels that really look different from the clip for it.
    pub over_mask_visible: Share,
    /// Person-frames that the detector finds on the masked picture (IoU 0.5), of those looked at.
    pub detector_on_output: Share,
    /// The same on the clip itself.
    pub detector_on_input: Share,
    /// Everything that the person detector reports on the masked picture.
    pub person_hits_on_output: Hits,
    /// The same on the clip itself.
    pub person_hits_on_input: Hits,
    /// What the face detector reports, where one was given.
    pub faces: Option<Faces>,
    /// Ground-truth tracks with a figure over at least half of the box for at least 80 % of their time.
    pub tracks_followed: Share,
    /// Speed on this machine, both passes of the measuring excluded.
    pub speed: Speed,
}

/// Goes through a clip and measures. `look` holds detectors of their own for looking at the output; `progress` is told
/// pictures done, as a share 0 to 1.
///
/// # Errors
/// When the clip is damaged or a detector fails.
pub fn measure_masking<'a>(
    video: &Path,
    truth: &Truth,
    detector: Detector,
    look: impl Into<Look<'a>>,
    mut progress: impl FnMut(f64),
) -> Result<MaskReport, FileError> {
    let file = VideoFile::open(video)?;
    let expected = file.frames_expected().unwrap_or(1).max(1);
    let place = Place::of(Empty::of(video, truth, expected)?);
    progress(0.1);
    let mut looked = Looked::new(look.into());
    let mut pass = Pass::new(file, detector);
    let mut sums = Sums::default();
    let mut heads_shown = Vec::new();
    let mut last = MediaTime::ZERO;
    while let Some(step) = pass.step()? {
        let n = pass.watch.frames - 1;
        last = step.frame.at;
        let people = truth.at(n);
        let shown = step.scene.render(Style::Boxes);
        let drawn = Drawn::new(&step.scene, shown.get());
        let seen = sums.picture(&drawn, &step.frame.picture, &place, people);
        HeadShown::note(&mut heads_shown, n, last, &seen.heads, people);
        if n.is_multiple_of(LOOK_EVERY) {
            looked.look(&drawn, &step.frame.picture, &place, people)?;
        }
        progress(0.1 + 0.9 * pass.watch.frames as f64 / expected as f64);
    }
    let watch = &pass.watch;
    let seconds = (last - MediaTime::ZERO).seconds();
    Ok(MaskReport {
        footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        model: watch.detector().name(),
        frames: watch.frames,
        leaks: sums.leaks.done(),
        against_median: sums.against_median.done(),
        heads_shown,
        over_mask: sums.over_mask.done(),
        over_mask_visible: sums.over_mask_visible.done(),
        detector_on_output: looked.people.found_on_output.done(),
        detector_on_input: looked.people.found_on_input.done(),
        person_hits_on_output: looked.people.output,
        person_hits_on_input: looked.people.input,
        faces: looked.faces,
        tracks_followed: sums.followed(),
        speed: Speed::of(watch.frames, watch.times, watch.sweeps, seconds),
    })
}
