//! For the fuzzer: what is made of a camera's packets and of its first answer, without a camera.

use std::num::{NonZeroU16, NonZeroU32};

use louver_base::{CameraAddress, WallTime};
use louver_media::{Packet, SoundParams, VideoParams};
use retina::rtp::ReceivedPacketBuilder;
use retina::{PacketContext, Timestamp};

use crate::IngestError;
use crate::rtsp::{Announced, Arrived, Assembly, Hearing, Track};
use crate::sign_in::{SignIn, understand};

/// A stream as a camera's description has it.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// `video`, `image`, `audio`.
    pub media: &'a str,
    /// How it is coded, in lower case.
    pub encoding: &'a str,
    /// Ticks a second of its RTP clock.
    pub clock: NonZeroU32,
    /// What stands in `a=fmtp`.
    pub parameters: Option<&'a str>,
}

/// An RTP packet.
#[derive(Clone, Copy, Debug)]
pub struct Rtp<'a> {
    /// Whether it belongs to the sound.
    pub sound: bool,
    /// Its time, unwrapped.
    pub ticks: i64,
    /// Its sequence number.
    pub number: u16,
    /// How many did not come before it.
    pub lost: u16,
    /// The marker bit.
    pub mark: bool,
    /// What it holds.
    pub payload: &'a [u8],
}

/// What came out.
#[derive(Debug)]
pub enum Came {
    /// A picture, with the parameters if they are new, and what was lost before it.
    Picture(Packet, Option<VideoParams>, u16),
    /// Sound.
    Sound(Packet),
}

/// A session without its connection.
pub struct Session {
    assembly: Assembly,
    clocks: [NonZeroU32; 2],
}

impl Session {
    /// A session of these streams; `None` where the pictures' cannot be taken. Sound that cannot be kept is left out.
    pub fn new(
        video: Stream<'_>,
        sound: Option<Stream<'_>>,
        late: bool,
        address: &CameraAddress,
    ) -> Option<Self> {
        let track = Track::new(0, &announced(video)).ok()?;
        let hearing = sound.and_then(|sound| Hearing::new(1, &announced(sound)));
        let mut assembly = Assembly::new(track, hearing, address);
        if late {
            assembly.is_read_late();
        }
        Some(Self { assembly, clocks: [video.clock, sound.map_or(video.clock, |s| s.clock)] })
    }

    /// How the sound is coded, if there is any.
    pub fn sound_params(&self) -> Option<SoundParams> {
        self.assembly.sound_params()
    }

    /// Takes one packet that came at `wall`.
    ///
    /// # Errors
    /// What ends the session.
    pub fn take(&mut self, rtp: Rtp<'_>, wall: WallTime) -> Result<Vec<Came>, IngestError> {
        let [video, sound] = self.clocks;
        let clock = if rtp.sound { sound } else { video };
        let packet = ReceivedPacketBuilder {
            ctx: PacketContext::dummy(),
            stream_id: rtp.sound.into(),
            sequence_number: rtp.number,
            timestamp: Timestamp::new(rtp.ticks, clock, 0).expect("nothing is subtracted"),
            payload_type: 96,
            ssrc: 9,
            mark: rtp.mark,
            loss: rtp.lost,
        };
        let Ok(packet) = packet.build(rtp.payload.iter().copied()) else { return Ok(Vec::new()) };
        self.assembly.push(&packet, wall)?;
        let came = std::iter::from_fn(|| self.assembly.pop()).map(|arrived| match arrived {
            Arrived::Picture(picture) => Came::Picture(picture.packet, picture.params, picture.lost),
            Arrived::Sound(packet) => Came::Sound(packet),
        });
        Ok(came.collect())
    }
}

fn announced(stream: Stream<'_>) -> Announced<'_> {
    Announced {
        media: stream.media,
        encoding: stream.encoding,
        clock: stream.clock.get(),
        channels: NonZeroU16::new(1).filter(|_| stream.media == "audio"),
        parameters: stream.parameters.map(str::to_owned),
    }
}

/// How a camera wants its viewers to sign in, from its first answer.
pub fn sign_in(head: &str) -> Option<SignIn> {
    understand(head)
}

/// What a coding of this name is called in reports.
pub fn codec_name(encoding: &str) -> String {
    crate::rtsp::codec_name(encoding)
}
