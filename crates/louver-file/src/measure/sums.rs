//! The counting: one scene against what really was there.

use std::collections::BTreeMap;

use louver_media::Picture;
use louver_scene::{Cell, Rect, Scene, Style};

use super::share::{Leaks, Share};
use super::zones::{OUTSIDE, differs, each_pixel, head_zone};

#[derive(Default)]
pub(super) struct Sums {
    pub(super) shown: Leaks,
    pub(super) backdrop_alone: Leaks,
    pub(super) unmasked: Leaks,
    pub(super) over_mask: Share,
    pub(super) over_mask_visible: Share,
    pub(super) on_output: Share,
    pub(super) on_input: Share,
    /// For each ground-truth track: pictures with a figure, pictures.
    tracks: BTreeMap<u32, (u64, u64)>,
}

impl Sums {
    pub(super) fn picture(
        &mut self,
        scene: &Scene,
        original: &Picture,
        shown: &Picture,
        empty: &Picture,
        people: &[crate::TruthBox],
    ) {
        let size = original.size;
        let (w, h) = (size.width(), size.height());
        let mut flat = vec![false; w * h];
        let mut masked = vec![false; w * h];
        let columns = scene.grid.columns();
        for y in 0..h {
            for x in 0..w {
                let cell = scene.cells.get(y / scene.grid.cell * columns + x / scene.grid.cell);
                flat[y * w + x] = !matches!(cell, Some(Cell::Clear | Cell::Occupied));
                masked[y * w + x] = !matches!(cell, Some(Cell::Clear));
            }
        }
        let unknown = flat.clone();
        for figure in &scene.figures {
            each_pixel(figure.rect, w, h, |n| {
                flat[n] = true;
                masked[n] = true;
            });
        }
        let backdrop = scene.render(Style::Empty);
        for person in people {
            let leak = |picture: &Picture, hidden: Option<&[bool]>| {
                let part = |rect: Rect, most: f64| {
                    let (mut leaks, mut all) = (0u32, 0u32);
                    each_pixel(rect, w, h, |n| {
                        all += 1;
                        leaks +=
                            u32::from(hidden.is_none_or(|h| !h[n]) && differs(picture, empty, n % w, n / w));
                    });
                    all > 0 && f64::from(leaks) > most * f64::from(all)
                };
                (part(head_zone(person.rect), 0.10), part(person.rect, 0.25))
            };
            for (sum, (head, body)) in [
                (&mut self.shown, leak(shown, Some(&flat))),
                (&mut self.backdrop_alone, leak(backdrop.get(), Some(&unknown))),
                (&mut self.unmasked, leak(original, None)),
            ] {
                sum.head.add(head);
                sum.body.add(body);
            }
            let covered = |r: Rect| r.intersection(person.rect).area() * 2 >= person.rect.area();
            let track = self.tracks.entry(person.id).or_default();
            track.0 += u64::from(scene.figures.iter().any(|f| covered(f.rect)));
            track.1 += 1;
        }
        let mut outside = vec![true; w * h];
        for person in people {
            let (pw, ph) = (person.rect.right - person.rect.left, person.rect.bottom - person.rect.top);
            let (x, y) = ((pw as f32 * OUTSIDE).ceil() as i32, (ph as f32 * OUTSIDE).ceil() as i32);
            let wide = Rect {
                left: person.rect.left - x,
                top: person.rect.top - y,
                right: person.rect.right + x,
                bottom: person.rect.bottom + y,
            };
            each_pixel(wide, w, h, |n| outside[n] = false);
        }
        for n in (0..w * h).filter(|&n| outside[n]) {
            self.over_mask.add(masked[n]);
            self.over_mask_visible.add(differs(shown, original, n % w, n / w));
        }
    }

    pub(super) fn followed(&self) -> Share {
        let mut share = Share::default();
        for (with, all) in self.tracks.values() {
            share.add(with * 5 >= all * 4);
        }
        share.done()
    }
}
