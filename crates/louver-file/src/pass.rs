//! The same seeing and masking as a camera's, on a video file, picture by picture.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use louver_base::WallTime;
use louver_codec::detector::{Detector, DetectorError};
use louver_codec::{CodecError, FileFrame, VideoFile};
use louver_scene::Scene;
use louver_see::{Act, See, Settings};

/// Why a file could not be gone through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read, or is damaged.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The detector failed.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// The masked video cannot be written.
    #[error("{path}: the masked video cannot be written")]
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of that name is there already.
    #[error("{0} exists: name another file, or say --force")]
    Exists(PathBuf),
    /// The encoder gave parameters that no MP4 can hold.
    #[error("the masked video cannot be put into MP4")]
    Mux(#[source] louver_media::fmp4::Fmp4Error),
    /// The ground truth cannot be used.
    #[error(transparent)]
    Truth(#[from] crate::TruthError),
    /// Someone asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// One picture gone through.
#[derive(Debug)]
pub struct Step {
    /// The original, for measuring; it goes nowhere else.
    pub frame: FileFrame,
    /// What may be shown of it.
    pub scene: Scene,
    /// What happened.
    pub acts: Vec<Act>,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Reading and decoding.
    pub decode: Duration,
    /// Detector runs.
    pub detect: Duration,
    /// Everything else of seeing.
    pub see: Duration,
}

/// A pass over a file. The detector answers at once, so the same file gives the same scenes.
#[derive(Debug)]
pub struct Pass {
    file: VideoFile,
    detector: Detector,
    see: See,
    /// Where the time went so far.
    pub times: Times,
    /// Pictures so far.
    pub frames: u64,
    /// Sweeps of the detector so far; each may run it on several parts.
    pub sweeps: u64,
}

/// Track numbers of a pass are the same every time.
const SEED: u64 = 0x10_07e5;

impl Pass {
    /// A pass over an opened file.
    pub fn new(file: VideoFile, detector: Detector) -> Self {
        let see = See::new(file.size(), Settings::new(detector.kind().traits(), SEED));
        Self { file, detector, see, times: Times::default(), frames: 0, sweeps: 0 }
    }

    /// The file.
    pub fn file(&self) -> &VideoFile {
        &self.file
    }

    /// The detector.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// The next picture, or `None` at the end of the file.
    ///
    /// # Errors
    /// When the file is damaged or the detector fails.
    pub fn step(&mut self) -> Result<Option<Step>, FileError> {
        let begun = Instant::now();
        let Some(frame) = self.file.next_frame()? else { return Ok(None) };
        let decoded = Instant::now();
        self.times.decode += decoded - begun;
        let wall = WallTime::from_micros(frame.at.ticks() * 100 / 9);
        let (scene, acts) = self.see.picture(&frame.picture, frame.at, wall);
        let seen = Instant::now();
        self.times.see += seen - decoded;
        self.sweep(&frame)?;
        self.times.detect += seen.elapsed();
        self.frames += 1;
        Ok(Some(Step { frame, scene, acts }))
    }

    fn sweep(&mut self, frame: &FileFrame) -> Result<(), FileError> {
        if let Some(sweep) = self.see.wants() {
            self.see.sweep_begun(sweep.taken);
            let found = self.detector.detect(&frame.picture, &sweep.parts, sweep.least)?;
            self.see.sweep_done(sweep.taken, &found);
            self.sweeps += 1;
        }
        Ok(())
    }
}
