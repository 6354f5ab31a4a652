//! libav's decoder of one stream. It knows nothing of what is missing; it tells what it could not decode.

use ffmpeg::frame::Video as Frame;
use ffmpeg_next as ffmpeg;
use louver_media::Codec;

use crate::CodecError;
use crate::decode::Want;

/// One coded picture, as libav wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit<'a> {
    /// Annex B, or a JPEG picture.
    pub(crate) data: &'a [u8],
    /// Presentation time, in whatever unit: it comes back with the picture.
    pub(crate) pts: i64,
    /// It depends on nothing that came before, which is forgotten.
    pub(crate) anew: bool,
}

/// A decoder of libav.
pub(crate) struct Libav {
    video: ffmpeg::decoder::Video,
    /// The newest frame that nobody has wanted yet.
    newest: Option<Frame>,
}

impl Libav {
    /// # Errors
    /// When libav has no such decoder or cannot set it up.
    pub(crate) fn new(codec: Codec) -> Result<Self, CodecError> {
        ffmpeg::util::log::set_level(ffmpeg::util::log::Level::Fatal);
        let id = match codec {
            Codec::H264 => ffmpeg::codec::Id::H264,
            Codec::H265 => ffmpeg::codec::Id::HEVC,
            Codec::Mjpeg => ffmpeg::codec::Id::MJPEG,
            // A coding that packets can have and this has not heard of.
            _ => return Err(CodecError::NoDecoder(codec)),
        };
        let found = ffmpeg::decoder::find(id).ok_or(CodecError::NoDecoder(codec))?;
        let mut context = ffmpeg::codec::Context::new_with_codec(found);
        // One thread a camera: cameras are the parallel work, and frame threads add a frame of delay each.
        context.set_threading(ffmpeg::threading::Config { count: 1, ..Default::default() });
        context.set_flags(ffmpeg::codec::Flags::LOW_DELAY);
        let video =
            context.decoder().video().map_err(|source| CodecError::Setup { what: "a decoder", source })?;
        Ok(Self { video, newest: None })
    }

    /// Decodes one unit: the frames that are wanted (none, or one, or after reordering more), and how many there were.
    ///
    /// # Errors
    /// When it is damaged, or one of its frames is. What follows it must be anew.
    pub(crate) fn decode(&mut self, unit: &Unit<'_>, want: Want) -> Result<(Vec<Frame>, usize), CodecError> {
        if unit.anew {
            self.video.flush();
            self.newest = None;
        }
        let mut packet = ffmpeg::Packet::copy(unit.data);
        packet.set_pts(Some(unit.pts));
        self.video.send_packet(&packet).map_err(CodecError::Decode)?;
        let mut frames = self.frames()?;
        if frames.is_empty() && want == Want::Alone {
            self.video.send_eof().map_err(CodecError::Decode)?;
            frames = self.frames()?;
        }
        let count = frames.len();
        match want {
            Want::All | Want::Alone => self.newest = None,
            Want::Newest => self.newest = frames.drain(..).next_back().or(self.newest.take()),
        }
        Ok((frames, count))
    }

    /// The newest frame of those since the last that were wanted.
    pub(crate) fn newest(&mut self) -> Option<Frame> {
        self.newest.take()
    }

    fn frames(&mut self) -> Result<Vec<Frame>, CodecError> {
        let mut frames = Vec::new();
        loop {
            let mut frame = Frame::empty();
            if self.video.receive_frame(&mut frame).is_err() {
                return Ok(frames);
            }
            whole(&frame)?;
            frames.push(frame);
        }
    }
}

/// Whether libav decoded all of a picture. Its concealment stays on although nobody sees what it makes: it is what notices a
/// slice that is missing. (Errors as errors, `AV_EF_EXPLODE`, would refuse cameras whose remarks beside the picture, SEI, are
/// malformed.)
pub(crate) fn whole(frame: &Frame) -> Result<(), CodecError> {
    match frame.is_corrupt() || frame.has_decode_errors() {
        true => Err(CodecError::Decode(ffmpeg::Error::InvalidData)),
        false => Ok(()),
    }
}
