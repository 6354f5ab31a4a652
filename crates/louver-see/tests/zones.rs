//! Zones: what is never looked at, and what is never shown.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_base::Class;
use louver_media::Picture;
use louver_scene::{Cell, Grid, Rect, Scene, Style, Zone, ZoneKind, ZoneMap};
use louver_see::{Act, Settings};
use proptest::prelude::*;
use support::*;

const SIZE: (u32, u32) = (320, 180);

/// A zone over the left quarter of the picture.
fn left_quarter(kind: ZoneKind) -> Vec<Zone> {
    vec![Zone::new("a", kind, vec![[0.0, 0.0], [25.0, 0.0], [25.0, 100.0], [0.0, 100.0]]).unwrap()]
}

fn world(seed: u64, zones: &[Zone]) -> World {
    World::with_zones(SIZE.0, SIZE.1, seed, Settings::new(TRAITS, seed), zones)
}

fn map(world: &World, zones: &[Zone]) -> ZoneMap {
    ZoneMap::new(Grid::of(world.size), zones)
}

/// Shows the empty place until all that can be known is.
fn learn(world: &mut World) -> Scene {
    for _ in 0..150 {
        world.show(&Now::empty(), blind);
    }
    world.scene.clone().unwrap()
}

/// Whether anybody's colour is in a picture.
fn shows_skin(p: &Picture) -> bool {
    p.u.iter().zip(&p.v).any(|(u, v)| *u == SKIN[1] && *v == SKIN[2])
}

#[test]
fn an_excluded_zone_is_never_known_and_the_rest_becomes_clear() {
    let zones = left_quarter(ZoneKind::Exclude);
    let mut world = world(1, &zones);
    let scene = learn(&mut world);
    let map = map(&world, &zones);
    for (n, cell) in scene.cells.iter().enumerate() {
        let wanted = if map.at(n).is_some() { Cell::Never } else { Cell::Clear };
        assert_eq!(*cell, wanted, "cell {n}");
    }
    assert_eq!(scene.why, louver_scene::Why::Fine, "what is excluded is not missing");
}

#[test]
fn an_always_masked_zone_never_clears_however_long_it_is_empty_but_who_is_in_it_is_counted() {
    let zones = left_quarter(ZoneKind::Mask);
    let mut world = world(2, &zones);
    let map = map(&world, &zones);
    let mut entered = Vec::new();
    for n in 0..1200i32 {
        let walker = rect(10 + (n % 80 - 40).abs(), 60, 20, 50);
        let now = if n > 900 { Now::people(&[walker]) } else { Now::empty() };
        let (scene, acts) = world.show(&now, finds_all);
        for (cell, state) in scene.cells.iter().enumerate().filter(|(cell, _)| map.at(*cell).is_some()) {
            assert_eq!(*state, Cell::Unknown, "cell {cell} at picture {n}");
        }
        entered
            .extend(acts.into_iter().filter(|a| matches!(a, Act::Enters(s, _) if s.class == Class::Person)));
    }
    assert_eq!(entered.len(), 1, "{entered:?}");
    assert!(world.scene.unwrap().figures.iter().any(|f| f.rect.left < 60), "and drawn as a box");
}

#[test]
fn a_figure_is_cut_where_an_excluded_zone_begins_and_whoever_goes_in_has_left() {
    let zones = left_quarter(ZoneKind::Exclude);
    let mut world = world(3, &zones);
    learn(&mut world);
    let map = map(&world, &zones);
    let mut told = Vec::new();
    for n in 0..80 {
        // From the middle of the picture to the left, into the zone.
        let (scene, acts) = world.show(&Now::people(&[rect(200 - n * 4, 60, 24, 60)]), |now| {
            // The detector does not see what is flat.
            let seen = now.people.iter().map(|r| Rect { left: r.left.max(84), ..*r });
            Some(seen.filter(|r| r.right > r.left).map(|r| person(r, 0.9)).collect())
        });
        for figure in &scene.figures {
            assert!(figure.rect.left >= 84, "{figure:?}");
        }
        for act in &acts {
            if let Act::Enters(s, _) | Act::Update(s, _) | Act::Stays(s) = act {
                assert_eq!(map.seen_area(s.rect), s.rect.area(), "{act:?}");
            }
        }
        told.extend(acts);
    }
    let count = |f: fn(&Act) -> bool| told.iter().filter(|a| f(a)).count();
    assert_eq!(count(|a| matches!(a, Act::Enters(..))), 1);
    assert_eq!(count(|a| matches!(a, Act::Leaves(_))), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Two cameras see the same but for what goes on in the excluded zone of one: what is shown and told of both is the same,
    /// and nothing of it is in any picture.
    #[test]
    fn what_happens_inside_an_excluded_zone_changes_nothing_anywhere(
        seed in 0u64..1000,
        inside in prop::collection::vec((0i32..50, 0i32..110, 4i32..24, 8i32..60), 1..4),
        every in 1i32..4,
    ) {
        let zones = left_quarter(ZoneKind::Exclude);
        let (mut quiet, mut busy) = (world(seed, &zones), world(seed, &zones));
        let mut dice = Dice(seed);
        for n in 0..120i32 {
            let walker = rect(90 + n, 50, 20, 50);
            let hidden: Vec<Rect> = inside
                .iter()
                .filter(|_| n / 10 % every == 0)
                .map(|(x, y, w, h)| rect(x + dice.below(6) as i32, *y, *w, *h))
                .collect();
            let outside = if n > 60 { vec![walker] } else { vec![] };
            let all: Vec<Rect> = outside.iter().chain(&hidden).copied().collect();
            let (one, one_acts) = quiet.show(&Now::people(&outside), finds_all);
            // Even a detector that sees through walls.
            let (other, other_acts) = busy.show(&Now::people(&all), finds_all);
            prop_assert_eq!(one_acts, other_acts, "picture {}", n);
            prop_assert_eq!(&one.cells, &other.cells, "picture {}", n);
            prop_assert_eq!(&one.figures, &other.figures, "picture {}", n);
            prop_assert_eq!((&one.backdrop, one.why), (&other.backdrop, other.why), "picture {}", n);
            for style in [Style::Boxes, Style::Empty, Style::FiguresOnly] {
                prop_assert!(!shows_skin(other.render(style).get()), "picture {}", n);
            }
        }
    }
}
