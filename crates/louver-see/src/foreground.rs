//! The foreground step by itself, for whoever measures it beside another background model.

use louver_base::{MediaSpan, MediaTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{DetectorTraits, Grid};

use crate::Settings;
use crate::backdrop::{Backdrop, Cover};
use crate::blobs::NOTHING;
use crate::features::Features;
use crate::gaze::Gaze;

/// Sweeps that see nobody are reported this often: without them no cell would ever be known, and nothing be compared.
const SWEEP_EVERY: MediaSpan = MediaSpan::from_millis(1000);

/// What [`See`](crate::See) does to tell what departs from the empty place, and to learn the place: the means of every cell,
/// the comparison, the decision about each cell and the upkeep of the backdrop. Nobody is followed and nothing is told.
#[derive(Debug)]
pub struct Foreground {
    grid: Grid,
    settings: Settings,
    features: Features,
    backdrop: Backdrop,
    cover: Vec<Cover>,
    labels: Vec<u16>,
    swept: Option<MediaTime>,
}

impl Foreground {
    /// A place of which nothing is known, in pictures of one size.
    pub fn new(size: PictureSize, traits: DetectorTraits) -> Self {
        let grid = Grid::of(size);
        Self {
            grid,
            settings: Settings::new(traits, 1),
            features: Features::default(),
            backdrop: Backdrop::new(grid, MediaTime::ZERO),
            cover: vec![Cover::Free; grid.len()],
            labels: vec![NOTHING; grid.len()],
            swept: None,
        }
    }

    /// Takes a picture and says which cells depart from the empty place, row by row; a picture of another size changes nothing.
    pub fn picture(&mut self, picture: &Picture, at: MediaTime) -> &[bool] {
        if picture.size == self.grid.picture {
            self.features.compute(picture, self.grid);
            self.backdrop.compare(&mut self.features, at, &self.settings);
            self.backdrop.decide(picture, &self.cover, &self.labels, at, &self.settings);
        }
        self.backdrop.departed()
    }

    /// Reports an empty sweep where one is due; MOG2 has no such thing, and it is no part of the step.
    pub fn sweep(&mut self, at: MediaTime) {
        if self.swept.is_none_or(|swept| at - swept >= SWEEP_EVERY) {
            self.swept = Some(at);
            let gaze = Gaze::everything(self.grid.picture, self.settings.detector);
            self.backdrop.sweep(at, &[], &gaze);
        }
    }
}
