//! A person cut out of a picture along his outline, to be pasted elsewhere.

use louver_media::Picture;
use louver_scene::Rect;

use crate::measure::widened;

/// Levels by which a pixel differs from the empty place that is taken for the person's.
const OUTLINE: u8 = 14;
/// Pixels that the outline is widened by, so that no edge of the person is lost.
const GROW: usize = 2;

/// Pixels with their share of the person: y, u, v, each at full resolution, and alpha 0 to 1.
#[derive(Clone, Debug)]
pub(super) struct Cutout {
    w: usize,
    h: usize,
    pixels: Vec<[f32; 4]>,
    /// The person's box within it.
    person: Rect,
}

impl Cutout {
    /// Cuts the person in `rect` out of a picture of the place `empty`.
    pub(super) fn of(picture: &Picture, empty: &Picture, rect: Rect) -> Self {
        let (pw, ph) = (picture.size.width() as i32, picture.size.height() as i32);
        let area = widened(rect, 0.1).intersection(Rect { left: 0, top: 0, right: pw, bottom: ph });
        let (w, h) = ((area.right - area.left).max(1) as usize, (area.bottom - area.top).max(1) as usize);
        let at = |n: usize| {
            let (x, y) = (area.left as usize + n % w, area.top as usize + n / w);
            (y * pw as usize + x, y / 2 * (pw as usize / 2) + x / 2)
        };
        let sure: Vec<bool> = (0..w * h)
            .map(|n| {
                let (l, c) = at(n);
                picture.y[l].abs_diff(empty.y[l]) > OUTLINE
                    || picture.u[c].abs_diff(empty.u[c]) > OUTLINE / 2
                    || picture.v[c].abs_diff(empty.v[c]) > OUTLINE / 2
            })
            .collect();
        let grown = near(&sure, w, h, GROW, |share| share > 0.0);
        let soft = shares(&grown, w, h, 1);
        let pixels = (0..w * h)
            .map(|n| {
                let (l, c) = at(n);
                [f32::from(picture.y[l]), f32::from(picture.u[c]), f32::from(picture.v[c]), soft[n]]
            })
            .collect();
        let person = Rect {
            left: rect.left - area.left,
            top: rect.top - area.top,
            right: rect.right - area.left,
            bottom: rect.bottom - area.top,
        };
        Self { w, h, pixels, person }
    }

    /// The same person so many pixels high.
    pub(super) fn scaled(&self, height: usize) -> Self {
        let by = height as f32 / (self.person.bottom - self.person.top).max(1) as f32;
        let side = |n: usize| ((n as f32 * by).round() as usize).max(1);
        let (w, h) = (side(self.w), side(self.h));
        let mut pixels = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                pixels.push(
                    self.mean((x as f32 / by, (x + 1) as f32 / by), (y as f32 / by, (y + 1) as f32 / by)),
                );
            }
        }
        let scale = |n: i32| (n as f32 * by).round() as i32;
        let top = scale(self.person.top);
        let person = Rect {
            left: scale(self.person.left),
            top,
            right: scale(self.person.right),
            bottom: top + height as i32,
        };
        Self { w, h, pixels, person }
    }

    /// The mean over a part, weighted by alpha.
    fn mean(&self, x: (f32, f32), y: (f32, f32)) -> [f32; 4] {
        let range = |(from, to): (f32, f32), most: usize| {
            let first = (from as usize).min(most - 1);
            first..(to.ceil() as usize).clamp(first + 1, most)
        };
        let (mut sum, mut of) = ([0.0f32; 4], 0.0f32);
        for row in range(y, self.h) {
            for column in range(x, self.w) {
                let p = self.pixels[row * self.w + column];
                for i in 0..3 {
                    sum[i] += p[i] * p[3];
                }
                sum[3] += p[3];
                of += 1.0;
            }
        }
        let alpha = sum[3].max(1e-6);
        [sum[0] / alpha, sum[1] / alpha, sum[2] / alpha, sum[3] / of]
    }

    /// Pastes it so that the person's box begins at `left`, `top`; gives that box. Where `before` says so, something stands
    /// before the person.
    pub(super) fn paste(
        &self,
        to: &mut Picture,
        left: i32,
        top: i32,
        before: impl Fn(usize, usize) -> bool,
    ) -> Rect {
        let (pw, ph) = (to.size.width(), to.size.height());
        let (x0, y0) = (left - self.person.left, top - self.person.top);
        let mut colours: Vec<([f32; 3], usize)> = Vec::new();
        for n in 0..self.w * self.h {
            let (x, y) = (x0 + (n % self.w) as i32, y0 + (n / self.w) as i32);
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            let [luma, u, v, alpha] = self.pixels[n];
            if x >= pw || y >= ph || alpha <= 0.0 || before(x, y) {
                continue;
            }
            let at = &mut to.y[y * pw + x];
            *at = mix(*at, luma, alpha);
            colours.push(([u, v, alpha], y / 2 * (pw / 2) + x / 2));
        }
        // Four pixels share a sample of chroma: each adds its quarter.
        for ([u, v, alpha], c) in colours {
            to.u[c] = mix(to.u[c], u, alpha_of_quarter(alpha));
            to.v[c] = mix(to.v[c], v, alpha_of_quarter(alpha));
        }
        let (w, h) = (self.person.right - self.person.left, self.person.bottom - self.person.top);
        Rect { left, top, right: left + w, bottom: top + h }
    }
}

/// Four mixes one after the other must come to `alpha` together; for 1 they come to 0.96.
fn alpha_of_quarter(alpha: f32) -> f32 {
    1.0 - (1.0 - alpha.min(0.97)).powf(0.25)
}

fn mix(a: u8, b: f32, alpha: f32) -> u8 {
    (f32::from(a) * (1.0 - alpha) + b * alpha).round().clamp(0.0, 255.0) as u8
}

/// Share of the pixels within `reach` that are set, 0 to 1.
fn shares(set: &[bool], w: usize, h: usize, reach: usize) -> Vec<f32> {
    (0..w * h)
        .map(|n| {
            let (x, y) = (n % w, n / w);
            let (mut count, mut all) = (0u32, 0u32);
            for row in y.saturating_sub(reach)..(y + reach + 1).min(h) {
                for column in x.saturating_sub(reach)..(x + reach + 1).min(w) {
                    all += 1;
                    count += u32::from(set[row * w + column]);
                }
            }
            count as f32 / all as f32
        })
        .collect()
}

fn near(set: &[bool], w: usize, h: usize, reach: usize, of: impl Fn(f32) -> bool) -> Vec<bool> {
    shares(set, w, h, reach).into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use louver_media::PictureSize;

    use super::*;

    const PERSON: Rect = Rect { left: 40, top: 20, right: 60, bottom: 80 };

    fn place() -> Picture {
        Picture::flat(PictureSize::new(160, 120).unwrap(), 100, 128, 128)
    }

    fn with_person() -> Picture {
        let mut p = place();
        crate::measure::each_pixel(PERSON, 160, 120, |n| {
            p.y[n] = 180;
            let c = n / 160 / 2 * 80 + n % 160 / 2;
            (p.u[c], p.v[c]) = (100, 160);
        });
        p
    }

    #[test]
    fn pasted_where_it_was_cut_it_looks_as_it_did() {
        let cut = Cutout::of(&with_person(), &place(), PERSON);
        let mut to = place();
        assert_eq!(cut.paste(&mut to, PERSON.left, PERSON.top, |_, _| false), PERSON);
        let off = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let was = with_person();
        assert!(off(&to.y, &was.y) <= 3 && off(&to.u, &was.u) <= 3 && off(&to.v, &was.v) <= 3);
    }

    #[test]
    fn scaled_it_is_as_high_as_was_asked_and_keeps_its_colour() {
        let cut = Cutout::of(&with_person(), &place(), PERSON).scaled(30);
        let mut to = place();
        let rect = cut.paste(&mut to, 100, 50, |_, _| false);
        assert_eq!(rect, Rect { left: 100, top: 50, right: 110, bottom: 80 });
        assert!(to.y[60 * 160 + 105].abs_diff(180) < 3 && to.v[30 * 80 + 52].abs_diff(160) < 3);
        assert_eq!(to.y[60 * 160 + 125], 100);
    }

    #[test]
    fn what_stands_before_the_person_stays_and_nothing_is_pasted_beyond_the_picture() {
        let cut = Cutout::of(&with_person(), &place(), PERSON);
        let mut to = place();
        cut.paste(&mut to, PERSON.left, PERSON.top, |_, y| y >= 50);
        assert_eq!((to.y[60 * 160 + 50], to.y[40 * 160 + 50]), (100, 180));
        for (left, top) in [(-15, -50), (155, 118), (-500, 0)] {
            cut.paste(&mut place(), left, top, |_, _| false);
        }
    }
}
