//! A made-up place in front of a made-up camera: textured, noisy, with people who are rectangles of a colour that the
//! place has nowhere, and a detector that says what the test wants it to say.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test file uses its part.

use louver_base::{Class, MediaSpan, MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Detection, DetectorTraits, Rect, Scene, Zone};
use louver_see::{Act, See, Settings, Sweep};

pub const TRAITS: DetectorTraits =
    DetectorTraits { mask_score: 0.2, event_score: 0.45, halves: false, side: 416 };

/// splitmix64: dice that fall the same every time.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `most`, exclusive.
    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    /// True `share` of the time.
    pub fn falls(&mut self, share: f64) -> bool {
        (self.below(1_000_000) as f64) < share * 1e6
    }
}

pub fn ms(n: i64) -> MediaSpan {
    MediaSpan::from_millis(n)
}

pub fn rect(left: i32, top: i32, width: i32, height: i32) -> Rect {
    Rect { left, top, right: left + width, bottom: top + height }
}

pub fn person(rect: Rect, score: f32) -> Detection {
    Detection { class: Class::Person, score, rect, ridden: false }
}

pub fn vehicle(rect: Rect, score: f32) -> Detection {
    Detection { class: Class::Vehicle, ..person(rect, score) }
}

/// A box widened as masking widens it.
pub fn padded(r: Rect) -> Rect {
    let (x, y) = ((r.right - r.left) as f32 * 0.15, (r.bottom - r.top) as f32 * 0.15);
    let (x, y) = (x.ceil() as i32, y.ceil() as i32);
    Rect { left: r.left - x, top: r.top - y, right: r.right + x, bottom: r.bottom + y }
}

/// Everything that stands in front of the camera at one moment.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// People, painted in [`SKIN`].
    pub people: Vec<Rect>,
    /// Things, painted in a grey that the place does not have there.
    pub things: Vec<Rect>,
    /// Things of a colour of their own.
    pub painted: Vec<(Rect, [u8; 3])>,
    /// Where the picture is a little lighter, too little to be told from noise.
    pub faint: Vec<Rect>,
    /// Light, 1 as usual.
    pub light: Option<f32>,
    /// The camera points so many pixels further to the right.
    pub shift: usize,
}

impl Now {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn people(people: &[Rect]) -> Self {
        Self { people: people.to_vec(), ..Self::default() }
    }
}

/// Levels of luma by which a faint place is lighter.
pub const FAINT: u8 = 6;

/// Luma, Cb and Cr of people; the place's chroma lies within 10 of 128.
pub const SKIN: [u8; 3] = [190, 60, 200];

/// A camera before a textured wall, and the seeing under test.
pub struct World {
    pub see: See,
    pub now: MediaTime,
    pub step: MediaSpan,
    pub size: PictureSize,
    /// Answers come this many pictures after they were asked for.
    pub lag: usize,
    dice: Dice,
    texture: Vec<u8>,
    pending: Vec<(usize, Sweep, Option<Vec<Detection>>)>,
    pub scene: Option<Scene>,
    pub sweeps: u32,
    /// The parts that the last sweep looked at.
    pub asked: Vec<Rect>,
}

impl World {
    pub fn new(width: u32, height: u32, seed: u64) -> Self {
        Self::with(width, height, seed, Settings::new(TRAITS, seed))
    }

    pub fn with(width: u32, height: u32, seed: u64, settings: Settings) -> Self {
        Self::with_zones(width, height, seed, settings, &[])
    }

    pub fn with_zones(width: u32, height: u32, seed: u64, settings: Settings, zones: &[Zone]) -> Self {
        let size = PictureSize::new(width, height).unwrap();
        let mut dice = Dice(seed);
        // Wider than the picture, so that the camera can be turned.
        let wide = size.width() + 64;
        let mut coarse = Dice(seed ^ 77);
        let patches: Vec<u8> = (0..wide * size.height()).map(|_| 60 + coarse.below(120) as u8).collect();
        let texture = (0..wide * size.height())
            .map(|n| {
                let (x, y) = (n % wide, n / wide);
                patches[y / 6 * wide + x / 6] + dice.below(8) as u8
            })
            .collect();
        Self {
            see: See::with_zones(size, settings, zones),
            now: MediaTime::ZERO,
            step: ms(200),
            size,
            lag: 0,
            dice,
            texture,
            pending: Vec::new(),
            scene: None,
            sweeps: 0,
            asked: Vec::new(),
        }
    }

    /// What the camera sees now, with noise of its own.
    pub fn picture(&mut self, now: &Now) -> Picture {
        let (w, h) = (self.size.width(), self.size.height());
        let wide = w + 64;
        let light = now.light.unwrap_or(1.0);
        let mut p = Picture::flat(self.size, 0, 128, 128);
        for y in 0..h {
            for x in 0..w {
                let luma = f32::from(self.texture[y * wide + x + now.shift]) * light;
                p.y[y * w + x] = (luma as i32 + self.noise()).clamp(16, 235) as u8;
            }
        }
        for n in 0..p.u.len() {
            (p.u[n], p.v[n]) = ((128 + self.noise()) as u8, (128 + self.noise()) as u8);
        }
        for r in &now.faint {
            for y in r.top..r.bottom {
                let row = &mut p.y[y as usize * w..][r.left as usize..r.right as usize];
                row.iter_mut().for_each(|v| *v += FAINT);
            }
        }
        for thing in &now.things {
            paint(&mut p, *thing, [20, 128, 128]);
        }
        for (thing, colour) in &now.painted {
            paint(&mut p, *thing, *colour);
        }
        for person in &now.people {
            paint(&mut p, *person, SKIN);
        }
        p
    }

    fn noise(&mut self) -> i32 {
        self.dice.below(5) as i32 - 2
    }

    /// One picture on: gives it, delivers the answers that are due, and asks `detector` if a sweep is wanted; `None`
    /// from the detector is a run that failed.
    pub fn show(
        &mut self,
        now: &Now,
        mut detector: impl FnMut(&Now) -> Option<Vec<Detection>>,
    ) -> (Scene, Vec<Act>) {
        self.show_looking(now, |now, _| detector(now))
    }

    /// The same with a detector that is also told at which parts it looks.
    pub fn show_looking(
        &mut self,
        now: &Now,
        mut detector: impl FnMut(&Now, &[Rect]) -> Option<Vec<Detection>>,
    ) -> (Scene, Vec<Act>) {
        let mut picture = self.picture(now);
        self.see.blank(&mut picture);
        self.now = self.now + self.step;
        for (left, sweep, found) in std::mem::take(&mut self.pending) {
            if left > 0 {
                self.pending.push((left - 1, sweep, found));
            } else {
                self.deliver(&sweep, found);
            }
        }
        let wall = WallTime::from_micros(self.now.ticks() * 100 / 9);
        let (scene, acts) = self.see.picture(&picture, self.now, wall);
        if let Some(sweep) = self.see.wants() {
            self.see.sweep_begun(sweep.taken);
            self.sweeps += 1;
            // It finds nobody where it does not look.
            let mut found = detector(now, &sweep.parts);
            self.asked.clone_from(&sweep.parts);
            found.iter_mut().for_each(|found| found.retain(|d| looked_at(&sweep, d.rect)));
            match self.lag {
                0 => self.deliver(&sweep, found),
                lag => self.pending.push((lag - 1, sweep, found)),
            }
        }
        self.scene = Some(scene.clone());
        (scene, acts)
    }

    fn deliver(&mut self, sweep: &Sweep, found: Option<Vec<Detection>>) {
        match found {
            Some(found) => self.see.sweep_done(sweep.taken, &found),
            None => self.see.sweep_failed(),
        }
    }

    /// Shows the empty place until all of it is known, at most 30 s.
    pub fn learn(&mut self) {
        self.learn_with(&Now::empty());
    }

    pub fn learn_with(&mut self, now: &Now) {
        for _ in 0..150 {
            let (scene, _) = self.show(now, |_| Some(vec![]));
            if share(&scene, Cell::Clear) == 1.0 {
                return;
            }
        }
        panic!("the empty place was not learned in 30 s");
    }
}

/// A detector that finds everyone.
pub fn finds_all(now: &Now) -> Option<Vec<Detection>> {
    Some(now.people.iter().map(|r| person(*r, 0.9)).collect())
}

/// A detector that never sees anything.
pub fn blind(_: &Now) -> Option<Vec<Detection>> {
    Some(vec![])
}

pub fn paint(p: &mut Picture, r: Rect, [y, u, v]: [u8; 3]) {
    let (w, h) = (p.size.width() as i32, p.size.height() as i32);
    for row in r.top.max(0)..r.bottom.min(h) {
        for x in r.left.max(0)..r.right.min(w) {
            p.y[(row * w + x) as usize] = y;
            let c = (row / 2 * (w / 2) + x / 2) as usize;
            (p.u[c], p.v[c]) = (u, v);
        }
    }
}

/// The share of cells in a state.
pub fn share(scene: &Scene, state: Cell) -> f64 {
    scene.cells.iter().filter(|c| **c == state).count() as f64 / scene.cells.len() as f64
}

/// The cells that `r` touches.
pub fn cells_of(scene: &Scene, r: Rect) -> Vec<usize> {
    let cell = scene.grid.cell as i32;
    let columns = scene.grid.columns();
    (0..scene.cells.len())
        .filter(|n| {
            let (x, y) = ((n % columns) as i32 * cell, (n / columns) as i32 * cell);
            x < r.right && x + cell > r.left && y < r.bottom && y + cell > r.top
        })
        .collect()
}

pub fn states(scene: &Scene, r: Rect) -> Vec<Cell> {
    cells_of(scene, r).into_iter().map(|n| scene.cells[n]).collect()
}

/// Pixels of people in the backdrop where it is shown: not one may be there, not even blended.
pub fn leaked_pixels(scene: &Scene) -> usize {
    let (w, cell, columns) = (scene.grid.picture.width(), scene.grid.cell, scene.grid.columns());
    let chroma = scene.backdrop.u.iter().zip(&scene.backdrop.v).enumerate();
    chroma
        .filter(|(n, (u, v))| {
            let (x, y) = (n % (w / 2) * 2, n / (w / 2) * 2);
            let shown = scene.cells[y / cell * columns + x / cell] != Cell::Unknown;
            shown && (u.abs_diff(128) > 10 || v.abs_diff(128) > 10)
        })
        .count()
}

/// Whether the middle of a box lies in what a sweep looks at.
pub fn looked_at(sweep: &Sweep, r: Rect) -> bool {
    let (x, y) = ((r.left + r.right) / 2, (r.top + r.bottom) / 2);
    sweep.parts.iter().any(|p| (p.left..p.right).contains(&x) && (p.top..p.bottom).contains(&y))
}
