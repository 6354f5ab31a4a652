//! Detectors that look at what is shown, and at the clip itself for scale.

use louver_base::Class;
use louver_codec::detector::{Detector, FaceDetector};
use louver_media::Picture;
use louver_scene::Rect;
use schemars::JsonSchema;
use serde::Serialize;

use super::place::{Against, Place};
use super::share::Share;
use super::sums::{Drawn, left_in};
use super::zones::head_zone;
use crate::{FileError, TruthBox};

/// A detection is a person of the truth from this overlap (IoU) on.
const SAME: f32 = 0.5;
/// ... and a true hit if more than this share of what both cover is left to be seen.
const REALLY_SEEN: f64 = 0.10;
/// Faces are counted from this score on: low, so that none is missed by the measure; real faces have 0.6 and more.
const LEAST_FACE: f32 = 0.3;
/// Pictures are given to the face detector at their size and twice as large: it finds faces from about 10 pixels.
const LARGER: [u32; 2] = [1, 2];

/// What a detector reports on a series of pictures.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Hits {
    /// Pictures looked at.
    pub pictures: u64,
    /// Everything it reports, wherever.
    pub all: u64,
    /// Of these: a person at an IoU of 0.5 with one of the truth, of whom more than a tenth of what both boxes cover can really be
    /// seen; a face whose middle lies in a head zone of the truth.
    pub true_hits: u64,
}

/// What the face detector finds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Faces {
    /// The model's file name.
    pub model: String,
    /// Lowest score that counts, 0 to 1.
    pub least_score: f32,
    /// For each size of the pictures that were looked at.
    pub at: Vec<FacesAt>,
}

/// What the face detector finds at one size.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct FacesAt {
    /// How many times as wide and high as the clip the pictures were.
    pub larger: u32,
    /// On the masked picture.
    pub output: Hits,
    /// On the clip itself.
    pub input: Hits,
}

/// Detectors that look at the output; not the one that masks, whose runs are counted.
#[derive(Debug)]
pub struct Look<'a> {
    /// Of persons: the same model as a rule.
    pub people: &'a mut Detector,
    /// Of faces.
    pub faces: Option<&'a mut FaceDetector>,
}

impl<'a> From<&'a mut Detector> for Look<'a> {
    fn from(people: &'a mut Detector) -> Self {
        Self { people, faces: None }
    }
}

/// What they found so far.
pub(crate) struct Looked<'a> {
    look: Look<'a>,
    pub(crate) people: People,
    pub(crate) faces: Option<Faces>,
}

impl<'a> Looked<'a> {
    /// Nothing looked at yet.
    pub(crate) fn new(look: Look<'a>) -> Self {
        let faces = look.faces.as_deref().map(Faces::new);
        Self { look, people: People::default(), faces }
    }

    /// Looks at one picture, as shown and as it was.
    pub(crate) fn look(
        &mut self,
        drawn: &Drawn<'_>,
        original: &Picture,
        place: &Place,
        people: &[TruthBox],
    ) -> Result<(), FileError> {
        self.people.look(self.look.people, drawn, original, place, people)?;
        if let (Some(detector), Some(faces)) = (&mut self.look.faces, &mut self.faces) {
            faces.look(detector, drawn.shown, original, people)?;
        }
        Ok(())
    }
}

/// The person detector.
#[derive(Default)]
pub(crate) struct People {
    pub(crate) found_on_output: Share,
    pub(crate) found_on_input: Share,
    pub(crate) output: Hits,
    pub(crate) input: Hits,
}

impl People {
    /// Looks at one picture, as shown and as it was.
    fn look(
        &mut self,
        detector: &mut Detector,
        drawn: &Drawn<'_>,
        original: &Picture,
        place: &Place,
        people: &[TruthBox],
    ) -> Result<(), FileError> {
        let least = detector.kind().traits().event_score;
        let (w, h) = (original.size.width() as i32, original.size.height() as i32);
        let whole = Rect { left: 0, top: 0, right: w, bottom: h };
        for (picture, hidden, share, hits) in [
            (drawn.shown, Some(drawn.flat.as_slice()), &mut self.found_on_output, &mut self.output),
            (original, None, &mut self.found_on_input, &mut self.input),
        ] {
            let mut found = detector.detect(picture, &[whole], least)?;
            found.retain(|d| d.class == Class::Person);
            for person in people {
                share.add(found.iter().any(|d| d.rect.iou(person.rect) >= SAME));
            }
            let really = |rect: Rect| {
                people.iter().filter(|p| p.rect.iou(rect) >= SAME).any(|p| {
                    let both = p.rect.intersection(rect);
                    left_in(both, picture, hidden, place, Against::Median) > REALLY_SEEN
                })
            };
            hits.add(found.iter().map(|d| really(d.rect)));
        }
        Ok(())
    }
}

impl Hits {
    fn add(&mut self, found: impl Iterator<Item = bool>) {
        self.pictures += 1;
        for true_hit in found {
            self.all += 1;
            self.true_hits += u64::from(true_hit);
        }
    }
}

impl Faces {
    /// Nothing looked at yet.
    fn new(detector: &FaceDetector) -> Self {
        let at = LARGER.map(|larger| FacesAt { larger, output: Hits::default(), input: Hits::default() });
        Self { model: detector.name(), least_score: LEAST_FACE, at: at.into() }
    }

    /// Looks at one picture, as shown and as it was.
    fn look(
        &mut self,
        detector: &mut FaceDetector,
        shown: &Picture,
        original: &Picture,
        people: &[TruthBox],
    ) -> Result<(), FileError> {
        let in_a_head = |r: Rect| {
            let (x, y) = (i32::midpoint(r.left, r.right), i32::midpoint(r.top, r.bottom));
            let holds = |z: Rect| (z.left..z.right).contains(&x) && (z.top..z.bottom).contains(&y);
            people.iter().any(|p| holds(head_zone(p.rect)))
        };
        for at in &mut self.at {
            for (picture, hits) in [(shown, &mut at.output), (original, &mut at.input)] {
                let found = detector.detect(picture, at.larger, LEAST_FACE)?;
                hits.add(found.iter().map(|f| in_a_head(f.rect)));
            }
        }
        Ok(())
    }
}
