//! The clip that scenes are built of: its pictures, its people, its empty place.

use std::path::Path;
use std::sync::Arc;

use louver_codec::VideoFile;
use louver_media::{Picture, PictureSize};
use louver_scene::Rect;

use crate::measure::{Empty, head_zone, widened};
use crate::{FileError, Truth, TruthBox};

/// Bytes of pictures that are kept at most; of a longer clip the first part is used.
const MOST_BYTES: usize = 1 << 30;

/// A clip in memory.
#[derive(Debug)]
pub(super) struct Clip {
    pub(super) pictures: Vec<Picture>,
    pub(super) truth: Truth,
    /// What the place usually shows, for painting.
    pub(super) empty: Arc<Picture>,
    /// All that it shows.
    pub(super) place: Empty,
    pub(super) fps: f64,
    pub(super) size: PictureSize,
}

/// One person in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sighted {
    pub(super) frame: usize,
    pub(super) person: TruthBox,
}

impl Clip {
    pub(super) fn read(video: &Path, truth: &Truth) -> Result<Self, FileError> {
        let mut file = VideoFile::open(video)?;
        let expected = file.frames_expected().unwrap_or(1).max(1);
        let (size, fps) = (file.size(), file.fps());
        let most = (MOST_BYTES / (size.area() * 3 / 2)).max(2);
        let mut pictures = Vec::new();
        while pictures.len() < most
            && let Some(frame) = file.next_frame()?
        {
            pictures.push(frame.picture);
        }
        let place = Empty::of(video, truth, expected)?;
        Ok(Self { pictures, truth: truth.clone(), empty: Arc::clone(&place.usual), place, fps, size })
    }

    /// So many seconds in pictures.
    pub(super) fn frames(&self, seconds: f64) -> u64 {
        (seconds * self.fps).round() as u64
    }

    /// Which picture is shown `n` pictures after picture `from`: forward to the end, backward to the beginning, and so on, so
    /// that nothing ever jumps.
    pub(super) fn turn(&self, from: usize, n: u64) -> usize {
        let last = self.pictures.len().saturating_sub(1).max(1) as u64;
        let at = (from as u64 + n) % (2 * last);
        if at <= last { at as usize } else { (2 * last - at) as usize }.min(self.pictures.len() - 1)
    }

    /// The people in a picture.
    pub(super) fn people(&self, frame: usize) -> &[TruthBox] {
        self.truth.at(frame as u64)
    }

    /// The picture with most people in it, the first of several.
    pub(super) fn most_crowded(&self) -> usize {
        let count = |n: &usize| self.people(*n).len();
        (0..self.pictures.len()).rev().max_by_key(count).unwrap_or(0)
    }

    /// People who stand alone, wholly in the picture, and can be told from the ground, smallest first. `walked` pictures
    /// before they were already there.
    pub(super) fn alone(&self, walked: usize) -> Vec<Sighted> {
        let (w, h) = (self.size.width() as i32, self.size.height() as i32);
        let mut found = Vec::new();
        for frame in (walked..self.pictures.len()).step_by(5) {
            let people = self.people(frame);
            for person in people {
                let room = widened(person.rect, 0.2);
                let inside = room.left >= 0 && room.top >= 0 && room.right <= w && room.bottom <= h;
                let free = |o: &&TruthBox| o.id != person.id && o.rect.intersection(room).area() > 0;
                let was_there = self.people(frame - walked).iter().any(|p| p.id == person.id);
                if inside
                    && was_there
                    && !people.iter().any(|o| free(&o))
                    && self.stands_out(frame, person.rect)
                {
                    found.push(Sighted { frame, person: *person });
                }
            }
        }
        found.sort_by_key(|s| (s.person.rect.bottom - s.person.rect.top, s.frame, s.person.id));
        found
    }

    /// Whether half of the head zone differs from the empty place: what could not be seen proves nothing when it is hidden.
    fn stands_out(&self, frame: usize, person: Rect) -> bool {
        let zone = head_zone(person);
        let (mut out, mut all) = (0, 0);
        crate::measure::each_pixel(zone, self.size.width(), self.size.height(), |n| {
            all += 1;
            out += i32::from(self.pictures[frame].y[n].abs_diff(self.empty.y[n]) > 25);
        });
        out * 2 > all
    }
}
