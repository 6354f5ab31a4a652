//! Following things within one camera, for one appearance (in the manner of SORT; Bewley et al., 2016).

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{Detection, Figure, FigureKind, Grid, Rect};

use crate::backdrop::Backdrop;
use crate::blobs::Blob;

/// How far a detection's centre may lie from where its track was expected, in widths across and in heights up or down:
/// at a sweep a second a walker is up to a width from where the last blob left him.
const MATCH_WIDTHS: f32 = 0.9;
const MATCH_HEIGHTS: f32 = 0.5;
/// Heights of a track and its detection may differ by this factor.
const MATCH_SIZES: f32 = 2.0;
/// Two boxes of one class are one thing when they overlap by this much (IoU), or when the smaller lies in the larger by this
/// share: the same person found whole and cut off, or found in both halves of the picture.
const SAME_IOU: f32 = 0.4;
const SAME_WITHIN: f32 = 0.75;
/// Share of the difference between expected and found place that goes into the velocity.
const VELOCITY_GAIN: f32 = 0.5;
/// Sweeps that a track survives without a detection while its place looks like the known backdrop.
const MISSES_GONE: u32 = 1;
/// Sweeps that it survives where nothing is known: the detector is all there is, and it may blink.
const MISSES_UNKNOWN: u32 = 4;
/// Sweeps without a detection after which something that still looks different is no longer taken for what it was: a
/// chair that was once a person. Its cells stay masked until they are absorbed.
const MISSES_PRESENT: u32 = 40;
/// Share of a track's cells that must look different for something still to be there, 0 to 1.
const PRESENT: f32 = 0.08;
/// Pictures in which that was so before a recognised thing is drawn and told of, and for how long it then counts.
pub(crate) const EVIDENCE: u32 = 3;
const EVIDENCE_LASTS: MediaSpan = MediaSpan::from_millis(1500);
/// A movement that nobody recognised is a figure after this long.
const MOVING_SHOWN: MediaSpan = MediaSpan::from_millis(400);
/// ... and gone this long after its cells are.
const MOVING_GONE: MediaSpan = MediaSpan::from_millis(600);
/// Share of the way that a box's size goes to the detector's at each sweep: slow, so that no gait can be read.
const SIZE_GAIN: f32 = 0.4;
/// Widths a second beyond which a blob has not moved but joined or left another.
const JUMP_WIDTHS: f32 = 5.0;
/// Share of velocity kept over a second without evidence.
const COAST: f32 = 0.3;

/// Figures snap to this many cells, so that a box's edge says nothing about an outline.
const SNAP_CELLS: i32 = 4;

/// One thing, followed.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) number: u32,
    pub(crate) kind: FigureKind,
    pub(crate) born: MediaTime,
    /// Centre and size in pixels.
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) w: f32,
    pub(crate) h: f32,
    vx: f32,
    vy: f32,
    /// The blob it went with in the last picture.
    blob: Option<(f32, f32)>,
    /// Sweeps that found it.
    pub(crate) hits: u32,
    /// Sweeps since the last that found it.
    misses: u32,
    /// Best score so far.
    pub(crate) score: f32,
    /// Pictures in which its place looked different from the backdrop: it is no picture on a wall.
    pub(crate) evidence: u32,
    last_departed: MediaTime,
    /// Nothing is known of most of its place.
    in_unknown: bool,
    last_seen: MediaTime,
}

impl Track {
    /// Its box in pixels.
    pub(crate) fn rect(&self) -> Rect {
        Rect {
            left: (self.x - self.w / 2.0).floor() as i32,
            top: (self.y - self.h / 2.0).floor() as i32,
            right: (self.x + self.w / 2.0).ceil() as i32,
            bottom: (self.y + self.h / 2.0).ceil() as i32,
        }
    }

    /// Whether it is drawn: things that were recognised at once, mere movement when it lasts.
    pub(crate) fn shown(&self, now: MediaTime, sure: f32) -> bool {
        match self.kind {
            // A box where nothing differs from the known place is a false alarm: it masks, but is no figure. Where
            // nothing is known yet, people are drawn on the detector's word, if it is `sure`: the ground is flat there.
            FigureKind::Known(class) => {
                let real = self.evidence >= EVIDENCE && now - self.last_departed < EVIDENCE_LASTS;
                real || (class == Class::Person && self.in_unknown && self.score >= sure)
            }
            FigureKind::Moving => now - self.born >= MOVING_SHOWN,
        }
    }

    fn place(&mut self, rect: Rect) {
        self.x = (rect.left + rect.right) as f32 / 2.0;
        self.y = (rect.top + rect.bottom) as f32 / 2.0;
    }
}

/// A box with room: heads stick out of boxes, and boxes lag.
pub(crate) fn padded(rect: Rect, share: f32) -> Rect {
    let (w, h) = ((rect.right - rect.left) as f32, (rect.bottom - rect.top) as f32);
    let (x, y) = ((w * share).ceil() as i32, (h * share).ceil() as i32);
    Rect { left: rect.left - x, top: rect.top - y, right: rect.right + x, bottom: rect.bottom + y }
}

/// A box on the coarse grid that figures are drawn on, within the picture.
pub(crate) fn snapped(rect: Rect, grid: Grid) -> Rect {
    let step = grid.cell as i32 * SNAP_CELLS;
    let up = |n: i32| n.saturating_add(step - 1).div_euclid(step) * step;
    let down = |n: i32| n.div_euclid(step) * step;
    let (w, h) = (grid.picture.width() as i32, grid.picture.height() as i32);
    Rect {
        left: down(rect.left).clamp(0, w),
        top: down(rect.top).clamp(0, h),
        right: up(rect.right).clamp(0, w),
        bottom: up(rect.bottom).clamp(0, h),
    }
}

/// All tracks of one camera.
#[derive(Debug)]
pub(crate) struct Tracks {
    pub(crate) all: Vec<Track>,
    random: u64,
}

/// Tracks at most: a crowd beyond it is masked by its cells.
const MOST_TRACKS: usize = 200;

impl Tracks {
    pub(crate) fn new(seed: u64) -> Self {
        Self { all: Vec::new(), random: seed }
    }

    /// splitmix64: numbers that mean nothing and repeat with the seed.
    fn number(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    fn start(&mut self, kind: FigureKind, rect: Rect, score: f32, now: MediaTime) {
        if self.all.len() >= MOST_TRACKS {
            return;
        }
        let mut track = Track {
            number: self.number(),
            kind,
            born: now,
            x: 0.0,
            y: 0.0,
            w: (rect.right - rect.left) as f32,
            h: (rect.bottom - rect.top) as f32,
            vx: 0.0,
            vy: 0.0,
            blob: None,
            hits: u32::from(kind != FigureKind::Moving),
            misses: 0,
            score,
            evidence: 0,
            last_departed: now,
            in_unknown: false,
            last_seen: now,
        };
        track.place(rect);
        self.all.push(track);
    }

    /// Gives a track the number of the one that it continues.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) {
        if let Some(track) = self.all.iter_mut().find(|t| t.number == from) {
            track.number = to;
        }
    }

    /// When a track began.
    pub(crate) fn born(&self, number: u32) -> Option<MediaTime> {
        self.all.iter().find(|t| t.number == number).map(|t| t.born)
    }

    /// What is drawn of them, furthest first; recognised on the detector's word alone from the score `sure` on.
    pub(crate) fn figures(&self, grid: Grid, now: MediaTime, sure: f32) -> Vec<Figure> {
        let mut figures: Vec<Figure> = self
            .all
            .iter()
            .filter(|t| t.shown(now, sure))
            .map(|t| Figure {
                track: t.number,
                kind: t.kind,
                rect: snapped(t.rect(), grid),
                velocity: [0; 2],
            })
            .collect();
        figures.sort_by_key(|f| (f.rect.bottom, f.track));
        figures
    }

    /// Moves every track by one picture, by the blob it goes with, or by its velocity.
    pub(crate) fn advance(&mut self, blobs: &[Blob], backdrop: &Backdrop, step: f32, now: MediaTime) {
        let rects: Vec<Rect> = self.all.iter().map(Track::rect).collect();
        let mut taken = vec![0u32; blobs.len()];
        let mut mine: Vec<Option<usize>> = Vec::with_capacity(rects.len());
        for rect in &rects {
            let best = blobs
                .iter()
                .enumerate()
                .map(|(n, b)| (n, b.rect.intersection(*rect).area()))
                .filter(|(_, area)| *area * 4 > rect.area().min(i64::MAX / 8))
                .max_by_key(|(_, area)| *area);
            mine.push(best.map(|(n, _)| n));
            if let Some((n, _)) = best {
                taken[n] += 1;
            }
        }
        for (n, track) in self.all.iter_mut().enumerate() {
            let alone = mine[n].filter(|&b| taken[b] == 1).map(|b| blobs[b]);
            // A blob much larger than the thing is several things, or a shadow: it says nothing about this one.
            let fits = alone.filter(|b| b.rect.area() < track.rect().area() * 3);
            track.follow(fits, step);
            let (cells, departed, unknown) = backdrop.count(track.rect());
            track.in_unknown = unknown * 2 > cells;
            if departed as f32 > PRESENT * cells as f32 {
                track.evidence = track.evidence.saturating_add(1);
                track.last_departed = now;
            }
        }
        self.start_moving(blobs, &rects, now);
        let gone = |t: &Track| match t.kind {
            FigureKind::Moving => now - t.last_departed > MOVING_GONE,
            FigureKind::Known(_) => false,
        };
        self.all.retain(|t| !gone(t));
    }

    fn start_moving(&mut self, blobs: &[Blob], rects: &[Rect], now: MediaTime) {
        for blob in blobs {
            let covered: i64 = rects.iter().map(|r| padded(*r, 0.25).intersection(blob.rect).area()).sum();
            if covered * 3 < blob.rect.area() {
                self.start(FigureKind::Moving, blob.rect, 0.0, now);
            }
        }
    }

    /// Takes in one sweep of the detector.
    pub(crate) fn sweep(&mut self, found: &[Detection], backdrop: &Backdrop, now: MediaTime) {
        let found = &without_parts(found);
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (t, track) in self.all.iter().enumerate() {
            for (d, detection) in found.iter().enumerate() {
                if let Some(fit) = track.fit(detection) {
                    pairs.push((fit, t, d));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut track_done, mut found_done) = (vec![false; self.all.len()], vec![false; found.len()]);
        for (_, t, d) in pairs {
            if !track_done[t] && !found_done[d] {
                (track_done[t], found_done[d]) = (true, true);
                self.all[t].seen(&found[d], now);
            }
        }
        for (track, done) in self.all.iter_mut().zip(track_done) {
            if !done {
                track.misses += 1;
            }
        }
        for (detection, done) in found.iter().zip(found_done) {
            if !done {
                self.start(FigureKind::Known(detection.class), detection.rect, detection.score, now);
            }
        }
        self.end_lost(backdrop);
    }

    /// Ends tracks that the detector no longer finds. What looks different under them counts for them only where no track
    /// that was just found stands: it is that one's.
    fn end_lost(&mut self, backdrop: &Backdrop) {
        let fresh: Vec<Rect> =
            self.all.iter().filter(|t| t.misses == 0 && t.hits > 0).map(|t| padded(t.rect(), 0.1)).collect();
        self.all.retain(|t| {
            if t.kind == FigureKind::Moving || t.misses == 0 {
                return true;
            }
            let (cells, departed, unknown) = backdrop.count_outside(t.rect(), &fresh);
            let present = departed as f32 > PRESENT * cells as f32;
            let most = match (present, unknown * 2 > cells) {
                (true, _) => MISSES_PRESENT,
                (false, true) => MISSES_UNKNOWN,
                (false, false) => MISSES_GONE,
            };
            t.misses <= most
        });
    }
}

/// Detections without those that are parts of a surer one.
fn without_parts(found: &[Detection]) -> Vec<Detection> {
    let mut sorted: Vec<&Detection> = found.iter().collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::with_capacity(found.len());
    for d in sorted {
        let same = |k: &Detection| {
            let both = k.rect.intersection(d.rect).area() as f32;
            let smaller = k.rect.area().min(d.rect.area()) as f32;
            k.class == d.class && (k.rect.iou(d.rect) > SAME_IOU || both > SAME_WITHIN * smaller)
        };
        // Where the detector hesitates between a person and something else, it is a person.
        let person = |o: &&Detection| o.class == Class::Person && o.rect.iou(d.rect) > SAME_IOU;
        let hesitates = d.class != Class::Person && found.iter().any(|o| person(&o));
        if !hesitates && !kept.iter().any(same) {
            kept.push(*d);
        }
    }
    kept
}

fn compatible(kind: FigureKind, class: Class) -> bool {
    match kind {
        FigureKind::Known(known) => known == class,
        FigureKind::Moving => true,
    }
}

impl Track {
    fn follow(&mut self, blob: Option<Blob>, step: f32) {
        let centre = blob.map(|b| b.centre);
        match (centre, self.blob) {
            (Some(now), Some(before)) => {
                let (dx, dy) = (now.0 - before.0, now.1 - before.1);
                // A blob that jumps by more than half the thing's size has joined or left another; seen from the side, a
                // walker goes two or three widths a second.
                let most = self.w * (step * JUMP_WIDTHS).clamp(0.5, 1.0);
                if dx.abs() < most && dy.abs() < self.h / 2.0 {
                    self.x += dx;
                    self.y += dy;
                    if step > 0.0 {
                        let gain = (step * 2.0).min(1.0);
                        self.vx += (dx / step - self.vx) * gain;
                        self.vy += (dy / step - self.vy) * gain;
                    }
                }
            }
            (Some(_), None) | (None, _) => {
                self.x += self.vx * step;
                self.y += self.vy * step;
                let keep = COAST.powf(step.clamp(0.0, 5.0));
                self.vx *= keep;
                self.vy *= keep;
            }
        }
        self.blob = centre;
        if self.kind == FigureKind::Moving
            && let Some(blob) = blob
        {
            let (w, h) =
                ((blob.rect.right - blob.rect.left) as f32, (blob.rect.bottom - blob.rect.top) as f32);
            self.place(blob.rect);
            self.w = w;
            self.h = h;
        }
    }

    /// How well a detection fits, larger is better; `None` when it does not.
    fn fit(&self, detection: &Detection) -> Option<f32> {
        if !compatible(self.kind, detection.class) {
            return None;
        }
        let r = detection.rect;
        let (w, h) = ((r.right - r.left) as f32, (r.bottom - r.top) as f32);
        let dx = ((r.left + r.right) as f32 / 2.0 - self.x).abs() / w.max(self.w);
        let dy = ((r.top + r.bottom) as f32 / 2.0 - self.y).abs() / h.max(self.h);
        // A movement's box is rough: lying within the detection is enough.
        let within =
            self.kind == FigureKind::Moving && self.rect().intersection(r).area() * 2 > self.rect().area();
        let ratio = (h / self.h).max(self.h / h);
        let near = dx < MATCH_WIDTHS && dy < MATCH_HEIGHTS && ratio < MATCH_SIZES;
        (near || within).then(|| self.rect().iou(r) + 1.0 - dx - dy + detection.score * 0.1)
    }

    fn seen(&mut self, detection: &Detection, now: MediaTime) {
        let (w, h) = (
            (detection.rect.right - detection.rect.left) as f32,
            (detection.rect.bottom - detection.rect.top) as f32,
        );
        if self.kind == FigureKind::Moving {
            self.kind = FigureKind::Known(detection.class);
            (self.w, self.h) = (w, h);
        }
        let (x, y) = (self.x, self.y);
        self.place(detection.rect);
        let since = (now - self.last_seen).seconds() as f32;
        if self.hits > 0 && since > 0.2 {
            self.vx += (self.x - x) / since * VELOCITY_GAIN;
            self.vy += (self.y - y) / since * VELOCITY_GAIN;
        }
        self.last_seen = now;
        self.w += (w - self.w) * SIZE_GAIN;
        self.h += (h - self.h) * SIZE_GAIN;
        self.hits += 1;
        self.misses = 0;
        self.score = self.score.max(detection.score);
    }
}
