//! The same seeing and masking as a camera's, on pictures from anywhere, with a detector that answers at once.

use std::time::{Duration, Instant};

use louver_base::{MediaTime, WallTime};
use louver_codec::detector::Detector;
use louver_media::{Picture, PictureSize};
use louver_scene::{Scene, Show, Zone};
use louver_see::{Act, See, Settings, Stir};

use crate::FileError;

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

/// One camera's seeing with its detector. The same pictures at the same times give the same scenes.
#[derive(Debug)]
pub struct Watch {
    detector: Detector,
    see: See,
    /// Where the time went so far.
    pub times: Times,
    /// Pictures so far.
    pub frames: u64,
    /// Sweeps of the detector so far; each may run it on several parts.
    pub sweeps: u64,
}

/// Track numbers are the same every time.
const SEED: u64 = 0x10_07e5;

impl Watch {
    /// Seeing that knows nothing yet, for pictures of one size.
    pub fn new(size: PictureSize, detector: Detector) -> Self {
        Self::with(size, detector, Show::NOTHING, &[])
    }

    /// The same with what may be seen as it is, and with zones. Pictures must go through [`blank`](Self::blank) first.
    pub fn with(size: PictureSize, detector: Detector, show: Show, zones: &[Zone]) -> Self {
        let settings = Settings { show, ..Settings::new(detector.kind().traits(), SEED) };
        let see = See::with_zones(size, settings, zones);
        Self { detector, see, times: Times::default(), frames: 0, sweeps: 0 }
    }

    /// Makes the excluded zones of a picture flat.
    pub fn blank(&self, picture: &mut Picture) {
        self.see.blank(picture);
    }

    /// The detector.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// The detector alone, for what is seen next.
    pub fn into_detector(self) -> Detector {
        self.detector
    }

    /// What goes on, for the gate.
    pub fn stir(&self) -> Stir {
        self.see.stir()
    }

    /// The pictures up to the one that comes at `next` were left out because nothing went on.
    pub fn left_out(&mut self, next: MediaTime) {
        self.see.left_out(next);
    }

    /// Takes a picture and says what may be shown of it, and what happened.
    ///
    /// # Errors
    /// When the detector fails.
    pub fn picture(&mut self, picture: &Picture, at: MediaTime) -> Result<(Scene, Vec<Act>), FileError> {
        let begun = Instant::now();
        let seen = self.see(picture, at);
        let then = Instant::now();
        self.times.see += then - begun;
        self.sweep(picture)?;
        self.times.detect += then.elapsed();
        Ok(seen)
    }

    /// The first half of [`picture`](Self::picture): everything but the detector.
    pub(crate) fn see(&mut self, picture: &Picture, at: MediaTime) -> (Scene, Vec<Act>) {
        self.frames += 1;
        self.see.picture(picture, at, WallTime::from_micros(at.ticks() * 100 / 9))
    }

    /// The second half: the detector, if it is wanted.
    pub(crate) fn sweep(&mut self, picture: &Picture) -> Result<(), FileError> {
        if let Some(sweep) = self.see.wants() {
            self.see.sweep_begun(sweep.taken);
            let found = self.detector.detect(picture, &sweep.parts, sweep.least)?;
            self.see.sweep_done(sweep.taken, &found);
            self.sweeps += 1;
        }
        Ok(())
    }
}
