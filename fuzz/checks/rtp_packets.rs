//! Any bytes as the RTP packets of a camera's pictures and sound (RFC 6184, 7798, 2435, 3640, 3551, 7587).

use std::num::NonZeroU32;
use std::sync::LazyLock;

use louver_base::{CameraAddress, WallTime};
use louver_ingest::fuzzing::{Came, Rtp, Session, Stream};

use super::session::{self, SECRET, USER};

static ADDRESS: LazyLock<CameraAddress> =
    LazyLock::new(|| format!("rtsp://{USER}:{SECRET}@192.0.2.10/main").parse().expect("an address"));

const PICTURES: [&str; 3] = ["h264", "h265", "jpeg"];
const SOUNDS: [Option<&str>; 5] = [None, Some("mpeg4-generic"), Some("pcma"), Some("pcmu"), Some("opus")];
const CLOCKS: [u32; 4] = [90_000, 8000, 48_000, 1];

/// The first byte: coding of pictures (2 bits), coding of sound (3), pictures read late (32). The second: clock rates of pictures and
/// sound (2 bits each), with parameters (16, 32). Then those, each behind its length (1 byte). Then packets.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let Some(([codings, how], mut rest)) = bytes.split_first_chunk::<2>() else { return };
    let mut text = |wanted: u8| {
        let length = if how & wanted == 0 { 0 } else { usize::from(*rest.split_off_first().unwrap_or(&0)) };
        let text = rest.split_off(..length.min(rest.len())).unwrap_or_default();
        Some(std::str::from_utf8(text).ok()?.to_owned()).filter(|_| length > 0)
    };
    let (of_pictures, of_sound) = (text(16), text(32));
    let clock = |n: u8| NonZeroU32::new(CLOCKS[usize::from(n & 3)]).expect("none is zero");
    let encoding = PICTURES[usize::from(codings & 3) % PICTURES.len()];
    let video = Stream {
        media: if how & 64 == 0 { "video" } else { "image" },
        encoding,
        clock: clock(*how),
        parameters: of_pictures.as_deref(),
    };
    let sound = SOUNDS[usize::from(codings >> 2 & 7) % SOUNDS.len()].map(|encoding| Stream {
        media: "audio",
        encoding,
        clock: clock(how >> 2),
        parameters: of_sound.as_deref(),
    });
    let Some(session) = Session::new(video, sound, codings & 32 != 0, &ADDRESS) else { return };
    plays(session, of_pictures.map_or(0, |text| text.len()), rest);
}

/// A packet: what it is (1 byte: marker 1, sound 2, lost before it 4, its length has two bytes 8, the clock's step times a thousand
/// 16, or a million 32, or what came a second later 64), the clock's step (1, signed), length, payload.
fn plays(mut session: Session, told: usize, mut rest: &[u8]) {
    let mut watched = session::Session::default();
    watched.sounds_like(session.sound_params());
    watched.came(told);
    let (mut ticks, mut wall, mut number) = ([0_i64; 2], 1_772_000_000_000_000_i64, 0_u16);
    while let Some(([what, step], tail)) = rest.split_first_chunk::<2>() {
        rest = tail;
        let length = match what & 8 {
            0 => rest.split_off_first().map(|length| usize::from(*length)),
            _ => rest.split_off(..2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))),
        };
        let Some(length) = length else { break };
        let payload = rest.split_off(..length.min(rest.len())).unwrap_or_default();
        let sound = what & 2 != 0;
        let scale = match what & 48 {
            0 => 90,
            16 => 1000,
            32 => 1_000_000,
            // What is taken for no jump back.
            _ => i64::from(i32::MAX) / 128,
        };
        ticks[usize::from(sound)] += i64::from(step.cast_signed()) * scale;
        wall += if what & 64 == 0 { 40_000 } else { 1_000_000 };
        number = number.wrapping_add(1);
        let rtp = Rtp {
            sound,
            ticks: ticks[usize::from(sound)],
            number,
            lost: u16::from(what & 4 != 0),
            mark: what & 1 != 0,
            payload,
        };
        watched.came(payload.len() + 12);
        match session.take(rtp, WallTime::from_micros(wall)) {
            Ok(came) => {
                for came in came {
                    match came {
                        Came::Picture(packet, params, _) => watched.picture(&packet, params.as_ref()),
                        Came::Sound(packet) => watched.sound(&packet),
                    }
                }
            }
            Err(error) => return session::Session::failed(&error),
        }
    }
}
