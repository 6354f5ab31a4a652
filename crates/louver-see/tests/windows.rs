//! What may be seen as it is, and when not.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::collections::HashSet;

use louver_base::Class;
use louver_scene::{Detection, Rect, Scene, Show, Style, Zone, ZoneKind};
use louver_see::Settings;
use support::*;

/// A car's luma and Cb, which nothing else has; its Cr says when it was taken.
const PAINT: [u8; 2] = [30, 90];
/// Where the car stands at last.
const PLACE: Rect = Rect { left: 120, top: 80, right: 200, bottom: 130 };

fn settings(seed: u64, classes: &[Class]) -> Settings {
    let show = classes.iter().fold(Show::NOTHING, |show, class| show.and(*class).unwrap());
    Settings { show, ..Settings::new(TRAITS, seed) }
}

/// A camera before a place that is known; a car comes in from the right and stops.
struct Yard {
    world: World,
    n: i32,
    /// Cr of the pictures that the detector looked at.
    swept: HashSet<u8>,
    /// What the detector says the car is.
    says: fn(Rect) -> Vec<Detection>,
}

impl Yard {
    fn new(seed: u64, classes: &[Class], zones: &[Zone]) -> Self {
        let mut world = World::with_zones(320, 180, seed, settings(seed, classes), zones);
        for _ in 0..60 {
            world.show(&Now::empty(), blind);
        }
        Self { world, n: 0, swept: HashSet::new(), says: |r| vec![vehicle(r, 0.9)] }
    }

    fn tint(n: i32) -> u8 {
        (140 + n % 100) as u8
    }

    fn car(&self) -> Rect {
        let left = (320 - self.n * 8).max(PLACE.left);
        Rect { left, right: left + 80, ..PLACE }
    }

    /// A picture later; `people` stand in front of everything, and the detector finds them with the given score.
    fn step(&mut self, people: &[Rect], score: f32) -> Scene {
        self.n += 1;
        let tint = Self::tint(self.n);
        let now = Now { painted: vec![(self.car(), [PAINT[0], PAINT[1], tint])], ..Now::people(people) };
        let (car, says, swept) = (self.car(), self.says, &mut self.swept);
        let (scene, _) = self.world.show(&now, |now| {
            swept.insert(tint);
            let mut found = says(car);
            found.extend(now.people.iter().map(|r| person(*r, score)));
            Some(found)
        });
        scene
    }

    /// Until a window has opened and the car stands.
    fn until_shown(&mut self) -> Scene {
        for _ in 0..80 {
            let scene = self.step(&[], 0.9);
            if self.car() == PLACE && !scene.windows.is_empty() {
                return scene;
            }
        }
        panic!("no window has opened");
    }
}

/// Pixels of chroma in which something of a colour is to be seen.
fn pixels(scene: &Scene, is: impl Fn(u8, u8) -> bool) -> usize {
    let drawn = scene.render(Style::Boxes).into_inner();
    drawn.u.iter().zip(&drawn.v).filter(|(u, v)| is(**u, **v)).count()
}

fn car_pixels(scene: &Scene) -> usize {
    pixels(scene, |u, v| u == PAINT[1] && v >= 140)
}

fn shows_somebody(scene: &Scene) -> bool {
    let inside = scene
        .windows
        .iter()
        .any(|w| w.picture.u.iter().zip(&w.picture.v).any(|(u, v)| *u == SKIN[1] && *v == SKIN[2]));
    inside || pixels(scene, |u, v| u == SKIN[1] && v == SKIN[2]) > 0
}

#[test]
fn a_vehicle_that_may_be_seen_is_shown_as_it_is_and_by_default_nothing_is() {
    let mut yard = Yard::new(1, &[Class::Vehicle], &[]);
    let scene = yard.until_shown();
    let whole = (PLACE.area() / 4) as usize;
    assert!(car_pixels(&scene) * 10 > whole * 8, "{} of {whole}", car_pixels(&scene));
    assert_eq!(scene.windows[0].track, scene.figures[0].track);

    for classes in [&[][..], &[Class::Animal, Class::Parcel]] {
        let mut yard = Yard::new(1, classes, &[]);
        for _ in 0..100 {
            let scene = yard.step(&[], 0.9);
            assert!(scene.windows.is_empty() && car_pixels(&scene) == 0);
        }
    }
}

#[test]
fn a_window_shows_only_pictures_that_the_detector_has_looked_at() {
    for lag in 0..4 {
        let mut yard = Yard::new(2, &[Class::Vehicle], &[]);
        yard.world.lag = lag;
        let mut shown = 0;
        for _ in 0..90 {
            let scene = yard.step(&[], 0.9);
            for window in &scene.windows {
                shown += 1;
                let tints = window.picture.u.iter().zip(&window.picture.v).filter(|(u, _)| **u == PAINT[1]);
                let tints: HashSet<u8> = tints.map(|(_, v)| *v).collect();
                assert_eq!(tints.len(), 1, "of one picture");
                assert!(tints.is_subset(&yard.swept));
            }
        }
        assert!(shown > 20, "lag {lag}: {shown}");
    }
}

#[test]
fn whoever_walks_in_front_of_a_vehicle_between_two_looks_is_not_shown() {
    let mut yard = Yard::new(3, &[Class::Vehicle], &[]);
    yard.until_shown();
    let (mut hidden, mut came) = (0, 0);
    for _ in 0..40 {
        // Somebody crosses in the pictures between two sweeps, and is gone when the detector looks.
        let before = yard.world.sweeps;
        let mut scene = yard.step(&[], 0.9);
        assert!(!shows_somebody(&scene));
        if yard.world.sweeps > before {
            for x in 0..4 {
                let walker = rect(96 + x * 32, 70, 20, 60);
                scene = yard.step(&[walker], 0.25);
                assert!(!shows_somebody(&scene), "step {x}");
                hidden += usize::from(scene.windows.is_empty());
            }
            came += 1;
        }
    }
    assert!(came >= 5 && hidden >= came, "{came} {hidden}");
}

#[test]
fn somebody_seen_in_a_vehicle_hides_it_at_once_however_unsure_the_detector_is() {
    let mut yard = Yard::new(4, &[Class::Vehicle], &[]);
    yard.until_shown();
    yard.says = |r| {
        let driver = Rect { left: r.left + 30, top: r.top + 10, right: r.left + 40, bottom: r.top + 24 };
        vec![vehicle(r, 0.9), person(driver, 0.21)]
    };
    let sweeps = yard.world.sweeps;
    while yard.world.sweeps == sweeps {
        yard.step(&[], 0.9);
    }
    for _ in 0..40 {
        let scene = yard.step(&[], 0.9);
        assert!(scene.windows.is_empty() && car_pixels(&scene) == 0);
    }
}

#[test]
fn a_window_ends_when_the_detector_confirms_it_no_more() {
    let mut yard = Yard::new(5, &[Class::Vehicle], &[]);
    yard.until_shown();
    yard.says = |_| vec![];
    let sweeps = yard.world.sweeps;
    while yard.world.sweeps < sweeps + 2 {
        yard.step(&[], 0.9);
    }
    assert!(yard.step(&[], 0.9).windows.is_empty());
    // Nor do answers that fail, or that never come, keep it.
    let mut late = Yard::new(5, &[Class::Vehicle], &[]);
    late.until_shown();
    late.world.lag = 1000;
    for n in 0..60 {
        let open = !late.step(&[], 0.9).windows.is_empty();
        assert!(!open || n <= 26, "picture {n}");
    }
}

#[test]
fn what_people_sit_on_in_the_open_is_not_shown_nor_is_what_the_detector_is_unsure_of() {
    let says: [fn(Rect) -> Vec<Detection>; 3] = [
        |r| vec![Detection { ridden: true, ..vehicle(r, 0.9) }],
        |r| vec![vehicle(r, 0.9), Detection { ridden: true, ..vehicle(r, 0.2) }],
        |r| vec![vehicle(r, 0.4)],
    ];
    for says in says {
        let mut yard = Yard::new(6, &[Class::Vehicle], &[]);
        yard.says = says;
        for _ in 0..100 {
            assert!(yard.step(&[], 0.9).windows.is_empty());
        }
    }
}

#[test]
fn a_zone_that_touches_a_vehicle_keeps_it_hidden() {
    for kind in [ZoneKind::Exclude, ZoneKind::Mask] {
        let corner = vec![[55.0, 60.0], [57.0, 60.0], [57.0, 64.0]];
        let mut yard = Yard::new(7, &[Class::Vehicle], &[Zone::new("a", kind, corner).unwrap()]);
        for _ in 0..100 {
            let scene = yard.step(&[], 0.9);
            assert!(yard.car() != PLACE || scene.windows.is_empty(), "{kind:?}");
        }
    }
}

#[test]
fn a_parcel_is_shown_where_it_lies_and_not_while_it_is_carried() {
    let mut yard = Yard::new(8, &[Class::Parcel], &[]);
    yard.says = |r| vec![Detection { class: Class::Parcel, ..vehicle(r, 0.9) }];
    for _ in 0..100 {
        assert!(yard.step(&[], 0.9).windows.is_empty(), "it came by itself, so somebody may carry it");
    }
    let mut world = World::with(320, 180, 8, settings(8, &[Class::Parcel]));
    world.learn();
    let left = Now { painted: vec![(PLACE, [PAINT[0], PAINT[1], 150])], ..Now::empty() };
    let mut shown = 0;
    for _ in 0..40 {
        let (scene, _) =
            world.show(&left, |_| Some(vec![Detection { class: Class::Parcel, ..vehicle(PLACE, 0.9) }]));
        shown += usize::from(!scene.windows.is_empty());
    }
    assert!(shown > 10, "{shown}");
}
