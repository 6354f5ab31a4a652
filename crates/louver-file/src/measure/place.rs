//! The empty place as a picture may rightly show it.

use std::sync::Arc;

use louver_media::Picture;

/// Levels of luma by which a pixel differs from the empty place; half of it for chroma. A person's edge against the
/// ground of the clips differs by 20 and more; coding noise and sway stay below.
pub(crate) const DIFFERS: u8 = 25;

/// The empty place and how far a pixel of it may be off.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// How it looks, or looked: more than one where light or camera changed. What shows any of them shows nobody.
    pub(crate) looks: Vec<Arc<Picture>>,
    /// Levels of luma beyond which a pixel is not of the place; half of it for chroma.
    pub(crate) beyond: u8,
    /// Pixels to each side over which a pixel is averaged before it is compared: 0, but where noise is as large as people's
    /// contrast.
    pub(crate) around: usize,
}

impl Place {
    /// One look, compared pixel by pixel.
    pub(crate) fn of(empty: impl Into<Arc<Picture>>) -> Self {
        Self { looks: vec![empty.into()], beyond: DIFFERS, around: 0 }
    }

    /// Whether pixel `n` of a picture shows what is not the empty place. `hidden` pixels show nothing.
    pub(crate) fn is_left(&self, picture: &Picture, hidden: Option<&[bool]>, n: usize) -> bool {
        if hidden.is_some_and(|h| h[n]) {
            return false;
        }
        if self.around == 0 {
            return self.looks.iter().all(|l| differs(picture, l, n, self.beyond));
        }
        self.looks.iter().all(|l| self.differs_around(picture, l, hidden, n))
    }

    /// The same of averages over what is not hidden nearby.
    fn differs_around(&self, a: &Picture, b: &Picture, hidden: Option<&[bool]>, n: usize) -> bool {
        let (w, h) = (a.size.width(), a.size.height());
        let (x, y) = (n % w, n / w);
        let (mut sums, mut pixels) = ([0i32; 3], 0i32);
        for row in y.saturating_sub(self.around)..(y + self.around + 1).min(h) {
            for column in x.saturating_sub(self.around)..(x + self.around + 1).min(w) {
                let at = row * w + column;
                if hidden.is_some_and(|h| h[at]) {
                    continue;
                }
                let c = chroma(w, at);
                pixels += 1;
                sums[0] += i32::from(a.y[at]) - i32::from(b.y[at]);
                sums[1] += i32::from(a.u[c]) - i32::from(b.u[c]);
                sums[2] += i32::from(a.v[c]) - i32::from(b.v[c]);
            }
        }
        let beyond = i32::from(self.beyond) * pixels;
        sums[0].abs() > beyond || sums[1].abs().max(sums[2].abs()) > beyond / 2
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
