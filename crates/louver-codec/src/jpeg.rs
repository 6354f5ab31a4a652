//! Masked stills to JPEG.

use jpeg_encoder::{ImageBuffer, JpegColorType, SamplingFactor};
use louver_base::MediaTime;
use louver_media::Picture;
use louver_scene::PictureEncoder;

use crate::CodecError;

/// Codes stills; quality 1 to 100.
#[derive(Clone, Copy, Debug)]
pub struct JpegEncoder {
    /// 1 to 100; at the default of 80 the edges of the flat boxes stay clean.
    pub quality: u8,
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
