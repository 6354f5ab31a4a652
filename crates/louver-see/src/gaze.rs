//! Where the detector looks: at the whole picture, or at the part of it where it pays.
//!
//! A detector's input is smaller than most pictures, so that whoever is far away is a few pixels high in it. Looking at
//! everything both whole and in parts costs three runs; one run, in turns where something goes on, finds as many people for
//! a third of them. What a look says of nobody's being there it says only of what it looked at, and well enough.

use louver_media::PictureSize;
use louver_scene::{Detection, DetectorTraits, Rect};

/// Inner edges of a part within this share of its side say nothing of who is not there: whoever they cut is missed. The
/// halves overlap by a third of themselves, so that each place lies well within one of them.
const EDGE: i32 = 8;
/// Whoever takes this part of the picture's width or height, or more, is found in it as a whole by any model: an eighth, half.
const LARGE: (i32, i32) = (8, 2);
/// What looks are worth; a sweep is one at everything.
pub(crate) const WHOLE_WORTH: u32 = 2;
const HALF_WORTH: u32 = 1;
/// A box this near to a part's inner edge is cut by it, pixels.
const CUT: i32 = 3;
/// A part may be larger than the detector's input by this, percent, and still be seen as it is.
const AS_IT_IS: u32 = 115;

/// How the picture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole and in halves.
    All,
    /// Whole.
    Whole,
    /// One of two overlapping halves, 0 or 1.
    Half(usize),
    /// A place of which much depends, in the picture's own resolution; its middle, pixels.
    Close(i32, i32),
}

/// One look of the detector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gaze {
    pub(crate) kind: Kind,
    size: PictureSize,
    traits: DetectorTraits,
    /// Parts of the picture, one run each.
    pub(crate) parts: Vec<Rect>,
}

impl Gaze {
    pub(crate) fn new(kind: Kind, size: PictureSize, traits: DetectorTraits) -> Self {
        let parts = match kind {
            Kind::All => {
                let mut parts = vec![whole(size)];
                parts.extend(halves(size));
                parts
            }
            Kind::Whole => vec![whole(size)],
            Kind::Half(n) => halves(size).into_iter().skip(n.min(1)).take(1).collect(),
            Kind::Close(x, y) => vec![around((x, y), traits.side as i32, size)],
        };
        Self { kind, size, traits, parts }
    }

    /// Everything, whole and in halves: nothing is left unsaid.
    pub(crate) fn everything(size: PictureSize, traits: DetectorTraits) -> Self {
        Self::new(Kind::All, size, traits)
    }

    /// Whether two halves show more than the whole picture does.
    pub(crate) fn has_room(size: PictureSize, traits: DetectorTraits) -> bool {
        !as_it_is(whole(size), traits)
    }

    /// What its saying nothing is worth: a small model's look at one half is worth half of one at everything.
    pub(crate) const fn worth(&self) -> u32 {
        match self.kind {
            Kind::Half(_) if self.traits.halves => HALF_WORTH,
            Kind::All | Kind::Whole | Kind::Half(_) | Kind::Close(..) => WHOLE_WORTH,
        }
    }

    /// Where nobody is if nobody was found: for a model with a small input the whole picture alone does not tell.
    pub(crate) fn tells(&self) -> Vec<Rect> {
        match self.kind {
            Kind::All => vec![whole(self.size)],
            Kind::Whole if self.traits.halves => Vec::new(),
            Kind::Whole | Kind::Half(_) | Kind::Close(..) => self.inner().collect(),
        }
    }

    /// ... and this in the picture's own resolution.
    pub(crate) fn tells_closely(&self) -> Vec<Rect> {
        self.inner_of(|part| as_it_is(part, self.traits)).collect()
    }

    /// Whether that nobody was found in a box says that nobody is there: the box lies in what was looked at, and its middle well
    /// within; or it is large enough for the picture as a whole.
    pub(crate) fn tells_of(&self, rect: Rect) -> bool {
        let all = whole(self.size);
        let r = rect.intersection(all);
        if self.kind == Kind::Whole && self.traits.halves {
            return (r.right - r.left) * LARGE.0 >= all.right || (r.bottom - r.top) * LARGE.1 >= all.bottom;
        }
        let (x, y) = ((r.left + r.right) / 2, (r.top + r.bottom) / 2);
        let within = |i: &Rect| (i.left..=i.right).contains(&x) && (i.top..=i.bottom).contains(&y);
        self.parts.iter().zip(self.inner()).any(|(part, inner)| part.intersection(r) == r && within(&inner))
    }

    /// Whether a box is cut off by the edge of what was looked at, and not by the picture's.
    pub(crate) fn cuts(&self, d: &Detection) -> bool {
        let ([part], w, h) = (self.parts.as_slice(), self.size.width() as i32, self.size.height() as i32)
        else {
            return false;
        };
        (part.left > 0 && d.rect.left < part.left + CUT)
            || (part.top > 0 && d.rect.top < part.top + CUT)
            || (part.right < w && d.rect.right > part.right - CUT)
            || (part.bottom < h && d.rect.bottom > part.bottom - CUT)
    }

    fn inner(&self) -> impl Iterator<Item = Rect> {
        self.inner_of(|_| true)
    }

    fn inner_of(&self, which: impl Fn(Rect) -> bool) -> impl Iterator<Item = Rect> {
        let (w, h) = (self.size.width() as i32, self.size.height() as i32);
        self.parts.iter().filter(move |part| which(**part)).map(move |part| {
            let (x, y) = ((part.right - part.left) / EDGE, (part.bottom - part.top) / EDGE);
            Rect {
                left: if part.left > 0 { part.left + x } else { 0 },
                top: if part.top > 0 { part.top + y } else { 0 },
                right: if part.right < w { part.right - x } else { w },
                bottom: if part.bottom < h { part.bottom - y } else { h },
            }
        })
    }
}

fn whole(size: PictureSize) -> Rect {
    Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 }
}

/// They overlap by a fifth of the picture, so that nobody stands on the seam.
pub(crate) fn halves(size: PictureSize) -> [Rect; 2] {
    let (w, h) = (size.width() as i32, size.height() as i32);
    let (longer, part) = (w.max(h), w.max(h) * 3 / 5);
    [0, longer - part].map(|at| match w >= h {
        true => Rect { left: at, top: 0, right: at + part, bottom: h },
        false => Rect { left: 0, top: at, right: w, bottom: at + part },
    })
}

/// The part of a picture around a place that is as large as the detector's input.
fn around((x, y): (i32, i32), side: i32, size: PictureSize) -> Rect {
    let (w, h) = (size.width() as i32, size.height() as i32);
    let (across, down) = (side.min(w), side.min(h));
    let left = (x - across / 2).clamp(0, w - across);
    let top = (y - down / 2).clamp(0, h - down);
    Rect { left, top, right: left + across, bottom: top + down }
}

fn as_it_is(part: Rect, traits: DetectorTraits) -> bool {
    let most = i64::from(traits.side) * i64::from(AS_IT_IS) / 100;
    i64::from(part.right - part.left) <= most && i64::from(part.bottom - part.top) <= most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: DetectorTraits =
        DetectorTraits { mask_score: 0.3, event_score: 0.5, halves: true, side: 300 };
    const LARGE: DetectorTraits = DetectorTraits { halves: false, side: 416, ..SMALL };

    fn size() -> impl Strategy<Value = PictureSize> {
        (8u32..500, 8u32..400).prop_filter_map("a size", |(w, h)| PictureSize::new(w * 2, h * 2))
    }

    proptest! {
        #[test]
        fn every_part_lies_in_the_picture_and_nothing_is_told_of_what_lies_outside_the_parts(
            size in size(), kind in 0u8..5, x in -50i32..1100, y in -50i32..900, small in any::<bool>(),
        ) {
            let kind = match kind {
                0 => Kind::All,
                1 => Kind::Whole,
                n @ 2..=3 => Kind::Half(usize::from(n) - 2),
                _ => Kind::Close(x, y),
            };
            let gaze = Gaze::new(kind, size, if small { SMALL } else { LARGE });
            for part in &gaze.parts {
                prop_assert_eq!(part.intersection(whole(size)), *part);
                prop_assert!(part.area() > 0);
            }
            for told in gaze.tells().into_iter().chain(gaze.tells_closely()) {
                prop_assert!(gaze.parts.iter().any(|p| p.intersection(told) == told), "{:?}", told);
            }
        }

        #[test]
        fn each_place_lies_well_within_one_of_the_halves(size in size(), x in 0i32..1000, y in 0i32..800) {
            let (x, y) = (x % size.width() as i32, y % size.height() as i32);
            let told = |n| Gaze::new(Kind::Half(n), size, SMALL).tells();
            let within = |r: &Rect| (r.left..r.right).contains(&x) && (r.top..r.bottom).contains(&y);
            let somewhere = told(0).iter().chain(&told(1)).any(within);
            prop_assert!(somewhere);
        }
    }

    #[test]
    fn the_whole_picture_tells_a_small_model_of_large_people_alone() {
        let size = PictureSize::new(640, 360).unwrap();
        let whole = |traits| Gaze::new(Kind::Whole, size, traits);
        let far = Rect { left: 300, top: 100, right: 320, bottom: 160 };
        let near = Rect { left: 300, top: 50, right: 400, bottom: 350 };
        assert!(!whole(SMALL).tells_of(far) && whole(SMALL).tells_of(near));
        assert!(whole(LARGE).tells_of(far) && whole(LARGE).tells_of(near));
        assert!(whole(SMALL).tells().is_empty());
    }

    #[test]
    fn who_is_cut_by_the_edge_of_a_part_is_told_from_who_is_cut_by_the_pictures() {
        let size = PictureSize::new(640, 360).unwrap();
        let gaze = Gaze::new(Kind::Half(0), size, SMALL);
        let at = |left, right| Detection {
            class: louver_base::Class::Person,
            score: 0.9,
            rect: Rect { left, top: 100, right, bottom: 360 },
            ridden: false,
        };
        assert!(!gaze.cuts(&at(-4, 40)) && !gaze.cuts(&at(300, 370)) && gaze.cuts(&at(340, 384)));
        assert!(gaze.tells_of(at(300, 360).rect) && !gaze.tells_of(at(360, 400).rect));
    }
}
