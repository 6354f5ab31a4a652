//! One answer of the detector: which track each detection belongs to.
//!
//! In two steps. Detections go to the tracks that are where they were expected, sure and unsure ones alike: somebody half
//! hidden is found unsurely for many sweeps, and must not be left over for another's sure box (ByteTrack, Zhang et al., 2022,
//! gives the unsure ones away last; of people who stand side by side that made one pass on his number to the next). Then
//! sure ones that are left go to tracks that were not found, by the last place where they were (OC-SORT, Cao et al., 2023):
//! whoever turned, stopped, or comes out from behind a post.
//! By place, speed and size alone, and within one appearance: nothing of how anybody looks is kept.

use louver_base::{Class, MediaSpan, MediaTime};
use louver_scene::{Detection, FigureKind, Rect};

use super::assign::Costs;
use super::one::{Phase, Track, centre, extent};

/// Squared distance, in standard deviations, up to which a detection may belong to a track: 99 of 100 do.
const GATE: f32 = 9.2;
/// Heights or widths of a track and its detection may differ by this factor.
const MATCH_SIZES: f32 = 2.0;
/// What a factor of e between sizes costs, in the measure of [`GATE`].
const SIZE_COST: f32 = 6.0;
/// What another class costs: a surer place decides, but of equals the same class.
const CLASS_COST: f32 = 4.0;
/// A detection of another class is the same thing only where the boxes overlap by this much (IoU).
const OTHER_CLASS_IOU: f32 = 0.5;
/// ... and one that was not expected just there belongs to a track that the last sweep found from this overlap on (IoU).
const OVERLAPS_IOU: f32 = 0.25;
/// Times the area of a movement that an unsure detection of it may have: of a walker, often only legs or torso depart.
const MOVING_TIMES: i64 = 4;
/// A movement followed for this long is something of its own.
const OWN: MediaSpan = MediaSpan::from_millis(1500);
/// How far from its last place something not found may turn up, sides at once and a second: a brisk walk.
const REACH: f32 = 0.6;
const REACH_SPEED: f32 = 1.3;
/// ... and at most, sides: farther away there are others.
const MOST_REACH: f32 = 3.0;
/// ... and for a detection that is not sure: somebody half hidden who hardly moves.
const UNSURE_REACH: f32 = 1.0;
/// Two boxes of one class are one thing when they overlap by this much (IoU), or when the smaller lies in the larger by this
/// share: the same person found whole and cut off, or found in both halves of the picture.
const SAME_IOU: f32 = 0.3;
const SAME_WITHIN: f32 = 0.65;
/// An unsure detection of which this share lies in the box of something found is a part of it.
const PART: f32 = 0.4;
/// Detections looked at in one sweep; what is beyond masks, but is not followed.
const MOST_FOUND: usize = 256;

/// What became of each detection.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// Track and detection.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Detections that nothing followed accounts for.
    pub(super) new: Vec<usize>,
}

/// Pairs tracks with detections of the picture taken at `taken`; those from the score `sure` on are sure.
pub(super) fn pair(tracks: &[Track], found: &[Detection], taken: MediaTime, sure: f32) -> Matched {
    let mut matched = Matched::default();
    let (mut free_tracks, mut free_found) = (vec![true; tracks.len()], vec![true; found.len()]);
    let is_sure = |d: usize| found[d].score >= sure;
    let mut step = |tracks_of: &dyn Fn(&Track) -> bool,
                    of: &dyn Fn(usize) -> bool,
                    cost: &dyn Fn(&Track, &Detection) -> Option<f32>| {
        let rows: Vec<usize> =
            (0..tracks.len()).filter(|&t| free_tracks[t] && tracks_of(&tracks[t])).collect();
        let columns: Vec<usize> = (0..found.len()).filter(|&d| free_found[d] && of(d)).collect();
        let mut costs = Costs::new(rows.len(), columns.len());
        for (r, &t) in rows.iter().enumerate() {
            for (c, &d) in columns.iter().enumerate() {
                if let Some(cost) = cost(&tracks[t], &found[d]) {
                    costs.set(r, c, cost);
                }
            }
        }
        for (r, c) in costs.pairs(GATE) {
            let (t, d) = (rows[r], columns[c]);
            (free_tracks[t], free_found[d]) = (false, false);
            matched.pairs.push((t, d));
        }
    };
    let known = |t: &Track| t.followed() && t.kind != FigureKind::Moving;
    // Whoever the last sweep found comes first (the cascade of DeepSORT, Wojke et al., 2017): the place of one who was missed has
    // become vague, and takes in those who pass him by.
    let found_lately = |t: &Track| known(t) && t.misses == 0;
    step(&found_lately, &|_| true, &|t, d| expected(t, d, taken));
    step(&found_lately, &is_sure, &|t, d| overlapping(t, d, taken));
    step(&known, &|_| true, &|t, d| expected(t, d, taken));
    // A movement that was there all the while is no one else's; one that has just turned up may be whoever was lost.
    let old = |t: &Track| t.followed() && taken - t.born >= OWN;
    step(&old, &|_| true, &|t, d| moving(t, d, sure));
    let recognised = |t: &Track| t.kind != FigureKind::Moving;
    step(&recognised, &is_sure, &|t, d| within_reach(t, d, taken, MOST_REACH));
    step(&recognised, &|d| !is_sure(d), &|t, d| within_reach(t, d, taken, UNSURE_REACH));
    step(&|t| t.followed(), &|_| true, &|t, d| moving(t, d, sure));
    matched.new = (0..found.len()).filter(|&d| free_found[d]).collect();
    let explained = |d: usize| {
        let r = found[d].rect;
        !is_sure(d)
            && matched
                .pairs
                .iter()
                .map(|p| p.1)
                .chain(matched.new.iter().copied().filter(|&n| is_sure(n)))
                .any(|o| {
                    found[o].class == found[d].class
                        && r.intersection(found[o].rect).area() as f32 > PART * r.area() as f32
                })
    };
    let parts: Vec<bool> = matched.new.iter().map(|&d| explained(d)).collect();
    let mut n = 0;
    matched.new.retain(|_| {
        n += 1;
        !parts[n - 1]
    });
    matched
}

/// The sizes' ratios, or `None` where they differ too much.
fn sizes(track: &Track, d: &Detection) -> Option<f32> {
    let ((w, h), (tw, th)) = (extent(d.rect), track.size());
    let (across, down) = ((w / tw).max(tw / w), (h / th).max(th / h));
    // Somebody half behind something is as wide as ever and half as high, or the other way round; never both.
    (across < MATCH_SIZES && down < MATCH_SIZES)
        .then(|| SIZE_COST * (across.ln().powi(2) + down.ln().powi(2)))
}

fn class(track: &Track, d: &Detection) -> Option<f32> {
    match track.kind {
        FigureKind::Known(known) if known == d.class => Some(0.0),
        FigureKind::Known(_) => (track.rect().iou(d.rect) > OTHER_CLASS_IOU).then_some(CLASS_COST),
        FigureKind::Moving => Some(0.0),
    }
}

/// The cost of a detection near the place where the track is expected.
fn expected(track: &Track, d: &Detection, taken: MediaTime) -> Option<f32> {
    let ((x, y), then, errors) = (centre(d.rect), track.place_at(taken), track.errors());
    let (across, down) = (track.x.spread(errors.0), track.y.spread(errors.1));
    let far = (x - then.0).powi(2) / across + (y - then.1).powi(2) / down;
    // However vague a place has become: nobody gets farther than he can walk.
    let walked = reach(track.unseen(taken), MOST_REACH) * track.side();
    if far > GATE || (x - then.0).hypot(y - then.1) > walked {
        return None;
    }
    // Of two tracks as far away in their own measure, the one whose place is known better.
    let vague = (across * down).sqrt().ln() - (errors.0 * errors.1).ln();
    Some(far * 0.7 + vague * 0.5 + sizes(track, d)? + class(track, d)?)
}

/// The cost of a detection that overlaps the place where the track is expected: its cells led it too far, or too little.
fn overlapping(track: &Track, d: &Detection, taken: MediaTime) -> Option<f32> {
    let iou = track.rect_at(taken).iou(d.rect);
    let same = matches!(track.kind, FigureKind::Known(c) if c == d.class);
    (same && iou > OVERLAPS_IOU).then_some(GATE * (1.0 - iou))
}

/// A movement's box is rough: it lies in the detection, or the detection in it. An unsure detection much larger than the
/// movement is not about it.
fn moving(track: &Track, d: &Detection, sure: f32) -> Option<f32> {
    let large = d.rect.area() > track.rect().area().saturating_mul(MOVING_TIMES);
    if track.kind != FigureKind::Moving || (large && d.score < sure) {
        return None;
    }
    let both = track.rect().intersection(d.rect).area();
    (both * 2 > track.rect().area().min(d.rect.area())).then(|| GATE * (1.0 - track.rect().iou(d.rect)))
}

/// How far from its place something may turn up after so many seconds, sides.
fn reach(gone: f32, most: f32) -> f32 {
    (REACH + REACH_SPEED * gone).min(most)
}

/// The cost of a detection that a track not found may have got to from its last place.
fn within_reach(track: &Track, d: &Detection, taken: MediaTime, most: f32) -> Option<f32> {
    let last = track.observed?;
    let gone = (taken - last.at).seconds() as f32;
    let side = track.side();
    let reach = reach(gone, most) * side;
    let (x, y) = centre(d.rect);
    // From the nearest place on its expected way: it may have stopped anywhere.
    let (to, velocity) = ((x - last.x, y - last.y), track.velocity());
    let way = (velocity.0 * gone, velocity.1 * gone);
    let length = way.0.powi(2) + way.1.powi(2);
    let along = if length > 0.0 { ((to.0 * way.0 + to.1 * way.1) / length).clamp(0.0, 1.0) } else { 0.0 };
    let far = ((to.0 - along * way.0).powi(2) + (to.1 - along * way.1).powi(2)).sqrt();
    let same = matches!(track.kind, FigureKind::Known(c) if c == d.class);
    (same && gone > 0.0 && far < reach).then_some(())?;
    let lost = if matches!(track.phase, Phase::Lost { .. }) { 1.0 } else { 0.0 };
    Some(far / reach * (GATE - 3.0) + sizes(track, d)? * 0.5 + lost)
}

/// Detections, surest first, without those that are parts of a surer one.
pub(super) fn without_parts(found: &[Detection]) -> Vec<Detection> {
    let mut sorted: Vec<&Detection> = found.iter().filter(|d| d.rect.area() > 0).collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    sorted.truncate(MOST_FOUND);
    let mut kept: Vec<Detection> = Vec::with_capacity(sorted.len());
    for d in &sorted {
        // Where the detector hesitates between a person and something else, it is a person.
        let person = |o: &&Detection| o.class == Class::Person && o.rect.iou(d.rect) > SAME_IOU;
        let hesitates = d.class != Class::Person && sorted.iter().any(person);
        if !hesitates && !kept.iter().any(|k| k.class == d.class && same(k.rect, d.rect)) {
            kept.push(**d);
        }
    }
    kept
}

fn same(a: Rect, b: Rect) -> bool {
    let both = a.intersection(b).area() as f32;
    a.iou(b) > SAME_IOU || both > SAME_WITHIN * a.area().min(b.area()) as f32
}
