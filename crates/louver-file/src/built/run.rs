//! A scene, played before the seeing of a camera, and what was left to be seen of its people.

use std::path::Path;

use louver_base::MediaTime;
use louver_codec::detector::Detector;
use louver_media::Picture;
use louver_scene::{Masked, Style};
use schemars::JsonSchema;
use serde::Serialize;

use super::BuiltScene;
use super::clip::Clip;
use super::script::{Script, Shot, time};
use crate::measure::{Drawn, HeadShown, LeaksOfAll, Share, Sums};
use crate::{FileError, Truth, Watch};

/// The place is clear again when this share of what lies outside the people is shown.
const CLEAR: f64 = 0.95;

/// Everything `louver eval scenes` says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScenesReport {
    /// The clip that the scenes are built of.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// One report a scene.
    pub scenes: Vec<SceneReport>,
}

/// What one scene showed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SceneReport {
    /// The scene's name.
    pub name: String,
    /// What happens in it.
    pub says: String,
    /// Whether its mark is reached: no picture in which anybody's head shows.
    pub passed: bool,
    /// Pictures that show anybody's head, of all.
    pub frames_with_a_head: Share,
    /// The same against the median of each pixel alone.
    pub frames_with_a_head_against_median: Share,
    /// Whom the scene is about.
    pub subject: Option<Subject>,
    /// Leaks by person-frames, as `eval mask` counts them.
    #[serde(flatten)]
    pub leaks: LeaksOfAll,
    /// Against the median of each pixel alone: stricter, and what sways in the place counts.
    pub against_median: LeaksOfAll,
    /// Masked pixels outside all people.
    pub over_mask: Share,
    /// When it happens, seconds from the first picture.
    pub event_seconds: f64,
    /// From then to the first picture that shows 95 % of what lies outside the people; none if there is none.
    pub clear_again_seconds: Option<f64>,
    /// Percent of what lies outside the people that is shown, mean of the last tenth of the scene.
    pub clear_at_end_percent: f64,
    /// Pictures that arrived whole enough to be seen, of all that were sent.
    pub frames_seen: Share,
    /// The first heads that show.
    pub heads_shown: Vec<HeadShown>,
}

/// The person that a scene is about.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Subject {
    /// Pictures that show the head, of those that he or she is in.
    pub head: Share,
    /// The same if nothing were masked: little of it, and the scene proves little.
    pub unmasked_head: Share,
}

/// A picture of a scene that is being played.
#[derive(Debug)]
pub struct Playing<'a> {
    /// Which scene.
    pub scene: BuiltScene,
    /// Which picture, from 0.
    pub frame: u64,
    /// Of how many.
    pub frames: u64,
    /// What there was to be masked, for whoever looks at how the scene is built; it goes nowhere else.
    pub original: &'a Picture,
    /// What is shown.
    pub shown: &'a Masked<Picture>,
    /// Whose heads it shows, if any, by numbers of the ground truth, and where they are.
    pub heads: &'a [HeadShown],
}

/// Plays scenes built of a clip, one after the other, each before a seeing that knows nothing yet. `each` is told every
/// picture.
///
/// # Errors
/// When the clip is damaged or the detector fails.
pub fn measure_scenes(
    video: &Path,
    truth: &Truth,
    mut detector: Detector,
    scenes: &[BuiltScene],
    mut each: impl FnMut(Playing<'_>),
) -> Result<ScenesReport, FileError> {
    let clip = Clip::read(video, truth)?;
    let mut report = ScenesReport {
        footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        model: detector.name(),
        scenes: Vec::new(),
    };
    for &scene in scenes {
        let Some(script) = Script::of(scene, &clip)? else {
            return Err(FileError::Scene { scene: scene.as_str() });
        };
        let mut watch = Watch::new(script.size, detector);
        report.scenes.push(play(scene, script, clip.fps, &mut watch, &mut each)?);
        detector = watch.into_detector();
    }
    Ok(report)
}

/// What is counted beside the usual sums.
#[derive(Default)]
struct Tally {
    sums: Sums,
    frames_with_a_head: Share,
    frames_with_a_head_against_median: Share,
    subject: Subject,
    clear_again: Option<MediaTime>,
    clear_at_end: Vec<f64>,
    frames_seen: Share,
    heads_shown: Vec<HeadShown>,
}

fn play(
    scene: BuiltScene,
    mut script: Script<'_>,
    fps: f64,
    watch: &mut Watch,
    each: &mut impl FnMut(Playing<'_>),
) -> Result<SceneReport, FileError> {
    let (frames, event) = (script.frames, time(script.event, fps));
    let mut tally = Tally::default();
    for frame in 0..frames {
        let shot = (script.shoot)(frame)?;
        tally.frames_seen.add(shot.is_some());
        let Some(Shot { picture, people }) = shot else { continue };
        let at = time(frame, fps);
        let (seen, _) = watch.picture(&picture, at)?;
        let shown = seen.render(Style::Boxes);
        let counted = tally.sums.picture(&Drawn::new(&seen, shown.get()), &picture, &script.place, &people);
        let mut heads = Vec::new();
        HeadShown::note(&mut heads, frame, at, &counted.heads, &people);
        HeadShown::note(&mut tally.heads_shown, frame, at, &counted.heads, &people);
        tally.frames_with_a_head.add(!counted.heads.is_empty());
        tally.frames_with_a_head_against_median.add(!counted.heads_against_median.is_empty());
        if let Some(id) = script.subject.filter(|id| people.iter().any(|p| p.id == *id)) {
            tally.subject.head.add(counted.heads.contains(&id));
            tally.subject.unmasked_head.add(counted.unmasked_heads.contains(&id));
        }
        if frame >= script.event && tally.clear_again.is_none() && counted.clear >= CLEAR {
            tally.clear_again = Some(at);
        }
        if (frames - frame) * 10 <= frames {
            tally.clear_at_end.push(counted.clear);
        }
        each(Playing { scene, frame, frames, original: &picture, shown: &shown, heads: &heads });
    }
    let clear: f64 = tally.clear_at_end.iter().sum::<f64>() / tally.clear_at_end.len().max(1) as f64;
    Ok(SceneReport {
        name: scene.as_str().to_owned(),
        says: scene.says().to_owned(),
        passed: tally.frames_with_a_head.count == 0 && tally.sums.leaks.unmasked.head.count > 0,
        frames_with_a_head: tally.frames_with_a_head.done(),
        frames_with_a_head_against_median: tally.frames_with_a_head_against_median.done(),
        subject: script.subject.map(|_| Subject {
            head: tally.subject.head.done(),
            unmasked_head: tally.subject.unmasked_head.done(),
        }),
        leaks: tally.sums.leaks.done(),
        against_median: tally.sums.against_median.done(),
        over_mask: tally.sums.over_mask.done(),
        event_seconds: (event - MediaTime::ZERO).seconds(),
        clear_again_seconds: tally.clear_again.map(|t| (t - event).seconds()),
        clear_at_end_percent: 100.0 * clear,
        frames_seen: tally.frames_seen.done(),
        heads_shown: tally.heads_shown,
    })
}
