//! The empty place as a picture may rightly show it.

use louver_media::Picture;

use super::empty::Empty;

/// Levels of luma by which a pixel differs from the empty place; half of it for chroma. A person's edge against the
/// ground of the clips differs by 20 and more; coding noise and sway stay below.
pub(crate) const DIFFERS: u8 = 25;

/// The empty place and how far a pixel of it may be off.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// How it looks, or looked: more than one where light or camera changed. What shows any of them shows nobody.
    pub(crate) looks: Vec<Empty>,
    /// Levels of luma beyond which a pixel is not of the place; half of it for chroma.
    pub(crate) beyond: u8,
    /// Pixels to each side over which a pixel is averaged before it is compared: 0, but where noise is as large as people's
    /// contrast.
    pub(crate) around: usize,
}

/// What a pixel is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// All that it showed of the place more than seldom, and what lies between.
    Range,
    /// What it usually showed: what sways differs from it by itself. Whatever is left against the range is left here too.
    Median,
}

/// Of what a pixel may be off from the median, so much it may be off from the rest of the range: what coding adds to
/// pixels that were seen, 6 levels by day. More would hide people's edges wherever leaves move.
const OF_BEYOND: i32 = 4;

/// One look's pixel: what it shows at the least, usually, at the most.
type Shows = [u8; 3];

impl Empty {
    fn shows(&self, against: Against, plane: fn(&Picture) -> &Vec<u8>, n: usize) -> Shows {
        let usual = plane(&self.usual)[n];
        match against {
            Against::Range => [plane(&self.least)[n], usual, plane(&self.most)[n]],
            Against::Median => [usual; 3],
        }
    }
}

/// How far a pixel is, or several are in sum, below and above a place.
#[derive(Clone, Copy, Debug, Default)]
struct Off {
    below: i32,
    below_least: i32,
    above: i32,
    above_most: i32,
}

impl Off {
    fn add(&mut self, shown: u8, place: Shows) {
        let shown = i32::from(shown);
        let [least, usual, most] = place.map(i32::from);
        self.below += usual - shown;
        self.below_least += least - shown;
        self.above += shown - usual;
        self.above_most += shown - most;
    }

    /// Whether it is off by more than `beyond` from the median, and by more than a part of it from the range.
    fn is_outside(self, beyond: i32) -> bool {
        let range = beyond / OF_BEYOND;
        (self.below > beyond && self.below_least > range) || (self.above > beyond && self.above_most > range)
    }
}

impl Place {
    /// One look, compared pixel by pixel.
    pub(crate) fn of(empty: impl Into<Empty>) -> Self {
        Self { looks: vec![empty.into()], beyond: DIFFERS, around: 0 }
    }

    /// Whether pixel `n` of a picture shows what is not the empty place. `hidden` pixels show nothing.
    pub(crate) fn is_left(
        &self,
        picture: &Picture,
        hidden: Option<&[bool]>,
        n: usize,
        against: Against,
    ) -> bool {
        !hidden.is_some_and(|h| h[n])
            && self.looks.iter().all(|look| self.is_outside(picture, look, hidden, n, against))
    }

    /// Whether it, or the mean over what is not hidden nearby, is not of this look.
    fn is_outside(
        &self,
        picture: &Picture,
        look: &Empty,
        hidden: Option<&[bool]>,
        n: usize,
        against: Against,
    ) -> bool {
        let (w, h) = (picture.size.width(), picture.size.height());
        let (x, y) = (n % w, n / w);
        let (mut luma, mut blue, mut red, mut pixels) = (Off::default(), Off::default(), Off::default(), 0);
        for row in y.saturating_sub(self.around)..(y + self.around + 1).min(h) {
            for column in x.saturating_sub(self.around)..(x + self.around + 1).min(w) {
                let at = row * w + column;
                if hidden.is_some_and(|h| h[at]) {
                    continue;
                }
                let c = chroma(w, at);
                pixels += 1;
                luma.add(picture.y[at], look.shows(against, |p| &p.y, at));
                blue.add(picture.u[c], look.shows(against, |p| &p.u, c));
                red.add(picture.v[c], look.shows(against, |p| &p.v, c));
            }
        }
        let beyond = i32::from(self.beyond) * pixels;
        luma.is_outside(beyond) || blue.is_outside(beyond / 2) || red.is_outside(beyond / 2)
    }
}

/// Whether two pictures differ at pixel `n` by more than `beyond` levels of luma or half as many of chroma.
pub(crate) fn differs(a: &Picture, b: &Picture, n: usize, beyond: u8) -> bool {
    let c = chroma(a.size.width(), n);
    a.y[n].abs_diff(b.y[n]) > beyond
        || a.u[c].abs_diff(b.u[c]) > beyond / 2
        || a.v[c].abs_diff(b.v[c]) > beyond / 2
}

/// The chroma sample of pixel `n` in a picture of width `w`.
fn chroma(w: usize, n: usize) -> usize {
    (n / w / 2) * (w / 2) + n % w / 2
}
