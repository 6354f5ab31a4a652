//! One pass over a file's packets, with the gate or without.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use louver_base::{Class, MediaSpan, MediaTime, WallTime};
use louver_codec::detector::Detector;
use louver_codec::{Decoded, Decoder};
use louver_media::mp4::{Track, read_track};
use louver_media::{Packet, VideoParams};
use louver_scene::{Rect, Style};
use louver_see::{Act, Gate, GateMode, GateReport, Open, Pass};

use crate::cpu::cpu;
use crate::{FileError, Watch};

/// A file's packets, in memory.
#[derive(Debug)]
pub struct Packets {
    /// What a decoder must know first.
    pub params: VideoParams,
    /// From the first key frame on, in the order of decoding.
    pub packets: Vec<Packet>,
}

/// Bytes of a file at most: an hour of a sub stream.
const BYTES_MOST: u64 = 1 << 30;

impl Packets {
    /// Reads an MP4 file with H.264.
    ///
    /// # Errors
    /// When it cannot be read, is no such file, or is too large to be held in memory.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::Packets { path: path.into(), source };
        let mut file = std::fs::File::open(path).map_err(|e| failed(e.into()))?;
        let track: Track = read_track(&mut file).map_err(failed)?;
        let total: u64 = track.samples.iter().map(|s| u64::from(s.size)).sum();
        if total > BYTES_MOST {
            return Err(failed(louver_media::mp4::Mp4Error::Damaged("more than 1 GiB of pictures")));
        }
        let start = track.samples.iter().position(|s| s.key).unwrap_or(track.samples.len());
        let mut packets = Vec::with_capacity(track.samples.len());
        let first = track.samples.get(start).map_or(MediaTime::ZERO, |s| s.show);
        for sample in &track.samples[start..] {
            let mut raw = vec![0; sample.size as usize];
            file.read_exact_at(&mut raw, sample.offset).map_err(|e| failed(e.into()))?;
            let media = MediaTime::ZERO + (sample.show - first);
            let wall = WallTime::from_micros(media.ticks() * 100 / 9);
            packets.push(Packet { media, wall, key: sample.key, data: track.packet_data(raw) });
        }
        Ok(Self { params: track.params, packets })
    }

    /// Decodes everything and does nothing with it: the time that each packet took.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn bare(&self) -> Result<Vec<Duration>, FileError> {
        let mut decoder = Decoder::new(&self.params, None)?;
        let mut times = Vec::with_capacity(self.packets.len());
        for packet in &self.packets {
            let begun = cpu();
            decoder.skip(packet)?;
            times.push(cpu() - begun);
        }
        Ok(times)
    }
}

/// One event of a pass.
#[derive(Clone, Debug)]
pub struct Told {
    /// What came.
    pub class: Class,
    /// When it was told of, by the newest packet at that time.
    pub at: MediaTime,
    /// Where it was when.
    pub path: Vec<(MediaTime, Rect)>,
    track: u32,
}

/// What a pass gave.
#[derive(Debug)]
pub struct Run {
    /// Its events, in the order they were told of.
    pub told: Vec<Told>,
    /// For each packet: the gate, decoding, seeing and drawing, without the detector.
    pub times: Vec<Duration>,
    /// For each packet why the gate was open at it, if it was.
    pub open: Vec<Option<Open>>,
    /// What the gate says at the end.
    pub gate: GateReport,
    /// Sweeps of the detector.
    pub sweeps: u64,
    /// Pictures seen.
    pub seen: u64,
}

/// Goes through the packets as a recorder does.
///
/// # Errors
/// When the file is damaged or the detector fails.
pub fn run(
    packets: &Packets,
    detector: Detector,
    mode: GateMode,
    mut progress: impl FnMut(f64),
) -> Result<(Run, Detector), FileError> {
    let size = packets.params.size;
    let mut one = One {
        decoder: Decoder::new(&packets.params, None)?,
        watch: Watch::new(size, detector),
        told: Vec::new(),
        seen: 0,
        detecting: Duration::ZERO,
    };
    let mut gate = Gate::new(size, packets.params.codec, mode);
    let (mut times, mut open) = (Vec::new(), Vec::new());
    for packet in &packets.packets {
        let (now, before) = (packet.media, one.detecting);
        let begun = cpu();
        match gate.packet(packet.clone()) {
            Pass::Hold => {}
            Pass::See(packet) => {
                for decoded in one.decoder.decode(&packet)? {
                    one.see(&decoded, now)?;
                }
            }
            Pass::Look(key) => {
                let decoded = one.decoder.alone(&key)?;
                one.watch.left_out(decoded.media);
                one.see(&decoded, now)?;
            }
            Pass::CatchUp(all) => one.catch_up(&all, now)?,
        }
        gate.stirs(one.watch.stir());
        times.push((cpu() - begun).saturating_sub(one.detecting - before));
        open.push(gate.report().open);
        progress(times.len() as f64 / packets.packets.len() as f64);
    }
    let run =
        Run { told: one.told, times, open, gate: gate.report(), sweeps: one.watch.sweeps, seen: one.seen };
    Ok((run, one.watch.into_detector()))
}

struct One {
    decoder: Decoder,
    watch: Watch,
    told: Vec<Told>,
    seen: u64,
    /// CPU time of the detector so far.
    detecting: Duration,
}

impl One {
    fn catch_up(&mut self, all: &[Packet], now: MediaTime) -> Result<(), FileError> {
        if all.first().is_some_and(|p| p.key) {
            self.decoder.restart();
        }
        let mut newest: Option<Decoded> = None;
        for packet in all {
            newest = self.decoder.decode(packet)?.pop().or(newest);
        }
        if let Some(decoded) = newest {
            self.watch.left_out(decoded.media);
            self.see(&decoded, now)?;
        }
        Ok(())
    }

    fn see(&mut self, decoded: &Decoded, now: MediaTime) -> Result<(), FileError> {
        let (scene, acts) = self.watch.see(&decoded.picture, decoded.media);
        let begun = cpu();
        self.watch.sweep(&decoded.picture)?;
        self.detecting += cpu() - begun;
        self.seen += 1;
        std::hint::black_box(scene.render(Style::Boxes));
        for act in acts {
            match act {
                Act::Enters(s, _) => {
                    self.told.push(Told {
                        class: s.class,
                        at: now,
                        path: vec![(decoded.media, s.rect)],
                        track: s.track,
                    });
                }
                Act::Update(s, _) => {
                    if let Some(told) = self.told.iter_mut().rev().find(|t| t.track == s.track) {
                        told.path.push((decoded.media, s.rect));
                    }
                }
                Act::Stays(_) | Act::Leaves(_) => {}
            }
        }
        Ok(())
    }
}

/// Two events are of one thing when both were at one place at about one time; updates come once a second.
const TOGETHER: MediaSpan = MediaSpan::from_millis(1500);

impl Told {
    /// Whether the other pass told of the same.
    pub fn same(&self, other: &Self) -> bool {
        let near = |a: &(MediaTime, Rect), b: &(MediaTime, Rect)| {
            (a.0 - b.0).ticks().abs() <= TOGETHER.ticks() && a.1.intersection(b.1).area() > 0
        };
        self.class == other.class && self.path.iter().any(|a| other.path.iter().any(|b| near(a, b)))
    }
}
