//! What seeing costs beside the bare decoding of the same packets, in one run on one machine.
//!
//! Bare decoding is the same decoder on the same thread, which throws its pictures away; whatever is done to a picture after
//! that, copying it out of the decoder too, is counted as seeing. How dear decoding is depends on the coder, and the quotient
//! with it; so the clip is coded as cameras code, and once more as cheaply to decode as it can be.

use std::num::NonZeroU8;
use std::path::Path;
use std::time::Duration;

use louver_base::MediaTime;
use louver_codec::detector::Detector;
use louver_codec::{Decoder, EncoderSettings, H264Encoder, Scaler, VideoFile};
use louver_media::{Packet, Picture, PictureSize, VideoParams};
use louver_scene::{PictureEncoder, Style};
use schemars::JsonSchema;
use serde::Serialize;

use super::empty::empty_place;
use crate::built::Noise;
use crate::cpu::cpu;
use crate::gate::{Packets, encode};
use crate::{FileError, Truth, Watch};

/// The size of a sub stream ...
const WIDTH: u32 = 640;
/// ... and the widest one that is measured as it is.
const WIDEST: usize = 704;
/// Pictures of each stream at most: a minute at ten a second.
const MOST: usize = 600;
/// Levels of noise over the quiet place: a camera by day.
const NOISE: f32 = 1.5;

/// Everything `louver eval speed` says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SpeedReport {
    /// The clip's file name.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// Width and height of the streams, pixels.
    pub size: [usize; 2],
    /// The clip; the clip coded so that decoding it costs the least; its empty place under a little noise.
    pub streams: Vec<StreamSpeed>,
}

/// What one stream costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StreamSpeed {
    /// `busy`, `busy-light` or `quiet`.
    pub name: String,
    /// How it is coded, in words.
    pub coded: String,
    /// Pictures.
    pub pictures: u64,
    /// Bits a second of the stream.
    pub bits_per_second: f64,
    /// CPU milliseconds a picture: decoding and nothing else.
    pub decode_ms: f64,
    /// CPU milliseconds a picture: decoding and seeing, the detector left out.
    pub decode_and_see_ms: f64,
    /// CPU milliseconds a picture: drawing what may be shown.
    pub draw_ms: f64,
    /// CPU milliseconds a picture of the thread that calls the detector, spread over all pictures.
    pub detect_ms: f64,
    /// Decoding and seeing by decoding alone.
    pub times_decode: f64,
    /// Decoding, seeing and drawing by decoding alone.
    pub times_decode_with_drawing: f64,
    /// Sweeps of the detector a second of video; each may run it on several parts.
    pub sweeps_per_second: f64,
    /// Runs of the detector a second of video.
    pub detector_runs_per_second: f64,
}

/// Measures a clip and its empty place as a camera's sub stream; a clip that is one (MP4 with H.264, no wider than 704) is
/// taken as it is. Both ways are gone `rounds` times, in turns; the fastest counts, as it was disturbed least. `progress`
/// is told the share done, 0 to 1.
///
/// # Errors
/// When the clip is damaged, the detector fails, or ffmpeg, which codes it, is missing.
pub fn measure_speed(
    video: &Path,
    truth: &Truth,
    mut detector: Detector,
    rounds: NonZeroU8,
    mut progress: impl FnMut(f64),
) -> Result<SpeedReport, FileError> {
    let clip = Clip::open(video)?;
    let (own, mut streams) = (clip.own(), Vec::new());
    streams.push(match own {
        Some(stream) => stream,
        None => clip.coded("busy", &mut clip.pictures()?)?,
    });
    progress(0.15);
    streams.push(clip.light(&mut clip.pictures()?)?);
    progress(0.2);
    streams.push(clip.coded("quiet", &mut clip.empty(truth, streams[0].packets.len())?)?);
    progress(0.3);
    let mut report = SpeedReport {
        footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        model: detector.name(),
        size: [clip.size.width(), clip.size.height()],
        streams: Vec::new(),
    };
    let share = 0.7 / streams.len() as f64;
    for (n, stream) in streams.into_iter().enumerate() {
        let speed;
        (speed, detector) = stream.measure(detector, rounds)?;
        report.streams.push(speed);
        progress(0.3 + share * (n + 1) as f64);
    }
    Ok(report)
}

/// Pictures one after the other, until there are no more.
type Pictures<'a> = dyn FnMut() -> Result<Option<Picture>, FileError> + 'a;

/// The clip that streams are made of.
struct Clip<'a> {
    path: &'a Path,
    /// Of the streams.
    size: PictureSize,
    fps: f64,
}

impl<'a> Clip<'a> {
    fn open(path: &'a Path) -> Result<Self, FileError> {
        let file = VideoFile::open(path)?;
        let own = file.size();
        let height = own.height() as u32 * WIDTH / own.width() as u32;
        let size = match own.width() > WIDEST {
            true => PictureSize::new(WIDTH, height.max(2)).unwrap_or(own),
            false => own,
        };
        Ok(Self { path, size, fps: file.fps() })
    }

    /// The clip itself, if it is a sub stream.
    fn own(&self) -> Option<Stream> {
        let read = Packets::read(self.path).ok().filter(|p| p.params.size == self.size)?;
        let packets: Vec<Packet> = read.packets.into_iter().take(MOST).collect();
        Some(Stream { name: "busy", coded: "as the file is", size: self.size, params: read.params, packets })
    }

    fn pictures(&self) -> Result<impl FnMut() -> Result<Option<Picture>, FileError> + use<>, FileError> {
        let (mut file, size) = (VideoFile::open(self.path)?, self.size);
        let (mut scaler, mut pictures) = (Scaler::default(), 0);
        Ok(move || {
            pictures += 1;
            let frame = if pictures > MOST { None } else { file.next_frame()? };
            frame.map(|f| Ok(scaler.scale(&f.picture, size)?)).transpose()
        })
    }

    fn empty(
        &self,
        truth: &Truth,
        pictures: usize,
    ) -> Result<impl FnMut() -> Result<Option<Picture>, FileError> + use<>, FileError> {
        let expected = VideoFile::open(self.path)?.frames_expected().unwrap_or(1).max(1);
        let empty = empty_place(self.path, truth, expected)?;
        let empty = Scaler::default().scale(&empty, self.size)?;
        let (mut noise, mut left) = (Noise::new(), pictures);
        Ok(move || {
            let Some(rest) = left.checked_sub(1) else { return Ok(None) };
            left = rest;
            let mut picture = empty.clone();
            noise.add(&mut picture, NOISE);
            Ok(Some(picture))
        })
    }

    /// As cameras code (and as `louver eval gate` does).
    fn coded(&self, name: &'static str, next: &mut Pictures<'_>) -> Result<Stream, FileError> {
        let file = tempfile::Builder::new().prefix("louver-speed").suffix(".mp4").tempfile();
        let file = file.map_err(FileError::Ffmpeg)?;
        let group = (self.fps * 2.0).round().max(1.0).to_string();
        encode(self.size, self.fps, &["-crf", "24", "-threads", "1", "-g", &group], file.path(), next)?;
        let Packets { params, packets } = Packets::read(file.path())?;
        let coded = "H.264 High, CABAC, constant quality, a key frame every 2 s";
        Ok(Stream { name, coded, size: self.size, params, packets })
    }

    /// Coded by the encoder of masked video, which leaves out whatever is dear to decode.
    fn light(&self, next: &mut Pictures<'_>) -> Result<Stream, FileError> {
        let mut encoder = H264Encoder::new(EncoderSettings::for_size(self.size, self.fps as f32))?;
        let key_every = (self.fps * 2.0).round().max(1.0) as usize;
        let (mut params, mut packets) = (None, Vec::new());
        while let Some(picture) = next()? {
            let n = packets.len();
            let at = MediaTime::from_ticks((n as f64 * 90_000.0 / self.fps).round() as i64);
            let coded = encoder.encode(&picture, at, n.is_multiple_of(key_every))?;
            params = params.or(coded.params);
            packets.push(coded.packet);
        }
        let params = params.ok_or(FileError::Scene { scene: "speed" })?;
        let coded = "H.264 Baseline, CAVLC, a low rate, a key frame every 2 s";
        Ok(Stream { name: "busy-light", coded, size: self.size, params, packets })
    }
}

/// A coded stream in memory.
struct Stream {
    name: &'static str,
    coded: &'static str,
    size: PictureSize,
    params: VideoParams,
    packets: Vec<Packet>,
}

/// What one round took.
#[derive(Clone, Copy, Default)]
struct Round {
    seen: Duration,
    drawn: Duration,
    detected: Duration,
    sweeps: u64,
    runs: u64,
}

impl Stream {
    fn bare(&self) -> Result<Duration, FileError> {
        let mut decoder = Decoder::new(&self.params, None)?;
        let begun = cpu();
        for packet in &self.packets {
            decoder.skip(packet)?;
        }
        Ok(cpu() - begun)
    }

    fn seen(&self, detector: Detector) -> Result<(Round, Detector), FileError> {
        let mut decoder = Decoder::new(&self.params, None)?;
        let runs = detector.runs();
        let mut watch = Watch::new(self.size, detector);
        let mut round = Round::default();
        let begun = cpu();
        for packet in &self.packets {
            for decoded in decoder.decode(packet)? {
                let (scene, _) = watch.see(&decoded.picture, decoded.media);
                let seen = cpu();
                std::hint::black_box(scene.render(Style::Boxes));
                let drawn = cpu();
                watch.sweep(&decoded.picture)?;
                round.drawn += drawn - seen;
                round.detected += cpu() - drawn;
            }
        }
        round.seen = cpu() - begun - round.drawn - round.detected;
        round.sweeps = watch.sweeps;
        let detector = watch.into_detector();
        round.runs = detector.runs() - runs;
        Ok((round, detector))
    }

    fn measure(
        &self,
        mut detector: Detector,
        rounds: NonZeroU8,
    ) -> Result<(StreamSpeed, Detector), FileError> {
        let (mut bare, mut best) = (Duration::MAX, Round { seen: Duration::MAX, ..Round::default() });
        for _ in 0..rounds.get() {
            bare = bare.min(self.bare()?);
            let round;
            (round, detector) = self.seen(detector)?;
            if round.seen < best.seen {
                best = round;
            }
        }
        let pictures = self.packets.len().max(1) as f64;
        let ms = |d: Duration| 1000.0 * d.as_secs_f64() / pictures;
        let by_bare = |d: Duration| d.as_secs_f64() / bare.as_secs_f64().max(1e-9);
        let times = || self.packets.iter().map(|p| p.media);
        let first_to_last =
            times().max().zip(times().min()).map_or(0.0, |(last, first)| (last - first).seconds());
        let seconds = first_to_last.max(1e-9);
        let bytes: usize = self.packets.iter().map(|p| p.data.len()).sum();
        let speed = StreamSpeed {
            name: self.name.to_owned(),
            coded: self.coded.to_owned(),
            pictures: self.packets.len() as u64,
            bits_per_second: bytes as f64 * 8.0 / seconds,
            decode_ms: ms(bare),
            decode_and_see_ms: ms(best.seen),
            draw_ms: ms(best.drawn),
            detect_ms: ms(best.detected),
            times_decode: by_bare(best.seen),
            times_decode_with_drawing: by_bare(best.seen + best.drawn),
            sweeps_per_second: best.sweeps as f64 / seconds,
            detector_runs_per_second: best.runs as f64 / seconds,
        };
        Ok((speed, detector))
    }
}
