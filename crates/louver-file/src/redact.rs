//! `louver redact`: a video file with its people masked.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use louver_base::{Class, MediaSpan};
use louver_codec::EncoderSettings;
use louver_scene::{Cell, FigureKind, Style};
use louver_see::Act;
use serde::Serialize;

use crate::writer::Writer;
use crate::{FileError, Pass, Step};

/// What is left to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The place without its people; what moves in it is drawn as boxes.
    People,
    /// Boxes on flat ground: the place is hidden too.
    Everything,
}

/// How far it is, for a progress bar.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Pictures done.
    pub frames: u64,
    /// Pictures in all, as far as the file says.
    pub of: Option<u64>,
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub struct RedactReport {
    /// Pictures in and out.
    pub frames: u64,
    /// Seconds of video.
    pub seconds: f64,
    /// Picture size.
    pub width: usize,
    /// Picture size.
    pub height: usize,
    /// Pictures with at least one figure of a person.
    pub frames_with_people: u64,
    /// Pictures with movement that nobody recognised.
    pub frames_with_unknown_movement: u64,
    /// Pictures that show less than a quarter of the place, because it was not known yet or had just changed.
    pub frames_mostly_hidden: u64,
    /// Appearances of people that the detector was sure of; the same person coming back counts again.
    pub people_appearances: u64,
    /// Detector model.
    pub model: String,
    /// Runs of the network.
    pub detector_runs: u64,
    /// Pictures a second.
    pub frames_per_second: f64,
    /// Seconds it took.
    pub took_seconds: f64,
}

/// Masks a file. `out` appears whole at the end or not at all.
///
/// # Errors
/// When the input is damaged, the detector fails or `out` cannot be written; then there is no `out`. When `progress`
/// gives `false` it stops, likewise. `sound` names a file whose sound is copied, the input as a rule.
pub fn redact(
    mut pass: Pass,
    out: &Path,
    policy: Policy,
    sound: Option<&Path>,
    mut progress: impl FnMut(Progress) -> bool,
) -> Result<RedactReport, FileError> {
    let begun = Instant::now();
    let of = pass.file().frames_expected();
    let (size, fps) = (pass.file().size(), pass.file().fps());
    let writer = Writer::new(out, EncoderSettings::for_size(size, fps as f32))?;
    let mut report = RedactReport {
        frames: 0,
        seconds: 0.0,
        width: size.width(),
        height: size.height(),
        frames_with_people: 0,
        frames_with_unknown_movement: 0,
        frames_mostly_hidden: 0,
        people_appearances: 0,
        model: pass.detector().name(),
        detector_runs: 0,
        frames_per_second: 0.0,
        took_seconds: 0.0,
    };
    let style = match policy {
        Policy::People => Style::Boxes,
        Policy::Everything => Style::FiguresOnly,
    };
    let writer = std::thread::scope(|scope| {
        let (send, receive) = sync_channel(WAITING);
        let coding = scope.spawn(move || writer.take(&receive));
        let seen = (|| {
            while let Some(step) = pass.step()? {
                report.count(&step);
                if send.send((step.scene.render(style), step.frame.at)).is_err() {
                    // The writer has ended: it says why.
                    break;
                }
                if !progress(Progress { frames: report.frames, of }) {
                    return Err(FileError::Stopped);
                }
            }
            Ok(())
        })();
        drop(send);
        let writer = coding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        seen.and(writer)
    })?;
    let step = MediaSpan::from_ticks((90_000.0 / fps).round() as i64);
    report.seconds = writer.finish(step, sound)?;
    report.detector_runs = pass.detector().runs();
    report.took_seconds = begun.elapsed().as_secs_f64();
    report.frames_per_second = report.frames as f64 / report.took_seconds.max(1e-9);
    Ok(report)
}

/// Masked pictures that wait for the encoder at most; beyond, seeing waits. It codes on a thread of its own, in the order in
/// which they come, so that the file is the same on one core and on many.
const WAITING: usize = 4;

impl RedactReport {
    fn count(&mut self, step: &Step) {
        let has = |kind: &dyn Fn(FigureKind) -> bool| step.scene.figures.iter().any(|f| kind(f.kind));
        self.frames_with_people += u64::from(has(&|k| k == FigureKind::Known(Class::Person)));
        self.frames_with_unknown_movement += u64::from(has(&|k| k == FigureKind::Moving));
        let known = step.scene.cells.iter().filter(|c| matches!(c, Cell::Clear | Cell::Occupied)).count();
        self.frames_mostly_hidden += u64::from(known * 4 < step.scene.cells.len());
        let enters = |a: &&Act| matches!(a, Act::Enters(s, _) if s.class == Class::Person);
        self.people_appearances += step.acts.iter().filter(enters).count() as u64;
        self.frames += 1;
    }
}
