//! DESIGN 4's conditions, written a second time and much smaller, watched over random sequences: whatever comes, no cell
//! is shown but by them.
//!
//! The pictures are made of patches of a few flat tones far apart, so that the model can tell without doubt whether a
//! cell has changed. It knows less than the code (no tracks, no keeping away from edges), so it never says when a cell
//! must become clear, only when it may.
//!
//! The light of the whole picture goes up and down as exposure does. A tone is the same tone in every light, and all of the
//! above holds of tones; what the backdrop shows is a known tone in the range of lights that there was.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_base::{MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Detection, DetectorTraits, Grid, Rect, Scene, Why};
use louver_see::{See, Settings, Sweep};
use support::{Dice, TRAITS, looked_at, ms, person, rect};

/// Luma of the patches: 50 apart and more, while the code needs 40 whatever a cell's noise.
const TONES: [u8; 4] = [30, 85, 140, 200];
const PATCH: usize = 8;
/// Part of the light by which exposure changes it from one picture to the next.
const EXPOSES: f32 = 0.02;
/// Part of the light by which what is known of a hidden cell may be off.
const DRIFT: f32 = 0.15;

/// A tone in a light.
fn lit(tone: u8, light: f32) -> u8 {
    ((f32::from(tone) - 16.0) * light + 16.0).round() as u8
}

/// What is known of a cell's looking in one tone.
#[derive(Clone, Copy, Default)]
struct Tones {
    /// How long it was seen, ticks.
    shown: i64,
    /// Sweeps that looked here and saw nobody, and those that saw somebody.
    empty: u32,
    seen: u32,
    /// Of the former those in the picture's own resolution, since the last of the latter.
    close: u32,
}

/// What the test knows of one cell.
#[derive(Clone, Copy)]
struct Told {
    tone: u8,
    still_since: MediaTime,
    looks: [Tones; TONES.len()],
    /// The tone before this one: what is neither is forgotten.
    other: Option<u8>,
    /// The tone that the backdrop was given.
    known: Option<u8>,
    matches_since: Option<MediaTime>,
    /// A detection was just made here ...
    covered: bool,
    /// ... or the last sweep made one.
    held: bool,
}

impl Told {
    fn look(&mut self) -> &mut Tones {
        &mut self.looks[TONES.iter().position(|t| *t == self.tone).unwrap()]
    }

    /// Two tones are remembered, of those before the newest one that was seen for a second.
    fn change(&mut self, tone: u8, now: MediaTime) {
        let before = std::mem::replace(&mut self.tone, tone);
        let of = |tone: u8| TONES.iter().position(|t| *t == tone).unwrap();
        let lasted = |told: &Self, tone: u8| told.looks[of(tone)].shown >= ms(1000).ticks();
        if self.other != Some(tone) {
            let keep_other = self.other.filter(|o| !lasted(self, before) && lasted(self, *o));
            self.other = keep_other.or(Some(before));
        } else {
            self.other = Some(before);
        }
        for (remembered, look) in TONES.iter().zip(&mut self.looks) {
            if *remembered != tone && Some(*remembered) != self.other {
                *look = Tones::default();
            }
        }
        self.still_since = now;
    }

    fn swept_empty(&mut self, sweeps: u32, doubt: u32) -> bool {
        let look = *self.look();
        look.empty >= sweeps + doubt * look.seen
    }
}

struct Model {
    grid: Grid,
    settings: Settings,
    cells: Vec<Told>,
    before: Vec<Cell>,
    last: Option<MediaTime>,
    /// How often cells became clear: learned, settled, absorbed.
    became: [u64; 3],
    forgotten: u64,
    /// Every light since everything was forgotten.
    lights: Vec<f32>,
    /// Pictures in another light than the first since then, and those among them in which most was clear.
    exposed: [u64; 2],
}

impl Model {
    fn new(grid: Grid, settings: Settings) -> Self {
        let blank = Told {
            tone: TONES[0],
            still_since: MediaTime::ZERO,
            looks: [Tones::default(); TONES.len()],
            other: None,
            known: None,
            matches_since: None,
            covered: false,
            held: false,
        };
        Self {
            grid,
            settings,
            cells: vec![blank; grid.len()],
            before: vec![Cell::Unknown; grid.len()],
            last: None,
            became: [0; 3],
            forgotten: 0,
            lights: Vec::new(),
            exposed: [0; 2],
        }
    }

    fn forget(&mut self, now: MediaTime) {
        for told in &mut self.cells {
            (told.known, told.matches_since, told.covered, told.held) = (None, None, false, false);
            (told.looks, told.other, told.still_since) = ([Tones::default(); TONES.len()], None, now);
        }
        self.before.fill(Cell::Unknown);
        self.lights.clear();
        self.forgotten += 1;
    }

    fn touching(&self, r: Rect, mut act: impl FnMut(usize)) {
        let cell = self.grid.cell as i32;
        for n in 0..self.cells.len() {
            let (x, y) = ((n % self.grid.columns()) as i32 * cell, (n / self.grid.columns()) as i32 * cell);
            if x < r.right && x + cell > r.left && y < r.bottom && y + cell > r.top {
                act(n);
            }
        }
    }

    /// An answer about some parts of the picture. A cell is looked at where a part holds it whole; the code asks for more (not
    /// too near a part's edge), so that it never counts a sweep that the model does not.
    fn swept(&mut self, taken: MediaTime, found: &[Detection], parts: &[Rect]) {
        let traits = self.settings.detector;
        let size = self.grid.picture;
        let (w, h) = (size.width() as i32, size.height() as i32);
        let most = (traits.side * 115 / 100) as i32;
        let close = |p: &&Rect| p.right - p.left <= most && p.bottom - p.top <= most;
        // The whole picture alone is too small in a small model's input.
        let tells =
            |p: &&Rect| parts.len() > 1 || !traits.halves || (p.right - p.left < w || p.bottom - p.top < h);
        let (cell, columns) = (self.grid.cell as i32, self.grid.columns());
        let holds = |p: &Rect, n: usize| {
            let (x, y) = ((n % columns) as i32 * cell, (n / columns) as i32 * cell);
            p.left < x + cell && p.top < y + cell && p.right > x && p.bottom > y
        };
        let looked: Vec<bool> =
            (0..self.cells.len()).map(|n| parts.iter().filter(tells).any(|p| holds(p, n))).collect();
        let closely: Vec<bool> =
            (0..self.cells.len()).map(|n| parts.iter().filter(close).any(|p| holds(p, n))).collect();
        let mut near = vec![0u8; self.cells.len()];
        for (share, what) in [(0.15, 1), (0.05, 2)] {
            for d in found {
                self.touching(roomy(d.rect, share), |n| near[n] = what);
            }
        }
        for (n, (told, near)) in self.cells.iter_mut().zip(near).enumerate() {
            told.covered = near > 0;
            // What an earlier sweep found may still hold where this one did not look; the model does not insist on it.
            told.held = near > 0;
            if told.still_since <= taken {
                let look = told.look();
                look.empty += u32::from(near == 0 && looked[n]);
                look.close += u32::from(near == 0 && looked[n] && closely[n]);
                look.seen += u32::from(near == 2);
                if near == 2 {
                    look.close = 0;
                }
            }
        }
    }

    /// Checks one scene against everything that was told so far.
    fn check(&mut self, tones: &[u8], light: f32, scene: &Scene, now: MediaTime) {
        let jumped = self.last.is_some_and(|l| now <= l || now - l > ms(5000));
        let step = self.last.map_or(0, |l| (now - l).ticks());
        self.last = Some(now);
        let unknown = scene.cells.iter().all(|c| *c == Cell::Unknown);
        if jumped {
            assert!(unknown, "after a gap everything is unknown");
        }
        let known_before = self.before.iter().any(|c| *c != Cell::Unknown);
        if jumped || (unknown && known_before && scene.why != Why::Fine) {
            self.forget(now);
        }
        if self.lights.last() != Some(&light) {
            self.lights.push(light);
        }
        if (light - self.lights[0]).abs() > 0.1 {
            let clear = scene.cells.iter().filter(|c| **c == Cell::Clear).count();
            self.exposed[0] += 1;
            self.exposed[1] += u64::from(clear * 2 > scene.cells.len());
        }
        let s = self.settings;
        for (n, told) in self.cells.iter_mut().enumerate() {
            if told.tone == tones[n] {
                told.look().shown += step.max(0);
            } else {
                told.change(tones[n], now);
            }
            told.matches_since = match told.matches_since {
                _ if told.known != Some(tones[n]) => None,
                None => Some(now),
                since => since,
            };
            let still = now - told.still_since;
            let why = |what: &str| format!("cell {n} at {now}: {what}");
            match (self.before[n], scene.cells[n]) {
                (Cell::Unknown, Cell::Clear) => {
                    assert!(!told.held && still >= s.settle, "{}", why("learned too soon"));
                    assert!(
                        told.look().shown >= s.learn.ticks(),
                        "{}",
                        why("learned after too short a look")
                    );
                    assert!(told.swept_empty(s.learn_sweeps, 1), "{}", why("learned after too few sweeps"));
                    (told.known, told.matches_since) = (Some(tones[n]), Some(now));
                    self.became[0] += 1;
                }
                (Cell::Occupied, Cell::Clear) if told.known == Some(tones[n]) => {
                    let since = told.matches_since.unwrap_or(now);
                    assert!(!told.covered && now - since >= s.settle, "{}", why("settled too soon"));
                    self.became[1] += 1;
                }
                (Cell::Occupied, Cell::Clear) => {
                    assert!(!told.held && still >= s.absorb, "{}", why("absorbed too soon"));
                    assert!(told.swept_empty(s.absorb_sweeps, 5), "{}", why("absorbed after too few sweeps"));
                    let close = told.look().close;
                    assert!(
                        close >= u32::from(s.absorb_close),
                        "{}",
                        why("absorbed after too few close looks")
                    );
                    (told.known, told.matches_since) = (Some(tones[n]), Some(now));
                    self.became[2] += 1;
                }
                (Cell::Clear, Cell::Clear) => {
                    assert!(!told.covered, "{}", why("clear under a person"));
                    assert_eq!(told.known, Some(tones[n]), "{}", why("clear though it changed"));
                }
                (Cell::Unknown, Cell::Occupied) => panic!("{}", why("what nobody knows is no backdrop")),
                (Cell::Occupied | Cell::Clear, Cell::Unknown) => panic!("{}", why("forgotten alone")),
                (Cell::Never, _) | (_, Cell::Never) => panic!("nothing is excluded here"),
                (_, Cell::Occupied) | (Cell::Unknown, Cell::Unknown) => {}
            }
            told.covered = false;
        }
        self.before = scene.cells.to_vec();
        self.check_pixels(scene);
    }

    /// What the backdrop shows is what was known when the cell became clear.
    fn check_pixels(&self, scene: &Scene) {
        let (w, h) = (self.grid.picture.width(), self.grid.picture.height());
        let (least, most) = self.lights.iter().fold((f32::MAX, 0f32), |(a, b), l| (a.min(*l), b.max(*l)));
        for y in 0..h {
            for x in 0..w {
                let n = y / self.grid.cell * self.grid.columns() + x / self.grid.cell;
                if scene.cells[n] != Cell::Unknown {
                    let (shown, known) = (scene.backdrop.y[y * w + x], self.cells[n].known.unwrap());
                    // A cell that was hidden while the light drifted is brought into the next one from where it was.
                    let drift = if least < most { DRIFT } else { 0.0 };
                    let (low, high) = (lit(known, least * (1.0 - drift)), lit(known, most * (1.0 + drift)));
                    assert!(
                        (low.saturating_sub(4)..=high.saturating_add(4)).contains(&shown),
                        "pixel {x},{y} shows {shown}, known is {known}, lit {least} to {most}"
                    );
                }
            }
        }
    }
}

/// A box with room on every side, a share of its own.
fn roomy(r: Rect, share: f32) -> Rect {
    let room = |n: i32| (n as f32 * share).ceil() as i32;
    let (x, y) = (room(r.right - r.left), room(r.bottom - r.top));
    Rect { left: r.left - x, top: r.top - y, right: r.right + x, bottom: r.bottom + y }
}

/// A place of patches that change, with people passing.
struct Stage {
    size: PictureSize,
    across: usize,
    patches: Vec<u8>,
    people: Vec<(i32, i32, i32, i32)>,
    /// The light, and where exposure takes it.
    light: (f32, f32),
    exposed: bool,
}

impl Stage {
    fn new(size: PictureSize, dice: &mut Dice) -> Self {
        let across = size.width().div_ceil(PATCH);
        let patches = (0..across * size.height().div_ceil(PATCH)).map(|_| dice.below(3) as u8).collect();
        Self { size, across, patches, people: Vec::new(), light: (1.0, 1.0), exposed: false }
    }

    fn go_on(&mut self, dice: &mut Dice) {
        if dice.falls(0.04) {
            let n = dice.below(self.patches.len() as u64) as usize;
            self.patches[n] = dice.below(4) as u8;
        }
        if dice.falls(0.03) && self.people.len() < 3 {
            let (x, y) = (dice.below(self.size.width() as u64) as i32, dice.below(30) as i32);
            self.people.push((x / 2 * 2, y / 2 * 2, dice.below(3) as i32 * 2 - 2, 0));
        }
        if dice.falls(0.03) {
            self.people.pop();
        }
        if dice.falls(0.004) {
            // Everything changes: a lamp, a turned camera.
            self.patches.iter_mut().for_each(|p| *p = (*p + 1) % 3);
        }
        self.people.iter_mut().for_each(|p| p.0 += p.2);
        if self.exposed && dice.falls(0.02) {
            self.light.1 = 0.6 + dice.below(6) as f32 * 0.1;
        }
        let (light, goal) = self.light;
        self.light.0 += (goal - light).clamp(-EXPOSES, EXPOSES);
    }

    fn boxes(&self) -> Vec<Rect> {
        self.people.iter().map(|p| rect(p.0, p.1, 8, 20)).collect()
    }

    /// The picture, and the tone of every cell.
    fn picture(&self, grid: Grid, dice: &mut Dice) -> (Picture, Vec<u8>) {
        let (w, h) = (self.size.width(), self.size.height());
        let mut p = Picture::flat(self.size, 0, 128, 128);
        let boxes = self.boxes();
        let tone = |x: usize, y: usize| {
            let inside =
                |r: &Rect| (r.left..r.right).contains(&(x as i32)) && (r.top..r.bottom).contains(&(y as i32));
            match boxes.iter().any(inside) {
                true => TONES[3],
                false => TONES[usize::from(self.patches[y / PATCH * self.across + x / PATCH])],
            }
        };
        for y in 0..h {
            for x in 0..w {
                p.y[y * w + x] = lit(tone(x, y), self.light.0) + dice.below(3) as u8 - 1;
            }
        }
        let of_cell = |n: usize| tone(n % grid.columns() * grid.cell, n / grid.columns() * grid.cell);
        (p, (0..grid.len()).map(of_cell).collect())
    }
}

fn play(seed: u64, became: &mut [u64; 3], exposed: &mut [u64; 2]) -> u64 {
    let mut dice = Dice(seed);
    // Widths and heights that are no multiple of the cell or the patch among them.
    let size = PictureSize::new(48 + 2 * (seed as u32 % 3), 36 + 2 * (seed as u32 % 2)).unwrap();
    let grid = Grid::of(size);
    // Models that see it all at once, that look closer at a part of it now and then, and that look at halves in turns.
    let traits = match seed % 3 {
        0 => TRAITS,
        1 => DetectorTraits { side: 24, ..TRAITS },
        _ => DetectorTraits { side: 24, halves: true, ..TRAITS },
    };
    let settings = Settings {
        learn: ms(400),
        learn_sweeps: 2,
        settle: ms(300),
        absorb: ms(1500),
        absorb_sweeps: 4,
        absorb_close: 2,
        sweep_learning: ms(100),
        sweep_busy: ms(200),
        sweep_quiet: ms(300),
        ..Settings::new(traits, seed)
    };
    let (mut see, mut model) = (See::new(size, settings), Model::new(grid, settings));
    let mut stage = Stage::new(size, &mut dice);
    // In every other play the light stays as it is, and tones can be told apart to the level.
    stage.exposed = seed % 2 == 1;
    let mut now = MediaTime::ZERO;
    // Sweeps under way: taken, what the detector will say, pictures until it does.
    let mut under_way: Option<(Sweep, Vec<Detection>, u64)> = None;
    for _ in 0..400 {
        stage.go_on(&mut dice);
        now = match dice.below(300) {
            0 => now + ms(5001),
            1 => MediaTime::from_ticks(now.ticks() - dice.below(90_000) as i64),
            _ => now + ms(60 + dice.below(80) as i64),
        };
        let (picture, tones) = stage.picture(grid, &mut dice);
        let (scene, _) = see.picture(&picture, now, WallTime::from_micros(0));
        let forgotten = model.forgotten;
        model.check(&tones, stage.light.0, &scene, now);
        if model.forgotten != forgotten {
            under_way = None;
        }
        // Answers that nobody asked for, of any time, must not count.
        if dice.falls(0.1) {
            see.sweep_done(MediaTime::from_ticks(now.ticks() - 1 - dice.below(200_000) as i64), &[]);
        }
        if let Some((sweep, found, left)) = under_way.take() {
            let taken = sweep.taken;
            match left {
                0 if dice.falls(0.1) => see.sweep_failed(),
                0 => {
                    see.sweep_done(taken, &found);
                    model.swept(taken, &found, &sweep.parts);
                    if dice.falls(0.2) {
                        see.sweep_done(taken, &[]);
                    }
                }
                left => under_way = Some((sweep, found, left - 1)),
            }
        }
        if let Some(sweep) = see.wants() {
            see.sweep_begun(sweep.taken);
            let mut found: Vec<Detection> =
                stage.boxes().into_iter().filter(|_| dice.falls(0.7)).map(|r| person(r, 0.8)).collect();
            if dice.falls(0.1) {
                let (x, y) = (dice.below(60) as i32 - 6, dice.below(46) as i32 - 6);
                found.push(person(rect(x, y, 1 + dice.below(20) as i32, 1 + dice.below(30) as i32), 0.25));
            }
            // It finds nobody where it does not look.
            found.retain(|d| looked_at(&sweep, d.rect));
            under_way = Some((sweep, found, dice.below(4)));
        }
    }
    for (sum, n) in exposed.iter_mut().zip(model.exposed) {
        *sum += n;
    }
    for (sum, n) in became.iter_mut().zip(model.became) {
        *sum += n;
    }
    model.forgotten
}

#[test]
fn no_sequence_of_pictures_answers_gaps_and_jumps_shows_a_cell_but_by_the_written_conditions() {
    let (mut became, mut exposed, mut forgotten) = ([0; 3], [0; 2], 0);
    for seed in 0..60 {
        forgotten += play(seed, &mut became, &mut exposed);
    }
    println!(
        "learned, settled, absorbed: {became:?}; forgotten {forgotten} times; in another light, clear: {exposed:?}"
    );
    // Each way was gone often, or the test says nothing.
    assert!(became.iter().all(|n| *n > 400) && forgotten > 20, "{became:?}, {forgotten}");
    assert!(exposed[1] > 100, "{exposed:?}");
}
