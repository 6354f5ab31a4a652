//! Following, with real cells under it: people are painted onto a plain ground that was learned before.

use louver_media::{Picture, PictureSize};
use louver_scene::DetectorTraits;
use proptest::prelude::*;

use super::*;
use crate::backdrop::{Change, Cover};
use crate::blobs::NOTHING;
use crate::features::Features;

/// Ten pictures a second.
const STEP: MediaSpan = MediaSpan::from_millis(100);

struct Yard {
    size: PictureSize,
    settings: Settings,
    backdrop: Backdrop,
    tracks: Tracks,
    now: MediaTime,
}

fn rect(left: i32, top: i32, width: i32, height: i32) -> Rect {
    Rect { left, top, right: left + width, bottom: top + height }
}

fn found(class: Class, score: f32, rect: Rect) -> Detection {
    Detection { class, score, rect, ridden: false }
}

fn person(rect: Rect) -> Detection {
    found(Class::Person, 0.9, rect)
}

/// Paving stones, darker than anybody.
fn ground(size: PictureSize) -> Picture {
    let mut picture = Picture::flat(size, 0, 128, 128);
    for (n, y) in picture.y.iter_mut().enumerate() {
        let (column, row) = (n % size.width() / 8, n / size.width() / 8);
        *y = 40 + ((column * 7 + row * 13) % 10 * 9) as u8;
    }
    picture
}

impl Yard {
    fn new(width: u32, height: u32) -> Self {
        let size = PictureSize::new(width, height).unwrap();
        let grid = Grid::of(size);
        let traits = DetectorTraits { mask_score: 0.2, event_score: 0.5, halves: false, side: 416 };
        // However much is painted, it is no change of light or view: following alone is looked at.
        let settings = Settings { global_change: 2.0, ..Settings::new(traits, 7) };
        let mut yard = Self {
            size,
            settings,
            backdrop: Backdrop::new(grid, MediaTime::ZERO),
            tracks: Tracks::new(std::sync::Arc::new(louver_scene::ZoneMap::new(grid, &[])), &settings),
            now: MediaTime::ZERO,
        };
        let mut features = Features::default();
        let empty = ground(size);
        for _ in 0..60 {
            yard.now = yard.now + STEP;
            features.compute(&empty, grid);
            assert_eq!(yard.backdrop.compare(&mut features, yard.now, &settings), Change::None);
            yard.backdrop.sweep(yard.now, &[], &Gaze::everything(size, traits));
            let (cover, labels) = (vec![Cover::Free; grid.len()], vec![NOTHING; grid.len()]);
            yard.backdrop.decide(&empty, &cover, &labels, yard.now, &settings);
        }
        assert_eq!(yard.backdrop.unknown_share(), 0.0, "the ground is known");
        yard
    }

    /// One picture on, with these painted.
    fn picture(&mut self, things: &[Rect]) {
        let mut picture = ground(self.size);
        let (w, h) = (self.size.width() as i32, self.size.height() as i32);
        for r in things {
            for y in r.top.clamp(0, h)..r.bottom.clamp(0, h) {
                let row = (y * w) as usize;
                picture.y[row + r.left.clamp(0, w) as usize..row + r.right.clamp(0, w) as usize].fill(190);
            }
        }
        self.now = self.now + STEP;
        let mut features = Features::default();
        features.compute(&picture, self.tracks.zones.grid());
        self.backdrop.compare(&mut features, self.now, &self.settings);
        let blobs = crate::blobs::find(self.tracks.zones.grid(), self.backdrop.departed(), 6);
        self.tracks.advance(&blobs, &self.backdrop, STEP.seconds() as f32, self.now);
    }

    fn sweep(&mut self, found: &[Detection]) {
        let gaze = Gaze::everything(self.size, self.settings.detector);
        self.tracks.sweep(found, &self.backdrop, self.now, &gaze);
    }

    /// The numbers of those followed, from left to right.
    fn numbers(&self) -> Vec<u32> {
        let mut followed: Vec<&Track> = self.tracks.all.iter().filter(|t| t.followed()).collect();
        followed.sort_by_key(|t| t.rect().left);
        followed.iter().map(|t| t.number).collect()
    }
}

#[test]
fn two_who_cross_keep_their_numbers_though_their_cells_are_one_group_for_two_seconds() {
    let mut yard = Yard::new(320, 180);
    let mut before = Vec::new();
    for n in 0..100 {
        // 30 pixels a second against each other; found once a second, and as one while they hide each other.
        let (a, b) = (rect(20 + n * 3, 60, 24, 70), rect(280 - n * 3, 66, 24, 70));
        yard.picture(&[a, b]);
        if n % 10 == 0 {
            let hidden = (a.left - b.left).abs() < 12;
            yard.sweep(&if hidden { vec![person(b)] } else { vec![person(a), person(b)] });
        }
        if n == 30 {
            before = yard.numbers();
        }
    }
    assert_eq!(before.len(), 2);
    before.reverse();
    assert_eq!(yard.numbers(), before, "whoever was left is right, under his number");
}

#[test]
fn who_walks_behind_a_van_comes_out_under_his_number_and_who_comes_later_has_another() {
    for (gone, same) in [(20, true), (120, false)] {
        let mut yard = Yard::new(320, 180);
        let walker = |n: i32| rect(20 + n * 4, 60, 24, 70);
        for n in 0..30 {
            yard.picture(&[walker(n)]);
            if n % 10 == 0 {
                yard.sweep(&[person(walker(n))]);
            }
        }
        let number = yard.numbers();
        for n in 0..gone {
            yard.picture(&[]);
            if n % 10 == 0 {
                yard.sweep(&[]);
            }
        }
        for n in 0..3 {
            yard.picture(&[walker(50 + n)]);
        }
        yard.sweep(&[person(walker(52))]);
        assert_eq!(number.len(), 1);
        assert_eq!(yard.numbers() == number, same, "gone for {gone} pictures");
    }
}

#[test]
fn the_place_of_a_lost_person_is_masked_until_two_sweeps_found_it_empty_over_cells_that_match() {
    let mut yard = Yard::new(320, 180);
    let here = rect(100, 60, 24, 70);
    for _ in 0..5 {
        yard.picture(&[here]);
        yard.sweep(&[person(here)]);
    }
    // His legs still show, but to the detector nobody is there.
    let legs = rect(104, 120, 16, 8);
    let covered = |yard: &Yard| yard.tracks.people().any(|r| r.intersection(here).area() * 2 > here.area());
    for _ in 0..BLINKS_PRESENT - 2 {
        yard.picture(&[here]);
        yard.sweep(&[]);
        assert!(covered(&yard));
    }
    for _ in 0..4 {
        yard.picture(&[legs, rect(102, 62, 10, 20)]);
        yard.sweep(&[]);
        assert!(covered(&yard));
    }
    let mut sweeps = 0;
    while covered(&yard) {
        yard.picture(&[]);
        yard.sweep(&[]);
        sweeps += 1;
        assert!(sweeps <= 1 + BLINKS + EMPTY_SWEEPS, "masked for ever");
    }
    assert!(sweeps >= EMPTY_SWEEPS);
}

#[test]
fn one_sweep_that_takes_a_lorry_for_somebody_changes_nothing_and_a_cyclist_is_a_person() {
    let mut yard = Yard::new(320, 180);
    let lorry = |n: i32| rect(10 + n * 4, 40, 90, 60);
    let kind = |yard: &Yard| yard.tracks.all[0].kind;
    for n in 0..40 {
        yard.picture(&[lorry(n)]);
        if n % 5 == 0 {
            let class = if n == 20 { Class::Person } else { Class::Vehicle };
            yard.sweep(&[found(class, 0.7, lorry(n))]);
            assert_eq!(kind(&yard), FigureKind::Known(Class::Vehicle), "at {n}");
        }
    }
    assert_eq!(yard.tracks.all.len(), 1);
    for n in 40..80 {
        yard.picture(&[lorry(40)]);
        if n % 5 == 0 {
            let class = if n % 10 == 0 { Class::Person } else { Class::Vehicle };
            yard.sweep(&[found(class, 0.7, lorry(40))]);
        }
    }
    assert_eq!(kind(&yard), FigureKind::Known(Class::Person));
}

#[test]
fn boxes_and_velocities_of_figures_are_coarse() {
    let mut yard = Yard::new(320, 180);
    for n in 0..30 {
        let walker = rect(20 + n * 4, 60, 24, 70);
        yard.picture(&[walker]);
        if n % 10 == 0 {
            yard.sweep(&[person(walker)]);
        }
    }
    let grid = yard.tracks.zones.grid();
    let [figure] = yard.tracks.figures(grid, yard.now, 0.5)[..] else { panic!("one figure") };
    let side = grid.cell as i32 * SNAP_CELLS;
    assert!([figure.rect.left, figure.rect.top, figure.rect.right].iter().all(|v| v % side == 0));
    assert!(figure.velocity.iter().all(|v| i32::from(*v) % (side / 2) == 0));
    assert!((32..=48).contains(&figure.velocity[0]) && figure.velocity[1].abs() <= 4, "{figure:?}");
}

/// What happens in one picture of a property: things painted, and whether the detector answers, with what.
type Moment = (Vec<(i32, i32, i32, i32)>, Option<Vec<(usize, f32, i32, i32, i32, i32)>>);

fn moments(most: usize) -> impl Strategy<Value = Vec<Moment>> {
    let thing = (-40i32..180, -40i32..120, 1i32..60, 1i32..90);
    let box_ = (0usize..3, 0.0f32..1.0, -200i32..400, -200i32..300, -5i32..200, -5i32..200);
    let answer = prop::option::weighted(0.4, prop::collection::vec(box_, 0..8));
    prop::collection::vec((prop::collection::vec(thing, 0..4), answer), 1..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_seen_numbers_are_unique_speeds_bounded_and_nothing_lives_on_without_evidence(all in moments(60)) {
        let mut yard = Yard::new(160, 96);
        for (things, answer) in all {
            let things: Vec<Rect> = things.iter().map(|t| rect(t.0, t.1, t.2, t.3)).collect();
            yard.picture(&things);
            if let Some(answer) = answer {
                let answer: Vec<Detection> =
                    answer.iter().map(|d| found(Class::ALL[d.0], d.1, rect(d.2, d.3, d.4, d.5))).collect();
                yard.sweep(&answer);
            }
            let mut numbers: Vec<u32> = yard.tracks.all.iter().map(|t| t.number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), yard.tracks.all.len());
            prop_assert!(yard.tracks.all.len() <= MOST_TRACKS);
            let figures = yard.tracks.figures(yard.tracks.zones.grid(), yard.now, 0.5);
            let drawn: std::collections::HashSet<u32> = figures.iter().map(|f| f.track).collect();
            prop_assert_eq!(drawn.len(), figures.len());
            for t in &yard.tracks.all {
                let (v, side) = (t.velocity(), t.side());
                prop_assert!(v.0.abs() <= 8.01 * side && v.1.abs() <= 8.01 * side, "{t:?}");
                prop_assert!(t.misses <= BLINKS_PRESENT + 1, "{t:?}");
                if let Phase::Lost { since } = t.phase {
                    prop_assert!(yard.now - since <= LOST, "{t:?}");
                }
            }
        }
        // Nothing tells of anybody any more.
        let sweeps = i64::from(BLINKS + EMPTY_SWEEPS) + 1;
        for n in 0..sweeps * 10 + LOST.ticks() / STEP.ticks() + 2 {
            yard.picture(&[]);
            if n % 10 == 0 {
                yard.sweep(&[]);
            }
        }
        prop_assert!(yard.tracks.is_empty(), "{:?} {:?}", yard.tracks.all, yard.tracks.left);
    }

    #[test]
    fn what_the_detector_no_longer_finds_is_not_followed_for_ever_however_different_its_place_looks(
        left in 10i32..100, width in 12i32..30,
    ) {
        let mut yard = Yard::new(160, 96);
        let chair = rect(left, 20, width, 40);
        for _ in 0..3 {
            yard.picture(&[chair]);
            yard.sweep(&[person(chair)]);
        }
        for _ in 0..=BLINKS_PRESENT {
            yard.picture(&[chair]);
            yard.sweep(&[]);
        }
        let known = |t: &Track| t.followed() && t.kind != FigureKind::Moving;
        prop_assert!(!yard.tracks.all.iter().any(known), "{:?}", yard.tracks.all);
    }
}

#[test]
fn nobody_who_stands_hidden_takes_the_box_of_one_who_comes_in_far_away() {
    let mut yard = Yard::new(640, 360);
    let mut standing = None;
    for n in 0..80 {
        // One stands and is not found from the third second on; another comes in at the far side in the sixth.
        let there = rect(60, 100, 32, 80);
        let comes = (n >= 60).then(|| rect(600 - (n - 60) * 8, 100, 32, 80));
        yard.picture(&[Some(there), comes].into_iter().flatten().collect::<Vec<_>>());
        if n % 10 == 0 {
            let seen = (n < 30).then_some(there);
            yard.sweep(&seen.into_iter().chain(comes).map(person).collect::<Vec<_>>());
        }
        standing = standing.or(yard.numbers().first().copied().filter(|_| n == 20));
    }
    let numbers = yard.numbers();
    assert_eq!(numbers.first().copied(), standing, "his cells still look different: he is there");
    assert_eq!(numbers.len(), 2, "who came in has a number of his own");
}

#[test]
fn an_unsure_box_at_the_place_of_one_half_hidden_is_his_and_not_the_sure_one_beside_him() {
    let mut yard = Yard::new(320, 180);
    let (left, right) = (rect(100, 60, 24, 70), rect(130, 60, 24, 70));
    for n in 0..30 {
        yard.picture(&[left, right]);
        if n % 10 == 0 {
            yard.sweep(&[person(left), person(right)]);
        }
    }
    let before = yard.numbers();
    // The left one steps away unseen; the right one takes half a step and is found surely, and a post hides part of a third.
    yard.sweep(&[person(rect(116, 60, 24, 70)), found(Class::Person, 0.3, rect(134, 62, 24, 66))]);
    assert_eq!(yard.numbers(), before);
}

#[test]
fn where_somebody_was_lost_his_figure_stays_until_the_place_looks_empty() {
    let mut yard = Yard::new(320, 180);
    let (whole, rest) = (rect(150, 60, 24, 70), rect(150, 60, 24, 16));
    for n in 0..30 {
        yard.picture(&[whole]);
        if n % 10 == 0 {
            yard.sweep(&[person(whole)]);
        }
    }
    // Something is before him: less than a third of him is seen, and the detector finds nobody.
    let drawn = |yard: &Yard| {
        let figures = yard.tracks.figures(yard.tracks.zones.grid(), yard.now, 0.5);
        figures.iter().filter(|f| f.kind == FigureKind::Known(Class::Person)).count()
    };
    for n in 0..80 {
        yard.picture(&[rest]);
        if n % 10 == 9 {
            yard.sweep(&[]);
        }
        assert_eq!(drawn(&yard), 1, "picture {n}");
    }
    for _ in 0..3 {
        yard.picture(&[]);
        yard.sweep(&[]);
    }
    assert_eq!(drawn(&yard), 0, "two sweeps found the place empty");
    assert!(yard.tracks.people().next().is_none());
}

#[test]
fn who_stands_behind_somebody_is_followed_and_drawn_until_there_is_nobody_before_him() {
    let mut yard = Yard::new(320, 180);
    let (stands, before) = (rect(150, 60, 24, 70), rect(138, 50, 50, 100));
    for n in 0..30 {
        yard.picture(&[stands]);
        if n % 10 == 0 {
            yard.sweep(&[person(stands)]);
        }
    }
    let number = yard.numbers();
    for n in 0..30 {
        yard.picture(&[before]);
        if n % 10 == 0 {
            yard.sweep(&[person(before)]);
        }
        assert!(yard.numbers().contains(&number[0]), "picture {n}");
    }
    for n in 0..20 {
        yard.picture(&[stands]);
        if n % 10 == 0 {
            yard.sweep(&[person(stands)]);
        }
    }
    assert_eq!(yard.numbers(), number);
}

#[test]
fn where_nothing_is_known_a_lost_person_is_drawn_until_two_sweeps_more_found_nobody() {
    let mut yard = Yard::new(320, 180);
    yard.backdrop.forget(yard.now);
    let stands = rect(150, 60, 24, 70);
    for n in 0..30 {
        yard.picture(&[stands]);
        if n % 10 == 0 {
            yard.sweep(&[person(stands)]);
        }
    }
    let mut sweeps = 0;
    while !yard.tracks.figures(yard.tracks.zones.grid(), yard.now, 0.5).is_empty() {
        for _ in 0..10 {
            yard.picture(&[stands]);
        }
        yard.sweep(&[]);
        sweeps += 1;
        assert!(sweeps < 30, "drawn for ever");
    }
    assert_eq!(sweeps, BLINKS_UNKNOWN + 1 + EMPTY_SWEEPS);
}
