//! Built scenes, following and speed, measured on real footage: that they can be measured, and what must hold with any model.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::num::NonZeroU8;
use std::path::PathBuf;

use louver_file::{
    BuiltScene, EvalReport, Light, Measured, Size, Truth, measure_scenes, measure_speed, measure_tracking,
};
use support::*;

fn clip() -> Option<(PathBuf, Truth)> {
    let (video, truth) = (vtest()?, there(shared().join("footage/PETS2009-S2L1-gt.mot.txt"))?);
    Some((video, Truth::read(&truth).unwrap()))
}

fn report(measured: Measured) {
    keeps_to_schema(&EvalReport::new("a clip".to_owned(), "a model".to_owned(), measured));
}

#[test]
fn nobodys_head_shows_when_the_light_goes_or_somebody_small_crosses_the_place() {
    let Some((video, truth)) = clip() else { return };
    let Some(detector) = detector(None) else { return };
    let scenes = [BuiltScene::Light(Light::Down), BuiltScene::Small(Size::P48)];
    let mut played = 0;
    let measured = measure_scenes(&video, &truth, detector, &scenes, |playing| {
        assert!(playing.frame < playing.frames && playing.original.size == playing.shown.get().size);
        played += 1;
    })
    .unwrap();
    assert_eq!(played, 1800);
    for scene in &measured.scenes {
        assert!(scene.leaks.unmasked.head.percent > 90.0, "the measure: {scene:?}");
        assert!(scene.frames_with_a_head.count == 0 && scene.passed, "{scene:?}");
        assert!(scene.clear_at_end_percent > 50.0, "nothing is gained by hiding everything: {scene:?}");
    }
    let small = measured.scenes[1].subject.unwrap();
    assert!(small.unmasked_head.count > 150 && small.head.count == 0, "{small:?}");
    report(Measured::Scenes(Box::new(measured)));
}

#[test]
fn a_clip_without_truth_has_nobody_to_build_a_scene_of() {
    let Some((video, _)) = clip() else { return };
    let Some(detector) = detector(None) else { return };
    let scenes = ["still-near".parse().unwrap()];
    let said = measure_scenes(&video, &Truth::default(), detector, &scenes, |_| {}).unwrap_err().to_string();
    assert!(said.contains("still-near: there is nobody"), "{said}");
    assert!("still-tall".parse::<BuiltScene>().unwrap_err().contains("small-16"));
}

#[test]
fn most_people_are_followed_and_told_of() {
    let Some((video, truth)) = clip() else { return };
    let Some(detector) = detector(None) else { return };
    let r = measure_tracking(&video, &truth, detector, |_| {}).unwrap();
    println!("{r:#?}");
    assert_eq!((r.frames, r.tracks_followed.of, r.at[0].found.of), (795, 19, 4650));
    assert!(r.tracks_followed.percent > 50.0 && r.events.people.percent > 50.0);
    assert!(r.at[1].found.count >= r.at[0].found.count && r.at[2].found.percent > 50.0);
    report(Measured::Track(Box::new(r)));
}

#[test]
fn speed_is_measured_on_a_busy_and_a_quiet_stream_of_one_size() {
    let Some((video, truth)) = clip() else { return };
    let Some(detector) = detector(None) else { return };
    let r = measure_speed(&video, &truth, detector, NonZeroU8::MIN, |_| {}).unwrap();
    println!("{r:#?}");
    assert_eq!((r.size, r.streams.len(), r.streams[0].pictures), ([640, 480], 3, 600));
    assert!(r.streams.iter().all(|s| s.pictures == 600 && s.bits_per_second <= r.streams[0].bits_per_second));
    assert!(r.streams.iter().all(|s| s.times_decode > 1.0 && s.detect_ms > 0.0));
    report(Measured::Speed(Box::new(r)));
}
