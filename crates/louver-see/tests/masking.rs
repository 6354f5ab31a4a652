//! What becomes clear, what stays masked, and what is forgotten.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_base::{MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Why};
use louver_see::{Act, See, Settings};
use support::*;

fn all_unknown(scene: &louver_scene::Scene) -> bool {
    share(scene, Cell::Unknown) == 1.0
}

#[test]
fn without_an_answer_of_the_detector_nothing_is_ever_clear() {
    let mut silent = World::new(320, 180, 1);
    let mut failing = World::new(320, 180, 1);
    for _ in 0..300 {
        let picture = silent.picture(&Now::empty());
        silent.now = silent.now + silent.step;
        let (scene, _) = silent.see.picture(&picture, silent.now, WallTime::from_micros(0));
        assert!(all_unknown(&scene), "nobody asked the detector");
        let (scene, _) = failing.show(&Now::empty(), |_| None);
        assert!(all_unknown(&scene), "the detector failed every time");
    }
    assert!(failing.sweeps > 20, "a detector that fails is asked again");
}

#[test]
fn an_answer_that_nobody_asked_for_teaches_nothing() {
    let mut world = World::new(320, 180, 2);
    for n in 0..100 {
        let picture = world.picture(&Now::empty());
        world.now = world.now + world.step;
        let (scene, _) = world.see.picture(&picture, world.now, WallTime::from_micros(0));
        assert!(all_unknown(&scene), "picture {n}");
        // Late ones of another session, and one of the future.
        world.see.sweep_done(world.now, &[]);
        world.see.sweep_done(world.now + ms(1), &[]);
    }
    let mut twice = World::new(320, 180, 2);
    for _ in 0..100 {
        let picture = twice.picture(&Now::empty());
        twice.now = twice.now + twice.step;
        let (scene, _) = twice.see.picture(&picture, twice.now, WallTime::from_micros(0));
        assert!(all_unknown(&scene), "one answer counts once, however often it is given");
        if twice.sweeps == 0
            && twice.now - MediaTime::ZERO > ms(1000)
            && let Some(sweep) = twice.see.wants()
        {
            twice.see.sweep_begun(sweep.taken);
            twice.sweeps = 1;
            for _ in 0..10 {
                twice.see.sweep_done(sweep.taken, &[]);
            }
        }
    }
}

#[test]
fn an_empty_place_is_clear_when_it_was_still_and_the_detector_looked_often_enough_and_not_before() {
    let settings = Settings::new(TRAITS, 3);
    let mut world = World::new(320, 180, 3);
    let mut clear_at = None;
    for _ in 0..60 {
        let (scene, _) = world.show(&Now::empty(), blind);
        if share(&scene, Cell::Clear) > 0.0 && clear_at.is_none() {
            assert!(world.sweeps > settings.learn_sweeps, "this picture's sweep is not one of them");
            clear_at = Some(world.now);
        }
    }
    let took = clear_at.expect("an empty place becomes clear") - MediaTime::ZERO;
    assert!(took >= settings.learn && took < ms(5000), "{took:?}");
    let scene = world.scene.clone().unwrap();
    assert_eq!((share(&scene, Cell::Clear), scene.why), (1.0, Why::Fine));
}

#[test]
fn somebody_who_stands_still_for_ten_minutes_stays_masked_to_the_last_picture() {
    // Walks in and stops; was there before the camera started; is found in two of three sweeps only.
    for (case, first, finds) in [(0, 40, 3), (1, 0, 3), (2, 40, 2), (3, 0, 2)] {
        let mut world = World::new(160, 90, 10 + case);
        world.step = ms(400);
        (0..first).for_each(|_| drop(world.show(&Now::empty(), blind)));
        let stands = rect(70, 34, 12, 32);
        let mut asked = 0;
        for n in 0..1500 {
            let walked = if first > 0 { (stands.left - n * 6).max(0) } else { 0 };
            let now = Now::people(&[rect(stands.left - walked, stands.top, 12, 32)]);
            let (scene, _) = world.show(&now, |now| {
                asked += 1;
                if asked % 3 < finds { finds_all(now) } else { blind(now) }
            });
            let body = states(&scene, now.people[0]);
            assert!(
                !body.contains(&Cell::Clear),
                "case {case}, picture {n}: {} cells clear",
                body.iter().filter(|c| **c == Cell::Clear).count()
            );
            assert_eq!(leaked_pixels(&scene), 0, "case {case}, picture {n}");
        }
        let scene = world.scene.clone().unwrap();
        assert!(share(&scene, Cell::Clear) > 0.8, "case {case}: the rest of the place is shown");
        let figure = scene.figures.iter().any(|f| f.rect.intersection(stands).area() * 2 > stands.area());
        assert!(figure, "case {case}: a figure stands where he does");
    }
}

#[test]
fn somebody_whom_the_detector_misses_at_random_a_third_of_the_time_is_not_learned() {
    for seed in 0..4 {
        let mut world = World::new(160, 90, 20 + seed);
        world.step = ms(400);
        let mut dice = Dice(seed);
        let now = Now::people(&[rect(70, 34, 12, 32)]);
        for n in 0..1500 {
            let (scene, _) =
                world.show(&now, |now| if dice.falls(0.67) { finds_all(now) } else { blind(now) });
            assert_eq!(leaked_pixels(&scene), 0, "seed {seed}, picture {n}");
        }
    }
}

#[test]
fn a_person_who_was_never_detected_is_masked_by_his_cells_alone() {
    let mut world = World::new(320, 180, 5);
    world.learn();
    for n in 0..100 {
        let now = Now::people(&[rect(20 + n, 60, 22, 60)]);
        let (scene, _) = world.show(&now, blind);
        assert!(!states(&scene, now.people[0]).contains(&Cell::Clear), "picture {n}");
        assert_eq!(leaked_pixels(&scene), 0, "picture {n}");
    }
}

#[test]
fn somebody_who_looks_like_the_wall_and_is_found_every_second_time_stays_masked_in_between() {
    let mut world = World::new(320, 180, 42);
    world.learn();
    let unseen = rect(140, 70, 22, 60);
    let (mut asked, mut found_once) = (0, false);
    for n in 0..300 {
        let (scene, _) = world.show(&Now::empty(), |_| {
            asked += 1;
            Some(if asked % 2 == 0 { vec![person(unseen, 0.5)] } else { vec![] })
        });
        if found_once {
            assert!(!states(&scene, unseen).contains(&Cell::Clear), "picture {n}");
        }
        found_once |= states(&scene, unseen).contains(&Cell::Occupied);
    }
    assert!(found_once && asked > 20);
}

#[test]
fn a_moved_chair_enters_the_backdrop_after_it_was_absorbed_and_not_before() {
    let settings = Settings::new(TRAITS, 6);
    let mut world = World::new(320, 180, 6);
    world.learn();
    let chair = rect(200, 100, 30, 40);
    let with_chair = Now { things: vec![chair], ..Now::empty() };
    let placed = world.now + world.step;
    let middle = |scene: &louver_scene::Scene| scene.backdrop.y[120 * 320 + 215];
    while world.now + world.step - placed < settings.absorb {
        let (scene, _) = world.show(&with_chair, blind);
        let since = world.now - placed;
        assert!(!states(&scene, chair).contains(&Cell::Clear), "{since:?} after it was placed");
        assert!(middle(&scene) > 40, "the backdrop shows it {since:?} after it was placed");
    }
    for _ in 0..60 {
        world.show(&with_chair, blind);
    }
    let scene = world.scene.clone().unwrap();
    assert!(states(&scene, chair).iter().all(|c| *c == Cell::Clear), "it was absorbed");
    assert_eq!(middle(&scene), 20, "the backdrop shows it");
    assert!(scene.figures.is_empty(), "{:?}", scene.figures);
}

#[test]
fn a_chair_is_not_absorbed_while_the_detector_fails_or_sees_somebody_there_now_and_then() {
    for answer in [None, Some(())] {
        let mut world = World::new(160, 90, 7);
        world.learn();
        let chair = rect(100, 50, 15, 20);
        let with_chair = Now { things: vec![chair], ..Now::empty() };
        for n in 0..1000 {
            let (scene, _) = world.show(&with_chair, |_| {
                answer.map(|()| if n % 100 < 6 { vec![person(chair, 0.25)] } else { vec![] })
            });
            assert!(!states(&scene, chair).contains(&Cell::Clear), "{answer:?}, picture {n}");
        }
    }
}

#[test]
fn what_comes_back_matches_for_a_while_before_it_is_clear_again() {
    let settings = Settings::new(TRAITS, 8);
    let mut world = World::new(320, 180, 8);
    world.learn();
    let ball = rect(100, 100, 20, 20);
    (0..10).for_each(|_| drop(world.show(&Now { things: vec![ball], ..Now::empty() }, blind)));
    let gone = world.now + world.step;
    let mut clear_after = None;
    for _ in 0..20 {
        let (scene, _) = world.show(&Now::empty(), blind);
        if clear_after.is_none() && states(&scene, ball).contains(&Cell::Clear) {
            clear_after = Some(world.now - gone);
        }
    }
    let after = clear_after.expect("clear again");
    assert!(
        after >= settings.settle && after.ticks() - settings.settle.ticks() < world.step.ticks(),
        "{after:?}"
    );
}

#[test]
fn a_jump_of_the_light_masks_everything_in_that_very_picture() {
    for (seed, light) in [(30, 0.6), (31, 1.4)] {
        let mut world = World::new(320, 180, seed);
        world.learn();
        let (scene, _) = world.show(&Now { light: Some(light), ..Now::empty() }, blind);
        assert!(all_unknown(&scene), "light times {light}: {} unknown", share(&scene, Cell::Unknown));
        assert_eq!(scene.why, Why::LightChanged);
        // And it is learned anew, in that light.
        world.learn_with(&Now { light: Some(light), ..Now::empty() });
    }
}

#[test]
fn a_slow_change_of_light_is_followed_without_hiding_the_place() {
    let mut world = World::new(320, 180, 32);
    world.learn();
    // A cloud: a fifth darker within two minutes.
    for n in 0..600 {
        let light = Some(1.0 - 0.2 * n as f32 / 600.0);
        let (scene, _) = world.show(&Now { light, ..Now::empty() }, blind);
        assert!(share(&scene, Cell::Clear) > 0.9, "picture {n}: {}", share(&scene, Cell::Clear));
    }
}

#[test]
fn a_camera_that_was_turned_by_20_pixels_shows_nothing_within_two_seconds() {
    for slowly in [false, true] {
        let mut world = World::new(320, 180, 33);
        world.learn();
        let mut hidden_after = None;
        for n in 0..25 {
            let shift = if slowly { (n * 4).min(20) } else { 20 };
            let (scene, _) = world.show(&Now { shift, ..Now::empty() }, blind);
            if all_unknown(&scene) {
                hidden_after.get_or_insert(n);
            }
        }
        let after = hidden_after.expect("everything is hidden") * 200;
        assert!(after <= 2000, "hidden after {after} ms (slowly: {slowly})");
        world.learn_with(&Now { shift: 20, ..Now::empty() });
    }
}

#[test]
fn a_lens_that_is_covered_bit_by_bit_shows_nothing_two_seconds_after_half_of_it_is() {
    let mut world = World::new(320, 180, 40);
    world.learn();
    let mut covered_at = None;
    for n in 1..40 {
        let hand = rect(0, 0, (n * 20).min(320), 180);
        let (scene, _) = world.show(&Now { things: vec![hand], ..Now::empty() }, blind);
        if hand.right >= 160 {
            covered_at.get_or_insert(world.now);
        }
        if covered_at.is_some_and(|at| world.now - at >= ms(2000)) {
            assert!(all_unknown(&scene));
            let whole = hand.right >= 320;
            assert_eq!(scene.why, if whole { Why::LensCovered } else { Why::CameraMoved });
            if !whole {
                continue;
            }
            let sweeps = world.sweeps;
            (0..50).for_each(|_| drop(world.show(&Now { things: vec![hand], ..Now::empty() }, blind)));
            assert_eq!(world.sweeps, sweeps, "the detector does not look at nothing");
            let (scene, _) = world.show(&Now::empty(), blind);
            assert!(all_unknown(&scene));
            assert_eq!(scene.why, Why::Starting, "the lens is free again");
            world.learn();
            return;
        }
    }
    panic!("half of it was covered");
}

#[test]
fn the_soft_edge_around_somebody_does_not_blend_into_the_backdrop() {
    let mut world = World::new(320, 180, 41);
    world.learn();
    let (body, edge) = (rect(140, 70, 22, 60), rect(136, 66, 30, 68));
    let around = |scene: &louver_scene::Scene| {
        let outside = |x: i32, y: i32| !(140..162).contains(&x) || !(70..130).contains(&y);
        let pixels = (66..134).flat_map(|y| (136..166).map(move |x| (x, y))).filter(|(x, y)| outside(*x, *y));
        let values: Vec<f64> = pixels.map(|(x, y)| scene.backdrop.y[(y * 320 + x) as usize].into()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let before = around(&world.scene.clone().unwrap());
    let now = Now { people: vec![body], faint: vec![edge], ..Now::empty() };
    for _ in 0..400 {
        world.show(&now, blind);
        if world.now - MediaTime::ZERO > ms(60_000) {
            break;
        }
    }
    let after = around(&world.scene.clone().unwrap());
    assert!((after - before).abs() < 1.0, "the backdrop around him went from {before} to {after}");
}

#[test]
fn a_start_in_the_middle_of_a_crowd_learns_the_place_and_nobody_in_it() {
    let mut world = World::new(320, 180, 34);
    world.lag = 2;
    let mut dice = Dice(34);
    // Eight people, each with a way of his own; two stand about for a while.
    let walkers: Vec<(i64, i64, i64)> = (0..8)
        .map(|n| (dice.below(300) as i64, n * 14 + 4, [5, -4, 3, -6, 4, -3, 0, 0][n as usize]))
        .collect();
    let mut most = 0.0_f64;
    for n in 0..900_i64 {
        let people = walkers.iter().map(|&(x, y, v)| {
            let moved = if v == 0 && n > 500 { (n - 500) * 4 } else { v * n };
            rect((x + moved).rem_euclid(360) as i32 - 30, y as i32, 18, 50)
        });
        let now = Now { people: people.collect(), ..Now::empty() };
        let (scene, _) = world.show(&now, |now| {
            Some(finds_all(now).unwrap().into_iter().filter(|_| dice.falls(0.8)).collect())
        });
        assert_eq!(leaked_pixels(&scene), 0, "picture {n}");
        for person in &now.people {
            assert!(!states(&scene, *person).contains(&Cell::Clear), "picture {n}: {person:?}");
        }
        most = most.max(1.0 - share(&scene, Cell::Unknown));
    }
    assert!(most > 0.5, "most of the place was learned meanwhile: {most}");
}

#[test]
fn after_a_gap_or_a_jump_back_of_the_clock_everything_is_unknown() {
    for jump in [5_001_i64, -1, -100_000, 86_400_000] {
        let mut world = World::new(320, 180, 35);
        world.learn();
        world.now = MediaTime::from_ticks(world.now.ticks() - world.step.ticks() + jump * 90);
        let (scene, _) = world.show(&Now::empty(), blind);
        assert!(all_unknown(&scene), "after {jump} ms");
        assert_eq!(scene.why, Why::Starting);
        world.learn();
    }
    let mut world = World::new(320, 180, 35);
    world.learn();
    world.now = world.now + ms(4_700);
    let (scene, _) = world.show(&Now::empty(), blind);
    assert_eq!(share(&scene, Cell::Clear), 1.0, "a short gap is none");
}

#[test]
fn an_answer_about_a_picture_from_before_an_interruption_counts_for_nothing_after_it() {
    let mut world = World::new(320, 180, 36);
    world.learn();
    let sweep = std::iter::repeat_with(|| {
        let picture = world.picture(&Now::empty());
        world.now = world.now + world.step;
        world.see.picture(&picture, world.now, WallTime::from_micros(0));
        world.see.wants()
    });
    let sweep = sweep.take(100).find_map(|w| w).unwrap();
    world.see.sweep_begun(sweep.taken);
    world.see.interrupted();
    // The next session's clock starts anew: its pictures are "older" and then "younger" than that sweep.
    world.now = MediaTime::ZERO;
    for n in 0..400 {
        let picture = world.picture(&Now::empty());
        world.now = world.now + world.step;
        let (scene, _) = world.see.picture(&picture, world.now, WallTime::from_micros(0));
        world.see.sweep_done(sweep.taken, &[]);
        assert!(all_unknown(&scene), "picture {n}");
    }
}

#[test]
fn a_picture_of_another_size_shows_nothing() {
    let mut world = World::new(320, 180, 37);
    world.learn();
    let other = Picture::flat(PictureSize::new(640, 360).unwrap(), 99, 99, 99);
    world.now = world.now + world.step;
    let (scene, _) = world.see.picture(&other, world.now, WallTime::from_micros(0));
    assert!(all_unknown(&scene) && scene.figures.is_empty());
    assert_eq!(scene.backdrop.size, world.size);
}

#[test]
fn the_same_pictures_and_answers_give_the_same_scenes_and_acts() {
    let run = || {
        let mut world = World::new(322, 182, 38);
        world.lag = 1;
        let mut told = Vec::new();
        for n in 0..200 {
            let people: Vec<_> = if n > 40 { vec![rect(n * 2 - 60, 60, 20, 60)] } else { vec![] };
            let (scene, acts) = world.show(&Now::people(&people), finds_all);
            told.push((scene.cells, scene.figures, scene.backdrop.y.clone(), acts));
        }
        told
    };
    let (first, second) = (run(), run());
    assert!(first.iter().any(|(_, _, _, acts)| acts.iter().any(|a| matches!(a, Act::Enters(..)))));
    for (n, (a, b)) in first.iter().zip(&second).enumerate() {
        assert!(a == b, "picture {n}");
    }
}

#[test]
fn no_sweep_is_asked_for_while_one_is_under_way_and_parts_cover_the_picture() {
    for (halves, parts) in [(false, 1), (true, 3)] {
        let traits = louver_scene::DetectorTraits { halves, ..TRAITS };
        let mut see = See::new(PictureSize::new(320, 180).unwrap(), Settings::new(traits, 1));
        assert_eq!(see.wants(), None, "there is no picture yet");
        let mut world = World::new(320, 180, 39);
        let picture = world.picture(&Now::empty());
        see.picture(&picture, MediaTime::ZERO, WallTime::from_micros(0));
        let sweep = see.wants().unwrap();
        assert_eq!((sweep.parts.len(), sweep.least), (parts, TRAITS.mask_score));
        assert_eq!(sweep.parts[0], rect(0, 0, 320, 180));
        for part in &sweep.parts {
            assert_eq!(part.intersection(rect(0, 0, 320, 180)), *part, "{part:?} lies in the picture");
        }
        see.sweep_begun(sweep.taken);
        assert_eq!(see.wants(), None);
    }
}
