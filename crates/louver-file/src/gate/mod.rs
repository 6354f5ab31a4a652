//! How well the gate works: events with it against events of decoding everything, and what it saves.
//!
//! Both passes go through the same file with the same detector, and a bare decode of the same packets runs beside them. *Recall*
//! is the share of the events of the pass that decodes everything which the gated pass tells of as well (same class, same
//! place at about the same time). *Quiet* are the packets behind the first time that the gate closed at which nobody passes (in
//! built footage) and the pass that decodes everything tells of nobody, nor 10 s before or after. A passer of whom the detector
//! tells nothing is no quiet: sizes tell of him all the same, and the gate opens rightly.

mod coded;
mod footage;
mod run;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use louver_base::{MediaSpan, MediaTime};
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_media::PictureSize;
use louver_scene::Rect;
use louver_see::GateMode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{FileError, Share, Truth};
pub(crate) use coded::encode;
pub use coded::{CODINGS, Coding, read_clip, write};
pub use footage::{Footage, Passage, Window};
pub use run::{Packets, Run, Told, run};

/// Around an event nothing counts as quiet: the gate holds, and things linger.
const AROUND: MediaSpan = MediaSpan::from_millis(10_000);
/// Pictures a second of built footage.
const FPS: f64 = 10.0;

/// CPU time of one kind of packets, milliseconds a second of video on one core; the detector is left out.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Cost {
    /// Seconds of video.
    pub seconds: f64,
    /// Bare decode.
    pub bare_ms: f64,
    /// Decode, see and mask everything.
    pub everything_ms: f64,
    /// The same behind the gate.
    pub gated_ms: f64,
    /// Gated by bare.
    pub ratio: f64,
    /// Everything by bare.
    pub ratio_everything: f64,
}

/// What the gate did with one file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GateEval {
    /// The file's name.
    pub footage: String,
    /// What it stands for, where it was built.
    pub says: String,
    /// Packets.
    pub pictures: u64,
    /// Events that the gated pass tells of, of those of the pass that decodes everything.
    pub recall: Share,
    /// Events that only the gated pass tells of.
    pub only_gated: u64,
    /// People who really pass (built footage) and are told of by decoding everything, and behind the gate.
    pub passers_everything: Share,
    /// ... behind the gate.
    pub passers_gated: Share,
    /// How much later the gated pass tells of an event: median and 95th percentile, milliseconds.
    pub later_ms_median: i64,
    /// ... 95th percentile.
    pub later_ms_p95: i64,
    /// Packets that were decoded.
    pub decoded: Share,
    /// Quiet packets at which the gate was closed.
    pub closed_when_quiet: Share,
    /// Why the gate was open at the other quiet ones: packets.
    pub open_when_quiet: BTreeMap<&'static str, u64>,
    /// Seconds of video until the gate first closed; none if it never did.
    pub closed_after_s: Option<f64>,
    /// Cost while nothing goes on.
    pub quiet: Cost,
    /// Cost of the whole file, learning included.
    pub whole: Cost,
    /// The gate's own judgement of the stream.
    pub habit: Option<&'static str>,
    /// Why it is open at the end, if it is.
    pub open: Option<String>,
    /// Looks, audits, openings by sizes and those of them that found nothing, people caught and missed.
    pub looks: u64,
    /// Groups decoded as an audit.
    pub audits: u64,
    /// Openings by sizes.
    pub departures: u64,
    /// ... that found nothing.
    pub false_departures: u64,
    /// Appearances that sizes told of.
    pub caught: u64,
    /// Appearances that they did not tell of.
    pub missed: u64,
}

/// Everything `louver eval gate` says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GateFigures {
    /// Each file, in the order given; built footage in each way of coding.
    pub files: Vec<GateEval>,
    /// Events told of behind the gate, of those that decoding everything tells of: all files together.
    pub recall: Share,
}

impl GateFigures {
    /// All files together.
    pub fn of(files: Vec<GateEval>) -> Self {
        let sum = |part: fn(&Share) -> u64| files.iter().map(|f| part(&f.recall)).sum();
        let recall = Share { count: sum(|s| s.count), of: sum(|s| s.of), percent: 0.0 }.done();
        Self { files, recall }
    }
}

/// Measures one file. `passages` are the times in which somebody really passes, where that is known.
///
/// # Errors
/// When the file cannot be read or is damaged, or the detector fails.
pub fn measure_gate(
    video: &Path,
    says: &str,
    passages: &[Passage],
    detector: Detector,
    mut progress: impl FnMut(f64),
) -> Result<(GateEval, Detector), FileError> {
    let packets = Packets::read(video)?;
    let (all, detector) = run(&packets, detector, GateMode::Off, |p| progress(p * 0.5))?;
    let (gated, detector) = run(&packets, detector, GateMode::Auto, |p| progress(0.5 + p * 0.4))?;
    let bare = packets.bare()?;
    progress(1.0);
    let mut recall = Share::default();
    let mut later = Vec::new();
    for told in &all.told {
        let same = gated.told.iter().filter(|t| t.same(told)).min_by_key(|t| t.at);
        recall.add(same.is_some());
        later.extend(same.map(|t| (t.at - told.at).ticks() / 90));
    }
    later.sort_unstable();
    let at = |part: usize| {
        later.get((later.len() * part / 100).min(later.len().saturating_sub(1))).copied().unwrap_or(0)
    };
    let closed_at = gated.open.iter().position(Option::is_none);
    let busy = |m: MediaTime| {
        let near = |p: &(MediaTime, Rect)| (p.0 - m).ticks().abs() < AROUND.ticks();
        let at = (m - MediaTime::ZERO).seconds();
        let by_truth = |p: &Passage| {
            let (from, to) = (p.from as f64 / FPS - AROUND.seconds(), p.to() as f64 / FPS + AROUND.seconds());
            (from..to).contains(&at)
        };
        all.told.iter().any(|t| t.path.iter().any(near)) || passages.iter().any(by_truth)
    };
    let quiet: Vec<bool> = (0..packets.packets.len())
        .map(|n| closed_at.is_some_and(|c| n >= c) && !busy(packets.packets[n].media))
        .collect();
    let mut closed_when_quiet = Share::default();
    let mut open_when_quiet = BTreeMap::<&'static str, u64>::new();
    for n in (0..quiet.len()).filter(|n| quiet[*n]) {
        closed_when_quiet.add(gated.open[n].is_none());
        if let Some(open) = gated.open[n] {
            *open_when_quiet.entry(open.word()).or_default() += 1;
        }
    }
    let cost = |which: &dyn Fn(usize) -> bool| cost(&packets, &bare, &all.times, &gated.times, which);
    let g = gated.gate;
    let decoded = Share { count: g.decoded, of: packets.packets.len() as u64, percent: 0.0 };
    Ok((
        GateEval {
            footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            says: says.to_owned(),
            pictures: packets.packets.len() as u64,
            recall: recall.done(),
            only_gated: gated.told.iter().filter(|t| !all.told.iter().any(|a| a.same(t))).count() as u64,
            passers_everything: passers(passages, &all.told),
            passers_gated: passers(passages, &gated.told),
            later_ms_median: at(50),
            later_ms_p95: at(95),
            decoded: decoded.done(),
            closed_when_quiet: closed_when_quiet.done(),
            open_when_quiet,
            closed_after_s: closed_at.map(|n| (packets.packets[n].media - MediaTime::ZERO).seconds()),
            quiet: cost(&|n| quiet[n]),
            whole: cost(&|_| true),
            habit: g.habit.map(|h| h.word()),
            open: g.open.map(|o| o.says()),
            looks: g.looks,
            audits: g.audits,
            departures: g.departures,
            false_departures: g.false_departures,
            caught: g.caught,
            missed: g.missed,
        },
        detector,
    ))
}

/// The part of the clip that is built of has the shape of a camera's sub stream: as wide as the clip, 16 to 9.
fn window(clip: PictureSize, seen: PictureSize) -> Window {
    let (w, h) = (clip.width() as i32, clip.height() as i32);
    let high = (w * 9 / 16).min(h);
    // A little below the middle: above are walls and sky.
    let top = (h - high) * 2 / 3;
    Window { part: Rect { left: 0, top, right: w, bottom: top + high }, size: seen }
}

/// Builds quiet footage of a clip, codes it, and measures it.
///
/// # Errors
/// When the clip cannot be read or ffmpeg is missing, or as [`measure_gate`].
pub fn built(
    clip: &Path,
    truth: &Truth,
    coding: &Coding,
    minutes: u32,
    detector: Detector,
    mut progress: impl FnMut(f64),
) -> Result<(GateEval, Detector), FileError> {
    let size = PictureSize::new(640, 360).expect("a size within bounds");
    let window = window(VideoFile::open(clip)?.size(), size);
    let pictures = u64::from(minutes) * 600;
    let read = read_clip(clip, window)?;
    let mut footage = Footage::new(read, truth, window, pictures, coding.noise)
        .ok_or_else(|| FileError::Ffmpeg(std::io::Error::other("the clip gives no picture")))?;
    let file = tempfile::Builder::new()
        .prefix("louver-gate")
        .suffix(".mp4")
        .tempfile()
        .map_err(FileError::Ffmpeg)?;
    write(&mut footage, pictures, size, coding, file.path())?;
    progress(0.2);
    let passages = footage.passages().to_vec();
    let (mut eval, detector) =
        measure_gate(file.path(), coding.says, &passages, detector, |p| progress(0.2 + 0.8 * p))?;
    eval.footage = coding.name.to_owned();
    Ok((eval, detector))
}

fn cost(
    packets: &Packets,
    bare: &[Duration],
    all: &[Duration],
    gated: &[Duration],
    which: &dyn Fn(usize) -> bool,
) -> Cost {
    let picked: Vec<usize> = (0..packets.packets.len()).filter(|n| which(*n)).collect();
    let whole = packets.packets.last().map_or(0.0, |p| (p.media - MediaTime::ZERO).seconds());
    let seconds = whole * picked.len() as f64 / packets.packets.len().max(1) as f64;
    let sum = |of: &[Duration]| {
        picked.iter().map(|n| of[*n].as_secs_f64()).sum::<f64>() * 1000.0 / seconds.max(1e-9)
    };
    let (bare_ms, everything_ms, gated_ms) = (sum(bare), sum(all), sum(gated));
    let by = |ms: f64| if bare_ms > 0.0 { ms / bare_ms } else { 0.0 };
    Cost {
        seconds,
        bare_ms,
        everything_ms,
        gated_ms,
        ratio: by(gated_ms),
        ratio_everything: by(everything_ms),
    }
}

/// Passages during which somebody was told of at the passer's place.
fn passers(passages: &[Passage], told: &[Told]) -> Share {
    let mut share = Share::default();
    for p in passages {
        let there = |(at, rect): &(MediaTime, Rect)| {
            let n = ((*at - MediaTime::ZERO).seconds() * FPS).round() as u64;
            let own = n.checked_sub(p.from).and_then(|k| p.boxes.get(k as usize));
            own.is_some_and(|b| b.intersection(*rect).area() > 0)
        };
        share.add(told.iter().any(|t| t.path.iter().any(there)));
    }
    share.done()
}
