//! Pictures as they come from a camera: coded as H.264, possibly with packets missing, decoded as a camera's are.

use louver_base::MediaTime;
use louver_codec::{Decoder, EncoderSettings, H264Encoder};
use louver_media::{Picture, PictureSize};
use louver_scene::PictureEncoder;

use super::change::Dice;
use crate::FileError;

/// A camera's stream and the decoder at its other end.
pub(super) struct Coded {
    encoder: H264Encoder,
    decoder: Option<Decoder>,
    wait_for_key: bool,
    dice: Dice,
    lost: f64,
    key_every: u64,
}

impl std::fmt::Debug for Coded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Coded")
    }
}

impl Coded {
    /// `lost` is the share of packets that never arrive, 0 to 1; the first key frame always does.
    pub(super) fn new(size: PictureSize, fps: f64, lost: f64) -> Result<Self, FileError> {
        Ok(Self {
            encoder: H264Encoder::new(EncoderSettings::for_size(size, fps as f32))?,
            decoder: None,
            wait_for_key: true,
            dice: Dice::new(30),
            lost,
            // A key frame every two seconds, as most cameras have it.
            key_every: (fps * 2.0).round().max(1.0) as u64,
        })
    }

    /// What comes out for picture `n`; nothing where it is lost or cannot be decoded. Damage is handled as a camera's sight
    /// does it: after an error it waits for the next key frame.
    pub(super) fn through(
        &mut self,
        picture: &Picture,
        n: u64,
        at: MediaTime,
    ) -> Result<Option<Picture>, FileError> {
        let coded = self.encoder.encode(picture, at, n.is_multiple_of(self.key_every))?;
        let lost = self.dice.next() < self.lost && n > 0;
        if let (None, Some(params)) = (&self.decoder, &coded.params) {
            self.decoder = Some(Decoder::new(params, None)?);
        }
        let Some(decoder) = &mut self.decoder else { return Ok(None) };
        if lost || (self.wait_for_key && !coded.packet.key) {
            return Ok(None);
        }
        if self.wait_for_key {
            decoder.restart();
        }
        let decoded = decoder.decode(&coded.packet);
        self.wait_for_key = decoded.is_err();
        Ok(decoded.ok().and_then(|pictures| pictures.into_iter().next_back()).map(|d| d.picture))
    }
}
