//! The same seeing and masking as a camera's, on a video file, picture by picture.

use std::path::PathBuf;
use std::time::Instant;

use louver_codec::detector::{Detector, DetectorError};
use louver_codec::{CodecError, FileFrame, VideoFile};
use louver_scene::{Scene, Show, Zone};
use louver_see::Act;

use crate::Watch;

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
    /// A scene cannot be built of the clip.
    #[error(
        "{scene}: there is nobody in this clip (or its ground truth) that this scene could be built of; leave it out with --scene"
    )]
    Scene {
        /// The scene's name.
        scene: &'static str,
    },
    /// The ffmpeg command, which builds footage for measuring, failed.
    #[error("ffmpeg cannot be run: install it (Debian: `apt install ffmpeg`)")]
    Ffmpeg(#[source] std::io::Error),
    /// The packets of a file cannot be read one by one.
    #[error("{path}: its packets cannot be read")]
    Packets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        source: louver_media::mp4::Mp4Error,
    },
    /// Someone asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// One picture gone through.
#[derive(Debug)]
pub struct Step {
    /// The original without what is excluded, for measuring; it goes nowhere else.
    pub frame: FileFrame,
    /// What may be shown of it.
    pub scene: Scene,
    /// What happened.
    pub acts: Vec<Act>,
}

/// A pass over a file. The same file gives the same scenes.
#[derive(Debug)]
pub struct Pass {
    file: VideoFile,
    /// Its seeing, and where the time went so far.
    pub watch: Watch,
}

impl Pass {
    /// A pass over an opened file.
    pub fn new(file: VideoFile, detector: Detector) -> Self {
        Self::with(file, detector, Show::NOTHING, &[])
    }

    /// The same with what may be seen as it is, and with zones.
    pub fn with(file: VideoFile, detector: Detector, show: Show, zones: &[Zone]) -> Self {
        let watch = Watch::with(file.size(), detector, show, zones);
        Self { file, watch }
    }

    /// The file.
    pub fn file(&self) -> &VideoFile {
        &self.file
    }

    /// The detector.
    pub fn detector(&self) -> &Detector {
        self.watch.detector()
    }

    /// The next picture, or `None` at the end of the file.
    ///
    /// # Errors
    /// When the file is damaged or the detector fails.
    pub fn step(&mut self) -> Result<Option<Step>, FileError> {
        let begun = Instant::now();
        let Some(mut frame) = self.file.next_frame()? else { return Ok(None) };
        self.watch.times.decode += begun.elapsed();
        self.watch.blank(&mut frame.picture);
        let (scene, acts) = self.watch.picture(&frame.picture, frame.at)?;
        Ok(Some(Step { frame, scene, acts }))
    }
}
