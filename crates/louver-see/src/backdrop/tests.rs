//! What covers a cell keeps it masked, whatever else speaks for showing it.

use louver_media::PictureSize;
use louver_scene::DetectorTraits;

use super::*;

/// Nothing but stillness and empty sweeps for as long as anyone could ask.
fn watch(backdrop: &mut Backdrop, picture: &Picture, cover: Cover, from: i64, s: &Settings) {
    let mut features = Features::default();
    features.compute(picture, backdrop.grid);
    let cover = vec![cover; backdrop.grid.len()];
    for n in from..from + 1000 {
        let now = MediaTime::ZERO + MediaSpan::from_millis(n * 200);
        assert_eq!(backdrop.compare(&features, now, 2.0), Change::None);
        backdrop.sweep(now, &[]);
        backdrop.decide(picture, &cover, now, s);
    }
}

#[test]
fn a_covered_cell_is_neither_learned_nor_settled_nor_absorbed_however_still_and_empty_it_seems() {
    let size = PictureSize::new(32, 32).unwrap();
    let s = Settings::new(DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false }, 1);
    let mut backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
    let (place, other) = (Picture::flat(size, 90, 128, 128), Picture::flat(size, 190, 128, 128));
    let all = |backdrop: &Backdrop, state| backdrop.states().iter().all(|c| *c == state);
    watch(&mut backdrop, &place, Cover::Covered, 1, &s);
    assert!(all(&backdrop, Cell::Unknown), "learned under a cover");
    watch(&mut backdrop, &place, Cover::Free, 1001, &s);
    assert!(all(&backdrop, Cell::Clear));
    watch(&mut backdrop, &place, Cover::Covered, 2001, &s);
    assert!(all(&backdrop, Cell::Occupied), "settled under a cover");
    watch(&mut backdrop, &other, Cover::Covered, 3001, &s);
    assert!(all(&backdrop, Cell::Occupied), "absorbed under a cover");
    assert_eq!(backdrop.picture().y[0], 90);
    watch(&mut backdrop, &other, Cover::Free, 4001, &s);
    assert!(all(&backdrop, Cell::Clear));
    assert_eq!(backdrop.picture().y[0], 190);
}

#[test]
fn a_cell_that_no_cover_was_given_for_counts_as_covered() {
    let size = PictureSize::new(32, 32).unwrap();
    let s = Settings::new(DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false }, 1);
    let mut backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
    let (picture, mut features) = (Picture::flat(size, 90, 128, 128), Features::default());
    features.compute(&picture, backdrop.grid);
    for n in 1..100 {
        let now = MediaTime::ZERO + MediaSpan::from_millis(n * 200);
        backdrop.compare(&features, now, 2.0);
        backdrop.sweep(now, &[]);
        backdrop.decide(&picture, &[], now, &s);
    }
    assert!(backdrop.states().iter().all(|c| *c == Cell::Unknown));
}
