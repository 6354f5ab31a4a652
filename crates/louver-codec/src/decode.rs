//! H.264 packets to pictures.

use bytes::Bytes;
use ffmpeg_next as ffmpeg;
use louver_base::{MediaTime, WallTime};
use louver_media::{Continuity, Packet, Picture, PictureSize, VideoParams};

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
    /// When libav has no H.264 decoder or cannot set it up.
    pub fn new(params: &VideoParams, size: Option<PictureSize>) -> Result<Self, CodecError> {
        ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Fatal);
        let codec = ffmpeg::decoder::find(ffmpeg::codec::Id::H264).ok_or(CodecError::NoDecoder)?;
        let mut context = ffmpeg::codec::Context::new_with_codec(codec);
        // One thread a camera: cameras are the parallel work, and frame threads add a frame of delay each.
        context.set_threading(ffmpeg::threading::Config { count: 1, ..Default::default() });
        context.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
        let video = context
            .decoder()
            .video()
            .map_err(|source| CodecError::Setup { what: "an H.264 decoder", source })?;
        Ok(Self {
            video,
            continuity: Continuity::new(params),
            parameter_sets: parameter_sets(&params.config),
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
        let mut data = Vec::with_capacity(self.parameter_sets.len() + packet.data.len() + 64);
        if packet.key {
            data.extend_from_slice(&self.parameter_sets);
        }
        for nal in packet.nals() {
            data.extend_from_slice(&[0, 0, 0, 1]);
            data.extend_from_slice(nal);
        }
        let mut unit = ffmpeg::Packet::copy(&data);
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

/// SPS and PPS out of an `AVCDecoderConfigurationRecord`, in Annex B form; what is cut off is left out.
fn parameter_sets(config: &Bytes) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 5;
    for mask in [0x1f, 0xff] {
        let Some(count) = config.get(at) else { break };
        at += 1;
        for _ in 0..count & mask {
            let Some(&[high, low]) = config.get(at..at + 2) else { return out };
            let len = usize::from(u16::from_be_bytes([high, low]));
            let Some(set) = config.get(at + 2..at + 2 + len) else { return out };
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(set);
            at += 2 + len;
        }
    }
    out
}
