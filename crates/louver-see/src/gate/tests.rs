//! The gate against streams that are made up: what it promises whatever comes, and what it does with each kind of camera.

use bytes::Bytes;
use louver_base::WallTime;
use proptest::prelude::*;

use super::held::{BYTES_MOST, PACKETS_MOST};
use super::*;

/// A packet of one slice, `bytes` long in all, with as much padding behind it.
fn packet(ms: i64, key: bool, bytes: usize, padding: usize) -> Packet {
    let mut data = Vec::with_capacity(bytes + padding + 8);
    for (header, len) in [(if key { 0x65 } else { 0x41 }, bytes.max(1)), (0x0c, padding)] {
        if len > 0 {
            data.extend_from_slice(&(len as u32).to_be_bytes());
            data.push(header);
            data.resize(data.len() + len - 1, 0);
        }
    }
    let media = MediaTime::from_ticks(ms * 90);
    Packet { media, wall: WallTime::from_millis(ms), key, data: Bytes::from(data) }
}

fn size() -> PictureSize {
    PictureSize::new(640, 360).unwrap()
}

/// A camera: 10 pictures a second, with dice for the noise.
struct Camera {
    gate: Gate,
    /// Pictures from key frame to key frame.
    group: usize,
    key: usize,
    between: usize,
    /// Noise, bytes either way.
    noise: usize,
    padding: usize,
    n: usize,
    dice: u64,
    decoded: usize,
}

impl Camera {
    fn new(group: usize, key: usize, between: usize, noise: usize) -> Self {
        let gate = Gate::new(size(), Codec::H264, GateMode::Auto);
        Self { gate, group, key, between, noise, padding: 0, n: 0, dice: 7, decoded: 0 }
    }

    fn noise(&mut self) -> usize {
        // Three dice are bell-shaped enough.
        let mut sum = 0;
        for _ in 0..3 {
            self.dice =
                self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.dice >> 33) as usize % (self.noise + 1);
        }
        sum * 2 / 3
    }

    /// Plays pictures that are `more` bytes larger than usual while seeing says `stir` of each that it sees.
    fn play(&mut self, pictures: usize, more: usize, stir: Stir) {
        for _ in 0..pictures {
            let key = self.n.is_multiple_of(self.group);
            let bytes = if key { self.key } else { self.between } + self.noise() + more;
            let pass = self.gate.packet(packet(self.n as i64 * 100, key, bytes, self.padding));
            let decoded = match &pass {
                Pass::Hold => 0,
                Pass::See(_) | Pass::Look(_) => 1,
                Pass::CatchUp(all) => all.len(),
            };
            if decoded > 0 {
                self.gate.stirs(stir);
            }
            self.decoded += decoded;
            self.n += 1;
        }
    }

    fn open(&self) -> Option<Open> {
        self.gate.report().open
    }

    /// Share of the next pictures that are decoded while nothing happens.
    fn decoded_share(&mut self, pictures: usize) -> f64 {
        self.decoded = 0;
        self.play(pictures, 0, Stir::Nothing);
        self.decoded as f64 / pictures as f64
    }
}

/// A usual sub stream: 40 kB key frames every 2 s, 1.5 kB between.
fn usual() -> Camera {
    Camera::new(20, 40_000, 1400, 150)
}

#[test]
fn a_quiet_place_is_learned_and_then_hardly_decoded() {
    let mut camera = usual();
    camera.play(20 * 9, 0, Stir::Nothing);
    assert!(matches!(camera.open(), Some(Open::Learning(_) | Open::Seeing)), "{:?}", camera.open());
    camera.play(20 * 4, 0, Stir::Nothing);
    assert_eq!(camera.open(), None);
    let share = camera.decoded_share(6000);
    assert!(share < 0.06, "{share} of the pictures are decoded");
    let report = camera.gate.report();
    assert!(report.looks > 60 && report.audits > 5, "it looks all the same: {report:?}");
    assert_eq!(report.habit, Some(Habit::Good));
}

#[test]
fn while_seeing_learns_or_follows_anything_the_gate_is_open() {
    for stir in [Stir::Learning, Stir::Something, Stir::Somebody] {
        let mut camera = usual();
        camera.play(20 * 30, 0, Stir::Nothing);
        assert_eq!(camera.open(), None);
        // The next look finds it.
        camera.play(20 * 8, 0, stir);
        assert_eq!(camera.open(), Some(Open::Seeing), "{stir:?}");
        camera.decoded = 0;
        camera.play(200, 0, stir);
        assert_eq!(camera.decoded, 200, "{stir:?}");
    }
}

#[test]
fn somebody_who_comes_opens_it_within_a_second_and_a_half_and_no_picture_is_missing() {
    for (more, pictures) in [(1500, 1), (400, 4), (180, 15)] {
        let mut camera = usual();
        camera.play(20 * 30 + 7, 0, Stir::Nothing);
        camera.decoded = 0;
        camera.play(pictures, more, Stir::Nothing);
        assert_eq!(camera.open(), Some(Open::Departed), "{more} bytes more");
        assert!(camera.decoded >= pictures, "{} decoded", camera.decoded);
        // Seeing finds nobody: it closes again, and says that it opened for nothing.
        camera.play(60, 0, Stir::Nothing);
        assert_eq!(camera.open(), None, "{more} bytes more");
        assert_eq!(camera.gate.report().false_departures, 1);
    }
}

#[test]
fn somebody_whom_sizes_did_not_tell_of_keeps_it_open_for_minutes_and_longer_the_next_time() {
    let mut camera = usual();
    camera.play(20 * 30, 0, Stir::Nothing);
    let mut minutes = Vec::new();
    for _ in 0..2 {
        camera.play(20 * 10, 0, Stir::Somebody);
        camera.play(40, 0, Stir::Nothing);
        assert_eq!(camera.open(), Some(Open::Missed));
        let began = camera.n;
        while camera.open().is_some() {
            camera.play(20, 0, Stir::Nothing);
            assert!(camera.n - began < 100_000);
        }
        minutes.push((camera.n - began) / 600);
    }
    assert_eq!(camera.gate.report().missed, 2);
    assert!(minutes[0] >= 4 && minutes[1] >= 2 * minutes[0], "{minutes:?}");
}

#[test]
fn a_constant_rate_a_noisy_picture_and_far_key_frames_are_told_and_never_gated() {
    let cases = [
        (Camera::new(20, 26_000, 5500, 200), Habit::ConstantRate),
        (Camera::new(20, 29_000, 2000, 700), Habit::Noisy),
        (Camera::new(300, 40_000, 1400, 150), Habit::LongGroups),
    ];
    for (mut camera, habit) in cases {
        camera.play(300 * 6, 0, Stir::Nothing);
        assert_eq!(camera.open(), Some(Open::Habit(habit)));
        assert_eq!(camera.decoded_share(600), 1.0, "{habit:?}");
        assert!(!habit.advice().is_empty() && !habit.tells());
    }
}

#[test]
fn padding_is_seen_through_and_advised_against() {
    let mut camera = usual();
    camera.padding = 5000;
    camera.play(20 * 30, 0, Stir::Nothing);
    assert_eq!((camera.open(), camera.gate.report().habit), (None, Some(Habit::Padded)));
    camera.play(15, 400, Stir::Nothing);
    assert_eq!(camera.open(), Some(Open::Departed));
}

#[test]
fn noise_that_rises_at_dusk_becomes_usual() {
    let mut camera = usual();
    camera.play(20 * 30, 0, Stir::Nothing);
    for _ in 0..60 {
        camera.between += 10;
        camera.play(60, 0, Stir::Nothing);
    }
    camera.play(20 * 60, 0, Stir::Nothing);
    assert_eq!(camera.open(), None);
    let share = camera.decoded_share(2000);
    assert!(share < 0.1, "{share}");
}

#[test]
fn a_stream_that_begins_anew_keeps_what_was_learned_but_waits_for_seeing() {
    let mut camera = usual();
    camera.play(20 * 30, 0, Stir::Nothing);
    camera.gate.restart();
    camera.n = 0;
    camera.play(20 * 20, 0, Stir::Learning);
    assert_eq!(camera.open(), Some(Open::Seeing));
    camera.play(20 * 3, 0, Stir::Nothing);
    assert_eq!(camera.open(), None);
}

#[test]
fn sizes_that_pay_back_what_somebody_cost_open_nothing_and_those_that_fall_far_do() {
    let mut camera = usual();
    camera.play(20 * 30, 0, Stir::Nothing);
    assert_eq!(camera.open(), None);
    // One sigma of this noise is fifty bytes.
    camera.between -= 45;
    for n in 0..20 * 10 {
        camera.play(1, 0, Stir::Nothing);
        assert!(matches!(camera.open(), None | Some(Open::Audit)), "picture {n}: {:?}", camera.open());
    }
    camera.between -= 500;
    camera.play(20, 0, Stir::Nothing);
    assert_eq!(camera.open(), Some(Open::Departed), "a lens that is covered");
}

#[test]
fn switched_off_it_lets_everything_through() {
    let mut gate = Gate::new(size(), Codec::H264, GateMode::Off);
    assert!(
        matches!(gate.packet(packet(0, false, 10, 0)), Pass::Hold),
        "nothing is decoded before a key frame"
    );
    for n in 1..500 {
        let pass = gate.packet(packet(n * 100, n % 20 == 1, 1000, 0));
        assert!(matches!(pass, Pass::See(_)) || n == 1);
        gate.stirs(Stir::Nothing);
    }
    assert_eq!(gate.report().open, Some(Open::Off));
}

#[test]
fn a_look_at_a_camera_tells_padding_and_a_rate_that_is_held() {
    let stream = |between: fn(i64) -> usize, padding| -> Vec<Outside> {
        (0..60)
            .map(|n| packet(n * 100, n % 20 == 0, if n % 20 == 0 { 26_000 } else { between(n) }, padding))
            .map(|p| Outside::of(&p, Codec::H264))
            .collect()
    };
    assert_eq!(at_a_glance(&stream(|n| 1500 + n as usize % 7 * 40, 0)), None);
    assert_eq!(at_a_glance(&stream(|n| 1500 + n as usize % 7 * 40, 900)), Some(Habit::Padded));
    assert_eq!(at_a_glance(&stream(|n| 5500 + n as usize % 7 * 40, 0)), Some(Habit::ConstantRate));
    // A street full of people costs as much, but not as evenly.
    assert_eq!(at_a_glance(&stream(|n| 3500 + n as usize % 11 * 500, 0)), None);
    assert_eq!(at_a_glance(&[]), None);
}

/// What comes from a camera, and what seeing says of it.
fn anything() -> impl Strategy<Value = Vec<(i64, bool, usize, u8)>> {
    let step = prop_oneof![400 => 60i64..140, 1 => -500i64..20_000];
    let bytes = prop_oneof![300 => 1000usize..1100, 2 => 0usize..50_000, 1 => Just(0usize)];
    let key = prop_oneof![1 => Just(true), 12 => Just(false)];
    proptest::collection::vec((step, key, bytes, 0u8..200), 0..1500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever a camera sends and whatever seeing finds: the decoder gets packets only in the order they came, each with
    /// all before it since its key frame; what is held back is bounded; and nothing is held back while seeing learns.
    #[test]
    fn a_decoder_lacks_no_predecessor_and_what_is_held_is_bounded(stream in anything(), calm in any::<bool>()) {
        let mut gate = Gate::new(size(), Codec::H264, GateMode::Auto);
        let mut stir = Stir::Learning;
        // Numbers of the packets by their arrival; what the decoder could take next.
        let (mut next, mut ms) = (None::<usize>, 0);
        let mut sent: Vec<bool> = Vec::new();
        for (n, (step, key, bytes, says)) in stream.into_iter().enumerate() {
            ms += step;
            if n % 611 == 610 {
                gate.restart();
                next = None;
                stir = Stir::Learning;
            }
            let mut given = packet(ms, key, if key { bytes * 30 } else { bytes }, 0);
            given.wall = WallTime::from_millis(n as i64);
            sent.push(key);
            let number = |p: &Packet| p.wall.millis() as usize;
            let take = |p: &Packet, next: &mut Option<usize>| -> Result<(), TestCaseError> {
                prop_assert!(sent[number(p)] || *next == Some(number(p)), "packet {} while {next:?} is expected", number(p));
                *next = Some(number(p) + 1);
                Ok(())
            };
            let pass = gate.packet(given);
            if stir == Stir::Learning && (key || next == Some(n)) {
                prop_assert!(!matches!(pass, Pass::Hold | Pass::Look(_)), "seeing learns, and packet {n} is kept from it");
            }
            let seen = !matches!(pass, Pass::Hold);
            match pass {
                Pass::Hold => {}
                Pass::See(p) => {
                    prop_assert!(number(&p) == n);
                    take(&p, &mut next)?;
                }
                Pass::Look(p) => {
                    prop_assert!(p.key && number(&p) == n);
                    next = None;
                }
                Pass::CatchUp(all) => {
                    prop_assert!(all.last().is_some_and(|p| number(p) == n));
                    for p in &all {
                        take(p, &mut next)?;
                    }
                }
            }
            let (packets, bytes) = gate.held();
            prop_assert!(packets <= PACKETS_MOST && bytes <= BYTES_MOST);
            if seen {
                stir = match says {
                    0 if !calm => Stir::Something,
                    1 if !calm => Stir::Somebody,
                    2 if !calm => Stir::Learning,
                    _ => Stir::Nothing,
                };
                gate.stirs(stir);
            }
        }
    }
}
