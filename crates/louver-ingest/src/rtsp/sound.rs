//! A camera's sound, where it is wanted.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime, WallSpan, WallTime};
use louver_media::{Packet, SoundCodec, SoundParams};
use retina::client::{Described, Session};
use retina::codec::{CodecItem, ParametersRef};
use retina::rtp::{PacketMeta, ReceivedPacket};
use retina::testutil::DepacketizeBuf;

use super::pace::{rescaled, ticks_of};
use super::{Announced, Track, codec_name};

/// Memory for packets at first: a frame of AAC is below 1 KiB, a second of G.711 is 8.
const BUFFER: usize = 16 << 10;
/// How far sound and pictures may drift apart before sound is put where it arrived: a second, as some cameras send half a
/// second of it at once. The two clocks of a camera share no origin, and what sender reports say of it is often wrong.
const DRIFT_MAX: i64 = 90_000;

/// A stream of sound.
pub(crate) struct Hearing {
    index: usize,
    params: SoundParams,
    kind: Kind,
    clock: u32,
    /// RTP ticks and the media time they stand for.
    anchor: Option<(i64, MediaTime)>,
    /// The last picture: its time, and when it was read.
    seen: Option<(MediaTime, WallTime)>,
    /// The same picture where it is read late: its time, and when it came.
    came: Option<(MediaTime, WallTime)>,
    /// The latest time given.
    latest: MediaTime,
    damaged: u64,
}

enum Kind {
    /// An RTP packet is a packet of sound (RFC 7587): retina has nothing for it, and nothing is needed.
    Opus,
    Other(Track, DepacketizeBuf),
}

impl Hearing {
    /// The first stream of sound that can be kept; else why there is none goes to the log.
    pub(crate) fn find(session: &Session<Described>) -> Option<Self> {
        let audio = || session.streams().iter().enumerate().filter(|(_, s)| s.media() == "audio");
        let found = audio().find_map(|(index, _)| Self::new(index, &Announced::of(session, index)?));
        if found.is_none() {
            let offered: Vec<String> = audio().map(|(_, s)| codec_name(s.encoding_name())).collect();
            let offered = offered.join(", ");
            tracing::warn!(
                offered,
                "sound is declared, and the camera offers none that can be kept: set it to AAC, G.711 or Opus"
            );
        }
        found
    }

    /// `None` where it is coded as nothing that can be kept.
    pub(crate) fn new(index: usize, announced: &Announced<'_>) -> Option<Self> {
        let clock = announced.clock;
        let channels = announced.channels.map_or(1, |n| n.get().min(255) as u8);
        let codec = match announced.encoding {
            "opus" => {
                // The clock is 48 kHz and the channels two whatever is sent (RFC 7587 section 7).
                let params = SoundParams::new(SoundCodec::Opus, 48_000, 2, Bytes::new())?;
                return Some(Self::of(index, params, Kind::Opus, clock));
            }
            "mpeg4-generic" => SoundCodec::Aac,
            "pcma" => SoundCodec::ALaw,
            "pcmu" => SoundCodec::MuLaw,
            _ => return None,
        };
        let track = Track::new(index, announced).ok()?;
        let (rate, channels, config) = match track.depacketizer.parameters() {
            Some(ParametersRef::Audio(p)) => {
                (p.clock_rate(), p.channels().get().min(255) as u8, Bytes::copy_from_slice(p.extra_data()))
            }
            _ => (clock, channels, Bytes::new()),
        };
        let params = SoundParams::new(codec, rate, channels, config)?;
        Some(Self::of(index, params, Kind::Other(track, DepacketizeBuf::new(BUFFER)), clock))
    }

    fn of(index: usize, params: SoundParams, kind: Kind, clock: u32) -> Self {
        Self {
            index,
            params,
            kind,
            clock,
            anchor: None,
            seen: None,
            came: None,
            latest: MediaTime::ZERO,
            damaged: 0,
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn params(&self) -> &SoundParams {
        &self.params
    }

    /// A picture was read: where sound that is read now belongs. `came`: when it came, where that was some time before.
    pub(crate) fn sees(&mut self, media: MediaTime, wall: WallTime, came: Option<WallTime>) {
        // Reordered pictures come late; sound does not go back for them.
        if self.seen.is_none_or(|(before, _)| media > before || before - media > MediaSpan::from_millis(1000))
        {
            self.seen = Some((media, wall));
            self.came = came.map(|came| (media, came));
        }
    }

    /// Takes one RTP packet that came at `wall`; what cannot be read is dropped and counted.
    pub(crate) fn hear(&mut self, packet: &ReceivedPacket, wall: WallTime) -> Vec<Packet> {
        if packet.stream_id() != self.index {
            return Vec::new();
        }
        let mut heard = Vec::new();
        match &mut self.kind {
            Kind::Opus => {
                heard.push((packet.timestamp().elapsed(), Bytes::copy_from_slice(packet.payload())));
            }
            Kind::Other(track, buffer) => {
                let meta = PacketMeta::from_received(packet);
                let pushed = buffer.push(&mut track.depacketizer, meta, packet.payload());
                let mut damaged = u64::from(pushed.is_err());
                while let Some(item) = track.depacketizer.pull() {
                    match item {
                        Ok(CodecItem::AudioFrame(frame)) => {
                            heard.push((frame.timestamp().elapsed(), Bytes::copy_from_slice(frame.data())));
                        }
                        Ok(_) => {}
                        Err(_) => damaged += 1,
                    }
                }
                if self.damaged == 0 && damaged > 0 {
                    tracing::warn!("sound of the camera cannot be read; pictures go on");
                }
                self.damaged += damaged;
            }
        }
        let packet = |(ticks, data)| {
            let media = self.time(ticks, wall);
            Packet { media, wall: self.came(media, wall), key: true, data }
        };
        heard.into_iter().filter(|(_, data): &(i64, Bytes)| !data.is_empty()).map(packet).collect()
    }

    /// When sound of this time came that is read now: beside the picture of that time, where that was read late.
    fn came(&self, media: MediaTime, now: WallTime) -> WallTime {
        let Some((seen, came)) = self.came else { return now };
        now.min(came + WallSpan::from_micros((media - seen).ticks().saturating_mul(100) / 9))
    }

    /// On the pictures' clock; never before what came before, so long as that is no jump.
    fn time(&mut self, ticks: i64, wall: WallTime) -> MediaTime {
        let time = self.placed(ticks, wall);
        let back = (self.latest - time).ticks();
        let time =
            if (0..=DRIFT_MAX).contains(&back) { self.latest + MediaSpan::from_ticks(1) } else { time };
        self.latest = time;
        time
    }

    fn placed(&mut self, ticks: i64, wall: WallTime) -> MediaTime {
        let arrived = self.seen.map_or(MediaTime::ZERO, |(media, seen)| {
            media + MediaSpan::from_ticks(ticks_of((wall - seen).micros()))
        });
        if let Some((from, media)) = self.anchor {
            let time = media + MediaSpan::from_ticks(rescaled(ticks.saturating_sub(from), self.clock));
            if (time - arrived).ticks().abs() <= DRIFT_MAX {
                return time;
            }
        }
        self.anchor = Some((ticks, arrived));
        arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hearing() -> Hearing {
        let params = SoundParams::new(SoundCodec::Opus, 48_000, 2, Bytes::new()).unwrap();
        Hearing::of(1, params, Kind::Opus, 48_000)
    }

    #[test]
    fn sound_follows_its_own_clock_and_begins_where_it_arrived() {
        let mut h = hearing();
        h.sees(MediaTime::from_ticks(9000), WallTime::from_millis(100), None);
        let first = h.time(77_000, WallTime::from_millis(150));
        assert_eq!(first.ticks(), 9000 + 50 * 90);
        // Arrivals jitter; the clock does not.
        let next = h.time(77_960, WallTime::from_millis(190));
        assert_eq!((next - first).ticks(), 20 * 90);
    }

    #[test]
    fn a_clock_of_sound_that_jumps_or_drifts_is_put_right_within_a_second() {
        let mut h = hearing();
        h.sees(MediaTime::ZERO, WallTime::from_millis(0), None);
        h.time(0, WallTime::from_millis(0));
        let jumped = h.time(i64::MAX / 2, WallTime::from_millis(20));
        assert_eq!(jumped.ticks(), 20 * 90);
        // A clock that runs at half its rate.
        for n in 1..500_i64 {
            let wall = WallTime::from_millis(20 + n * 20);
            let time = h.time(i64::MAX / 2 + n * 480, wall);
            assert!((time.ticks() - (20 + n * 20) * 90).abs() <= DRIFT_MAX, "{n}");
        }
    }
}
