//! The empty place, from the whole clip and its ground truth.

use std::path::Path;

use louver_codec::VideoFile;
use louver_media::Picture;
use louver_scene::Rect;

use crate::{FileError, Truth};

/// Pictures of the clip that the median is taken of.
const MEDIAN_OF: u64 = 120;

/// The median of each pixel over the pictures in which no person stands near it.
pub(crate) fn empty_place(video: &Path, truth: &Truth, expected: u64) -> Result<Picture, FileError> {
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
