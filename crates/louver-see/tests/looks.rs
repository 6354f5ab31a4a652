//! Where the detector looks, how often, and what its saying nothing about a place is worth.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::cell::Cell as Shared;

use louver_scene::{Cell, DetectorTraits, Rect};
use louver_see::{See, Settings};
use support::{Now, TRAITS, World, finds_all, ms, person, rect, vehicle};

/// A model whose input is much smaller than the picture.
const SMALL: DetectorTraits = DetectorTraits { halves: true, side: 200, ..TRAITS };
const LARGE: DetectorTraits = DetectorTraits { halves: false, side: 416, ..TRAITS };
const WHOLE: Rect = Rect { left: 0, top: 0, right: 640, bottom: 360 };

fn world(traits: DetectorTraits, seed: u64) -> World {
    let mut world = World::new(640, 360, seed);
    let absorb = ms(8_000);
    let settings = Settings { absorb, absorb_sweeps: 4, absorb_close: 4, ..Settings::new(traits, seed) };
    world.see = See::new(world.size, settings);
    world
}

fn masked(cells: &[Cell], world: &World, r: Rect) -> bool {
    let grid = louver_scene::Grid::of(world.size);
    let cell = grid.cell as i32;
    (0..grid.len()).any(|n| {
        let (x, y) = ((n % grid.columns()) as i32 * cell, (n / grid.columns()) as i32 * cell);
        x >= r.left && x < r.right && y >= r.top && y < r.bottom && cells[n] != Cell::Clear
    })
}

#[test]
fn a_busy_camera_costs_less_than_a_run_a_second_with_either_kind_of_model_and_no_place_is_forgotten() {
    for traits in [SMALL, LARGE] {
        let mut world = world(traits, 41);
        world.learn();
        let (mut runs, mut last, pictures) = (0usize, [world.now; 2], 1200);
        for n in 0..pictures {
            // Somebody walks to and fro across the picture, all the time.
            let x = (n * 4 % 1200 - 600i32).abs();
            let before = world.sweeps;
            world.show(&Now::people(&[rect(x, 120, 24, 70)]), finds_all);
            if world.sweeps > before {
                let parts = &world.asked;
                runs += parts.len();
                for (side, last) in [rect(0, 0, 100, 360), rect(540, 0, 100, 360)].iter().zip(&mut last) {
                    // Small people far away are found in halves.
                    if parts.iter().any(|p| *p != WHOLE && p.intersection(*side) == *side) {
                        *last = world.now;
                    }
                }
            }
            let most = ms(if traits.halves { 14_000 } else { 65_000 });
            assert!(last.iter().all(|l| world.now - *l < most), "picture {n}");
        }
        let seconds = f64::from(pictures) * world.step.seconds();
        assert!(runs as f64 <= seconds, "{runs} runs in {seconds} s");
    }
}

#[test]
fn a_small_picture_is_never_looked_at_closer_than_whole() {
    let mut world = World::new(320, 180, 42);
    world.learn();
    for n in 0..900 {
        let box_at = rect(100, 80, 20, 20);
        world.show(&Now { things: vec![box_at], ..Now::people(&[]) }, finds_all);
        assert!(world.asked.iter().all(|p| *p == rect(0, 0, 320, 180)), "picture {n}: {:?}", world.asked);
    }
}

/// A chair is put down, and nothing else ever happens; the model finds somebody there only when it looks closely.
#[test]
fn whom_only_a_close_look_finds_is_never_taken_into_the_backdrop() {
    for traits in [SMALL, LARGE] {
        let mut world = world(traits, 43);
        world.learn();
        let chair = rect(420, 200, 40, 40);
        let closely = Shared::new(0);
        for n in 0..600 {
            let now = Now { things: vec![chair], ..Now::people(&[]) };
            let side = traits.side as i32;
            let (scene, _) = world.show_looking(&now, |_, parts| {
                let close = parts.iter().any(|p| p.right - p.left <= side && p.intersection(chair) == chair);
                closely.set(closely.get() + i32::from(close));
                Some(if close { vec![person(chair, 0.3)] } else { vec![] })
            });
            assert!(n < 5 || masked(&scene.cells, &world, chair), "picture {n}");
        }
        assert!(closely.get() >= 4, "it was looked at closely {} times", closely.get());
    }
}

#[test]
fn a_chair_is_taken_into_the_backdrop_once_close_looks_have_seen_nobody_and_not_before() {
    for traits in [SMALL, LARGE] {
        let mut world = world(traits, 44);
        world.learn();
        let chair = rect(420, 200, 40, 40);
        let (mut closely, mut shown) = (0, None);
        for n in 0..900 {
            let now = Now { things: vec![chair], ..Now::people(&[]) };
            let side = traits.side as i32;
            let (scene, _) = world.show_looking(&now, |_, parts| {
                closely += u32::from(
                    parts.iter().any(|p| p.right - p.left <= side && p.intersection(chair) == chair),
                );
                Some(vec![])
            });
            if n > 5 && !masked(&scene.cells, &world, chair) {
                shown = shown.or(Some((n, closely)));
            }
        }
        let (n, closely) = shown.expect("it enters the backdrop");
        assert!(closely >= 4, "after {closely} close looks");
        assert!(n >= 40, "picture {n}");
    }
}

#[test]
fn who_stands_where_a_look_does_not_reach_is_neither_lost_nor_shown() {
    let mut world = world(SMALL, 45);
    world.learn();
    let stands = rect(500, 120, 24, 70);
    for n in 0..600 {
        // The walker on the left keeps the detector busy there.
        let walks = rect((n * 3) % 250, 150, 20, 60);
        let (scene, _) = world.show(&Now::people(&[walks, stands]), finds_all);
        if n > 30 {
            assert!(masked(&scene.cells, &world, stands), "picture {n}");
            let figure = scene.figures.iter().any(|f| f.rect.intersection(stands).area() * 2 > stands.area());
            assert!(figure, "picture {n} at {}", world.now);
        }
    }
    assert_eq!(world.asked.iter().filter(|p| p.intersection(WHOLE) != **p).count(), 0);
}

/// It is in view all day, and looking at it every second would cost as much as a busy street.
#[test]
fn a_parked_car_is_looked_at_now_and_then_and_who_comes_to_it_at_once() {
    let car = rect(300, 150, 80, 50);
    let parked = |people: &[Rect]| Now { painted: vec![(car, [200, 120, 140])], ..Now::people(people) };
    let finds = |now: &Now| {
        let people = now.people.iter().map(|r| person(*r, 0.9));
        Some(people.chain([vehicle(car, 0.9)]).collect())
    };
    let mut world = world(LARGE, 43);
    world.learn_with(&parked(&[]));
    for _ in 0..100 {
        world.show(&parked(&[]), finds);
    }
    let before = world.sweeps;
    for _ in 0..600 {
        world.show(&parked(&[]), finds);
    }
    let seconds = 600.0 * world.step.seconds();
    let sweeps = world.sweeps - before;
    assert!(sweeps > 0 && f64::from(sweeps) < seconds / 5.0, "{sweeps} sweeps in {seconds} s");
    let mut looked = None;
    for n in 0..20 {
        let before = world.sweeps;
        world.show(&parked(&[rect(200 + n * 6, 130, 24, 70)]), finds);
        if world.sweeps > before && looked.is_none() {
            looked = Some(n);
        }
    }
    assert!(looked.is_some_and(|n| f64::from(n) * world.step.seconds() < 1.0), "{looked:?}");
}
