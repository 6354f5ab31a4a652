//! What is told of those who come, stay and go.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_base::{Class, MediaTime};
use louver_scene::{Detection, Rect};
use louver_see::{Act, Settings, Sighting};
use support::*;

/// Acts with their times, and the rules that hold for any sequence of them.
#[derive(Default)]
struct Told(Vec<(MediaTime, Act)>);

impl Told {
    fn add(&mut self, world: &World, acts: Vec<Act>) {
        self.0.extend(acts.into_iter().map(|a| (world.now, a)));
    }

    fn of(&self, wanted: u32) -> Vec<&Act> {
        let number = |a: &Act| match a {
            Act::Enters(s, _) | Act::Update(s, _) | Act::Stays(s) => s.track,
            Act::Leaves(n) => *n,
        };
        self.0.iter().map(|(_, a)| a).filter(|a| number(a) == wanted).collect()
    }

    fn entered(&self) -> Vec<u32> {
        let enters = self.0.iter().filter_map(|(_, a)| match a {
            Act::Enters(s, _) => Some(s.track),
            Act::Update(..) | Act::Stays(_) | Act::Leaves(_) => None,
        });
        enters.collect()
    }

    /// Every appearance enters first, stays at most once, leaves once and last; boxes lie in the picture; updates of one
    /// come at most once a second.
    fn check(&self, world: &World) {
        let picture = rect(0, 0, world.size.width() as i32, world.size.height() as i32);
        let mut numbers = self.entered();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), self.entered().len(), "nobody enters twice");
        for (at, act) in &self.0 {
            let (sighting, number): (Option<&Sighting>, u32) = match act {
                Act::Enters(s, since) => {
                    assert!(since <= at);
                    (Some(s), s.track)
                }
                Act::Update(s, _) | Act::Stays(s) => (Some(s), s.track),
                Act::Leaves(n) => (None, *n),
            };
            assert!(numbers.contains(&number), "{act:?} of somebody who never entered");
            if let Some(s) = sighting {
                assert_eq!(s.rect.intersection(picture), s.rect, "{act:?}");
                assert!(s.rect.left <= s.rect.right && s.rect.top <= s.rect.bottom, "{act:?}");
            }
        }
        for number in numbers {
            let acts = self.of(number);
            assert!(matches!(acts[0], Act::Enters(..)), "{acts:?}");
            let count = |f: fn(&Act) -> bool| acts.iter().filter(|a| f(a)).count();
            assert_eq!(count(|a| matches!(a, Act::Enters(..))), 1);
            assert!(count(|a| matches!(a, Act::Stays(_))) <= 1, "{acts:?}");
            assert!(count(|a| matches!(a, Act::Leaves(_))) <= 1, "{acts:?}");
            let leaves = acts.iter().position(|a| matches!(a, Act::Leaves(_)));
            assert!(leaves.is_none_or(|n| n == acts.len() - 1), "{acts:?}");
            let mut last = None;
            for (at, act) in &self.0 {
                if matches!(act, Act::Update(s, _) if s.track == number) {
                    assert!(last.is_none_or(|l| *at - l >= ms(1000)), "{act:?} at {at}");
                    last = Some(*at);
                }
            }
        }
    }
}

#[test]
fn who_walks_in_stops_and_walks_out_enters_stays_and_leaves_once_each_and_in_this_order() {
    for seed in 0..3 {
        let mut world = World::new(320, 180, 100 + seed);
        world.lag = seed as usize;
        world.learn();
        let mut told = Told::default();
        for n in 0..260 {
            // In from the left at 20 pixels a second, twenty seconds in the middle, out to the right.
            let x = -24 + (n * 4).min(150) + (n - 140).max(0) * 4;
            let now = if x < 320 { Now::people(&[rect(x, 60, 22, 60)]) } else { Now::empty() };
            let (_, acts) = world.show(&now, finds_all);
            told.add(&world, acts);
        }
        told.check(&world);
        let entered = told.entered();
        assert_eq!(entered.len(), 1, "seed {seed}: {:?}", told.0);
        let kinds: Vec<&Act> =
            told.of(entered[0]).into_iter().filter(|a| !matches!(a, Act::Update(..))).collect();
        assert!(
            matches!(kinds[..], [Act::Enters(s, _), Act::Stays(_), Act::Leaves(_)] if s.class == Class::Person),
            "seed {seed}: {kinds:?}"
        );
        assert!(
            matches!(told.of(entered[0])[1], Act::Update(_, true)),
            "the first still is asked for at once"
        );
    }
}

#[test]
fn who_only_passes_does_not_stay() {
    let mut world = World::new(320, 180, 110);
    world.learn();
    let mut told = Told::default();
    for n in 0..80 {
        let (_, acts) = world.show(&Now::people(&[rect(n * 12 - 24, 60, 22, 60)]), finds_all);
        told.add(&world, acts);
    }
    told.check(&world);
    assert_eq!(told.entered().len(), 1, "{:?}", told.0);
    assert!(!told.0.iter().any(|(_, a)| matches!(a, Act::Stays(_))));
    assert!(told.0.iter().any(|(_, a)| matches!(a, Act::Leaves(_))));
}

#[test]
fn a_false_alarm_that_stands_still_never_becomes_an_event_though_people_pass_by() {
    let poster = rect(230, 30, 24, 60);
    for from_the_start in [true, false] {
        let mut world = World::new(320, 180, 120);
        let mut told = Told::default();
        for n in 0..600 {
            let people =
                if (200..260).contains(&n) { vec![rect((n - 200) * 6 - 24, 110, 22, 60)] } else { vec![] };
            let (_, acts) = world.show(&Now::people(&people), |now| {
                let mut found = finds_all(now).unwrap();
                if from_the_start || n > 60 {
                    found.push(person(poster, 0.8));
                }
                Some(found)
            });
            told.add(&world, acts);
        }
        told.check(&world);
        assert!(told.entered().len() == 1, "he who passed alone: {:?}", told.0);
        let at_poster = told.0.iter().any(|(_, a)| match a {
            Act::Enters(s, _) => s.rect.intersection(poster).area() * 2 > poster.area(),
            Act::Update(..) | Act::Stays(_) | Act::Leaves(_) => false,
        });
        assert!(!at_poster, "{:?}", told.0);
    }
}

#[test]
fn a_parked_car_makes_no_event_though_the_detector_blinks_and_people_pass_in_front_of_it() {
    let car = rect(180, 40, 100, 60);
    for seed in 0..3 {
        let mut dice = Dice(seed);
        let mut world = World::new(320, 180, 150 + seed);
        // The car stood there from the first picture on.
        let parked = |people: &[Rect]| Now { things: vec![car], people: people.to_vec(), ..Now::default() };
        world.learn_with(&parked(&[]));
        let mut told = Told::default();
        for n in 0..500 {
            let at = n % 150;
            let people = if at < 70 { vec![rect(at * 6 - 24, 60, 22, 60)] } else { vec![] };
            let (_, acts) = world.show(&parked(&people), |now| {
                let mut found = finds_all(now).unwrap();
                if dice.falls(0.5) {
                    found.push(Detection { class: Class::Vehicle, score: 0.8, rect: car, ridden: false });
                }
                Some(found)
            });
            told.add(&world, acts);
        }
        told.check(&world);
        let classes: Vec<Class> = told
            .0
            .iter()
            .filter_map(|(_, a)| match a {
                Act::Enters(s, _) => Some(s.class),
                Act::Update(..) | Act::Stays(_) | Act::Leaves(_) => None,
            })
            .collect();
        assert_eq!(classes, [Class::Person; 4], "seed {seed}: those who passed alone");
    }
}

#[test]
fn two_who_meet_and_part_again_are_two_events_to_the_end() {
    for seed in 0..3 {
        let mut world = World::new(320, 180, 160 + seed);
        world.learn();
        let mut told = Told::default();
        for n in 0..110 {
            // Towards each other, three seconds together, and each back where he came from.
            let way = if n < 35 {
                n
            } else if n < 50 {
                35
            } else {
                85 - n
            };
            let people = [rect(way * 4 - 24, 60, 22, 60), rect(322 - way * 4, 64, 22, 60)];
            let seen: Vec<Rect> =
                people.into_iter().filter(|r| r.right > 0 && r.left < 320 && way > 0).collect();
            let (_, acts) = world.show(&Now::people(&seen), finds_all);
            told.add(&world, acts);
        }
        told.check(&world);
        assert_eq!(told.entered().len(), 2, "seed {seed}: {:?}", told.0);
    }
}

#[test]
fn what_the_detector_is_never_sure_of_is_masked_and_told_to_nobody() {
    let mut world = World::new(320, 180, 130);
    world.learn();
    let mut told = Told::default();
    for n in 0..100 {
        let now = Now::people(&[rect(n * 2, 60, 22, 60)]);
        let (scene, acts) = world.show(&now, |now| Some(vec![person(now.people[0], 0.3)]));
        assert_eq!(leaked_pixels(&scene), 0);
        told.add(&world, acts);
    }
    assert!(told.0.is_empty(), "{:?}", told.0);
}

#[test]
fn whoever_is_followed_has_left_when_the_stream_breaks_off_or_the_light_jumps() {
    for how in ["interrupted", "gap", "light", "size"] {
        let mut world = World::new(320, 180, 140);
        world.learn();
        let mut told = Told::default();
        for n in 0..60 {
            let (_, acts) = world.show(&Now::people(&[rect(60 + n, 60, 22, 60)]), finds_all);
            told.add(&world, acts);
        }
        assert_eq!(told.entered().len(), 1);
        let here = Now::people(&[rect(120, 60, 22, 60)]);
        let acts = match how {
            "interrupted" => world.see.interrupted(),
            "gap" => {
                world.now = world.now + ms(6000);
                world.show(&here, finds_all).1
            }
            "light" => world.show(&Now { light: Some(0.5), ..here }, finds_all).1,
            _ => {
                let other =
                    louver_media::Picture::flat(louver_media::PictureSize::new(64, 64).unwrap(), 99, 99, 99);
                world.see.picture(&other, world.now + world.step, louver_base::WallTime::from_micros(0)).1
            }
        };
        assert_eq!(acts, [Act::Leaves(told.entered()[0])], "{how}");
        assert_eq!(world.see.interrupted(), [], "{how}: once");
    }
}

#[test]
fn any_crowd_and_any_answers_give_acts_in_order_with_boxes_in_the_picture() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let mut world = World::with(160, 96, 200 + seed, Settings::new(TRAITS, seed));
        world.lag = dice.below(4) as usize;
        let mut told = Told::default();
        let mut ways: Vec<(i32, i32, i32, i32)> = Vec::new();
        for _ in 0..500 {
            if dice.falls(0.05) {
                ways.push((
                    dice.below(160) as i32,
                    dice.below(80) as i32,
                    dice.below(9) as i32 - 4,
                    dice.below(3) as i32 - 1,
                ));
            }
            if ways.len() > 6 || dice.falls(0.01) {
                ways.pop();
            }
            let step = |w: &mut (i32, i32, i32, i32)| {
                (w.0, w.1) = (w.0 + w.2, w.1 + w.3);
                rect(w.0, w.1, 12, 30)
            };
            let people: Vec<Rect> = ways.iter_mut().map(step).collect();
            if dice.falls(0.005) {
                world.now = world.now + ms(dice.below(9000) as i64);
            }
            let light = dice.falls(0.005).then_some(0.6);
            let (_, acts) = world.show(&Now { people, light, ..Now::empty() }, |now| {
                if dice.falls(0.05) {
                    return None;
                }
                let mut found: Vec<Detection> =
                    finds_all(now).unwrap().into_iter().filter(|_| dice.falls(0.8)).collect();
                if dice.falls(0.2) {
                    let class = [Class::Person, Class::Vehicle, Class::Animal][dice.below(3) as usize];
                    let r = rect(dice.below(200) as i32 - 20, dice.below(120) as i32 - 20, 20, 20);
                    found.push(Detection { class, score: 0.7, rect: r, ridden: false });
                }
                Some(found)
            });
            told.add(&world, acts);
        }
        let left = world.see.interrupted();
        told.add(&world, left);
        told.check(&world);
        let leaves = told.0.iter().filter(|(_, a)| matches!(a, Act::Leaves(_))).count();
        assert_eq!(leaves, told.entered().len(), "seed {seed}: everyone who entered has left");
        assert!(leaves > 2, "seed {seed}: {leaves} is too few to mean anything");
    }
}
