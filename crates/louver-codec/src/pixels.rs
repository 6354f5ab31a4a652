//! Pixels between Louver's pictures and libav's frames.

use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling;
use louver_media::{Picture, PictureSize};
use louver_scene::Rect;

use crate::CodecError;

/// The version of the system's libavcodec, such as `59.37.100`.
pub fn libav_version() -> String {
    let v = ffmpeg_next::codec::version();
    format!("{}.{}.{}", v >> 16, (v >> 8) & 0xff, v & 0xff)
}

/// Changes size and pixel format with libswscale, keeping its tables between pictures of the same kind.
#[derive(Default)]
pub struct Scaler {
    context: Option<(Key, scaling::Context)>,
}

type Key = (Pixel, u32, u32, Pixel, u32, u32);

// SAFETY: an SwsContext is used by one thread at a time (`&mut self`) and holds nothing that belongs to a thread.
unsafe impl Send for Scaler {}

impl std::fmt::Debug for Scaler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scaler")
    }
}

impl Scaler {
    fn run(
        &mut self,
        from: &frame::Video,
        format: Pixel,
        width: u32,
        height: u32,
    ) -> Result<frame::Video, CodecError> {
        let key = (from.format(), from.width(), from.height(), format, width, height);
        let fail = |source| CodecError::Setup { what: "a picture scaler", source };
        if self.context.as_ref().is_none_or(|(k, _)| *k != key) {
            let flags = scaling::Flags::AREA;
            let made =
                scaling::Context::get(key.0, key.1, key.2, key.3, key.4, key.5, flags).map_err(fail)?;
            self.context = Some((key, made));
        }
        let mut out = frame::Video::empty();
        if let Some((_, context)) = &mut self.context {
            context.run(from, &mut out).map_err(fail)?;
        }
        Ok(out)
    }

    /// A libav frame as a picture, 4:2:0 limited range at `size`, or at its own size.
    pub(crate) fn picture(
        &mut self,
        frame: &frame::Video,
        size: Option<PictureSize>,
    ) -> Result<Picture, CodecError> {
        let size = size.map_or_else(|| own_size(frame), Ok)?;
        let plane = |pixels: usize| vec![0; pixels];
        let (mut y, mut u, mut v) = (plane(size.area()), plane(size.area() / 4), plane(size.area() / 4));
        self.planes_into(frame, size, [&mut y, &mut u, &mut v])?;
        Ok(Picture { size, y, u, v })
    }

    /// The same, into `out`: luma, then both chroma planes.
    ///
    /// # Errors
    /// When libswscale cannot be set up, or `out` has another length.
    pub(crate) fn picture_into(
        &mut self,
        frame: &frame::Video,
        size: PictureSize,
        out: &mut [u8],
    ) -> Result<(), CodecError> {
        let luma = out.split_at_mut_checked(size.area());
        let planes = luma.and_then(|(y, rest)| Some((y, rest.split_at_mut_checked(size.area() / 4)?)));
        match planes {
            Some((y, (u, v))) if u.len() == v.len() => self.planes_into(frame, size, [y, u, v]),
            _ => Err(CodecError::Size { width: size.width() as u32, height: size.height() as u32 }),
        }
    }

    fn planes_into(
        &mut self,
        frame: &frame::Video,
        size: PictureSize,
        planes: [&mut [u8]; 3],
    ) -> Result<(), CodecError> {
        if own_size(frame)? == size && frame.format() == Pixel::YUV420P {
            copy_planes(frame, size, planes);
        } else {
            let scaled = self.run(frame, Pixel::YUV420P, size.width() as u32, size.height() as u32)?;
            copy_planes(&scaled, size, planes);
        }
        Ok(())
    }

    /// A picture at another size.
    ///
    /// # Errors
    /// When libswscale cannot be set up.
    pub fn scale(&mut self, picture: &Picture, size: PictureSize) -> Result<Picture, CodecError> {
        if picture.size == size {
            return Ok(picture.clone());
        }
        let whole = Rect {
            left: 0,
            top: 0,
            right: picture.size.width() as i32,
            bottom: picture.size.height() as i32,
        };
        self.picture(&copy_in(picture, whole), Some(size))
    }

    /// A part of a picture as RGB, 3 bytes a pixel, `width * height`, stretched.
    pub(crate) fn rgb(
        &mut self,
        picture: &Picture,
        part: Rect,
        width: u32,
        height: u32,
    ) -> Result<Vec<u8>, CodecError> {
        let out = self.run(&copy_in(picture, part), Pixel::RGB24, width, height)?;
        let row = width as usize * 3;
        let mut pixels = Vec::with_capacity(row * height as usize);
        for line in out.data(0).chunks(out.stride(0)).take(height as usize) {
            pixels.extend_from_slice(&line[..row]);
        }
        Ok(pixels)
    }
}

fn own_size(frame: &frame::Video) -> Result<PictureSize, CodecError> {
    let (width, height) = (frame.width(), frame.height());
    PictureSize::new(width, height).ok_or(CodecError::Size { width, height })
}

fn copy_planes(frame: &frame::Video, size: PictureSize, planes: [&mut [u8]; 3]) {
    for (n, plane) in planes.into_iter().enumerate() {
        let width = if n == 0 { size.width() } else { size.width() / 2 };
        // libav gives whole planes; a short one must not become a picture with another's pixels.
        let rows = frame.data(n).chunks(frame.stride(n)).map(Some).chain(std::iter::repeat(None));
        for (to, from) in plane.chunks_exact_mut(width).zip(rows) {
            match from.and_then(|from| from.get(..width)) {
                Some(from) => to.copy_from_slice(from),
                None => to.fill(128),
            }
        }
    }
}

/// Copies `part` (clipped to the picture, widened to even edges) into a libav frame.
fn copy_in(picture: &Picture, part: Rect) -> frame::Video {
    let clip = |n: i32, most: usize| (n.max(0) as usize).min(most) & !1;
    let (w, h) = (picture.size.width(), picture.size.height());
    let (left, top) = (clip(part.left, w - 2), clip(part.top, h - 2));
    let (right, bottom) = (clip(part.right + 1, w).max(left + 2), clip(part.bottom + 1, h).max(top + 2));
    let mut out = frame::Video::new(Pixel::YUV420P, (right - left) as u32, (bottom - top) as u32);
    for (n, plane, half) in [(0, &picture.y, 1), (1, &picture.u, 2), (2, &picture.v, 2)] {
        let stride = out.stride(n);
        let (l, r, t) = (left / half, right / half, top / half);
        let rows = plane.chunks_exact(w / half).skip(t);
        for (to, from) in out.data_mut(n).chunks_mut(stride).zip(rows).take((bottom - top) / half) {
            to[..r - l].copy_from_slice(&from[l..r]);
        }
    }
    out
}
