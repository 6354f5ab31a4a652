//! What a detector says about one picture.

use louver_base::Class;

use crate::Rect;

/// One thing that a detector believes it sees. It serves masking and counting only: a class and a box, nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// What it may be.
    pub class: Class,
    /// How sure the detector is, 0 to 1. Not comparable between models.
    pub score: f32,
    /// Where, in pixels of the picture; may reach beyond its edges.
    pub rect: Rect,
    /// Somebody may sit on it in the open (bicycle, motorcycle, boat, horse): it is never shown as it is, nor what it touches.
    pub ridden: bool,
}

impl Rect {
    /// Intersection over union, 0 to 1.
    pub fn iou(self, other: Self) -> f32 {
        let both = self.intersection(other).area();
        let either = self.area() + other.area() - both;
        if either > 0 { both as f32 / either as f32 } else { 0.0 }
    }
}

impl Detection {
    /// Removes duplicates: of detections of one class that overlap by more than `iou` only the surest stays. It is ridden if
    /// any of them is.
    pub fn without_duplicates(mut all: Vec<Self>, iou: f32) -> Vec<Self> {
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut kept: Vec<Self> = Vec::with_capacity(all.len());
        for d in all {
            match kept.iter_mut().find(|k| k.class == d.class && k.rect.iou(d.rect) > iou) {
                Some(surer) => surer.ridden |= d.ridden,
                None => kept.push(d),
            }
        }
        kept
    }
}

/// What the detector in use is like; scores are not comparable between models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorTraits {
    /// Score from which a detection masks, 0 to 1: low, because a miss shows a person and a false alarm costs a few cells.
    pub mask_score: f32,
    /// Score from which a detection makes an event, 0 to 1.
    pub event_score: f32,
    /// Whether people are looked for in overlapping halves of the picture: for models with a small input, which miss
    /// people far away.
    pub halves: bool,
    /// Side of the network's input, pixels: a larger part of the picture is made smaller for it.
    pub side: u32,
}
