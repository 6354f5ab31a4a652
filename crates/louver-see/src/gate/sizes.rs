//! What is usual for a camera's pictures in bytes while nothing goes on, and when they depart from it.
//!
//! Every place in a group of pictures has its own usual size: rate control and the quality of the key frame make the first
//! pictures behind it small and later ones larger, whatever happens. Usual are the median and the median deviation of the
//! last groups in which nothing went on; so a rare pulse changes nothing, and a slow drift (dusk, rising noise, another
//! rate) is followed. Departures are summed up (Page's CUSUM): one picture that is far too large counts at once,
//! somebody small and far away after about a second.

use louver_media::Outside;

/// Places in a group that are told apart; later ones are one place.
const PLACES: usize = 64;
/// Groups that a place remembers, and pictures that the last place does: about a minute at groups of 2 s.
const REMEMBERS: usize = 32;
const REMEMBERS_LATE: usize = 320;
/// Groups before a place counts as known: the median deviation of fewer is off by half and more.
const KNOWN: usize = 10;
/// A deviation is at least this share of the usual size, and this many bytes: an encoder writes one macroblock more or less
/// by chance, of five to ten bytes.
const LEAST_SHARE: f32 = 0.03;
const LEAST_BYTES: f32 = 8.0;
/// From the median deviation to the standard deviation of Gauss.
const TO_SIGMA: f32 = 1.4826;
/// Sigmas that are no departure: half of the smallest lasting one that is to be found (Page, 1954).
const SLACK: f32 = 0.5;
/// Sigmas that one picture adds or takes at the most, so that one pulse (a clock in the picture) does not open the gate ...
const MOST_UP: f32 = 6.0;
const MOST_DOWN: f32 = 3.0;
/// ... unless it is larger than any by chance.
const PULSE: f32 = 9.0;
/// Sum that departs, sigmas; with half a sigma of slack, chance reaches 8 about every half hour at 10 pictures a second.
pub(crate) const SUM: f32 = 8.0;
/// Bounds of what experience makes of it.
const SUM_LEAST: f32 = 4.0;
const SUM_MOST: f32 = 16.0;
/// Sums grow no further than this many times what departs, so that they come back soon after the last departure.
const OVERSHOOT: f32 = 1.5;
/// Sizes that fall are no urgent news (a lens that is covered makes a pulse first): twice the sum ...
const FALLS: f32 = 2.0;
/// ... of what is more than so many sigmas. Who comes costs bytes. A rate that is held on average pays them back behind him: for
/// half a minute sizes lie up to one sigma below the usual (x264 at 300 kbit/s), though nothing goes on.
const SLACK_FALLS: f32 = 1.5;

/// The last sizes at one place of a group.
#[derive(Clone, Debug, Default)]
struct Place {
    ring: Vec<u32>,
    next: usize,
    fresh: bool,
    median: f32,
    sigma: f32,
}

impl Place {
    fn learn(&mut self, bytes: u32, remembers: usize) {
        match self.ring.get_mut(self.next) {
            Some(old) => *old = bytes,
            None => self.ring.push(bytes),
        }
        self.next = (self.next + 1) % remembers;
        self.fresh = true;
    }

    fn known(&self) -> bool {
        self.ring.len() >= KNOWN
    }

    /// Median and deviation anew, if anything was learned.
    fn settle(&mut self, sorted: &mut Vec<u32>) {
        if !std::mem::take(&mut self.fresh) {
            return;
        }
        let middle = |sorted: &mut Vec<u32>| {
            let half = sorted.len() / 2;
            *sorted.select_nth_unstable(half).1
        };
        sorted.clear();
        sorted.extend_from_slice(&self.ring);
        let median = middle(sorted);
        sorted.iter_mut().for_each(|v| *v = v.abs_diff(median));
        self.median = median as f32;
        self.sigma = TO_SIGMA * middle(sorted) as f32;
    }
}

/// The usual sizes of one camera's pictures.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    /// Pictures that others are predicted from, then those that none is; the first place is the key frame's.
    places: [Vec<Place>; 2],
    /// Usual share of sigma in size, of the same two.
    noise: [f32; 2],
    /// Place of the next picture, from the key frame.
    at: usize,
    up: f32,
    down: f32,
    sum: f32,
    sorted: Vec<u32>,
    /// Of the group at hand: pictures whose place was known, pictures.
    group: (u32, u32),
    /// The same of the last whole group.
    last_group: (u32, u32),
    /// Padding and slices, bytes, of the last groups; older ones count less.
    padding: f64,
    slices: f64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            places: [vec![Place::default(); PLACES + 1], vec![Place::default(); PLACES + 1]],
            noise: [0.0; 2],
            at: 0,
            up: 0.0,
            down: 0.0,
            sum: SUM,
            sorted: Vec::new(),
            group: (0, 0),
            last_group: (0, 1),
            padding: 0.0,
            slices: 0.0,
        }
    }
}

/// Where a picture stands among the usual ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    row: usize,
    place: usize,
    bytes: u32,
    /// Sizes depart from what is usual.
    pub(crate) departs: bool,
}

impl Sizes {
    /// Reads a packet; it is not learned.
    pub(crate) fn read(&mut self, unit: Outside) -> Reading {
        if unit.key {
            self.settle();
        }
        let place = self.at.min(PLACES);
        self.at = self.at.saturating_add(1);
        self.padding += f64::from(unit.padding);
        self.slices += f64::from(unit.slices);
        let row = usize::from(unit.droppable);
        let mut pulse = false;
        let known = self.places[row][place].known();
        if known {
            let sigmas = self.sigmas(row, place, unit.slices);
            self.up = (self.up + sigmas.clamp(-MOST_DOWN, MOST_UP) - SLACK).clamp(0.0, OVERSHOOT * self.sum);
            self.down = (self.down - sigmas.clamp(-MOST_DOWN, MOST_UP) - SLACK_FALLS)
                .clamp(0.0, OVERSHOOT * FALLS * self.sum);
            pulse = sigmas >= PULSE;
        }
        self.group = (self.group.0 + u32::from(known), self.group.1 + 1);
        let departs = pulse || self.up >= self.sum || self.down >= self.sum * FALLS;
        Reading { row, place, bytes: unit.slices, departs }
    }

    /// Learns a picture that was read, because nothing went on.
    pub(crate) fn learn(&mut self, reading: Reading) {
        let remembers = if reading.place == PLACES { REMEMBERS_LATE } else { REMEMBERS };
        self.places[reading.row][reading.place].learn(reading.bytes, remembers);
    }

    /// Departures so far are forgotten.
    pub(crate) fn calm(&mut self) {
        (self.up, self.down) = (0.0, 0.0);
    }

    /// A stream begins anew: the next packet is a key frame. What was learned stays.
    pub(crate) fn restart(&mut self) {
        self.calm();
        self.at = 0;
    }

    /// The gate opened and nothing was there: a little less is heard.
    pub(crate) fn heard_too_much(&mut self) {
        self.sum = (self.sum * 1.1).min(SUM_MOST);
    }

    /// Somebody came and sizes did not say so.
    pub(crate) fn heard_too_little(&mut self) {
        self.sum = (self.sum * 0.7).max(SUM_LEAST);
    }

    /// Whether the usual sizes of the last group's places (nine in ten of them) are known.
    pub(crate) fn known(&self) -> bool {
        self.places[0][0].known() && self.last_group.1 > 1 && self.last_group.0 * 10 >= self.last_group.1 * 9
    }

    /// Share of the way to [`known`](Self::known), 0 to 1.
    pub(crate) fn progress(&self) -> f32 {
        (self.places[0][1].ring.len() as f32 / KNOWN as f32).min(1.0)
    }

    /// Usual bytes of a key frame.
    pub(crate) fn key(&self) -> f32 {
        self.places[0][0].median
    }

    /// Usual bytes of the pictures between, and their sigma: medians over all places that are known.
    pub(crate) fn between(&self) -> Option<(f32, f32)> {
        let row = usize::from(!self.places[0][1..].iter().any(Place::known));
        let known = self.places[row][1..].iter().filter(|p| p.known());
        let (mut sizes, mut sigmas): (Vec<f32>, Vec<f32>) = known.map(|p| (p.median, p.sigma)).unzip();
        Some((middle(&mut sizes)?, middle(&mut sigmas)?))
    }

    /// Share of padding in what the camera sends, 0 to 1.
    pub(crate) fn padded(&self) -> f64 {
        self.padding / (self.padding + self.slices).max(1.0)
    }

    fn sigmas(&self, row: usize, place: usize, bytes: u32) -> f32 {
        let p = &self.places[row][place];
        // A place's own deviation is of few numbers: it may be too small by chance, so all places have their say.
        let usual = 0.7 * self.noise[row] * p.median;
        let sigma = p.sigma.max(usual).max(LEAST_SHARE * p.median).max(LEAST_BYTES);
        (bytes as f32 - p.median) / sigma
    }

    fn settle(&mut self) {
        self.at = 0;
        self.last_group = std::mem::take(&mut self.group);
        // Half of it is forgotten in about seven groups.
        (self.padding, self.slices) = (self.padding * 0.9, self.slices * 0.9);
        for (row, places) in self.places.iter_mut().enumerate() {
            for place in places.iter_mut() {
                place.settle(&mut self.sorted);
            }
            let known = places.iter().filter(|p| p.known() && p.median > 0.0);
            let mut shares: Vec<f32> =
                known.skip(usize::from(row == 0)).map(|p| p.sigma / p.median).collect();
            self.noise[row] = middle(&mut shares).unwrap_or(0.0);
        }
    }
}

fn middle(values: &mut [f32]) -> Option<f32> {
    let half = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(half, f32::total_cmp).1)
}
