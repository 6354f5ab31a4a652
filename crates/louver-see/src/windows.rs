//! Windows: things that the camera's policy allows to be seen, as they are.
//!
//! A pedestrian may step in front of a car between two looks of the detector. So a window shows only pixels of the very
//! picture that the detector looked at, moved along with its track, until the next look confirms it; and it ends as soon as
//! anything that may be a person, or of which nothing is known, touches it.

use std::sync::Arc;

use louver_base::{Class, MediaSpan, MediaTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Detection, FigureKind, Grid, Rect, Scene, Show, Window};

use crate::Settings;
use crate::backdrop::for_cells;
use crate::blobs::{Blobs, LOOSE};
use crate::see::PERSON_ROOM;
use crate::track::{Track, Tracks, padded};

/// Sweeps that must have been sure of a thing before it is shown: one false alarm shows nothing.
const SURE_HITS: u32 = 2;
/// Sweeps in a row that need not confirm a window: a detector blinks once.
const UNCONFIRMED: u32 = 1;
/// A window's pixels are no older than this; longer than three sweeps of a busy camera take.
const MOST_AGE: MediaSpan = MediaSpan::from_millis(4000);
/// Room for a thing's shadow and for what its box cuts off, share of its sides: different-looking cells in it are its own.
const ROOM: f32 = 0.15;

/// The picture that the detector is asked about, with what looked different in it.
#[derive(Debug)]
struct Swept {
    taken: MediaTime,
    picture: Picture,
    blobs: Blobs,
}

/// A thing that is shown.
#[derive(Debug)]
struct Open {
    track: u32,
    class: Class,
    /// From its track's centre to its upper left corner, pixels.
    offset: (f32, f32),
    picture: Arc<Picture>,
    taken: MediaTime,
    /// Sweeps since the last that confirmed it.
    unconfirmed: u32,
}

impl Open {
    fn rect(&self, track: &Track) -> Rect {
        let (x, y) = centre(track.rect());
        // Even, so that colour stays with its luma.
        let even = |n: f32| (n / 2.0).round() as i32 * 2;
        let (left, top) = (even(x + self.offset.0), even(y + self.offset.1));
        let size = self.picture.size;
        Rect { left, top, right: left + size.width() as i32, bottom: top + size.height() as i32 }
    }
}

/// What a window must not touch, at one moment.
pub(crate) struct Around<'a> {
    pub(crate) grid: Grid,
    pub(crate) cells: &'a [Cell],
    /// Where people are or may be.
    pub(crate) people: Vec<Rect>,
    pub(crate) tracks: &'a Tracks,
    pub(crate) settings: &'a Settings,
}

impl Around<'_> {
    /// Whether a box is free of people, and of cells of which nothing is known or may be shown.
    fn clean(&self, rect: Rect) -> bool {
        let mut known = true;
        for_cells(self.grid, rect, |n| {
            known &= matches!(self.cells.get(n), Some(Cell::Clear | Cell::Occupied));
        });
        known && !self.people.iter().any(|p| p.intersection(rect).area() > 0)
    }

    fn track(&self, number: u32) -> Option<&Track> {
        self.tracks.all().iter().find(|t| t.number == number && t.followed())
    }

    /// Whether a thing is surely what it is said to be, and drawn as such. A parcel that moves is carried by somebody.
    fn sure(&self, track: &Track, class: Class, now: MediaTime) -> bool {
        track.kind == FigureKind::Known(class)
            && track.sure_hits >= SURE_HITS
            && track.shown(now, self.settings.detector.event_score)
            && (class != Class::Parcel || track.rests())
    }
}

/// The windows of one camera.
#[derive(Debug)]
pub(crate) struct Windows {
    swept: Option<Swept>,
    open: Vec<Open>,
}

impl Windows {
    pub(crate) const fn new() -> Self {
        Self { swept: None, open: Vec::new() }
    }

    /// Nothing is shown any more, and an answer that is still to come shows nothing either.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Keeps the picture that the detector is about to be asked about; the only one that is ever kept.
    pub(crate) fn keep(&mut self, picture: &Picture, blobs: Blobs, taken: MediaTime) {
        self.swept = Some(Swept { taken, picture: picture.clone(), blobs });
    }

    /// The detector could not answer.
    pub(crate) fn failed(&mut self) {
        self.swept = None;
        self.age();
    }

    fn age(&mut self) {
        self.open.iter_mut().for_each(|o| o.unconfirmed += 1);
        self.open.retain(|o| o.unconfirmed <= UNCONFIRMED);
    }

    /// The detector's answer for the picture taken at `taken`, after the tracks have taken it in.
    pub(crate) fn answered(
        &mut self,
        taken: MediaTime,
        found: &[Detection],
        show: Show,
        now: MediaTime,
        around: &Around<'_>,
    ) {
        self.age();
        let Some(swept) = self.swept.take().filter(|s| s.taken == taken) else { return };
        let people = people_then(found, around.tracks, taken);
        let allowed: Vec<Detection> = found
            .iter()
            .filter(|d| show.allows(d.class) && !d.ridden && d.score >= around.settings.detector.event_score)
            .copied()
            .collect();
        let rooms: Vec<Rect> = allowed.iter().map(|d| room(d.rect, around.grid)).collect();
        for d in &allowed {
            let rect = on_cells(d.rect, around.grid);
            let track = around.tracks.all().iter().find(|t| t.followed() && t.found_as(taken, d.rect));
            let Some(track) = track.filter(|t| around.sure(t, d.class, now)) else { continue };
            let clean = around.clean(rect) && !people.iter().any(|p| p.intersection(rect).area() > 0);
            if !clean || sticks_out(&swept.blobs, rect, &rooms) {
                continue;
            }
            let Some(crop) = crop(&swept.picture, rect) else { continue };
            let (x, y) = centre(d.rect);
            self.open.retain(|o| o.track != track.number);
            if self.open.len() < Scene::WINDOWS {
                self.open.push(Open {
                    track: track.number,
                    class: d.class,
                    offset: (rect.left as f32 - x, rect.top as f32 - y),
                    picture: Arc::new(crop),
                    taken,
                    unconfirmed: 0,
                });
            }
        }
    }

    /// A picture later: ends what is no longer sure or no longer alone.
    pub(crate) fn look(&mut self, blobs: &Blobs, now: MediaTime, around: &Around<'_>) {
        if self.open.is_empty() {
            return;
        }
        let place = |o: &Open| around.track(o.track).map(|t| o.rect(t));
        let rooms: Vec<Rect> = self.open.iter().filter_map(place).map(|r| room(r, around.grid)).collect();
        self.open.retain(|o| {
            around.track(o.track).is_some_and(|track| {
                let rect = o.rect(track);
                around.sure(track, o.class, now)
                    && now - o.taken <= MOST_AGE
                    && around.clean(rect)
                    && !sticks_out(blobs, rect, &rooms)
            })
        });
    }

    /// What is shown now.
    pub(crate) fn shown(&self, tracks: &Tracks, grid: Grid) -> Vec<Window> {
        let whole = whole(grid.picture);
        let window = |o: &Open| {
            let track = tracks.all().iter().find(|t| t.number == o.track)?;
            let rect = o.rect(track);
            let part = rect.intersection(whole);
            let picture = if part == rect {
                Arc::clone(&o.picture)
            } else {
                // It leaves the picture.
                let moved = |r: Rect| Rect {
                    left: r.left - rect.left,
                    top: r.top - rect.top,
                    right: r.right - rect.left,
                    bottom: r.bottom - rect.top,
                };
                Arc::new(crop(&o.picture, moved(part))?)
            };
            let at = |n: i32| u16::try_from(n).ok();
            Some(Window { track: o.track, class: o.class, left: at(part.left)?, top: at(part.top)?, picture })
        };
        self.open.iter().filter_map(window).collect()
    }
}

/// Where people were or may have been in the picture that was looked at.
fn people_then(found: &[Detection], tracks: &Tracks, taken: MediaTime) -> Vec<Rect> {
    let found = found.iter().filter(|d| d.class == Class::Person || d.ridden);
    let then = tracks.all().iter().filter(|t| t.may_be_a_person()).map(|t| t.rect_at(taken));
    found.map(|d| d.rect).chain(then).map(|r| padded(r, PERSON_ROOM)).collect()
}

/// Where people are or may be now.
pub(crate) fn people_now(tracks: &Tracks, masked: &[Rect]) -> Vec<Rect> {
    let moving = tracks.all().iter().filter(|t| t.followed() && t.may_be_a_person()).map(Track::rect);
    let known = tracks.people().chain(moving).map(|r| padded(r, PERSON_ROOM));
    known.chain(masked.iter().copied()).collect()
}

/// Whether a group of cells that looks different reaches from a box to where none of the things that may be seen is.
fn sticks_out(blobs: &Blobs, rect: Rect, rooms: &[Rect]) -> bool {
    let mut touching = Vec::new();
    for_cells(blobs.grid, rect, |n| match blobs.labels.get(n) {
        Some(&label) if label < LOOSE && !touching.contains(&label) => touching.push(label),
        _ => {}
    });
    let (columns, cell) = (blobs.grid.columns(), blobs.grid.cell as i32);
    blobs.labels.iter().enumerate().any(|(n, label)| {
        let (x, y) = ((n % columns) as i32 * cell + cell / 2, (n / columns) as i32 * cell + cell / 2);
        let in_room =
            || rooms.iter().any(|r| (r.left..r.right).contains(&x) && (r.top..r.bottom).contains(&y));
        touching.contains(label) && !in_room()
    })
}

fn room(rect: Rect, grid: Grid) -> Rect {
    on_cells(padded(rect, ROOM), grid)
}

/// The cells that a box touches, within the picture.
fn on_cells(rect: Rect, grid: Grid) -> Rect {
    let cell = grid.cell as i32;
    let down = |n: i32| n.div_euclid(cell) * cell;
    let up = |n: i32| n.saturating_add(cell - 1).div_euclid(cell) * cell;
    let out =
        Rect { left: down(rect.left), top: down(rect.top), right: up(rect.right), bottom: up(rect.bottom) };
    out.intersection(whole(grid.picture))
}

fn whole(size: PictureSize) -> Rect {
    Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 }
}

fn centre(r: Rect) -> (f32, f32) {
    ((r.left + r.right) as f32 / 2.0, (r.top + r.bottom) as f32 / 2.0)
}

/// A part of a picture, luma and chroma; its sides are even. `None` if nothing of it lies in the picture.
fn crop(picture: &Picture, rect: Rect) -> Option<Picture> {
    let rect = rect.intersection(whole(picture.size));
    let side = |n: i32| u32::try_from(n).ok();
    let size = PictureSize::new(side(rect.right - rect.left)?, side(rect.bottom - rect.top)?)?;
    let (left, top) = (rect.left as usize & !1, rect.top as usize & !1);
    let plane = |from: &[u8], stride: usize, (x, y): (usize, usize), (w, h): (usize, usize)| {
        let mut out = Vec::with_capacity(w * h);
        for row in from.chunks_exact(stride).skip(y).take(h) {
            out.extend_from_slice(&row[x..x + w]);
        }
        out
    };
    let (wide, at, of) = (picture.size.width(), (left, top), (size.width(), size.height()));
    let (half_at, half_of) = ((left / 2, top / 2), (of.0 / 2, of.1 / 2));
    Some(Picture {
        size,
        y: plane(&picture.y, wide, at, of),
        u: plane(&picture.u, wide / 2, half_at, half_of),
        v: plane(&picture.v, wide / 2, half_at, half_of),
    })
}
