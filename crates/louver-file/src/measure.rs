//! How well masking works, by DESIGN 4's measures, picture by picture at the picture's own time.
//!
//! The empty place is not taken from the product but from the whole clip and its ground truth: the median of what each pixel
//! showed while no annotated person was near it. A pixel *leaks* when the masked picture shows a pixel that came from
//! the camera (it is not under a figure or a flat fill) and that differs from that empty place: whoever's it is, and
//! whenever it was taken, so that somebody who was learned into the backdrop leaks for as long as he is in it.

use std::collections::BTreeMap;
use std::path::Path;

use louver_base::{Class, MediaTime};
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_media::Picture;
use louver_scene::{Cell, Rect, Scene, Style};
use serde::Serialize;

use crate::{FileError, Pass, Truth};

/// Levels of luma by which a pixel differs from the empty place; half of it for chroma. A person's edge against the
/// ground of the clips differs by 20 and more; coding noise and sway stay below.
const DIFFERS: u8 = 25;
/// Boxes are widened by this share when asking what lies outside them (DESIGN 4).
const OUTSIDE: f32 = 0.15;
/// Every so many pictures the detector looks at the masked one.
const LOOK_EVERY: u64 = 5;
/// Pictures of the clip that the median is taken of.
const MEDIAN_OF: u64 = 120;

/// A share with what it was taken of.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Percent.
    pub percent: f64,
}

impl Share {
    fn add(&mut self, counts: bool) {
        self.count += u64::from(counts);
        self.of += 1;
    }

    fn done(mut self) -> Self {
        self.percent = if self.of == 0 { 0.0 } else { 100.0 * self.count as f64 / self.of as f64 };
        self
    }
}

/// Leaks of one way of drawing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Leaks {
    /// Person-frames where more than 10 % of the head zone (top 18 % by middle 50 % of the box) leaks.
    pub head: Share,
    /// Person-frames where more than 25 % of the box leaks.
    pub body: Share,
}

/// Speed of one pass.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Speed {
    /// Pictures a second of decoding, seeing and detecting together.
    pub frames_per_second: f64,
    /// Milliseconds a picture: decoding.
    pub decode_ms: f64,
    /// Milliseconds a picture: seeing without the detector.
    pub see_ms: f64,
    /// Milliseconds a picture: the detector, spread over all pictures.
    pub detect_ms: f64,
    /// Sweeps of the detector a second of video.
    pub sweeps_per_second: f64,
}

/// Everything `louver eval mask` says.
#[derive(Clone, Debug, Serialize)]
pub struct MaskReport {
    /// Layout of this report.
    pub schema: &'static str,
    /// The clip's file name.
    pub footage: String,
    /// The model's file name.
    pub model: String,
    /// Pictures.
    pub frames: u64,
    /// As drawn, with boxes for figures.
    pub shown: Leaks,
    /// Stricter: without the boxes, so that the backdrop alone must hide everyone.
    pub backdrop_alone: Leaks,
    /// The same measure of the clip itself: what would leak if nothing were masked.
    pub unmasked: Leaks,
    /// Pixels outside all (widened) person boxes that are masked: unknown or occupied cells, or under a figure.
    pub over_mask: Share,
    /// ... of these, pixels that really look different from the clip for it.
    pub over_mask_visible: Share,
    /// Person-frames that the detector finds on the masked picture (IoU 0.5), of those looked at.
    pub detector_on_output: Share,
    /// The same on the clip itself.
    pub detector_on_input: Share,
    /// Ground-truth tracks with a figure over at least half of the box for at least 80 % of their time.
    pub tracks_followed: Share,
    /// Speed on this machine, both passes of the measuring excluded.
    pub speed: Speed,
}

/// Goes through a clip and measures. `second` is a detector of the same or another model for looking at the output;
/// `progress` is told pictures done, as a share 0 to 1.
///
/// # Errors
/// When the clip is damaged or a detector fails.
pub fn measure_masking(
    video: &Path,
    truth: &Truth,
    detector: Detector,
    second: &mut Detector,
    mut progress: impl FnMut(f64),
) -> Result<MaskReport, FileError> {
    let file = VideoFile::open(video)?;
    let expected = file.frames_expected().unwrap_or(1).max(1);
    let empty = empty_place(video, truth, expected)?;
    progress(0.1);
    let event_score = second.kind().traits().event_score;
    let mut pass = Pass::new(file, detector);
    let mut sums = Sums::default();
    let mut last = MediaTime::ZERO;
    while let Some(step) = pass.step()? {
        let n = pass.frames - 1;
        last = step.frame.at;
        let people = truth.at(n);
        let shown = step.scene.render(Style::Boxes);
        sums.picture(&step.scene, &step.frame.picture, shown.get(), &empty, people);
        if n.is_multiple_of(LOOK_EVERY) {
            let size = step.frame.picture.size;
            let whole = Rect { left: 0, top: 0, right: size.width() as i32, bottom: size.height() as i32 };
            for (picture, share) in
                [(shown.get(), &mut sums.on_output), (&step.frame.picture, &mut sums.on_input)]
            {
                let found = second.detect(picture, &[whole], event_score)?;
                for person in people {
                    share.add(
                        found.iter().any(|d| d.class == Class::Person && d.rect.iou(person.rect) >= 0.5),
                    );
                }
            }
        }
        progress(0.1 + 0.9 * pass.frames as f64 / expected as f64);
    }
    let name = |p: &Path| p.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let (frames, t) = (pass.frames, pass.times);
    let ms = |d: std::time::Duration| 1000.0 * d.as_secs_f64() / frames.max(1) as f64;
    let all = t.decode + t.see + t.detect;
    Ok(MaskReport {
        schema: "louver-eval-mask-1",
        footage: name(video),
        model: pass.detector().name(),
        frames,
        shown: sums.shown.done(),
        backdrop_alone: sums.backdrop_alone.done(),
        unmasked: sums.unmasked.done(),
        over_mask: sums.over_mask.done(),
        over_mask_visible: sums.over_mask_visible.done(),
        detector_on_output: sums.on_output.done(),
        detector_on_input: sums.on_input.done(),
        tracks_followed: sums.followed(),
        speed: Speed {
            frames_per_second: frames as f64 / all.as_secs_f64().max(1e-9),
            decode_ms: ms(t.decode),
            see_ms: ms(t.see),
            detect_ms: ms(t.detect),
            sweeps_per_second: pass.sweeps as f64 / (last - MediaTime::ZERO).seconds().max(1e-9),
        },
    })
}

impl Leaks {
    fn done(self) -> Self {
        Self { head: self.head.done(), body: self.body.done() }
    }
}

#[derive(Default)]
struct Sums {
    shown: Leaks,
    backdrop_alone: Leaks,
    unmasked: Leaks,
    over_mask: Share,
    over_mask_visible: Share,
    on_output: Share,
    on_input: Share,
    /// For each ground-truth track: pictures with a figure, pictures.
    tracks: BTreeMap<u32, (u64, u64)>,
}

impl Sums {
    fn picture(
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

    fn followed(&self) -> Share {
        let mut share = Share::default();
        for (with, all) in self.tracks.values() {
            share.add(with * 5 >= all * 4);
        }
        share.done()
    }
}

/// The top 18 % by the middle 50 % of a person's box.
fn head_zone(r: Rect) -> Rect {
    let (w, h) = (f64::from(r.right - r.left), f64::from(r.bottom - r.top));
    Rect {
        left: r.left + (w * 0.25).round() as i32,
        right: r.right - (w * 0.25).round() as i32,
        top: r.top,
        bottom: r.top + (h * 0.18).round().max(1.0) as i32,
    }
}

fn each_pixel(rect: Rect, w: usize, h: usize, mut act: impl FnMut(usize)) {
    let inside = rect.intersection(Rect { left: 0, top: 0, right: w as i32, bottom: h as i32 });
    for y in inside.top..inside.bottom {
        for x in inside.left..inside.right {
            act(y as usize * w + x as usize);
        }
    }
}

fn differs(a: &Picture, b: &Picture, x: usize, y: usize) -> bool {
    let w = a.size.width();
    let c = (y / 2) * (w / 2) + x / 2;
    a.y[y * w + x].abs_diff(b.y[y * w + x]) > DIFFERS
        || a.u[c].abs_diff(b.u[c]) > DIFFERS / 2
        || a.v[c].abs_diff(b.v[c]) > DIFFERS / 2
}

/// The median of each pixel over the pictures in which no person stands near it.
fn empty_place(video: &Path, truth: &Truth, expected: u64) -> Result<Picture, FileError> {
    let mut file = VideoFile::open(video)?;
    let size = file.size();
    let every = expected.div_ceil(MEDIAN_OF).max(1);
    let mut seen: Vec<(Picture, Vec<Rect>)> = Vec::new();
    let mut n = 0;
    while let Some(frame) = file.next_frame()? {
        if n % every == 0 {
            let near = truth.at(n).iter().map(|t| {
                let room = (t.rect.right - t.rect.left) / 3;
                Rect {
                    left: t.rect.left - room,
                    top: t.rect.top - room,
                    right: t.rect.right + room,
                    bottom: t.rect.bottom + room,
                }
            });
            seen.push((frame.picture, near.collect()));
        }
        n += 1;
    }
    let mut empty = Picture::flat(size, 0, 128, 128);
    median(&mut empty.y, size.width(), &seen, 1, |p| &p.y);
    median(&mut empty.u, size.width() / 2, &seen, 2, |p| &p.u);
    median(&mut empty.v, size.width() / 2, &seen, 2, |p| &p.v);
    Ok(empty)
}

fn median(
    out: &mut [u8],
    width: usize,
    seen: &[(Picture, Vec<Rect>)],
    scale: i32,
    plane: impl Fn(&Picture) -> &Vec<u8>,
) {
    let mut values: Vec<u8> = Vec::with_capacity(seen.len());
    for (n, value) in out.iter_mut().enumerate() {
        let (x, y) = ((n % width) as i32 * scale, (n / width) as i32 * scale);
        let free =
            |near: &[Rect]| !near.iter().any(|r| x >= r.left && x < r.right && y >= r.top && y < r.bottom);
        values.clear();
        values.extend(seen.iter().filter(|(_, near)| free(near)).map(|(p, _)| plane(p)[n]));
        if values.is_empty() {
            // Always somebody near: the median over everything is the best there is.
            values.extend(seen.iter().map(|(p, _)| plane(p)[n]));
        }
        let middle = values.len() / 2;
        *value = *values.select_nth_unstable(middle).1;
    }
}

#[cfg(test)]
mod tests;
