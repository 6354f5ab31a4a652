//! What a light may be taken from, and what it may be.

use louver_media::PictureSize;
use louver_scene::{Cell, DetectorTraits, Grid};
use proptest::prelude::*;

use super::*;
use crate::Settings;
use crate::backdrop::{Backdrop, Change, Cover};
use crate::blobs::LOOSE;
use crate::features::Features;
use crate::gaze::Gaze;

/// Samples of a place with tones from `low` on, in a light.
fn samples(low: u8, gain: f32, offset: f32) -> Vec<Sample> {
    let lit = |known: u8| {
        let seen = (f32::from(known) - 16.0) * gain + 16.0 + offset;
        (known, seen.round().clamp(0.0, 255.0) as u8)
    };
    let grey = (128, 128);
    (0..200u8).map(|n| Sample { luma: lit(low + n % 100), chroma: [grey; 2] }).collect()
}

fn at(n: i64) -> MediaTime {
    MediaTime::ZERO + MediaSpan::from_millis(n * 100)
}

fn followed(light: &mut Light, samples: Vec<Sample>, n: i64) -> Act {
    light.samples = samples;
    let looked_for = light.samples.len();
    light.follow(looked_for, at(n))
}

#[test]
fn exposure_that_goes_down_step_by_step_is_followed_and_what_is_seen_brought_back() {
    let mut light = Light::new(at(0));
    for n in 1..20i32 {
        let gain = 1.0 - 0.02 * n as f32;
        let lit = samples(60, gain, 0.0);
        match followed(&mut light, lit.clone(), n.into()) {
            Act::AsItIs => assert!(n < 5, "{n}"),
            Act::Back(tone) => {
                let [(by, add), _] = tone.back();
                for Sample { luma: (known, seen), .. } in lit {
                    let back = (i32::from(seen) * by + add) >> 16;
                    assert!((back - i32::from(known)).abs() <= 3, "{n}: {known} seen as {seen} is {back}");
                }
            }
            other => panic!("{n}: {other:?}"),
        }
    }
}

#[test]
fn a_light_that_rests_for_five_seconds_is_the_backdrops_from_then_on() {
    let mut light = Light::new(at(0));
    let acts: Vec<Act> = (1..70).map(|n| followed(&mut light, samples(60, 0.9, 0.0), n)).collect();
    let rested = acts.iter().position(|a| matches!(a, Act::Rested(_))).unwrap();
    assert!((50..53).contains(&rested), "{rested}");
    let Act::Rested(tone) = acts[rested] else { unreachable!() };
    let mut means = [100 * 16, 60 * 16, 200 * 16, 16 * 16, 128 * 16, 140 * 16];
    tone.light(&mut means);
    let luma: Vec<i16> = means[..4].iter().map(|m| (m + 8) / 16).collect();
    assert!(luma.iter().zip([92, 56, 182, 16]).all(|(a, b)| (a - b).abs() <= 1), "{luma:?}");
}

#[test]
fn a_light_that_comes_in_one_picture_or_explains_too_little_or_too_few_is_none() {
    let mut jump = Light::new(at(0));
    assert_eq!(followed(&mut jump, samples(60, 0.6, 0.0), 1), Act::AsItIs);
    // Two of five are something else.
    let mut other = samples(60, 0.9, 0.0);
    other.iter_mut().step_by(5).for_each(|s| s.luma.1 = 250);
    other.iter_mut().skip(1).step_by(5).for_each(|s| s.luma.1 = 20);
    assert_eq!(followed(&mut Light::new(at(0)), other, 1), Act::AsItIs);
    let mut few = Light::new(at(0));
    few.samples = samples(60, 0.9, 0.0);
    assert_eq!(few.follow(900, at(1)), Act::AsItIs);
    assert_eq!(followed(&mut few, samples(60, 0.9, 0.0)[..60].to_vec(), 2), Act::AsItIs);
}

#[test]
fn a_light_that_nothing_tells_of_any_more_is_lost_after_a_second_and_a_half() {
    let mut light = Light::new(at(0));
    assert!(matches!(followed(&mut light, samples(60, 0.9, 0.0), 1), Act::Back(_)));
    for n in 2..16 {
        assert!(matches!(followed(&mut light, vec![], n), Act::Back(_)), "{n}");
    }
    assert_eq!(followed(&mut light, vec![], 16), Act::Lost);
}

#[test]
fn colour_has_a_gain_of_its_own() {
    let mut light = Light::new(at(0));
    let mut lit = samples(60, 0.9, 0.0);
    lit.iter_mut().step_by(2).for_each(|s| s.chroma = [(158, 149), (88, 100)]);
    let Act::Back(tone) = followed(&mut light, lit, 1) else { panic!() };
    assert!((175..185).contains(&tone.colour), "{tone:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Whatever is seen, each light that is believed keeps within bounds, within [`JUMP`] of the last and explains most.
    #[test]
    fn no_samples_whatever_make_a_light_beyond_what_a_camera_does(
        pictures in prop::collection::vec((any::<u8>(), 0.2f32..3.0, -60f32..60.0, 0u8..100), 1..20),
    ) {
        let mut light = Light::new(at(0));
        let mut before = Tone::USUAL;
        for (n, (low, gain, offset, outliers)) in (1..).zip(pictures) {
            let mut lit = samples(low % 150, gain, offset);
            lit.iter_mut().take(usize::from(outliers)).for_each(|s| s.luma.1 = low);
            match followed(&mut light, lit.clone(), n) {
                Act::Back(tone) | Act::Rested(tone) => {
                    prop_assert!(GAINS.contains(&tone.gain) && GAINS.contains(&tone.colour), "{:?}", tone);
                    if tone != before {
                        let middle = i32::from(median(lit.iter().map(|s| s.luma.0)).unwrap()) * 16;
                        prop_assert!((tone.of(middle) - before.of(middle)).abs() <= JUMP * 16);
                        prop_assert!(light.explained(tone) * 10 >= lit.len() * 7);
                    }
                }
                Act::AsItIs | Act::Lost => {}
            }
            before = light.tone;
        }
    }

    /// Only cells that are known and clear have a say: whatever the others show, the light is the same, and so is every state.
    #[test]
    fn cells_that_are_covered_occupied_or_unknown_say_nothing_about_the_light(
        seed in any::<u64>(), gain in 0.7f32..1.2, part in 8usize..16, known in any::<bool>(),
    ) {
        let size = PictureSize::new(64, 64).unwrap();
        let grid = Grid::of(size);
        // The lower rows are unknown, covered or occupied; what they show is noise in one of the two runs.
        let hidden = |n: usize| n / grid.columns() >= part * grid.rows() / 16;
        let mut lights = Vec::new();
        for noisy in [false, true] {
            let mut yard = Yard::new(size);
            let cover = |n| if hidden(n) { Cover::Covered } else { Cover::Free };
            match known {
                true => yard.learn(&|_| Cover::Free),
                false => yard.learn(&cover),
            }
            // Now those that are known are occupied.
            yard.picture(1.0, &mut |y, _| y, &cover);
            let mut dice = seed;
            for n in 1..12 {
                let gain = 1.0 + (gain - 1.0) * (n as f32 / 12.0);
                yard.picture(gain, &mut |y, row| {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if noisy && row * 16 >= part * 64 { (dice >> 40) as u8 } else { y }
                }, &cover);
                lights.push((noisy, n, yard.backdrop.light.tone));
                let shown = yard.backdrop.states().iter().enumerate().any(|(n, c)| hidden(n) && *c == Cell::Clear);
                prop_assert!(!shown, "learned or settled in another light");
            }
        }
        let (calm, noisy): (Vec<_>, Vec<_>) = lights.into_iter().partition(|l| !l.0);
        for (a, b) in calm.iter().zip(&noisy) {
            prop_assert_eq!(a.2, b.2, "picture {}", a.1);
        }
    }
}

/// A place of ramps before a backdrop.
struct Yard {
    backdrop: Backdrop,
    features: Features,
    place: Picture,
    settings: Settings,
    pictures: i64,
}

impl Yard {
    fn new(size: PictureSize) -> Self {
        let traits = DetectorTraits { mask_score: 0.2, event_score: 0.4, halves: false, side: 416 };
        let mut place = Picture::flat(size, 0, 128, 128);
        for (n, y) in place.y.iter_mut().enumerate() {
            let (x, row) = (n % size.width(), n / size.width());
            *y = (60 + x / 8 * 12 + row / 4) as u8;
        }
        let settings = Settings::new(traits, 1);
        let backdrop = Backdrop::new(Grid::of(size), MediaTime::ZERO);
        Self { backdrop, features: Features::default(), place, settings, pictures: 0 }
    }

    fn picture(
        &mut self,
        gain: f32,
        change: &mut dyn FnMut(u8, usize) -> u8,
        cover: &dyn Fn(usize) -> Cover,
    ) -> Change {
        self.pictures += 1;
        let mut picture = self.place.clone();
        for (n, y) in picture.y.iter_mut().enumerate() {
            let lit = ((f32::from(*y) - 16.0) * gain + 16.0).round() as u8;
            *y = change(lit, n / self.place.size.width());
        }
        self.features.compute(&picture, self.backdrop.grid);
        let now = at(self.pictures);
        let change = self.backdrop.compare(&mut self.features, now, &self.settings);
        let cover: Vec<Cover> = (0..self.backdrop.grid.len()).map(cover).collect();
        let labels = vec![LOOSE; cover.len()];
        self.backdrop.decide(&picture, &cover, &labels, now, &self.settings);
        let gaze = Gaze::everything(self.place.size, self.settings.detector);
        self.backdrop.sweep(now, &[], &gaze);
        change
    }

    fn learn(&mut self, cover: &dyn Fn(usize) -> Cover) {
        for _ in 0..40 {
            self.picture(1.0, &mut |y, _| y, cover);
        }
    }

    fn share(&self, state: Cell) -> f32 {
        let states = self.backdrop.states();
        states.iter().filter(|c| **c == state).count() as f32 / states.len() as f32
    }
}

#[test]
fn the_place_stays_clear_while_exposure_goes_down_and_comes_back_and_none_of_it_is_taken_into_the_backdrop() {
    let mut yard = Yard::new(PictureSize::new(64, 64).unwrap());
    yard.learn(&|_| Cover::Free);
    assert!(yard.share(Cell::Clear) > 0.99);
    let before = yard.backdrop.picture();
    for n in 1..=20 {
        let gain = 1.0 - 0.04 * f64::from(10 - (10i32 - n).abs());
        assert_eq!(yard.picture(gain as f32, &mut |y, _| y, &|_| Cover::Free), Change::None, "{n}");
        assert!(yard.share(Cell::Clear) > 0.95, "{n}: {}", yard.share(Cell::Clear));
        let least = yard.backdrop.picture().y.iter().zip(&before.y).map(|(a, b)| b.abs_diff(*a)).max();
        assert!(least <= Some(2), "{n}: {least:?}");
    }
}

#[test]
fn a_light_that_is_switched_makes_everything_unknown() {
    let mut yard = Yard::new(PictureSize::new(64, 64).unwrap());
    yard.learn(&|_| Cover::Free);
    assert_eq!(yard.picture(0.6, &mut |y, _| y, &|_| Cover::Free), Change::Light);
}

#[test]
fn who_comes_in_while_exposure_goes_down_is_masked_and_stays_so_when_it_rests() {
    let mut yard = Yard::new(PictureSize::new(64, 64).unwrap());
    yard.learn(&|_| Cover::Free);
    let grid = yard.backdrop.grid;
    let mut somebody = |y: u8, row: usize| if (16..40).contains(&row) { y.saturating_sub(30) } else { y };
    for n in 1..100 {
        let gain = 1.0 - 0.04 * (n as f32).min(10.0);
        yard.picture(gain, &mut somebody, &|_| Cover::Free);
        let states = yard.backdrop.states();
        let clear = (0..grid.len())
            .filter(|n| (17..39).contains(&(n / grid.columns() * grid.cell)))
            .filter(|n| states[*n] == Cell::Clear)
            .count();
        assert_eq!(clear, 0, "picture {n}");
    }
    assert!(yard.share(Cell::Clear) > 0.5 && !yard.backdrop.light.is_other());
}
