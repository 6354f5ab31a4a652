//! The scenes themselves, built of a clip made by hand: two people who walk through a picture.

use std::sync::Arc;

use super::*;
use crate::Truth;

const PICTURES: usize = 100;

fn size() -> PictureSize {
    PictureSize::new(320, 180).unwrap()
}

fn place() -> Picture {
    let mut p = Picture::flat(size(), 0, 128, 128);
    p.y.iter_mut()
        .enumerate()
        .for_each(|(n, y)| *y = 80 + (n % 320 / 8 % 2 * 10 + n / 320 / 8 % 2 * 10) as u8);
    p
}

/// Two people, each in a row of his own.
fn people(n: usize) -> Vec<TruthBox> {
    let at =
        |id, left: i32, top| TruthBox { id, rect: Rect { left, top, right: left + 20, bottom: top + 50 } };
    vec![at(1, 40 + 2 * n as i32, 20), at(2, 260 - 2 * n as i32, 110)]
}

fn clip() -> Clip {
    let pictures = (0..PICTURES).map(|n| {
        let mut picture = place();
        for person in people(n) {
            each_pixel(person.rect, 320, 180, |n| picture.y[n] = 190);
        }
        picture
    });
    let lines = (0..PICTURES).flat_map(|n| {
        people(n)
            .into_iter()
            .map(move |p| format!("{},{},{},{},20,50\n", n + 1, p.id, p.rect.left, p.rect.top))
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.collect::<String>()).unwrap();
    Clip {
        pictures: pictures.collect(),
        truth: Truth::read(file.path()).unwrap(),
        empty: Arc::new(place()),
        place: place().into(),
        fps: 10.0,
        size: size(),
    }
}

fn built<'a>(name: &str, clip: &'a Clip) -> Script<'a> {
    Script::of(name.parse().unwrap(), clip).unwrap().unwrap()
}

fn shot(script: &mut Script<'_>, n: u64) -> Shot {
    (script.shoot)(n).unwrap().unwrap()
}

#[test]
fn a_clip_that_is_turned_around_at_its_ends_never_jumps() {
    let clip = clip();
    for from in [0, 77, PICTURES - 1] {
        assert_eq!(clip.turn(from, 0), from);
        let all: Vec<usize> = (0..1000).map(|n| clip.turn(from, n)).collect();
        assert!(all.windows(2).all(|w| w[0].abs_diff(w[1]) == 1));
        assert!(all.contains(&0) && all.contains(&(PICTURES - 1)));
    }
}

#[test]
fn whoever_stands_still_is_there_for_ten_minutes_and_no_pixel_of_him_changes() {
    let clip = clip();
    for name in ["still-from-start", "still-walks-in", "still-appears", "still-far", "still-near"] {
        let mut script = built(name, &clip);
        let id = script.subject.unwrap();
        assert_eq!(script.frames - script.event, 6000, "{name}");
        let event = script.event;
        let first = shot(&mut script, event);
        let rect = first.people.iter().find(|p| p.id == id).unwrap().rect;
        let pixels = |p: &Picture| {
            let mut all = Vec::new();
            each_pixel(rect, 320, 180, |n| all.push(p.y[n]));
            all
        };
        let body = pixels(&first.picture);
        assert!(body.iter().filter(|y| **y > 180).count() * 10 > body.len() * 9, "{name}");
        for n in (script.event..script.frames).step_by(701).chain([script.frames - 1]) {
            let shot = shot(&mut script, n);
            assert!(pixels(&shot.picture) == body, "{name} {n}");
            // He himself, as he walks on in the clip, is not there a second time.
            assert_eq!(shot.people.len(), 2, "{name} {n}");
            assert!(shot.people.iter().all(|p| p.id != id - PASTED), "{name} {n}");
        }
        let before = script.event.checked_sub(1).map(|n| shot(&mut script, n));
        match name {
            "still-from-start" => assert!(before.is_none()),
            "still-walks-in" => assert_eq!(before.unwrap().people.iter().filter(|p| p.id == id).count(), 1),
            _ => assert!(before.unwrap().people.iter().all(|p| p.id != id)),
        }
    }
}

#[test]
fn light_and_view_change_in_the_picture_that_is_named_and_not_before() {
    let clip = clip();
    for (name, brighter) in [("light-up", true), ("light-down", false)] {
        let mut script = built(name, &clip);
        let event = script.event;
        let (before, after) = (shot(&mut script, event - 1), shot(&mut script, event));
        assert!(before.picture == clip.pictures[clip.turn(0, event - 1)]);
        assert_eq!(after.picture.y[0] > before.picture.y[0], brighter);
        assert!(
            *script.place.looks[0].usual == place() && script.place.looks[1].most.y[0] == after.picture.y[0]
        );
    }
    let mut script = built("turned", &clip);
    let (n, at) = (script.event, clip.turn(0, script.event));
    let after = shot(&mut script, n);
    let person = people(at)[0].rect;
    assert_eq!((after.picture.size.width(), after.people[0].rect.left), (300, person.left - 20));
    assert_eq!(after.picture.y[30 * 300 + person.left as usize - 15], 190);
    let mut slowly = built("turned-slowly", &clip);
    assert_eq!(slowly.place.looks.len(), 11);
    let lefts: Vec<i32> = (n - 1..n + 22)
        .map(|n| people(clip.turn(0, n))[0].rect.left - shot(&mut slowly, n).people[0].rect.left)
        .collect();
    assert!(
        lefts.windows(2).all(|w| (0..=2).contains(&(w[1] - w[0]))) && lefts.last() == Some(&20),
        "{lefts:?}"
    );
}

#[test]
fn the_same_packets_are_lost_each_time_and_the_first_is_not() {
    let clip = clip();
    let arrived = || {
        let mut script = built("loss", &clip);
        (0..300).map(|n| (script.shoot)(n).unwrap().is_some()).collect::<Vec<bool>>()
    };
    let all = arrived();
    assert!(all[0] && all == arrived());
    let lost = all.iter().filter(|a| !**a).count();
    assert!((60..250).contains(&lost), "{lost}");
}

#[test]
fn a_small_walker_is_as_high_as_the_scene_says_and_stands_out_where_the_truth_has_him() {
    let clip = clip();
    for (name, height) in [("small-16", 16), ("small-48", 48)] {
        let mut script = built(name, &clip);
        let at = script.event + 40;
        assert!(shot(&mut script, 5).people.is_empty());
        let shot = shot(&mut script, at);
        let rect = shot.people[0].rect;
        assert_eq!(rect.bottom - rect.top, height);
        let (mut out, mut all) = (0, 0);
        each_pixel(rect, 320, 180, |n| {
            all += 1;
            out += i32::from(differs(&shot.picture, &clip.empty, n, DIFFERS));
        });
        assert!(out * 10 > all * 8, "{name}: {out} of {all}");
    }
}

#[test]
fn the_crowd_begins_where_most_people_are_and_night_is_dark() {
    let clip = clip();
    assert!(shot(&mut built("crowd", &clip), 0).picture == clip.pictures[0]);
    let mut night = built("night", &clip);
    let mean = |p: &Picture| p.y.iter().map(|y| u64::from(*y)).sum::<u64>() / p.y.len() as u64;
    assert!(mean(&shot(&mut night, 0).picture) < mean(&place()) / 2);
}

#[test]
fn exposure_goes_down_and_comes_back_by_small_steps() {
    let clip = clip();
    let mut script = built("exposure", &clip);
    let light = |script: &mut Script<'_>, n: u64| f32::from(shot(script, n).picture.y[0]) - 16.0;
    let before = light(&mut script, 0);
    let lights: Vec<f32> = (0..=100).map(|n| light(&mut script, clip.frames(BEFORE) + n) / before).collect();
    assert!((lights[0] - 1.0).abs() < 0.02 && (lights[100] - 1.0).abs() < 0.02, "{lights:?}");
    assert!(lights[10..=40].iter().all(|l| (l - 0.6).abs() < 0.02), "{lights:?}");
    assert!(lights.windows(2).all(|w| (w[0] - w[1]).abs() < 0.06), "{lights:?}");
}
