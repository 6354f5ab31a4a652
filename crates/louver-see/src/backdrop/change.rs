//! What a picture changes: cells that look otherwise, and the whole of it.

use std::sync::Arc;

use louver_base::{MediaSpan, MediaTime};
use louver_scene::Cell;

use super::light::{self, Sample};
use super::marks::count;
use super::memory::{Look, Tally, WORTH_KEEPING};
use super::{Backdrop, millis};
use crate::Settings;
use crate::features::{Features, PER_CELL};
use crate::lanes::{LANES, differs, followed, means};
use crate::see::GAP;
use crate::view;

/// Levels times 16 that a cell which cannot be learned because it never rests (leaves, water) is given at each movement.
const RESTLESS: i16 = 4;
/// Cells that tell of the light, at most twice as many: their middle is then known to half a level whatever their noise.
const SAMPLES: usize = 512;
/// A changed view is believed after this long.
const VIEW_CHANGE: MediaSpan = MediaSpan::from_millis(1500);
/// Share of the known cells that must depart for the place to be looked for elsewhere in the picture, 0 to 1 ...
const MOVED_SHARE: f32 = 0.08;
/// ... and how often that is done meanwhile.
const LOOK_ELSEWHERE: MediaSpan = MediaSpan::from_millis(500);

/// A change of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// None.
    None,
    /// Most known cells departed from one picture to the next.
    Light,
    /// The known place is somewhere else in the picture, or most of it has been gone for a while.
    View,
    /// The picture shows nothing: the lens is covered, or there is no light. Nothing is learned from it.
    Blind,
}

impl Backdrop {
    /// Compares one picture with what is known; `features` are brought into the light of the backdrop. No cell is cleared here.
    pub(crate) fn compare(&mut self, features: &mut Features, now: MediaTime, s: &Settings) -> Change {
        if view::blind(self.grid, features) {
            return Change::Blind;
        }
        let step = self.last.map_or(0, |l| millis((now - l).min(GAP)));
        self.last = Some(now);
        let before_this = self.clock;
        self.clock += u64::from(step);
        if !self.bring_into_light(features, now) {
            return Change::Light;
        }
        let steady = !self.light.is_other();
        for (group, picture) in features.groups().enumerate().take(self.lanes.len()) {
            let at = group * LANES;
            let Some(knows) = self.knows[at..].first_chunk() else { break };
            let seen = self.lanes[group].see(picture, knows, steady);
            self.departed[at..at + LANES].copy_from_slice(&seen.departed);
            self.unlike[at..at + LANES].copy_from_slice(&seen.departed);
            if seen.changed != [false; LANES] {
                for n in (at..self.cells.len().min(at + LANES)).filter(|n| seen.changed[n - at]) {
                    let seen = (features.cell(n), seen.deviation[n - at]);
                    self.changed(n, seen, now, before_this);
                }
            }
            if seen.departed != [false; LANES] {
                let cells = self.departed[at..].iter_mut().zip(&self.cells[at..]).take(LANES);
                for (departed, m) in cells.filter(|(departed, _)| **departed) {
                    *departed = !m.tally(self.clock).sways();
                }
            }
        }
        let (known, departed) = (count(&self.knows), count(&self.departed));
        let before = self.departed_share;
        self.departed_share = if known == 0 { 0.0 } else { departed as f32 / known as f32 };
        let enough = known * 4 > self.cells.len();
        if !enough || self.departed_share < MOVED_SHARE {
            (self.widely_departed_since, self.most_departed_since) = (None, None);
            return Change::None;
        }
        if self.departed_share - before > s.global_change / 2.0 && self.departed_share >= s.global_change {
            return Change::Light;
        }
        self.view(features, now, s)
    }

    /// Brings a picture into the light of the backdrop, or what is known into the picture's; `false` if the light is lost.
    fn bring_into_light(&mut self, features: &mut Features, now: MediaTime) -> bool {
        self.light.samples.clear();
        let every = (self.cells.len() / SAMPLES).max(1);
        let looked_for = self.cells.len().div_ceil(every);
        for n in (0..self.cells.len()).step_by(every).filter(|n| self.states[*n] == Cell::Clear) {
            let known = self.lanes[n / LANES].known(n % LANES).map(|v| (v >> 4) as u8);
            let seen = features.cell(n);
            let chroma = [(known[4], seen[4]), (known[5], seen[5])];
            self.light.samples.push(Sample { luma: (known[0], seen[0]), chroma });
        }
        match self.light.follow(looked_for, now) {
            light::Act::AsItIs => {}
            light::Act::Back(tone) => features.bring_back(tone),
            light::Act::Rested(tone) => self.light_up(tone),
            light::Act::Lost => return false,
        }
        true
    }

    /// Brings all that is known or remembered into another light.
    fn light_up(&mut self, tone: light::Tone) {
        for (n, m) in self.cells.iter_mut().enumerate() {
            let lanes = &mut self.lanes[n / LANES];
            lanes.change_means(n % LANES, |means| tone.light(means));
            tone.light(&mut m.other.means);
        }
        tone.light_picture(Arc::make_mut(&mut self.picture));
    }

    /// Whether the camera looks elsewhere, when much has departed.
    fn view(&mut self, features: &Features, now: MediaTime, s: &Settings) -> Change {
        let since = *self.widely_departed_since.get_or_insert(now);
        if self.departed_share < s.global_change {
            self.most_departed_since = None;
        } else if now - *self.most_departed_since.get_or_insert(now) > VIEW_CHANGE {
            return Change::View;
        }
        if now - since < VIEW_CHANGE || self.looked_elsewhere.is_some_and(|l| now - l < LOOK_ELSEWHERE) {
            return Change::None;
        }
        self.looked_elsewhere = Some(now);
        let known =
            |n: usize| self.knows[n].then(|| self.lanes[n / LANES].known(n % LANES).map(|v| (v >> 4) as u8));
        if view::moved(self.grid, known, features) { Change::View } else { Change::None }
    }

    /// A cell looks otherwise than at the picture before, up to which its time is counted: `f`, judged by a usual deviation.
    fn changed(&mut self, n: usize, (f, deviation): ([u8; PER_CELL], i16), now: MediaTime, before: u64) {
        let (lanes, lane, m) = (&mut self.lanes[n / LANES], n % LANES, &mut self.cells[n]);
        let seen = means(f);
        let was = Look { means: lanes.look(lane), tally: m.tally(before) };
        m.still_since = now;
        m.counted = self.clock;
        if differs(&m.other.means, &seen, deviation) {
            if was.tally.shown >= WORTH_KEEPING || m.other.tally.shown < WORTH_KEEPING {
                m.other = was;
            }
            m.tally = Tally::NONE;
            lanes.set_look(lane, &seen);
            if self.states[n] == Cell::Unknown {
                lanes.excuse(lane, RESTLESS);
            }
        } else {
            let again = std::mem::replace(&mut m.other, was);
            m.tally = again.tally;
            m.tally.returns = m.tally.returns.saturating_add(1);
            lanes.set_look(lane, &std::array::from_fn(|i| followed(again.means[i], seen[i])));
        }
    }
}
