//! What seeing costs beside the bare decoding of the same stream, in one run on one machine.

use std::num::NonZeroU8;
use std::path::Path;
use std::time::{Duration, Instant};

use louver_base::MediaTime;
use louver_codec::detector::Detector;
use louver_codec::{Decoder, EncoderSettings, H264Encoder, Scaler, VideoFile};
use louver_media::{Packet, Picture, PictureSize, VideoParams};
use louver_scene::{PictureEncoder, Style};
use schemars::JsonSchema;
use serde::Serialize;

use super::empty::empty_place;
use crate::built::Noise;
use crate::{FileError, Truth, Watch};

/// The size of a sub stream.
const WIDTH: u32 = 640;
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
    /// The clip, and its empty place under a little noise.
    pub streams: Vec<StreamSpeed>,
}

/// What one stream costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StreamSpeed {
    /// `busy` or `quiet`.
    pub name: String,
    /// Pictures, H.264 with a key frame every two seconds.
    pub pictures: u64,
    /// Bits a second of the stream.
    pub bits_per_second: f64,
    /// Milliseconds a picture: decoding and nothing else.
    pub decode_ms: f64,
    /// Milliseconds a picture: decoding and seeing, the detector left out.
    pub decode_and_see_ms: f64,
    /// Milliseconds a picture: drawing what may be shown.
    pub draw_ms: f64,
    /// Milliseconds a picture: the detector, spread over all pictures.
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

/// Measures a clip and its empty place as a camera's sub stream. Both ways are gone `rounds` times, in turns; the fastest
/// counts, as it was disturbed least. `progress` is told the share done, 0 to 1.
///
/// # Errors
/// When the clip is damaged or the detector fails.
pub fn measure_speed(
    video: &Path,
    truth: &Truth,
    mut detector: Detector,
    rounds: NonZeroU8,
    mut progress: impl FnMut(f64),
) -> Result<SpeedReport, FileError> {
    let busy = Stream::busy(video)?;
    progress(0.2);
    let quiet = Stream::quiet(video, truth, busy.packets.len())?;
    progress(0.3);
    let mut report = SpeedReport {
        footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        model: detector.name(),
        size: [busy.size.width(), busy.size.height()],
        streams: Vec::new(),
    };
    for (n, (name, stream)) in [("busy", busy), ("quiet", quiet)].into_iter().enumerate() {
        let speed;
        (speed, detector) = stream.measure(name, detector, rounds)?;
        report.streams.push(speed);
        progress(0.3 + 0.35 * (n + 1) as f64);
    }
    Ok(report)
}

/// A coded stream in memory.
struct Stream {
    size: PictureSize,
    params: Option<VideoParams>,
    packets: Vec<Packet>,
}

/// How long one round took.
#[derive(Clone, Copy, Default)]
struct Round {
    seen: Duration,
    drawn: Duration,
    detected: Duration,
    sweeps: u64,
    runs: u64,
}

impl Stream {
    /// The size of a sub stream of pictures of `size`.
    fn sub(size: PictureSize) -> PictureSize {
        let height = size.height() as u32 * WIDTH / size.width() as u32;
        PictureSize::new(WIDTH, height.max(2)).unwrap_or(size)
    }

    fn busy(video: &Path) -> Result<Self, FileError> {
        let mut file = VideoFile::open(video)?;
        let (size, fps) = (Self::sub(file.size()), file.fps());
        let mut scaler = Scaler::default();
        let mut pictures = 0;
        Self::coded(size, fps, || {
            pictures += 1;
            let frame = if pictures > MOST { None } else { file.next_frame()? };
            frame.map(|f| Ok(scaler.scale(&f.picture, size)?)).transpose()
        })
    }

    fn quiet(video: &Path, truth: &Truth, pictures: usize) -> Result<Self, FileError> {
        let file = VideoFile::open(video)?;
        let (size, fps) = (Self::sub(file.size()), file.fps());
        let empty = empty_place(video, truth, file.frames_expected().unwrap_or(1).max(1))?;
        let empty = Scaler::default().scale(&empty, size)?;
        let (mut noise, mut left) = (Noise::new(), pictures);
        Self::coded(size, fps, || {
            let Some(rest) = left.checked_sub(1) else { return Ok(None) };
            left = rest;
            let mut picture = empty.clone();
            noise.add(&mut picture, NOISE);
            Ok(Some(picture))
        })
    }

    fn coded(
        size: PictureSize,
        fps: f64,
        mut next: impl FnMut() -> Result<Option<Picture>, FileError>,
    ) -> Result<Self, FileError> {
        let mut encoder = H264Encoder::new(EncoderSettings::for_size(size, fps as f32))?;
        let key_every = (fps * 2.0).round().max(1.0) as usize;
        let mut it = Self { size, params: None, packets: Vec::new() };
        while let Some(picture) = next()? {
            let n = it.packets.len();
            let at = MediaTime::from_ticks((n as f64 * 90_000.0 / fps).round() as i64);
            let coded = encoder.encode(&picture, at, n.is_multiple_of(key_every))?;
            it.params = it.params.or(coded.params);
            it.packets.push(coded.packet);
        }
        Ok(it)
    }

    fn decoder(&self) -> Result<Decoder, FileError> {
        let params = self.params.as_ref().ok_or(FileError::Scene { scene: "speed" })?;
        Ok(Decoder::new(params, None)?)
    }

    fn bare(&self) -> Result<Duration, FileError> {
        let mut decoder = self.decoder()?;
        let begun = Instant::now();
        for packet in &self.packets {
            std::hint::black_box(decoder.decode(packet)?);
        }
        Ok(begun.elapsed())
    }

    fn seen(&self, detector: Detector) -> Result<(Round, Detector), FileError> {
        let mut decoder = self.decoder()?;
        let runs = detector.runs();
        let mut watch = Watch::new(self.size, detector);
        let mut drawn = Duration::ZERO;
        let begun = Instant::now();
        for packet in &self.packets {
            for decoded in decoder.decode(packet)? {
                let (scene, _) = watch.picture(&decoded.picture, decoded.media)?;
                let then = Instant::now();
                std::hint::black_box(scene.render(Style::Boxes));
                drawn += then.elapsed();
            }
        }
        let (all, detected, sweeps) = (begun.elapsed(), watch.times.detect, watch.sweeps);
        let detector = watch.into_detector();
        let runs = detector.runs() - runs;
        Ok((Round { seen: all - drawn - detected, drawn, detected, sweeps, runs }, detector))
    }

    fn measure(
        &self,
        name: &str,
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
        let seconds = self.packets.last().map_or(0.0, |p| (p.media - MediaTime::ZERO).seconds()).max(1e-9);
        let bytes: usize = self.packets.iter().map(|p| p.data.len()).sum();
        let speed = StreamSpeed {
            name: name.to_owned(),
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
