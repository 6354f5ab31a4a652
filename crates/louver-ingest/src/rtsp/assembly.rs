//! From a session's RTP packets to its pictures and its sound, from the first key frame on; no socket and no clock inside.

use std::collections::VecDeque;

use louver_base::{CameraAddress, MediaTime, WallTime};
use louver_media::{Codec, Packet, SoundParams, VideoParams};
use retina::codec::{CodecItem, ParametersRef, VideoFrame};
use retina::rtp::{PacketMeta, ReceivedPacket};
use retina::testutil::DepacketizeBuf;

use super::pace::Pace;
use super::sound::Hearing;
use super::{Track, video_params};
use crate::IngestError;
use crate::late::Arrivals;

/// Bytes of one picture at most: a key frame of 8192x8192 is smaller. A camera that sends more is not believed.
pub(crate) const PICTURE_BYTES_MAX: usize = 16 << 20;
/// Memory for a picture's packets at first; grows to twice the largest picture.
const BUFFER: usize = 64 << 10;
/// Packets in a row that make no sense before the session is given up: a picture lost half-way is a hundred at most.
const DAMAGED_MAX: u32 = 1000;

/// What a session gives.
pub(crate) enum Arrived {
    Picture(Picture),
    /// What was heard since the last picture, a packet at a time; its media time is on the pictures' clock.
    Sound(Packet),
}

/// One picture, and the parameters if they are new with it.
pub(crate) struct Picture {
    pub(crate) packet: Packet,
    pub(crate) params: Option<VideoParams>,
    /// RTP packets that did not come before it, or made no sense.
    pub(crate) lost: u16,
}

/// What a session's packets are put together by.
pub(crate) struct Assembly {
    track: Track,
    buffer: DepacketizeBuf,
    hearing: Option<Hearing>,
    /// Whose words no error repeats.
    address: CameraAddress,
    /// From the first key frame on.
    pace: Option<Pace>,
    /// Where pictures are read late: when they came.
    arrivals: Option<Arrivals>,
    /// The parameters last told.
    params: Option<VideoParams>,
    /// Bytes of the picture that is being put together.
    held: usize,
    /// Packets in a row that made no sense.
    damaged: u32,
    /// What one RTP packet gave beyond the first; a handful.
    ready: VecDeque<Arrived>,
}

impl Assembly {
    pub(crate) fn new(track: Track, hearing: Option<Hearing>, address: &CameraAddress) -> Self {
        Self {
            track,
            buffer: DepacketizeBuf::new(BUFFER),
            hearing,
            address: address.clone(),
            pace: None,
            arrivals: None,
            params: None,
            held: 0,
            damaged: 0,
            ready: VecDeque::new(),
        }
    }

    /// From now on pictures are read some time after they came.
    pub(crate) fn is_read_late(&mut self) {
        self.arrivals = Some(Arrivals::default());
    }

    /// Whether there was a key frame.
    pub(crate) fn has_begun(&self) -> bool {
        self.pace.is_some()
    }

    /// Whether times of arrival stand in for the camera's clock.
    pub(crate) fn is_by_arrival(&self) -> bool {
        self.pace.as_ref().is_some_and(Pace::is_by_arrival)
    }

    /// How its sound is coded, if sound is wanted and there.
    pub(crate) fn sound_params(&self) -> Option<SoundParams> {
        self.hearing.as_ref().map(|h| h.params().clone())
    }

    /// What is there, in order.
    pub(crate) fn pop(&mut self) -> Option<Arrived> {
        self.ready.pop_front()
    }

    /// Takes one packet that came at `wall`; whether a picture became whole with it. To be called when [`pop`](Self::pop) has
    /// nothing more.
    pub(crate) fn push(&mut self, packet: &ReceivedPacket, wall: WallTime) -> Result<bool, IngestError> {
        if packet.stream_id() == self.track.index {
            return self.picture(packet, wall);
        }
        if self.pace.is_some()
            && let Some(hearing) = &mut self.hearing
        {
            self.ready.extend(hearing.hear(packet, wall).into_iter().map(Arrived::Sound));
        }
        Ok(false)
    }

    /// Takes one packet of the pictures' stream that came at `wall`; whether a picture became whole with it.
    fn picture(&mut self, packet: &ReceivedPacket, wall: WallTime) -> Result<bool, IngestError> {
        self.held += packet.payload().len();
        if self.held > PICTURE_BYTES_MAX {
            return Err(IngestError::PictureTooLarge);
        }
        let meta = PacketMeta::from_received(packet);
        if let Err(why) = self.buffer.push(&mut self.track.depacketizer, meta, packet.payload()) {
            // What is left of the picture is dropped; the next one may be whole.
            self.damaged += 1;
            if self.damaged > DAMAGED_MAX {
                return Err(IngestError::bad_stream(&why, &self.address));
            }
        }
        let mut whole = false;
        while let Some(item) = self.track.depacketizer.pull() {
            match item {
                Ok(CodecItem::VideoFrame(frame)) => {
                    whole = true;
                    self.held = 0;
                    let damaged = u16::try_from(std::mem::take(&mut self.damaged)).unwrap_or(u16::MAX);
                    if let Some(picture) = self.take(frame, damaged, wall)? {
                        self.ready.push_back(Arrived::Picture(picture));
                    }
                }
                Ok(_) => {}
                Err(_) => self.damaged += 1,
            }
        }
        Ok(whole)
    }

    /// `None` before the first key frame.
    fn take(
        &mut self,
        frame: VideoFrame,
        damaged: u16,
        wall: WallTime,
    ) -> Result<Option<Picture>, IngestError> {
        let (ticks, lost) = (frame.timestamp().elapsed(), frame.loss().saturating_add(damaged));
        let changed = frame.has_new_parameters();
        let data = frame.into_data();
        let told = if changed || self.params.is_none() { self.parameters()? } else { None };
        let Some(codec) = told.as_ref().or(self.params.as_ref()).map(|p| p.codec) else {
            return Ok(None);
        };
        let mut packet = Packet { media: MediaTime::ZERO, wall, key: false, data: data.into() };
        packet.key = codec.starts_with(packet.nals());
        if codec != Codec::Mjpeg {
            let params = told.as_ref().or(self.params.as_ref()).filter(|_| packet.key);
            let mut data = params.and_then(|p| with_sets(&packet, p)).unwrap_or_else(|| packet.data.into());
            delimiter_first(&mut data, codec);
            packet.data = data.into();
        }
        let clock = self.track.clock;
        match &mut self.pace {
            None if !(packet.key && told.is_some()) => {
                return Ok(None);
            }
            None => self.pace = Some(Pace::new(clock, ticks, wall)),
            Some(pace) => {
                let believed = !pace.is_by_arrival();
                packet.media = pace.time(ticks, wall);
                if believed && pace.is_by_arrival() {
                    tracing::warn!("the camera's clock does not run as it says: times of arrival are taken");
                }
            }
        }
        if let (Some(arrivals), false) =
            (&mut self.arrivals, self.pace.as_ref().is_some_and(Pace::is_by_arrival))
        {
            packet.wall = arrivals.of(packet.media, wall);
        }
        if let Some(hearing) = &mut self.hearing {
            hearing.sees(packet.media, wall, self.arrivals.is_some().then_some(packet.wall));
        }
        let params = told.filter(|p| self.params.as_ref() != Some(p));
        if params.is_some() {
            self.params.clone_from(&params);
        }
        Ok(Some(Picture { packet, params, lost }))
    }

    fn parameters(&self) -> Result<Option<VideoParams>, IngestError> {
        match self.track.depacketizer.parameters() {
            Some(ParametersRef::Video(p)) => Ok(Some(video_params(p)?)),
            _ => Ok(None),
        }
    }
}

/// A key picture with the parameter sets in front; `None` where it has some. retina puts them before IDR pictures, and not
/// before H.265's other key pictures.
fn with_sets(packet: &Packet, params: &VideoParams) -> Option<Vec<u8>> {
    let sets = params.parameter_sets();
    let there = packet.nals().any(|nal| sets.iter().any(|set| set == nal));
    if there {
        return None;
    }
    let mut data = Vec::with_capacity(packet.data.len() + 256);
    for set in sets {
        data.extend_from_slice(&(set.len() as u32).to_be_bytes());
        data.extend_from_slice(&set);
    }
    data.extend_from_slice(&packet.data);
    Some(data)
}

/// What a NAL unit is, as far as order matters.
enum Part {
    ParameterSet,
    Delimiter,
    Other,
}

/// retina puts the parameter sets in front of everything; an access unit delimiter must stand first (ITU-T H.264 section
/// 7.4.1.2.3, H.265 section 7.4.2.4.4), and Chromium refuses a picture in which it does not.
fn delimiter_first(data: &mut [u8], codec: Codec) {
    let part = |header: u8| match codec {
        Codec::H265 => match header >> 1 & 0x3f {
            32..=34 => Part::ParameterSet,
            35 => Part::Delimiter,
            _ => Part::Other,
        },
        _ => match header & 0x1f {
            7 | 8 => Part::ParameterSet,
            9 => Part::Delimiter,
            _ => Part::Other,
        },
    };
    let mut at = 0;
    while let Some((len, nal)) = data[at..].split_first_chunk::<4>() {
        let whole = 4 + u32::from_be_bytes(*len) as usize;
        match nal.first().map(|header| part(*header)) {
            Some(Part::ParameterSet) if whole <= data.len() - at => at += whole,
            Some(Part::Delimiter) if at > 0 && whole <= data.len() - at => {
                return data[..at + whole].rotate_right(whole);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nals(types: &[u8]) -> Vec<u8> {
        types.iter().flat_map(|t| [0, 0, 0, 2, *t, 0xaa]).collect()
    }

    #[test]
    fn an_access_unit_delimiter_stands_before_the_parameter_sets() {
        for (from, to) in
            [(&[7, 8, 9, 6, 5][..], &[9, 7, 8, 6, 5][..]), (&[9, 1], &[9, 1]), (&[7, 8, 5], &[7, 8, 5])]
        {
            let mut data = nals(from);
            delimiter_first(&mut data, Codec::H264);
            assert_eq!(data, nals(to));
            let h265 = |types: &[u8]| {
                let of = |t: &u8| match t {
                    7 => 33 << 1,
                    8 => 34 << 1,
                    9 => 35 << 1,
                    _ => 19 << 1,
                };
                nals(&types.iter().map(of).collect::<Vec<u8>>())
            };
            let mut data = h265(from);
            delimiter_first(&mut data, Codec::H265);
            assert_eq!(data, h265(to));
        }
    }

    proptest! {
        #[test]
        fn putting_the_delimiter_first_keeps_every_byte(mut data: Vec<u8>, h265: bool) {
            let mut before = data.clone();
            delimiter_first(&mut data, if h265 { Codec::H265 } else { Codec::H264 });
            before.sort_unstable();
            data.sort_unstable();
            prop_assert_eq!(before, data);
        }
    }
}
