//! Packets to pictures.

use ffmpeg_next as ffmpeg;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Continuity, Packet, Picture, PictureSize, VideoParams};

use crate::{CodecError, Scaler};

/// A decoded picture with the times of the packet it came from.
#[derive(Debug)]
pub struct Decoded {
    /// The picture: an original.
    pub picture: Picture,
    /// Presentation time.
    pub media: MediaTime,
    /// Arrival of the packet that completed it.
    pub wall: WallTime,
}

/// Decodes one camera's stream on the caller's thread. It gives no picture that it cannot vouch for: after an error, or where
/// packets are missing (libav would give a smeared picture), there is none until the next key frame.
pub struct Decoder {
    video: ffmpeg::decoder::Video,
    continuity: Continuity,
    codec: Codec,
    /// Parameter sets in Annex B form, sent before each key frame; cameras often leave them out of the stream.
    parameter_sets: Vec<u8>,
    scaler: Scaler,
    /// Size that pictures are scaled to; `None` keeps theirs.
    size: Option<PictureSize>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// A decoder for a stream with these parameters; `size` scales its pictures (a main stream seen in place of a sub
    /// stream).
    ///
    /// # Errors
    /// When libav has no decoder for them or cannot set it up.
    pub fn new(params: &VideoParams, size: Option<PictureSize>) -> Result<Self, CodecError> {
        ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Fatal);
        let id = match params.codec {
            Codec::H264 => Some(ffmpeg::codec::Id::H264),
            Codec::H265 => Some(ffmpeg::codec::Id::HEVC),
            Codec::Mjpeg => Some(ffmpeg::codec::Id::MJPEG),
            // A coding that this version does not know.
            _ => None,
        };
        let codec = id.and_then(ffmpeg::decoder::find).ok_or(CodecError::NoDecoder(params.codec))?;
        let mut context = ffmpeg::codec::Context::new_with_codec(codec);
        // One thread a camera: cameras are the parallel work, and frame threads add a frame of delay each.
        context.set_threading(ffmpeg::threading::Config { count: 1, ..Default::default() });
        context.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
        let video =
            context.decoder().video().map_err(|source| CodecError::Setup { what: "a decoder", source })?;
        Ok(Self {
            video,
            continuity: Continuity::new(params),
            codec: params.codec,
            parameter_sets: annex_b(params.parameter_sets().iter().map(|set| &set[..])),
            scaler: Scaler::default(),
            size,
        })
    }

    /// Decodes one packet: no picture, or one, or (after reordering) more.
    ///
    /// # Errors
    /// When the packet is damaged or follows one that is, or pictures before it are missing; so is every packet after it, until
    /// the next key frame.
    pub fn decode(&mut self, packet: &Packet) -> Result<Vec<Decoded>, CodecError> {
        let anew = self.continuity.waits_for_key();
        self.continuity.follow(packet).map_err(CodecError::Broken)?;
        if anew {
            self.video.flush();
        }
        self.pictures(packet).inspect_err(|_| self.continuity.restart())
    }

    /// Decodes one packet and throws its pictures away, as a player does that shows nothing: what the cost of seeing is
    /// measured against. Says how many there were.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn skip(&mut self, packet: &Packet) -> Result<usize, CodecError> {
        let anew = self.continuity.waits_for_key();
        self.continuity.follow(packet).map_err(CodecError::Broken)?;
        if anew {
            self.video.flush();
        }
        self.send(packet)?;
        let mut frame = ffmpeg::frame::Video::empty();
        Ok(std::iter::from_fn(|| self.video.receive_frame(&mut frame).ok()).count())
    }

    fn pictures(&mut self, packet: &Packet) -> Result<Vec<Decoded>, CodecError> {
        self.send(packet)?;
        let mut out = Vec::new();
        let mut frame = ffmpeg::frame::Video::empty();
        while self.video.receive_frame(&mut frame).is_ok() {
            whole(&frame)?;
            let media = frame.timestamp().map_or(packet.media, MediaTime::from_ticks);
            out.push(Decoded { picture: self.scaler.picture(&frame, self.size)?, media, wall: packet.wall });
        }
        Ok(out)
    }

    fn send(&mut self, packet: &Packet) -> Result<(), CodecError> {
        let mut unit = match self.codec {
            Codec::Mjpeg => ffmpeg::Packet::copy(&packet.data),
            _ if packet.key => {
                let mut data = self.parameter_sets.clone();
                data.append(&mut annex_b(packet.nals()));
                ffmpeg::Packet::copy(&data)
            }
            _ => ffmpeg::Packet::copy(&annex_b(packet.nals())),
        };
        unit.set_pts(Some(packet.media.ticks()));
        self.video.send_packet(&unit).map_err(CodecError::Decode)
    }

    /// Decodes a key frame alone, whatever came before it; what comes next must be a key frame as well. Decoders that
    /// reorder pictures give it at once too.
    ///
    /// # Errors
    /// When the packet is damaged, or gives no picture.
    pub fn alone(&mut self, key: &Packet) -> Result<Decoded, CodecError> {
        self.restart();
        let at_once = self.decode(key)?.pop();
        let picture = match at_once {
            Some(decoded) => Ok(decoded),
            None => {
                self.video.send_eof().map_err(CodecError::Decode)?;
                let mut frame = ffmpeg::frame::Video::empty();
                self.video.receive_frame(&mut frame).map_err(CodecError::Decode)?;
                whole(&frame)?;
                let picture = self.scaler.picture(&frame, self.size)?;
                Ok(Decoded { picture, media: key.media, wall: key.wall })
            }
        };
        self.restart();
        picture
    }

    /// Forgets everything: there are no pictures until the next key frame.
    pub fn restart(&mut self) {
        self.video.flush();
        self.continuity.restart();
    }
}

/// Whether libav decoded all of a picture. Its concealment stays on although nobody sees what it makes: it is what notices a
/// slice that is missing. (Errors as errors, `AV_EF_EXPLODE`, would refuse cameras whose remarks beside the picture, SEI, are
/// malformed.)
pub(crate) fn whole(frame: &ffmpeg::frame::Video) -> Result<(), CodecError> {
    match frame.is_corrupt() || frame.has_decode_errors() {
        true => Err(CodecError::Decode(ffmpeg::Error::InvalidData)),
        false => Ok(()),
    }
}

/// NAL units behind start codes (ITU-T H.264 and H.265 annex B).
fn annex_b<'a>(nals: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for nal in nals {
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(nal);
    }
    out
}
