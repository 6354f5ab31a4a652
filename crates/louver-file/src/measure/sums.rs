//! The counting: one scene against what really was there.

use std::collections::{BTreeMap, VecDeque};

use louver_base::Class;
use louver_media::Picture;
use louver_scene::{Cell, Rect, Scene, Style};

use super::place::{Against, DIFFERS, Place, differs};
use super::share::{Leaks, LeaksOfAll, Share};
use super::zones::{each_pixel, head_zone, widened};
use crate::TruthBox;

/// Boxes are widened by this share when asking what lies outside them (DESIGN 4).
const OUTSIDE: f32 = 0.15;
/// A head zone leaks from this share of its pixels on, a body from that of its box (DESIGN 4).
const HEAD: f64 = 0.10;
const BODY: f64 = 0.25;
/// Where heads were is remembered every so many pictures, this many times: a minute at ten pictures a second.
const GHOST_EVERY: u64 = 10;
const GHOSTS: usize = 60;

/// What one scene shows and hides, pixel by pixel.
pub(crate) struct Drawn<'a> {
    scene: &'a Scene,
    /// As drawn, with boxes for figures.
    pub(crate) shown: &'a Picture,
    /// Pixels that do not come from the camera: flat fill, or a figure.
    pub(crate) flat: Vec<bool>,
    /// Pixels that do not come from the camera when no figures are drawn.
    unknown: Vec<bool>,
    /// Pixels of cells that are not clear, or under a figure.
    masked: Vec<bool>,
}

impl<'a> Drawn<'a> {
    /// A scene and its picture with boxes.
    pub(crate) fn new(scene: &'a Scene, shown: &'a Picture) -> Self {
        let (w, h) = (shown.size.width(), shown.size.height());
        let mut flat = Vec::with_capacity(w * h);
        let mut masked = Vec::with_capacity(w * h);
        let (cell, columns) = (scene.grid.cell, scene.grid.columns());
        for y in 0..h {
            for column in 0..columns {
                let state = scene.cells.get(y / cell * columns + column);
                let pixels = cell.min(w - column * cell);
                flat.resize(flat.len() + pixels, !matches!(state, Some(Cell::Clear | Cell::Occupied)));
                masked.resize(masked.len() + pixels, !matches!(state, Some(Cell::Clear)));
            }
        }
        let unknown = flat.clone();
        // Real pixels that policy allows lie in windows; their figures are an edge and hide nothing.
        let open = |track: u32| scene.windows.iter().any(|w| w.track == track && w.class != Class::Person);
        for figure in scene.figures.iter().filter(|f| !open(f.track)) {
            each_pixel(figure.rect, w, h, |n| {
                flat[n] = true;
                masked[n] = true;
            });
        }
        Self { scene, shown, flat, unknown, masked }
    }
}

/// Share of a rectangle's pixels that are left to be seen and are not the empty place, 0 to 1.
pub(crate) fn left_in(
    rect: Rect,
    picture: &Picture,
    hidden: Option<&[bool]>,
    place: &Place,
    against: Against,
) -> f64 {
    let (mut left, mut all) = (0u32, 0u32);
    each_pixel(rect, picture.size.width(), picture.size.height(), |n| {
        all += 1;
        left += u32::from(place.is_left(picture, hidden, n, against));
    });
    if all == 0 { 0.0 } else { f64::from(left) / f64::from(all) }
}

/// Whether head and body of a person leak.
fn leaks(
    person: Rect,
    picture: &Picture,
    hidden: Option<&[bool]>,
    place: &Place,
    against: Against,
) -> [bool; 2] {
    let part = |rect| left_in(rect, picture, hidden, place, against);
    [part(head_zone(person)) > HEAD, part(person) > BODY]
}

impl Leaks {
    fn add(&mut self, [head, body]: [bool; 2]) {
        self.head.add(head);
        self.body.add(body);
    }
}

/// What one picture shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Whose head shows: numbers of the truth.
    pub(crate) heads: Vec<u32>,
    /// Whose does when held against the median alone.
    pub(crate) heads_against_median: Vec<u32>,
    /// Whose would if nothing were masked.
    pub(crate) unmasked_heads: Vec<u32>,
    /// Share of the pixels outside all people that are not masked, 0 to 1.
    pub(crate) clear: f64,
}

/// Everything counted so far.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) leaks: LeaksOfAll,
    pub(crate) against_median: LeaksOfAll,
    pub(crate) over_mask: Share,
    pub(crate) over_mask_visible: Share,
    /// For each ground-truth track: pictures with a figure, pictures.
    tracks: BTreeMap<u32, (u64, u64)>,
    pictures: u64,
    /// Where heads were, oldest first.
    were: VecDeque<Vec<Rect>>,
}

impl Sums {
    /// Counts one picture.
    pub(crate) fn picture(
        &mut self,
        drawn: &Drawn<'_>,
        original: &Picture,
        place: &Place,
        people: &[TruthBox],
    ) -> Seen {
        let backdrop = drawn.scene.render(Style::Empty);
        let mut seen = Seen::default();
        for person in people {
            for (against, sums) in self.both() {
                let of = |picture, hidden| leaks(person.rect, picture, hidden, place, against);
                let (shown, unmasked) = (of(drawn.shown, Some(&drawn.flat)), of(original, None));
                sums.shown.add(shown);
                sums.backdrop_alone.add(of(backdrop.get(), Some(&drawn.unknown)));
                sums.unmasked.add(unmasked);
                let (heads, bare) = match against {
                    Against::Range => (&mut seen.heads, Some(&mut seen.unmasked_heads)),
                    Against::Median => (&mut seen.heads_against_median, None),
                };
                heads.extend(shown[0].then_some(person.id));
                bare.into_iter().for_each(|b| b.extend(unmasked[0].then_some(person.id)));
            }
            let covered = |r: Rect| r.intersection(person.rect).area() * 2 >= person.rect.area();
            let track = self.tracks.entry(person.id).or_default();
            track.0 += u64::from(drawn.scene.figures.iter().any(|f| covered(f.rect)));
            track.1 += 1;
        }
        seen.clear = self.outside(drawn, original, people);
        if self.pictures.is_multiple_of(GHOST_EVERY) {
            self.look_for_ghosts(drawn, place, people);
        }
        self.pictures += 1;
        seen
    }

    /// What is counted, and against what.
    fn both(&mut self) -> [(Against, &mut LeaksOfAll); 2] {
        [(Against::Range, &mut self.leaks), (Against::Median, &mut self.against_median)]
    }

    /// Over-mask; gives the share of the pixels outside that are clear.
    fn outside(&mut self, drawn: &Drawn<'_>, original: &Picture, people: &[TruthBox]) -> f64 {
        let (w, h) = (original.size.width(), original.size.height());
        let mut outside = vec![true; w * h];
        for person in people {
            each_pixel(widened(person.rect, OUTSIDE), w, h, |n| outside[n] = false);
        }
        let (mut masked, mut visible, mut of) = (0u64, 0u64, 0u64);
        for n in (0..w * h).filter(|&n| outside[n]) {
            of += 1;
            masked += u64::from(drawn.masked[n]);
            visible += u64::from(differs(drawn.shown, original, n, DIFFERS));
        }
        for (share, count) in [(&mut self.over_mask, masked), (&mut self.over_mask_visible, visible)] {
            share.count += count;
            share.of += of;
        }
        if of == 0 { 0.0 } else { 1.0 - masked as f64 / of as f64 }
    }

    /// Somebody who was learned into the backdrop and has left is in nobody's box: the places where heads were are looked
    /// at too.
    fn look_for_ghosts(&mut self, drawn: &Drawn<'_>, place: &Place, people: &[TruthBox]) {
        let here = |zone: &Rect| people.iter().any(|p| p.rect.intersection(*zone).area() > 0);
        for zone in self.were.iter().flatten().filter(|z| !here(z)) {
            for (against, sums) in
                [(Against::Range, &mut self.leaks), (Against::Median, &mut self.against_median)]
            {
                sums.ghosts.add(left_in(*zone, drawn.shown, Some(&drawn.flat), place, against) > HEAD);
            }
        }
        if self.were.len() == GHOSTS {
            self.were.pop_front();
        }
        self.were.push_back(people.iter().map(|p| head_zone(p.rect)).collect());
    }

    /// Ground-truth tracks with a figure over at least half of the box for at least 80 % of their time.
    pub(crate) fn followed(&self) -> Share {
        let mut share = Share::default();
        for (with, all) in self.tracks.values() {
            share.add(with * 5 >= all * 4);
        }
        share.done()
    }
}
