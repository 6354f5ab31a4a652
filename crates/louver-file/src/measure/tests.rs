//! The counting itself, on scenes made by hand: a wrong scene must be counted, or no figure means anything.

use std::sync::Arc;

use louver_base::{Class, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Figure, FigureKind, Grid, Rect, Scene, Style, Why, Window};

use super::empty::{Empty, median};
use super::place::{Against, Place};
use super::share::LeaksOfAll;
use super::sums::{Drawn, Sums};
use super::zones::{each_pixel, head_zone};
use crate::TruthBox;

const PERSON: Rect = Rect { left: 40, top: 20, right: 60, bottom: 70 };

fn size() -> PictureSize {
    PictureSize::new(160, 96).unwrap()
}

/// A place with some texture.
fn place() -> Picture {
    let mut p = Picture::flat(size(), 0, 128, 128);
    p.y.iter_mut().enumerate().for_each(|(n, y)| *y = 90 + (n * 7 % 20) as u8);
    p
}

/// The place with something in `rect`.
fn with(rect: Rect, [y, u, v]: [u8; 3]) -> Picture {
    let mut p = place();
    let w = size().width();
    each_pixel(rect, w, size().height(), |n| {
        p.y[n] = if y == 0 { p.y[n] } else { y };
        let c = n / w / 2 * (w / 2) + n % w / 2;
        (p.u[c], p.v[c]) = (u, v);
    });
    p
}

fn somebody() -> Picture {
    with(PERSON, [180, 110, 150])
}

fn scene(backdrop: Picture, hidden: Option<(Rect, Cell)>, figures: &[Rect]) -> Scene {
    let grid = Grid::of(size());
    let mut cells = vec![Cell::Clear; grid.len()];
    if let Some((rect, state)) = hidden {
        each_pixel(rect, size().width(), size().height(), |n| {
            let (x, y) = (n % size().width(), n / size().width());
            cells[y / grid.cell * grid.columns() + x / grid.cell] = state;
        });
    }
    let person = FigureKind::Known(Class::Person);
    Scene {
        grid,
        backdrop: Arc::new(backdrop),
        cells: cells.into(),
        figures: figures
            .iter()
            .map(|r| Figure { track: 1, kind: person, rect: *r, velocity: [0; 2] })
            .collect(),
        windows: vec![],
        wall: WallTime::from_micros(0),
        why: Why::Fine,
    }
}

fn counted(scene: &Scene, original: &Picture) -> Sums {
    let mut sums = Sums::default();
    let shown = scene.render(Style::Boxes);
    let people = [TruthBox { id: 1, rect: PERSON }];
    sums.picture(&Drawn::new(scene, shown.get()), original, &Place::of(place()), &people);
    sums
}

/// Head and body leaks as drawn, then of the backdrop alone.
fn leaks(sums: &Sums) -> [u64; 4] {
    let LeaksOfAll { shown, backdrop_alone, .. } = &sums.leaks;
    assert_eq!((shown.head.of, backdrop_alone.body.of), (1, 1));
    [shown, backdrop_alone].map(|l| [l.head.count, l.body.count]).concat().try_into().unwrap()
}

#[test]
fn somebody_in_the_backdrop_leaks_whether_he_is_there_now_or_was_learned_earlier() {
    let learned = scene(somebody(), None, &[]);
    assert_eq!(leaks(&counted(&learned, &somebody())), [1, 1, 1, 1]);
    let gone_meanwhile = counted(&learned, &place());
    assert_eq!(leaks(&gone_meanwhile), [1, 1, 1, 1]);
    assert_eq!(gone_meanwhile.leaks.unmasked.head.count, 0);
}

#[test]
fn somebody_of_the_grounds_brightness_leaks_by_his_colour() {
    let blue = with(PERSON, [0, 160, 128]);
    assert_eq!(leaks(&counted(&scene(blue.clone(), None, &[]), &blue)), [1, 1, 1, 1]);
}

#[test]
fn the_empty_place_and_flat_grey_leak_nothing() {
    for hidden in [None, Some((PERSON, Cell::Occupied)), Some((PERSON, Cell::Unknown))] {
        let sums = counted(&scene(place(), hidden, &[]), &somebody());
        assert_eq!(leaks(&sums), [0, 0, 0, 0], "{hidden:?}");
        assert_eq!((sums.leaks.unmasked.head.count, sums.leaks.unmasked.body.count), (1, 1));
    }
    let hidden = scene(somebody(), Some((PERSON, Cell::Unknown)), &[]);
    assert_eq!(leaks(&counted(&hidden, &somebody())), [0, 0, 0, 0]);
}

#[test]
fn a_figure_hides_in_what_is_shown_but_not_in_the_backdrop_alone() {
    let sums = counted(&scene(somebody(), None, &[PERSON]), &somebody());
    assert_eq!(leaks(&sums), [0, 0, 1, 1]);
    let off = Rect { left: PERSON.left + 60, right: PERSON.right + 60, ..PERSON };
    assert_eq!(leaks(&counted(&scene(somebody(), None, &[off]), &somebody())), [1, 1, 1, 1]);
}

#[test]
fn a_head_leaks_from_a_tenth_of_its_zone_and_a_body_from_a_quarter_of_its_box() {
    assert_eq!(head_zone(PERSON), Rect { left: 45, top: 20, right: 55, bottom: 29 });
    let part =
        |rows: i32, from: i32| with(Rect { top: from, bottom: from + rows, ..PERSON }, [180, 128, 128]);
    let of = |backdrop: Picture| leaks(&counted(&scene(backdrop, None, &[]), &somebody()))[..2].to_vec();
    // The zone has nine rows: one row of it is 11 %, the box has fifty: 13 rows are 26 %.
    assert_eq!(of(part(1, 20)), [1, 0]);
    assert_eq!(of(part(12, 35)), [0, 0]);
    assert_eq!(of(part(13, 35)), [0, 1]);
    let corner = with(Rect { right: 46, bottom: 29, ..PERSON }, [180, 128, 128]);
    assert_eq!(of(corner), [0, 0], "one column of ten is no more than a tenth");
}

#[test]
fn over_mask_counts_what_is_hidden_outside_the_people_and_what_of_it_can_be_seen() {
    let far = Rect { left: 100, top: 0, right: 120, bottom: 40 };
    let outside = (160 * 96 - (20 + 2 * 3) * (50 + 2 * 8)) as u64;
    for (state, visible) in [(Cell::Unknown, 800), (Cell::Occupied, 0)] {
        let sums = counted(&scene(place(), Some((far, state)), &[]), &place());
        assert_eq!((sums.over_mask.count, sums.over_mask.of), (800, outside), "{state:?}");
        assert_eq!(sums.over_mask_visible.count, visible, "{state:?}");
    }
    let at_the_person = counted(&scene(place(), Some((PERSON, Cell::Unknown)), &[]), &somebody());
    assert_eq!(at_the_person.over_mask.count, 0);
    let by_a_figure = counted(&scene(place(), None, &[far]), &place());
    assert_eq!(by_a_figure.over_mask.count, 800);
}

#[test]
fn a_track_is_followed_with_a_figure_over_half_of_the_box_in_four_pictures_of_five() {
    let half = Rect { top: 45, ..PERSON };
    let less = Rect { top: 46, ..PERSON };
    for (figures, followed) in
        [([half; 5], 1), ([half, half, less, half, half], 1), ([half, less, half, less, half], 0)]
    {
        let mut sums = Sums::default();
        for figure in figures {
            let scene = scene(place(), None, &[figure]);
            let people = [TruthBox { id: 9, rect: PERSON }];
            let shown = scene.render(Style::Boxes);
            sums.picture(&Drawn::new(&scene, shown.get()), &somebody(), &Place::of(place()), &people);
        }
        assert_eq!((sums.followed().count, sums.followed().of), (followed, 1));
    }
}

#[test]
fn the_empty_place_is_the_median_of_what_was_seen_while_nobody_stood_near() {
    let near = vec![PERSON];
    // Somebody stands there in most pictures: the median over everything would take him for the place.
    let seen: Vec<(Picture, Vec<Rect>)> =
        (0..9).map(|n| if n < 6 { (somebody(), near.clone()) } else { (place(), vec![]) }).collect();
    let mut empty = Picture::flat(size(), 0, 0, 0);
    median(&mut empty.y, size().width(), &seen, 1, |p| &p.y);
    median(&mut empty.u, size().width() / 2, &seen, 2, |p| &p.u);
    median(&mut empty.v, size().width() / 2, &seen, 2, |p| &p.v);
    assert!(empty == place());
}

#[test]
fn somebody_who_was_learned_and_has_left_is_a_ghost_where_his_head_was() {
    let people = [TruthBox { id: 1, rect: PERSON }];
    for (backdrop, ghosts) in [(place(), 0), (somebody(), 1)] {
        let scene = scene(backdrop, None, &[]);
        let (mut sums, shown) = (Sums::default(), scene.render(Style::Boxes));
        let drawn = Drawn::new(&scene, shown.get());
        for n in 0..20 {
            let (picture, here) = if n < 10 { (somebody(), &people[..]) } else { (place(), &[][..]) };
            sums.picture(&drawn, &picture, &Place::of(place()), here);
        }
        assert_eq!((sums.leaks.ghosts.count, sums.leaks.ghosts.of), (ghosts, 1));
    }
}

#[test]
fn what_looks_like_the_place_in_any_of_its_lights_shows_nobody() {
    let mut dark = place();
    dark.y.iter_mut().for_each(|y| *y -= 40);
    let mut lights = Place::of(place());
    lights.looks.push(dark.clone().into());
    let count = |backdrop: Picture, place: &Place| {
        let (mut sums, scene) = (Sums::default(), scene(backdrop, None, &[]));
        let shown = scene.render(Style::Boxes);
        sums.picture(
            &Drawn::new(&scene, shown.get()),
            &somebody(),
            place,
            &[TruthBox { id: 1, rect: PERSON }],
        );
        sums.leaks.shown.head.count
    };
    assert_eq!(
        (count(dark.clone(), &lights), count(place(), &lights), count(somebody(), &lights)),
        (0, 0, 1)
    );
    assert_eq!(count(dark, &Place::of(place())), 1);
}

#[test]
fn noise_is_averaged_away_before_a_dark_person_is_looked_for() {
    // A person 12 levels brighter than the place, under noise of 15 levels.
    let noise = |p: &mut Picture| {
        p.y.iter_mut()
            .enumerate()
            .for_each(|(n, y)| *y = y.saturating_add_signed(if n * 7 % 16 < 8 { 15 } else { -15 }));
    };
    let (mut empty, mut person) = (place(), place());
    each_pixel(PERSON, 160, 96, |n| person.y[n] += 12);
    noise(&mut empty);
    noise(&mut person);
    let night = Place { looks: vec![place().into()], beyond: 9, around: 2 };
    for (backdrop, leaks) in [(empty, 0), (person, 1)] {
        let (mut sums, scene) = (Sums::default(), scene(backdrop.clone(), None, &[]));
        let shown = scene.render(Style::Boxes);
        sums.picture(
            &Drawn::new(&scene, shown.get()),
            &backdrop,
            &night,
            &[TruthBox { id: 1, rect: PERSON }],
        );
        assert_eq!(sums.leaks.shown.head.count, leaks);
    }
}

#[test]
fn what_a_window_shows_is_no_mask() {
    let far = Rect { left: 100, top: 0, right: 120, bottom: 40 };
    let mut scene = scene(place(), None, &[far]);
    let vehicle = |class| Window {
        track: 1,
        class,
        left: 100,
        top: 0,
        picture: Arc::new(Picture::flat(PictureSize::new(20, 40).unwrap(), 200, 128, 128)),
    };
    for (class, masked) in [(Class::Vehicle, 0), (Class::Person, 800)] {
        scene.windows = vec![vehicle(class)];
        let sums = counted(&scene, &place());
        assert_eq!(sums.over_mask.count, masked);
        let (shown, people) = (scene.render(Style::Boxes), [TruthBox { id: 1, rect: far }]);
        let mut sums = Sums::default();
        sums.picture(&Drawn::new(&scene, shown.get()), &somebody(), &Place::of(place()), &people);
        assert_eq!(sums.leaks.shown.body.count, u64::from(masked == 0), "somebody in it would be seen");
    }
}

/// Pixels that tape crosses, and where a branch sways.
const TAPE: Rect = Rect { left: 0, top: 18, right: 160, bottom: 22 };

/// A hundred pictures of the place: in each of `tape` there is tape where [`TAPE`] is, in each of `forgotten` somebody of whom
/// the ground truth says nothing; in the second half somebody stands there of whom it does.
fn a_clip(tape: impl Fn(usize) -> bool, forgotten: impl Fn(usize) -> bool) -> Empty {
    let seen: Vec<(Picture, Vec<Rect>)> = (0..100)
        .map(|n| match n {
            50.. => (somebody(), vec![PERSON]),
            _ if forgotten(n) => (somebody(), vec![]),
            _ if tape(n) => (with(TAPE, [235, 128, 150]), vec![]),
            _ => (place(), vec![]),
        })
        .collect();
    Empty::ranging(place(), &seen)
}

/// Head leaks of a backdrop, against the range and against the median.
fn heads(backdrop: Picture, empty: &Empty) -> [u64; 2] {
    let (mut sums, scene) = (Sums::default(), scene(backdrop, None, &[]));
    let shown = scene.render(Style::Boxes);
    let people = [TruthBox { id: 1, rect: PERSON }];
    sums.picture(&Drawn::new(&scene, shown.get()), &somebody(), &Place::of(empty.clone()), &people);
    [sums.leaks.shown.head.count, sums.against_median.shown.head.count]
}

#[test]
fn what_sways_in_the_empty_place_is_the_place_and_leaks_only_against_the_median() {
    let swaying = a_clip(|n| n % 10 == 0, |_| false);
    assert_eq!(heads(with(TAPE, [235, 128, 150]), &swaying), [0, 1]);
    assert_eq!(heads(with(TAPE, [160, 128, 140]), &swaying), [0, 1], "between the two, as a mean of both is");
    assert_eq!(heads(place(), &swaying), [0, 0]);
}

#[test]
fn somebody_before_swaying_tape_leaks_all_the_same() {
    let swaying = a_clip(|n| n % 10 == 0, |_| false);
    assert_eq!(heads(somebody(), &swaying), [1, 1], "his head is larger than the tape");
    let darker = with(PERSON, [40, 128, 128]);
    assert_eq!(heads(darker, &swaying), [1, 1]);
    let tape_alone = with(TAPE, [60, 128, 128]);
    assert_eq!(heads(tape_alone, &swaying), [1, 1], "tape is never so dark");
}

#[test]
fn whom_the_truth_forgot_in_a_hundredth_of_the_clip_is_not_taken_for_the_place() {
    // Of the fifty pictures without anybody annotated that is a fiftieth.
    for forgotten in [1, 2] {
        let empty = a_clip(|_| false, |n| (20..20 + forgotten).contains(&n));
        assert!(*empty.least == place() && *empty.most == place(), "{forgotten}");
        assert_eq!(heads(somebody(), &empty), [1, 1], "{forgotten}");
    }
    let known = a_clip(|_| false, |n| (20..23).contains(&n));
    assert_eq!(heads(somebody(), &known), [0, 1], "more than a fiftieth of the clip is no longer seldom");
}

#[test]
fn whom_the_truth_names_never_widens_the_empty_place_however_long_he_stands() {
    let empty = a_clip(|_| false, |_| false);
    assert!(*empty.least == place() && *empty.most == place());
    let always: Vec<(Picture, Vec<Rect>)> = (0..100).map(|_| (somebody(), vec![PERSON])).collect();
    let empty = Empty::ranging(place(), &always);
    assert_eq!(heads(somebody(), &empty), [1, 1], "never seen without him: the median alone is the place");
}

#[test]
fn a_pixel_leaks_against_the_range_only_where_it_leaks_against_the_median() {
    let swaying = a_clip(|n| n % 10 == 0, |_| false);
    let place = Place::of(swaying);
    for [y, u, v] in [[0, 128, 128], [16, 90, 128], [235, 128, 128], [90, 128, 200], [120, 141, 128]] {
        let shown = with(TAPE, [y, u, v]);
        for n in 0..shown.y.len() {
            let [range, median] =
                [Against::Range, Against::Median].map(|a| place.is_left(&shown, None, n, a));
            assert!(median || !range, "{n}: {y} {u} {v}");
        }
    }
}
