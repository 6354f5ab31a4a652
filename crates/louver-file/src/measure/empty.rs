//! The empty place, from the whole clip and its ground truth: what each pixel usually showed, and the range of what it showed,
//! while no annotated person was near.

use std::path::Path;
use std::sync::Arc;

use louver_codec::VideoFile;
use louver_media::Picture;
use louver_scene::Rect;

use super::zones::each_pixel;
use crate::{FileError, Truth};

/// Pictures of the clip that the median is taken of.
const MEDIAN_OF: u64 = 120;
/// ... and the range: more, as it is about what is seldom seen. Fewer where they would fill memory.
const RANGE_OF: u64 = 400;
const RANGE_BYTES: u64 = 384 << 20;
/// Of so many pictures one, one and a half, two ...: what a pixel showed at its darkest and at its brightest (its bluest, its
/// reddest) for less than this part of the *whole* clip is not of the place. Somebody whom the ground truth forgot passes a
/// pixel within one or two seconds, and changes it for a part of them; of a clip of 80 s that is less. Of the whole clip, not
/// of the pictures without people: where people come and go all the time the few free ones would make much of him.
const SELDOM: f64 = 0.02;

/// How the empty place looks: each pixel by itself, in luma and chroma.
#[derive(Clone, Debug)]
pub(crate) struct Empty {
    /// The median: what it usually shows.
    pub(crate) usual: Arc<Picture>,
    /// From the least to the most that it shows more than seldom; the median lies between.
    pub(crate) least: Arc<Picture>,
    pub(crate) most: Arc<Picture>,
}

impl Empty {
    /// The empty place of a clip.
    pub(crate) fn of(video: &Path, truth: &Truth, expected: u64) -> Result<Self, FileError> {
        let usual = empty_place(video, truth, expected)?;
        let bytes = (usual.size.area() * 3 / 2) as u64;
        let seen = sampled(video, truth, expected, RANGE_OF.min(RANGE_BYTES / bytes.max(1)))?;
        Ok(Self::ranging(usual, &seen))
    }

    /// The range of what `seen` shows around `usual`.
    pub(crate) fn ranging(usual: Picture, seen: &[(Picture, Vec<Rect>)]) -> Self {
        let (mut least, mut most) = (usual.clone(), usual.clone());
        let w = usual.size.width();
        range(&mut least.y, &mut most.y, w, seen, 1, |p| &p.y);
        range(&mut least.u, &mut most.u, w / 2, seen, 2, |p| &p.u);
        range(&mut least.v, &mut most.v, w / 2, seen, 2, |p| &p.v);
        Self { usual: Arc::new(usual), least: Arc::new(least), most: Arc::new(most) }
    }

    /// The same after a change that keeps order, as of light or view.
    pub(crate) fn changed(&self, change: impl Fn(&Picture) -> Picture) -> Self {
        let change = |p: &Picture| Arc::new(change(p));
        Self { usual: change(&self.usual), least: change(&self.least), most: change(&self.most) }
    }
}

impl From<Arc<Picture>> for Empty {
    /// A place in which nothing ever moves.
    fn from(usual: Arc<Picture>) -> Self {
        Self { least: Arc::clone(&usual), most: Arc::clone(&usual), usual }
    }
}

impl From<Picture> for Empty {
    fn from(usual: Picture) -> Self {
        Arc::new(usual).into()
    }
}

/// The median of each pixel over the pictures in which no person stands near it.
pub(crate) fn empty_place(video: &Path, truth: &Truth, expected: u64) -> Result<Picture, FileError> {
    let seen = sampled(video, truth, expected, MEDIAN_OF)?;
    let size = seen.first().map_or_else(|| VideoFile::open(video).map(|f| f.size()), |(p, _)| Ok(p.size))?;
    let mut empty = Picture::flat(size, 0, 128, 128);
    median(&mut empty.y, size.width(), &seen, 1, |p| &p.y);
    median(&mut empty.u, size.width() / 2, &seen, 2, |p| &p.u);
    median(&mut empty.v, size.width() / 2, &seen, 2, |p| &p.v);
    Ok(empty)
}

/// About so many pictures, evenly spread, with what lies near a person in each.
fn sampled(
    video: &Path,
    truth: &Truth,
    expected: u64,
    most: u64,
) -> Result<Vec<(Picture, Vec<Rect>)>, FileError> {
    let mut file = VideoFile::open(video)?;
    let every = expected.div_ceil(most.max(1)).max(1);
    let mut seen = Vec::new();
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
    Ok(seen)
}

pub(crate) fn median(
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

/// Widens `least` and `most`, which hold the median, to what each pixel showed without a person near, but for what it showed
/// seldom. Where too little was seen without anybody, the median alone is the place.
fn range(
    least: &mut [u8],
    most: &mut [u8],
    width: usize,
    seen: &[(Picture, Vec<Rect>)],
    scale: i32,
    plane: impl Fn(&Picture) -> &Vec<u8>,
) {
    let seldom = (seen.len() as f64 * SELDOM).ceil() as u32;
    let mut counts = vec![[0u16; 256]; width];
    let mut free = vec![true; width];
    for (row, (least, most)) in least.chunks_exact_mut(width).zip(most.chunks_exact_mut(width)).enumerate() {
        counts.iter_mut().for_each(|c| c.fill(0));
        let y = row as i32 * scale;
        for (picture, near) in seen {
            free.fill(true);
            for r in near.iter().filter(|r| (r.top..r.bottom).contains(&y)) {
                // From the first sample whose pixel lies within to the last.
                let within = Rect {
                    left: (r.left + scale - 1).div_euclid(scale),
                    right: (r.right + scale - 1).div_euclid(scale),
                    top: 0,
                    bottom: 1,
                };
                each_pixel(within, width, 1, |x| free[x] = false);
            }
            let values = &plane(picture)[row * width..(row + 1) * width];
            for ((count, value), _) in counts.iter_mut().zip(values).zip(&free).filter(|(_, free)| **free) {
                count[usize::from(*value)] += 1;
            }
        }
        for ((least, most), counts) in least.iter_mut().zip(most).zip(&counts) {
            if let Some((from, to)) = between(counts, seldom) {
                (*least, *most) = ((*least).min(from), (*most).max(to));
            }
        }
    }
}

/// From where to where values lie when `seldom` of them are left out at either end; `None` if none remains.
fn between(counts: &[u16; 256], seldom: u32) -> Option<(u8, u8)> {
    let reached = |mut values: Box<dyn Iterator<Item = u8> + '_>| {
        let mut sum = 0;
        values.find(|v| {
            sum += u32::from(counts[usize::from(*v)]);
            sum > seldom
        })
    };
    let from = reached(Box::new(0..=255))?;
    let to = reached(Box::new((0..=255).rev()))?;
    (from <= to).then_some((from, to))
}
