//! Quiet footage with passers-by, built from a clip's own pixels.
//!
//! No clip that may be given away is quiet for minutes, so one is put together: every tile of the picture shows the clip
//! itself at times when nobody is near that tile, forth and back, with the noise of a sensor on top; and now and then
//! one person of the clip walks through, faded in and out over a second so that his coming is no jump.

use louver_media::{Picture, PictureSize};
use louver_scene::Rect;

use crate::Truth;

/// Side of a tile, pixels.
const TILE: usize = 16;
/// Room around a person's box, share of its sides, and pixels on top: shadows, and boxes that lag.
const ROOM: f32 = 0.25;
const ROOM_PIXELS: i32 = 6;
/// Pictures over which a passer-by appears and disappears: a second.
const FADE: u64 = 10;
/// Pixels over which his patch is blended into the place.
const FEATHER: i32 = 6;
/// Pictures of the shortest and the longest passage: 3 s and 10 s.
const SHORTEST: usize = 30;
const LONGEST: usize = 100;
/// Pictures of the empty place at the beginning: 90 s, in which it is learned.
const HEAD_START: u64 = 900;
/// Pictures between two passages, at the least and at the most: 12 s and 36 s.
const PAUSE: (u64, u64) = (120, 360);
/// 4x4 blocks of a tile, and levels by which the mean of each may differ in a place at rest.
const BLOCKS: usize = TILE * TILE / 16;
const CALM: u8 = 6;
/// Values in the table of noise.
const NOISE: usize = 1 << 16;

/// How a clip's pixels and ground truth become those of the built footage: a part of the clip, scaled.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Part of the clip, pixels.
    pub part: Rect,
    /// Size it is scaled to.
    pub size: PictureSize,
}

impl Window {
    fn scaled(&self, r: Rect) -> Rect {
        let (w, h) = (self.part.right - self.part.left, self.part.bottom - self.part.top);
        let x = |v: i32| (v - self.part.left) * self.size.width() as i32 / w.max(1);
        let y = |v: i32| (v - self.part.top) * self.size.height() as i32 / h.max(1);
        Rect { left: x(r.left), top: y(r.top), right: x(r.right), bottom: y(r.bottom) }
    }
}

/// One person's way through the built footage.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// First picture of the built footage, from 0.
    pub from: u64,
    /// Picture of the clip that it begins with.
    pub source: usize,
    /// His box in each picture, pixels of the built footage.
    pub boxes: Vec<Rect>,
}

impl Passage {
    /// First picture behind it.
    pub fn to(&self) -> u64 {
        self.from + self.boxes.len() as u64
    }
}

/// The footage.
pub struct Footage {
    clip: Vec<Picture>,
    /// For each tile the pictures of the clip in which nobody is near: from, how many.
    free: Vec<(usize, usize)>,
    passages: Vec<Passage>,
    noise: Vec<i8>,
    random: u64,
}

impl std::fmt::Debug for Footage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Footage {{ {} passages }}", self.passages.len())
    }
}

impl Footage {
    /// Builds `pictures` pictures out of a clip of which `window` was scaled already; `noise` is the standard deviation of
    /// the sensor's noise, levels. `None` if the clip is empty.
    pub fn new(clip: Vec<Picture>, truth: &Truth, window: Window, pictures: u64, noise: f32) -> Option<Self> {
        let size = clip.first()?.size;
        let people: Vec<Vec<(u32, Rect)>> = (0..clip.len())
            .map(|n| truth.at(n as u64).iter().map(|t| (t.id, window.scaled(t.rect))).collect())
            .collect();
        let ways = ways(&people, size);
        let mut random = 0x10_07e5;
        let mut passages = Vec::new();
        let mut at = HEAD_START;
        for way in ways.iter().cycle().take(if ways.is_empty() { 0 } else { usize::MAX }) {
            let passage = Passage { from: at, ..way.clone() };
            at = passage.to() + PAUSE.0 + dice(&mut random) % (PAUSE.1 - PAUSE.0);
            if passage.to() + PAUSE.0 > pictures {
                break;
            }
            passages.push(passage);
        }
        let noise = (0..NOISE).map(|_| {
            // Twelve dice are as good as Gauss (variance 1).
            let sum: f32 = (0..12).map(|_| (dice(&mut random) % 1000) as f32 / 1000.0).sum();
            ((sum - 6.0) * noise).round().clamp(-60.0, 60.0) as i8
        });
        let noise = noise.collect();
        Some(Self { free: free(&clip, &people, size), clip, passages, noise, random })
    }

    /// Who passes when.
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// Picture number `n`; asked for in order the same footage comes out every time.
    pub fn picture(&mut self, n: u64) -> Picture {
        let size = self.clip[0].size;
        let mut out = Picture::flat(size, 0, 128, 128);
        let across = size.width().div_ceil(TILE);
        for (tile, &(from, len)) in self.free.iter().enumerate() {
            // Tiles run at different times, so that their jumps back do not fall together.
            let at = from + forth_and_back(n as usize + tile * 7, len);
            let (x, y) = (tile % across * TILE, tile / across * TILE);
            copy_tile(&mut out, &self.clip[at], x, y);
        }
        let passing: Vec<Passage> =
            self.passages.iter().filter(|p| (p.from..p.to()).contains(&n)).cloned().collect();
        for p in passing {
            let k = n - p.from;
            let fade = (k + 1).min(p.to() - n).min(FADE) as i32 * 256 / FADE as i32;
            let source = &self.clip[(p.source + k as usize).min(self.clip.len() - 1)];
            blend(&mut out, source, roomy(p.boxes[k as usize]), fade);
        }
        self.add_noise(&mut out);
        out
    }

    fn add_noise(&mut self, picture: &mut Picture) {
        let width = picture.size.width();
        for (plane, width, half) in [
            (&mut picture.y, width, false),
            (&mut picture.u, width / 2, true),
            (&mut picture.v, width / 2, true),
        ] {
            for row in plane.chunks_mut(width) {
                let at = dice(&mut self.random) as usize % (NOISE - width);
                for (pixel, noise) in row.iter_mut().zip(&self.noise[at..]) {
                    *pixel = pixel.saturating_add_signed(if half { noise / 2 } else { *noise });
                }
            }
        }
    }
}

/// A small generator of dice (Knuth's constants), so that every run builds the same.
fn dice(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn forth_and_back(n: usize, len: usize) -> usize {
    if len < 2 {
        return 0;
    }
    let round = 2 * (len - 1);
    let at = n % round;
    at.min(round - at)
}

fn roomy(r: Rect) -> Rect {
    let (w, h) = ((r.right - r.left) as f32, (r.bottom - r.top) as f32);
    let (x, y) = ((w * ROOM) as i32 + ROOM_PIXELS, (h * ROOM) as i32 + ROOM_PIXELS);
    Rect { left: r.left - x, top: r.top - y, right: r.right + x, bottom: r.bottom + y }
}

/// For each tile the longest run of pictures in which nobody is near and nothing moves: truth boxes nobody who is half in
/// the picture, and a tape in the wind would make the quiet place unquiet.
fn free(clip: &[Picture], people: &[Vec<(u32, Rect)>], size: PictureSize) -> Vec<(usize, usize)> {
    let (across, down) = (size.width().div_ceil(TILE), size.height().div_ceil(TILE));
    let mut free = Vec::with_capacity(across * down);
    for tile in 0..across * down {
        let (x, y) = ((tile % across * TILE) as i32, (tile / across * TILE) as i32);
        let area = Rect { left: x, top: y, right: x + TILE as i32, bottom: y + TILE as i32 };
        let near = |n: usize| people[n].iter().any(|(_, r)| roomy(*r).intersection(area).area() > 0);
        let means: Vec<[u8; BLOCKS]> = clip.iter().map(|p| blocks(p, x as usize, y as usize)).collect();
        let alone: Vec<bool> = (0..clip.len()).map(|n| !near(n)).collect();
        let usual: [u8; BLOCKS] = std::array::from_fn(|b| {
            let mut values: Vec<u8> = (0..clip.len()).filter(|n| alone[*n]).map(|n| means[n][b]).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap_or(0)
        });
        let calm = |n: usize| alone[n] && means[n].iter().zip(usual).all(|(m, u)| m.abs_diff(u) <= CALM);
        let (mut best, mut open) = ((0, 1), 0);
        for n in 0..=clip.len() {
            if n == clip.len() || !calm(n) {
                if n - open > best.1 {
                    best = (open, n - open);
                }
                open = n + 1;
            }
        }
        free.push(best);
    }
    free
}

/// Means of a tile's 4x4 blocks, luma.
fn blocks(picture: &Picture, x: usize, y: usize) -> [u8; BLOCKS] {
    let (w, h) = (picture.size.width(), picture.size.height());
    std::array::from_fn(|b| {
        let (bx, by) = (x + b % 4 * 4, y + b / 4 * 4);
        let (mut sum, mut count) = (0u32, 0u32);
        for row in by..(by + 4).min(h) {
            for pixel in &picture.y[row * w + bx.min(w)..row * w + (bx + 4).min(w)] {
                sum += u32::from(*pixel);
                count += 1;
            }
        }
        (sum / count.max(1)) as u8
    })
}

/// Every person's ways through the clip while nobody else is near, from where he comes in.
fn ways(people: &[Vec<(u32, Rect)>], size: PictureSize) -> Vec<Passage> {
    let whole = Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 };
    let alone = |n: usize, id: u32| -> Option<Rect> {
        let (_, rect) = *people[n].iter().find(|(i, _)| *i == id)?;
        let inside = rect.intersection(whole).area() * 2 > rect.area();
        let others = people[n].iter().filter(|(i, _)| *i != id);
        let near = others.map(|(_, r)| roomy(rect).intersection(*r).area()).sum::<i64>();
        (inside && near * 10 < rect.area()).then_some(rect)
    };
    let mut ids: Vec<u32> = people.iter().flatten().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut ways = Vec::new();
    for id in ids {
        let mut n = 0;
        while n < people.len() {
            let boxes: Vec<Rect> = (n..people.len().min(n + LONGEST)).map_while(|k| alone(k, id)).collect();
            let len = boxes.len().max(1);
            if len >= SHORTEST {
                ways.push(Passage { from: 0, source: n, boxes });
            }
            n += len;
        }
    }
    ways
}

fn copy_tile(to: &mut Picture, from: &Picture, x: usize, y: usize) {
    let (w, h) = (to.size.width(), to.size.height());
    let plane = |to: &mut [u8], from: &[u8], w: usize, h: usize, x: usize, y: usize, side: usize| {
        let right = (x + side).min(w);
        for row in y..(y + side).min(h) {
            to[row * w + x..row * w + right].copy_from_slice(&from[row * w + x..row * w + right]);
        }
    };
    plane(&mut to.y, &from.y, w, h, x, y, TILE);
    plane(&mut to.u, &from.u, w / 2, h / 2, x / 2, y / 2, TILE / 2);
    plane(&mut to.v, &from.v, w / 2, h / 2, x / 2, y / 2, TILE / 2);
}

/// Blends a part of `from` in, softly at its edges; `fade` of 256 is all of it.
fn blend(to: &mut Picture, from: &Picture, area: Rect, fade: i32) {
    let (w, h) = (to.size.width() as i32, to.size.height() as i32);
    let inside = area.intersection(Rect { left: 0, top: 0, right: w, bottom: h });
    for y in inside.top..inside.bottom {
        for x in inside.left..inside.right {
            let edge = (x - area.left).min(area.right - 1 - x).min(y - area.top).min(area.bottom - 1 - y);
            let share = fade * (edge + 1).min(FEATHER) / FEATHER;
            let mix = |a: u8, b: u8| ((i32::from(a) * (256 - share) + i32::from(b) * share) / 256) as u8;
            let n = (y * w + x) as usize;
            to.y[n] = mix(to.y[n], from.y[n]);
            if x % 2 == 0 && y % 2 == 0 {
                let n = (y / 2 * (w / 2) + x / 2) as usize;
                to.u[n] = mix(to.u[n], from.u[n]);
                to.v[n] = mix(to.v[n], from.v[n]);
            }
        }
    }
}
