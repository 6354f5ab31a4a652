//! Masked stills and tiles to JPEG and back.

use jpeg_encoder::{ImageBuffer, JpegColorType, SamplingFactor};
use louver_base::MediaTime;
use louver_media::{Picture, PictureSize};
use louver_scene::PictureEncoder;
use louver_scene::stream::PictureDecoder;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use crate::CodecError;

/// Codes stills; quality 1 to 100.
#[derive(Clone, Copy, Debug)]
pub struct JpegEncoder {
    /// 1 to 100; at the default of 80 the edges of the flat boxes stay clean.
    pub quality: u8,
}

impl JpegEncoder {
    /// For tiles of a backdrop: what is finer than at 70 is mostly the camera's own noise.
    pub const fn for_tiles() -> Self {
        Self { quality: 70 }
    }
}

impl Default for JpegEncoder {
    fn default() -> Self {
        Self { quality: 80 }
    }
}

impl PictureEncoder for JpegEncoder {
    type Output = Vec<u8>;
    type Error = CodecError;

    fn encode(&mut self, picture: &Picture, _: MediaTime, _: bool) -> Result<Vec<u8>, CodecError> {
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, self.quality.clamp(1, 100));
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode_image(Rows(picture)).map_err(CodecError::Jpeg)?;
        Ok(out)
    }
}

/// A picture row by row, stretched from limited to full range as JFIF wants.
struct Rows<'a>(&'a Picture);

fn full_luma(y: u8) -> u8 {
    (((i32::from(y) - 16) * 255 + 109) / 219).clamp(0, 255) as u8
}

fn full_chroma(c: u8) -> u8 {
    (((i32::from(c) - 128) * 255) / 224 + 128).clamp(0, 255) as u8
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.0.size.width() as u16
    }

    fn height(&self) -> u16 {
        self.0.size.height() as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let width = self.0.size.width();
        let (row, half) = (usize::from(y), width / 2);
        buffers[0].extend(self.0.y[row * width..][..width].iter().map(|&p| full_luma(p)));
        for (plane, buffer) in [(&self.0.u, 1), (&self.0.v, 2)] {
            let samples = &plane[(row / 2).min(self.0.size.height() / 2 - 1) * half..][..half];
            buffers[buffer].extend(samples.iter().flat_map(|&p| [full_chroma(p); 2]));
        }
    }
}

/// Decodes tiles of a recorded scene.
#[derive(Clone, Copy, Debug, Default)]
pub struct JpegDecoder;

impl PictureDecoder for JpegDecoder {
    type Error = CodecError;

    fn decode(&mut self, jpeg: &[u8], size: PictureSize) -> Result<Picture, CodecError> {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(size.width())
            .set_max_height(size.height())
            .jpeg_set_out_colorspace(ColorSpace::YCbCr);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let pixels = decoder.decode().map_err(|e| CodecError::Tile(Some(e)))?;
        let fits =
            decoder.dimensions() == Some((size.width(), size.height())) && pixels.len() == size.area() * 3;
        if fits { Ok(limited(&pixels, size)) } else { Err(CodecError::Tile(None)) }
    }
}

/// Y, Cb, Cr of every pixel, full range, to planes of limited range.
fn limited(pixels: &[u8], size: PictureSize) -> Picture {
    let width = size.width();
    let mut out = Picture::flat(size, 16, 128, 128);
    for (y, pixel) in out.y.iter_mut().zip(pixels.chunks_exact(3)) {
        *y = ((i32::from(pixel[0]) * 219 + 127) / 255 + 16) as u8;
    }
    for (n, (u, v)) in out.u.iter_mut().zip(&mut out.v).enumerate() {
        let at = (n / (width / 2) * 2 * width + n % (width / 2) * 2) * 3;
        let chroma = |c: usize| {
            let sum: i32 =
                [0, 3, width * 3, width * 3 + 3].iter().map(|by| i32::from(pixels[at + by + c])).sum();
            (((sum + 2) / 4 - 128) * 224 / 255 + 128) as u8
        };
        (*u, *v) = (chroma(1), chroma(2));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ramp in luma and chroma, of a size that is no whole number of blocks.
    fn ramp() -> Picture {
        let mut picture = Picture::flat(PictureSize::new(50, 38).unwrap(), 0, 0, 0);
        picture.y = (0..50 * 38).map(|n| 20 + (n % 50) as u8 * 4).collect();
        picture.u = (0..25 * 19).map(|n| 60 + (n / 25) as u8 * 6).collect();
        picture.v = picture.u.iter().map(|u| 240 - u).collect();
        picture
    }

    #[test]
    fn a_tile_comes_back_as_it_was_but_for_what_jpeg_loses() {
        let coded = JpegEncoder::for_tiles().encode(&ramp(), MediaTime::ZERO, true).unwrap();
        let back = JpegDecoder.decode(&coded, ramp().size).unwrap();
        for (a, b) in [(ramp().y, back.y), (ramp().u, back.u), (ramp().v, back.v)] {
            let worst = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst < Some(9), "{worst:?}");
        }
    }

    #[test]
    fn a_tile_of_another_size_or_cut_off_is_refused() {
        let coded = JpegEncoder::for_tiles().encode(&ramp(), MediaTime::ZERO, true).unwrap();
        for (width, height) in [(48, 38), (52, 38), (50, 40), (16, 16)] {
            assert!(JpegDecoder.decode(&coded, PictureSize::new(width, height).unwrap()).is_err());
        }
        for cut in 0..coded.len() - 2 {
            let _ = JpegDecoder.decode(&coded[..cut], ramp().size);
        }
        assert!(JpegDecoder.decode(&coded[..coded.len() / 2], ramp().size).is_err());
    }
}
