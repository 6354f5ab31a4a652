//! How well people are followed: figures against the tracks of the ground truth, by the measures of multiple object
//! tracking.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louver_base::Class;
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_scene::{FigureKind, Rect};
use louver_see::Act;
use schemars::JsonSchema;
use serde::Serialize;

use super::assign::assign;
use super::share::Share;
use crate::{FileError, Pass, Truth, TruthBox};

/// When a figure is taken for a person: by the usual overlap; and, because figures are snapped to a coarse grid so that no
/// outline can be read from them, by a lower one, and when it covers half of the person, as the utility of DESIGN 4 has it.
const OVERLAPS: [(By, f32); 3] = [(By::Iou, 0.5), (By::Iou, 0.3), (By::Covered, 0.5)];

/// How a figure's overlap with a person is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// What both cover, by what either covers.
    Iou,
    /// What both cover, by the person's box.
    Covered,
}

impl By {
    fn overlap(self, person: Rect, figure: Rect) -> f32 {
        match self {
            Self::Iou => person.iou(figure),
            Self::Covered => person.intersection(figure).area() as f32 / person.area().max(1) as f32,
        }
    }
}

/// Everything `louver eval track` says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TrackReport {
    /// The clip's file name.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// Pictures.
    pub frames: u64,
    /// Ground-truth tracks with a figure of any kind over at least half of the box for at least 80 % of their time.
    pub tracks_followed: Share,
    /// The usual measures, of figures of people, at each overlap.
    pub at: Vec<Followed>,
    /// Events.
    pub events: Events,
}

/// The usual measures at one overlap.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Followed {
    /// How the overlap of a figure and a person is taken.
    pub by: By,
    /// The least that makes them one, 0 to 1.
    pub overlap: f32,
    /// IDF1 in percent (Ristani et al. 2016): how much of everyone's time goes with one number and no other.
    pub idf1_percent: f64,
    /// MOTA in percent (Bernardin and Stiefelhagen 2008): 100 less misses, false figures and switches by person-frames.
    pub mota_percent: f64,
    /// Person-frames with a figure, of all.
    pub found: Share,
    /// Figures of people that are nobody's.
    pub false_figures: u64,
    /// How often a person's figure changes its number.
    pub switches: u64,
    /// How often a person who had a figure has one again after a while without.
    pub fragments: u64,
    /// Different numbers a person, mean over all people.
    pub numbers_per_person: f64,
}

/// Events of people entering.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Events {
    /// People of the ground truth of whose entering was told at least once.
    pub people: Share,
    /// Events a person, mean over all people; 1 is right.
    pub per_person: f64,
    /// Events of a person where there is nobody.
    pub of_nobody: u64,
    /// Events of vehicles and animals.
    pub of_others: u64,
}

/// Goes through a clip and measures; `progress` is told the share done, 0 to 1.
///
/// # Errors
/// When the clip is damaged or the detector fails.
pub fn measure_tracking(
    video: &Path,
    truth: &Truth,
    detector: Detector,
    mut progress: impl FnMut(f64),
) -> Result<TrackReport, FileError> {
    let file = VideoFile::open(video)?;
    let expected = file.frames_expected().unwrap_or(1).max(1);
    let mut pass = Pass::new(file, detector);
    let mut ledgers = OVERLAPS.map(Ledger::new);
    let mut tally = Tally::default();
    while let Some(step) = pass.step()? {
        let people = truth.at(pass.watch.frames - 1);
        let person = |k: FigureKind| k == FigureKind::Known(Class::Person);
        let figures: Vec<(u32, Rect)> =
            step.scene.figures.iter().filter(|f| person(f.kind)).map(|f| (f.track, f.rect)).collect();
        for ledger in &mut ledgers {
            ledger.picture(people, &figures);
        }
        let all: Vec<Rect> = step.scene.figures.iter().map(|f| f.rect).collect();
        tally.picture(people, &all, &step.acts);
        progress(pass.watch.frames as f64 / expected as f64);
    }
    Ok(TrackReport {
        footage: video.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        model: pass.detector().name(),
        frames: pass.watch.frames,
        tracks_followed: tally.followed(),
        at: ledgers.iter().map(Ledger::followed).collect(),
        events: tally.events(),
    })
}

/// Who was whom, picture by picture, at one overlap.
struct Ledger {
    by: By,
    overlap: f32,
    /// Last number of each person, and whether he had a figure in the last picture he was in.
    last: BTreeMap<u32, (u32, bool)>,
    numbers: BTreeMap<u32, BTreeSet<u32>>,
    /// Pictures in which a person and a number overlap, whoever else does.
    both: BTreeMap<(u32, u32), u64>,
    people: BTreeSet<u32>,
    figures: BTreeSet<u32>,
    person_frames: u64,
    figure_frames: u64,
    matches: u64,
    switches: u64,
    fragments: u64,
}

impl Ledger {
    fn new((by, overlap): (By, f32)) -> Self {
        Self {
            by,
            overlap,
            last: BTreeMap::new(),
            numbers: BTreeMap::new(),
            both: BTreeMap::new(),
            people: BTreeSet::new(),
            figures: BTreeSet::new(),
            person_frames: 0,
            figure_frames: 0,
            matches: 0,
            switches: 0,
            fragments: 0,
        }
    }

    fn picture(&mut self, people: &[TruthBox], figures: &[(u32, Rect)]) {
        self.person_frames += people.len() as u64;
        self.figure_frames += figures.len() as u64;
        self.people.extend(people.iter().map(|p| p.id));
        self.figures.extend(figures.iter().map(|f| f.0));
        let gain = |p: &TruthBox, (number, rect): &(u32, Rect)| {
            let overlap = self.by.overlap(p.rect, *rect);
            // Who had a number keeps it as long as it fits at all.
            let kept = self.last.get(&p.id).is_some_and(|(n, had)| *had && n == number);
            if overlap < self.overlap { 0.0 } else { f64::from(overlap) + if kept { 1000.0 } else { 0.0 } }
        };
        let gains: Vec<Vec<f64>> =
            people.iter().map(|p| figures.iter().map(|f| gain(p, f)).collect()).collect();
        for (p, row) in people.iter().zip(&gains) {
            for (f, gain) in figures.iter().zip(row) {
                *self.both.entry((p.id, f.0)).or_default() += u64::from(*gain > 0.0);
            }
        }
        for (p, given) in people.iter().zip(assign(&gains)) {
            let Some(number) = given.map(|f| figures[f].0) else {
                if let Some(last) = self.last.get_mut(&p.id) {
                    last.1 = false;
                }
                continue;
            };
            self.matches += 1;
            self.numbers.entry(p.id).or_default().insert(number);
            if let Some((before, had)) = self.last.insert(p.id, (number, true)) {
                self.switches += u64::from(before != number);
                self.fragments += u64::from(!had);
            }
        }
    }

    fn followed(&self) -> Followed {
        let gains: Vec<Vec<f64>> = self
            .people
            .iter()
            .map(|p| {
                let with = |f: &u32| self.both.get(&(*p, *f)).copied().unwrap_or(0) as f64;
                self.figures.iter().map(with).collect()
            })
            .collect();
        let same: f64 = assign(&gains).iter().zip(&gains).filter_map(|(c, row)| c.map(|c| row[c])).sum();
        let (truth, said) = (self.person_frames as f64, self.figure_frames as f64);
        let false_figures = self.figure_frames - self.matches;
        let wrong = (self.person_frames - self.matches + false_figures + self.switches) as f64;
        let numbers: usize = self.numbers.values().map(BTreeSet::len).sum();
        Followed {
            by: self.by,
            overlap: self.overlap,
            idf1_percent: 100.0 * 2.0 * same / (truth + said).max(1.0),
            mota_percent: 100.0 * (1.0 - wrong / truth.max(1.0)),
            found: Share { count: self.matches, of: self.person_frames, percent: 0.0 }.done(),
            false_figures,
            switches: self.switches,
            fragments: self.fragments,
            numbers_per_person: numbers as f64 / self.people.len().max(1) as f64,
        }
    }
}

/// Time with a figure, and events.
#[derive(Default)]
struct Tally {
    /// For each person: pictures with a figure over half of the box, pictures.
    tracks: BTreeMap<u32, (u64, u64)>,
    entered: BTreeMap<u32, u64>,
    of_nobody: u64,
    of_others: u64,
}

impl Tally {
    fn picture(&mut self, people: &[TruthBox], figures: &[Rect], acts: &[Act]) {
        let covers = |rect: &Rect, p: &TruthBox| rect.intersection(p.rect).area() * 2 >= p.rect.area();
        for p in people {
            let track = self.tracks.entry(p.id).or_default();
            track.0 += u64::from(figures.iter().any(|f| covers(f, p)));
            track.1 += 1;
        }
        for act in acts {
            let Act::Enters(sighting, _) = act else { continue };
            if sighting.class != Class::Person {
                self.of_others += 1;
                continue;
            }
            let whose = people
                .iter()
                .filter(|p| covers(&sighting.rect, p))
                .max_by(|a, b| a.rect.iou(sighting.rect).total_cmp(&b.rect.iou(sighting.rect)));
            match whose {
                Some(p) => *self.entered.entry(p.id).or_default() += 1,
                None => self.of_nobody += 1,
            }
        }
    }

    fn followed(&self) -> Share {
        let mut share = Share::default();
        for (with, all) in self.tracks.values() {
            share.add(with * 5 >= all * 4);
        }
        share.done()
    }

    fn events(&self) -> Events {
        let (told, people) = (self.entered.len() as u64, self.tracks.len() as u64);
        Events {
            people: Share { count: told, of: people, percent: 0.0 }.done(),
            per_person: self.entered.values().sum::<u64>() as f64 / people.max(1) as f64,
            of_nobody: self.of_nobody,
            of_others: self.of_others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u32, left: i32) -> TruthBox {
        TruthBox { id, rect: Rect { left, top: 0, right: left + 10, bottom: 20 } }
    }

    fn figure(number: u32, left: i32) -> (u32, Rect) {
        (number, at(0, left).rect)
    }

    #[test]
    fn followed_without_a_fault_everything_is_a_hundred() {
        let mut ledger = Ledger::new((By::Iou, 0.5));
        for n in 0..10 {
            ledger.picture(&[at(1, n), at(2, 50 - n)], &[figure(8, n + 1), figure(9, 50 - n)]);
        }
        let f = ledger.followed();
        assert_eq!((f.idf1_percent, f.mota_percent, f.switches, f.fragments), (100.0, 100.0, 0, 0));
        assert_eq!((f.found.count, f.false_figures, f.numbers_per_person), (20, 0, 1.0));
    }

    #[test]
    fn a_number_that_changes_in_the_middle_costs_one_switch_and_half_of_idf1() {
        let mut ledger = Ledger::new((By::Iou, 0.5));
        for n in 0..10 {
            ledger.picture(&[at(1, 0)], &[figure(if n < 5 { 8 } else { 9 }, 0)]);
        }
        let f = ledger.followed();
        assert_eq!((f.idf1_percent, f.mota_percent, f.switches, f.fragments), (50.0, 90.0, 1, 0));
        assert_eq!(f.numbers_per_person, 2.0);
    }

    #[test]
    fn a_gap_is_a_fragment_and_a_figure_of_nobody_is_false() {
        let mut ledger = Ledger::new((By::Iou, 0.5));
        for n in 0..10 {
            let figures: &[_] = if n == 4 { &[figure(8, 300)] } else { &[figure(8, 0)] };
            ledger.picture(&[at(1, 0)], figures);
        }
        let f = ledger.followed();
        assert_eq!((f.found.count, f.false_figures, f.fragments, f.switches), (9, 1, 1, 0));
        assert_eq!((f.mota_percent, f.idf1_percent), (80.0, 90.0));
    }

    #[test]
    fn a_snapped_figure_covers_whom_it_is_too_large_for() {
        let wide = Rect { left: -10, top: -10, right: 20, bottom: 30 };
        for (by, found) in [(By::Iou, 0), (By::Covered, 1)] {
            let mut ledger = Ledger::new((by, 0.5));
            ledger.picture(&[at(1, 0), at(2, 100)], &[(8, wide)]);
            assert_eq!(ledger.followed().found.count, found);
        }
    }

    #[test]
    fn two_who_swap_their_numbers_are_two_switches() {
        let mut ledger = Ledger::new((By::Iou, 0.5));
        for n in 0..4 {
            let (a, b) = if n < 2 { (8, 9) } else { (9, 8) };
            ledger.picture(&[at(1, 0), at(2, 50)], &[figure(a, 0), figure(b, 50)]);
        }
        assert_eq!((ledger.followed().switches, ledger.followed().idf1_percent), (2, 50.0));
    }
}
