//! How well masking works, by DESIGN 4's measures, picture by picture at the picture's own time.
//!
//! The empty place is not taken from the product but from the whole clip and its ground truth: the median of what each pixel
//! showed while no annotated person was near it. A pixel *leaks* when the masked picture shows a pixel that came from
//! the camera (it is not under a figure or a flat fill) and that differs from that empty place: whoever's it is, and
//! whenever it was taken, so that somebody who was learned into the backdrop leaks for as long as he is in it.

mod empty;
mod share;
mod sums;
mod zones;

use std::path::Path;

use louver_base::{Class, MediaTime};
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_scene::{Rect, Style};
use serde::Serialize;

use crate::{FileError, Pass, Truth};
use empty::empty_place;
pub use share::{Leaks, Share};
use sums::Sums;

/// Every so many pictures the detector looks at the masked one.
const LOOK_EVERY: u64 = 5;

/// Speed of one pass.
#[derive(Clone, Copy, Debug, Serialize)]
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

/// Everything `louver eval mask` says.
#[derive(Clone, Debug, Serialize)]
pub struct MaskReport {
    /// Layout of this report.
    pub schema: &'static str,
    /// The clip's file name.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// Pictures.
    pub frames: u64,
    /// As drawn, with boxes for figures.
    pub shown: Leaks,
    /// Stricter: without the boxes, so that the backdrop alone must hide everyone.
    pub backdrop_alone: Leaks,
    /// The same measure of the clip itself: what would leak if nothing were masked.
    pub unmasked: Leaks,
    /// Pixels outside all (widened) person boxes that are masked: unknown or occupied cells, or under a figure.
    pub over_mask: Share,
    /// ... of these, pixels that really look different from the clip for it.
    pub over_mask_visible: Share,
    /// Person-frames that the detector finds on the masked picture (IoU 0.5), of those looked at.
    pub detector_on_output: Share,
    /// The same on the clip itself.
    pub detector_on_input: Share,
    /// Ground-truth tracks with a figure over at least half of the box for at least 80 % of their time.
    pub tracks_followed: Share,
    /// Speed on this machine, both passes of the measuring excluded.
    pub speed: Speed,
}

/// Goes through a clip and measures. `second` is a detector of the same or another model for looking at the output;
/// `progress` is told pictures done, as a share 0 to 1.
///
/// # Errors
/// When the clip is damaged or a detector fails.
pub fn measure_masking(
    video: &Path,
    truth: &Truth,
    detector: Detector,
    second: &mut Detector,
    mut progress: impl FnMut(f64),
) -> Result<MaskReport, FileError> {
    let file = VideoFile::open(video)?;
    let expected = file.frames_expected().unwrap_or(1).max(1);
    let empty = empty_place(video, truth, expected)?;
    progress(0.1);
    let event_score = second.kind().traits().event_score;
    let mut pass = Pass::new(file, detector);
    let mut sums = Sums::default();
    let mut last = MediaTime::ZERO;
    while let Some(step) = pass.step()? {
        let n = pass.watch.frames - 1;
        last = step.frame.at;
        let people = truth.at(n);
        let shown = step.scene.render(Style::Boxes);
        sums.picture(&step.scene, &step.frame.picture, shown.get(), &empty, people);
        if n.is_multiple_of(LOOK_EVERY) {
            let size = step.frame.picture.size;
            let whole = Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 };
            for (picture, share) in
                [(shown.get(), &mut sums.on_output), (&step.frame.picture, &mut sums.on_input)]
            {
                let found = second.detect(picture, &[whole], event_score)?;
                for person in people {
                    share.add(
                        found.iter().any(|d| d.class == Class::Person && d.rect.iou(person.rect) >= 0.5),
                    );
                }
            }
        }
        progress(0.1 + 0.9 * pass.watch.frames as f64 / expected as f64);
    }
    let name = |p: &Path| p.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let (frames, t) = (pass.watch.frames, pass.watch.times);
    let ms = |d: std::time::Duration| 1000.0 * d.as_secs_f64() / frames.max(1) as f64;
    let all = t.decode + t.see + t.detect;
    Ok(MaskReport {
        schema: "louver-eval-mask-1",
        footage: name(video),
        model: pass.detector().name(),
        frames,
        shown: sums.shown.done(),
        backdrop_alone: sums.backdrop_alone.done(),
        unmasked: sums.unmasked.done(),
        over_mask: sums.over_mask.done(),
        over_mask_visible: sums.over_mask_visible.done(),
        detector_on_output: sums.on_output.done(),
        detector_on_input: sums.on_input.done(),
        tracks_followed: sums.followed(),
        speed: Speed {
            frames_per_second: frames as f64 / all.as_secs_f64().max(1e-9),
            decode_ms: ms(t.decode),
            see_ms: ms(t.see),
            detect_ms: ms(t.detect),
            sweeps_per_second: pass.watch.sweeps as f64 / (last - MediaTime::ZERO).seconds().max(1e-9),
        },
    })
}

#[cfg(test)]
mod tests;
