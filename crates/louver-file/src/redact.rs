//! `louver redact`: a video file with its people masked.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use louver_base::{Class, MediaSpan, MediaTime};
use louver_codec::{EncoderSettings, H264Encoder};
use louver_media::Packet;
use louver_scene::{FigureKind, Masked, MaskedMuxer, Style};
use serde::Serialize;

use crate::{FileError, Pass};

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
    let mut writer = Writer::new(out, EncoderSettings::for_size(size, fps as f32))?;
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
    while let Some(step) = pass.step()? {
        writer.push(&step.scene.render(style), step.frame.at)?;
        let has = |kind: &dyn Fn(FigureKind) -> bool| step.scene.figures.iter().any(|f| kind(f.kind));
        report.frames_with_people += u64::from(has(&|k| k == FigureKind::Known(Class::Person)));
        report.frames_with_unknown_movement += u64::from(has(&|k| k == FigureKind::Moving));
        let known = step.scene.cells.iter().filter(|c| **c != louver_scene::Cell::Unknown).count();
        report.frames_mostly_hidden += u64::from(known * 4 < step.scene.cells.len());
        report.people_appearances += step
            .acts
            .iter()
            .filter(|a| matches!(a, louver_see::Act::Enters(s, _) if s.class == Class::Person))
            .count() as u64;
        report.frames += 1;
        if !progress(Progress { frames: report.frames, of }) {
            return Err(FileError::Stopped);
        }
    }
    let step = MediaSpan::from_ticks((90_000.0 / fps).round() as i64);
    report.seconds = writer.finish(step, sound)?;
    report.detector_runs = pass.detector().runs();
    report.took_seconds = begun.elapsed().as_secs_f64();
    report.frames_per_second = report.frames as f64 / report.took_seconds.max(1e-9);
    Ok(report)
}

/// Pictures of one fragment: a key frame every two seconds or so lets players seek.
const FRAGMENT: MediaSpan = MediaSpan::from_millis(2000);

/// Writes masked pictures to a temporary file beside `out`, which takes its name when everything is in it.
struct Writer {
    out: std::path::PathBuf,
    temporary: tempfile::NamedTempFile,
    encoder: H264Encoder,
    muxer: Option<MaskedMuxer>,
    open: Vec<Masked<Packet>>,
}

/// A file in the folder of `out` that is gone if nobody gives it a name.
fn temporary_beside(out: &Path) -> Result<tempfile::NamedTempFile, FileError> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".louver-redact-")
        .suffix(".mp4")
        .tempfile_in(folder)
        .map_err(|source| FileError::Write { path: out.into(), source })
}

impl Writer {
    fn new(out: &Path, settings: EncoderSettings) -> Result<Self, FileError> {
        Ok(Self {
            out: out.into(),
            temporary: temporary_beside(out)?,
            encoder: H264Encoder::new(settings)?,
            muxer: None,
            open: Vec::new(),
        })
    }

    fn push(&mut self, picture: &Masked<louver_media::Picture>, at: MediaTime) -> Result<(), FileError> {
        let key = self.open.first().is_none_or(|first| at - first.get().media >= FRAGMENT);
        let (packet, params) = picture.encode(&mut self.encoder, at, key)?.split();
        if packet.get().key {
            self.flush(at)?;
        }
        if self.muxer.is_none()
            && let Some(params) = params
        {
            let muxer = MaskedMuxer::new(params, at);
            let init = muxer.init().map_err(FileError::Mux)?;
            self.write(init.get())?;
            self.muxer = Some(muxer);
        }
        self.open.push(packet);
        Ok(())
    }

    /// Writes the open fragment; `until` is when its last picture ends.
    fn flush(&mut self, until: MediaTime) -> Result<(), FileError> {
        let (Some(last), Some(muxer)) = (self.open.last(), &mut self.muxer) else { return Ok(()) };
        let fragment = muxer.fragment(&self.open, until - last.get().media);
        self.open.clear();
        self.write(fragment.get())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.temporary.write_all(bytes).map_err(|source| FileError::Write { path: self.out.clone(), source })
    }

    /// Ends the file, adds the sound of another if asked, and gives it its name; returns the seconds of video in it.
    fn finish(mut self, last: MediaSpan, sound: Option<&Path>) -> Result<f64, FileError> {
        let end = self.open.last().map_or(MediaTime::ZERO, |p| p.get().media + last);
        self.flush(end)?;
        if let Some(sound) = sound {
            self.temporary.flush().map_err(|source| FileError::Write { path: self.out.clone(), source })?;
            let with_sound = temporary_beside(&self.out)?;
            louver_codec::add_sound(self.temporary.path(), sound, with_sound.path())?;
            self.temporary = with_sound;
        }
        let fail = |source| FileError::Write { path: self.out.clone(), source };
        self.temporary.as_file().sync_all().map_err(fail)?;
        self.temporary.persist_noclobber(&self.out).map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => FileError::Exists(self.out.clone()),
            _ => fail(e.error),
        })?;
        Ok((end - MediaTime::ZERO).seconds())
    }
}
