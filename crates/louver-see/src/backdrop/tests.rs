//! What covers a cell keeps it masked, whatever else speaks for showing it.

use louver_media::PictureSize;
use louver_scene::DetectorTraits;

use super::*;
use crate::features::Features;
use crate::gaze::Gaze;

/// Stripes: a picture without an edge shows nothing.
fn striped(size: PictureSize, luma: u8) -> Picture {
    let mut picture = Picture::flat(size, luma, 128, 128);
    for (n, y) in picture.y.iter_mut().enumerate() {
        *y += if (n % size.width() / 4).is_multiple_of(2) { 0 } else { 20 };
    }
    picture
}

fn settings() -> Settings {
    let traits = DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false, side: 416 };
    Settings { global_change: 2.0, ..Settings::new(traits, 1) }
}

/// Nothing but stillness and empty sweeps for as long as anyone could ask.
fn watch(
    backdrop: &mut Backdrop,
    picture: &Picture,
    cover: Cover,
    pictures: std::ops::Range<i64>,
    s: &Settings,
) {
    let mut features = Features::default();
    let cover = vec![cover; backdrop.grid.len()];
    let labels = vec![LOOSE; backdrop.grid.len()];
    for n in pictures {
        let now = MediaTime::ZERO + MediaSpan::from_millis(n * 200);
        features.compute(picture, backdrop.grid);
        assert_eq!(backdrop.compare(&mut features, now, s), Change::None);
        backdrop.sweep(now, &[], &Gaze::everything(picture.size, s.detector));
        backdrop.decide(picture, &cover, &labels, now, s);
    }
}

#[test]
fn a_covered_cell_is_neither_learned_nor_settled_nor_absorbed_however_still_and_empty_it_seems() {
    let size = PictureSize::new(32, 32).unwrap();
    let s = settings();
    let mut backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
    let (place, other) = (striped(size, 90), striped(size, 190));
    let all = |backdrop: &Backdrop, state| backdrop.states().iter().all(|c| *c == state);
    watch(&mut backdrop, &place, Cover::Covered, 1..1001, &s);
    assert!(all(&backdrop, Cell::Unknown), "learned under a cover");
    watch(&mut backdrop, &place, Cover::Free, 1001..2001, &s);
    assert!(all(&backdrop, Cell::Clear));
    watch(&mut backdrop, &place, Cover::Covered, 2001..3001, &s);
    assert!(all(&backdrop, Cell::Occupied), "settled under a cover");
    watch(&mut backdrop, &other, Cover::Covered, 3001..4001, &s);
    assert!(all(&backdrop, Cell::Occupied), "absorbed under a cover");
    assert_eq!(backdrop.picture().y[0], 90);
    watch(&mut backdrop, &other, Cover::Free, 4001..5001, &s);
    assert!(all(&backdrop, Cell::Clear));
    assert_eq!(backdrop.picture().y[0], 190);
}

#[test]
fn a_cell_that_no_cover_was_given_for_counts_as_covered() {
    let size = PictureSize::new(32, 32).unwrap();
    let s = settings();
    let mut backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
    let (picture, mut features) = (striped(size, 90), Features::default());
    for n in 1..100 {
        let now = MediaTime::ZERO + MediaSpan::from_millis(n * 200);
        features.compute(&picture, backdrop.grid);
        backdrop.compare(&mut features, now, &s);
        backdrop.sweep(now, &[], &Gaze::everything(picture.size, s.detector));
        backdrop.decide(&picture, &[], &[], now, &s);
    }
    assert!(backdrop.states().iter().all(|c| *c == Cell::Unknown));
}

/// A bright pixel in every quarter of a cell, at one place or another: cells look alike in both, and none departs.
fn dotted(size: PictureSize, shifted: bool) -> Picture {
    let (mut picture, quarter) = (striped(size, 90), Grid::of(size).cell / 2);
    for (n, y) in picture.y.iter_mut().enumerate() {
        let at = (n % size.width() % quarter, n / size.width() % quarter);
        *y += if at == (usize::from(shifted), usize::from(shifted)) { 60 } else { 0 };
    }
    picture
}

#[test]
fn of_what_sways_the_backdrop_shows_what_is_there_most_of_the_time_and_little_of_what_passes() {
    let size = PictureSize::new(480, 270).unwrap();
    let s = settings();
    let mut backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
    let (usual, seldom) = (dotted(size, false), dotted(size, true));
    // It is learned while it looks as it seldom does.
    watch(&mut backdrop, &seldom, Cover::Free, 1..100, &s);
    let (cover, labels) = (vec![Cover::Free; backdrop.grid.len()], vec![LOOSE; backdrop.grid.len()]);
    let mut features = Features::default();
    let off = |backdrop: &Backdrop| {
        let picture = backdrop.picture();
        let by = picture.y.iter().zip(&usual.y).map(|(a, b)| i16::from(*a) - i16::from(*b));
        by.map(i16::abs).max().unwrap_or(0)
    };
    assert!(backdrop.states().iter().all(|c| *c == Cell::Clear));
    assert_eq!((backdrop.picture().y[0], usual.y[0]), (90, 150));
    for n in 100..3000 {
        let now = MediaTime::ZERO + MediaSpan::from_millis(n * 200);
        // Three refreshes of ten, one after another, fall into the other look.
        let picture = if n / REFRESH_ROWS as i64 % 10 < 3 { &seldom } else { &usual };
        features.compute(picture, backdrop.grid);
        assert_eq!(backdrop.compare(&mut features, now, &s), Change::None);
        backdrop.decide(picture, &cover, &labels, now, &s);
        assert!(n < 2500 || off(&backdrop) <= 8, "at {n}: {} levels off", off(&backdrop));
    }
    assert!(backdrop.states().iter().all(|c| *c == Cell::Clear));
}
