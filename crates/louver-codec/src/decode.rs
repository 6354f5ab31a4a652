//! Packets to pictures.

use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Continuity, Packet, Picture, PictureSize, VideoParams};

use crate::apart::{Apart, Seat};
use crate::libav::{Libav, Unit};
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

/// Decodes one camera's stream on the caller's thread, or in a process without rights while that thread waits. It gives no
/// picture that it cannot vouch for: after an error, or where packets are missing (libav would give a smeared picture), there
/// is none until the next key frame.
pub struct Decoder {
    continuity: Continuity,
    form: Form,
    place: Place,
}

/// Where decoding takes place.
enum Place {
    /// In this process, where a hole in libav is a hole in everything.
    Here {
        libav: Libav,
        scaler: Scaler,
        /// Size that pictures are scaled to; `None` keeps theirs.
        size: Option<PictureSize>,
    },
    /// In a process that can do nothing else.
    Apart(Apart),
}

/// Which pictures are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// All, as they come.
    All,
    /// As it comes, and at once if it would come later.
    Alone,
    /// None now; of all since the last that were wanted, the newest may be asked for.
    Newest,
}

/// A picture, and the time that its packet gave it.
pub(crate) type Given = (Picture, Option<i64>);

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// A decoder in this process, for files that their user chose and for measuring; `size` scales its pictures.
    ///
    /// # Errors
    /// When libav has no decoder for them or cannot set it up.
    pub fn new(params: &VideoParams, size: Option<PictureSize>) -> Result<Self, CodecError> {
        let libav = Libav::new(params.codec)?;
        Ok(Self::at(params, Place::Here { libav, scaler: Scaler::default(), size }))
    }

    /// A decoder in a process without rights, for what a camera sends; its pictures are scaled to `size` (a main stream seen
    /// in place of a sub stream).
    pub fn apart(seat: &Seat, params: &VideoParams, size: PictureSize) -> Self {
        Self::at(params, Place::Apart(Apart::new(seat.clone(), params.codec, size)))
    }

    fn at(params: &VideoParams, place: Place) -> Self {
        let form = Form::of(params);
        Self { continuity: Continuity::new(params), form, place }
    }

    /// Decodes one packet: no picture, or one, or (after reordering) more.
    ///
    /// # Errors
    /// When the packet is damaged or follows one that is, or pictures before it are missing, or its process ended; so is every
    /// packet after it, until the next key frame.
    pub fn decode(&mut self, packet: &Packet) -> Result<Vec<Decoded>, CodecError> {
        Ok(self.take(packet, Want::All)?.0.into_iter().map(|given| decoded(given, packet)).collect())
    }

    /// Decodes one packet and throws its pictures away, as a player does that shows nothing: what the cost of seeing is
    /// measured against. Says how many there were.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn skip(&mut self, packet: &Packet) -> Result<usize, CodecError> {
        Ok(self.take(packet, Want::Newest)?.1)
    }

    /// Decodes packets that follow each other and gives the newest of their pictures, which is the only one that is copied.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn newest(&mut self, packets: &[Packet]) -> Result<Option<Decoded>, CodecError> {
        let mut completed_by = None;
        for packet in packets {
            if self.take(packet, Want::Newest)?.1 > 0 {
                completed_by = Some(packet);
            }
        }
        let Some(packet) = completed_by else { return Ok(None) };
        let given = match &mut self.place {
            Place::Here { libav, scaler, size } => libav
                .newest()
                .map(|frame| Ok((scaler.picture(&frame, *size)?, frame.timestamp())))
                .transpose(),
            Place::Apart(apart) => apart.newest(),
        };
        let given = given.inspect_err(|_| self.continuity.restart())?;
        Ok(given.map(|given| decoded(given, packet)))
    }

    /// Decodes a key frame alone, whatever came before it; what comes next must be a key frame as well. Decoders that
    /// reorder pictures give it at once too.
    ///
    /// # Errors
    /// When the packet is damaged, or gives no picture.
    pub fn alone(&mut self, key: &Packet) -> Result<Decoded, CodecError> {
        self.restart();
        let given = self.take(key, Want::Alone);
        self.restart();
        match given?.0.pop() {
            Some((picture, _)) => Ok(Decoded { picture, media: key.media, wall: key.wall }),
            None => Err(CodecError::Decode(ffmpeg_next::Error::Eof)),
        }
    }

    /// Forgets everything: there are no pictures until the next key frame.
    pub fn restart(&mut self) {
        self.continuity.restart();
    }

    /// The pictures that are wanted, and how many there were.
    fn take(&mut self, packet: &Packet, want: Want) -> Result<(Vec<Given>, usize), CodecError> {
        let anew = self.continuity.waits_for_key();
        self.continuity.follow(packet).map_err(CodecError::Broken)?;
        let taken = match &mut self.place {
            Place::Here { libav, scaler, size } => {
                let data = self.form.unit(packet);
                let unit = Unit { data: &data, pts: packet.media.ticks(), anew };
                libav.decode(&unit, want).and_then(|(frames, count)| {
                    let given = |frame: &_| Ok((scaler.picture(frame, *size)?, frame.timestamp()));
                    Ok((frames.iter().map(given).collect::<Result<Vec<Given>, CodecError>>()?, count))
                })
            }
            Place::Apart(apart) => apart.take(&self.form, packet, anew, want),
        };
        taken.inspect_err(|_| self.continuity.restart())
    }
}

fn decoded((picture, pts): Given, packet: &Packet) -> Decoded {
    Decoded { picture, media: pts.map_or(packet.media, MediaTime::from_ticks), wall: packet.wall }
}

/// How packets are handed to libav.
#[derive(Debug)]
pub(crate) struct Form {
    codec: Codec,
    /// In Annex B form, sent before each key frame; cameras often leave them out of the stream.
    parameter_sets: Vec<u8>,
}

impl Form {
    fn of(params: &VideoParams) -> Self {
        let mut parameter_sets = Vec::new();
        params.parameter_sets().iter().for_each(|set| with_start_code(&mut parameter_sets, set));
        Self { codec: params.codec, parameter_sets }
    }

    /// A packet with start codes in place of lengths (ITU-T H.264 and H.265 annex B), or a JPEG picture as it is.
    pub(crate) fn unit(&self, packet: &Packet) -> Vec<u8> {
        if self.codec == Codec::Mjpeg {
            return packet.data.to_vec();
        }
        let mut data = Vec::with_capacity(self.parameter_sets.len() + packet.data.len() + 64);
        if packet.key {
            data.extend_from_slice(&self.parameter_sets);
        }
        packet.nals().for_each(|nal| with_start_code(&mut data, nal));
        data
    }
}

fn with_start_code(data: &mut Vec<u8>, nal: &[u8]) {
    data.extend_from_slice(&[0, 0, 0, 1]);
    data.extend_from_slice(nal);
}
