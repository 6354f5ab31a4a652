//! Streams of real encoders, whole, and the program that decodes apart.
#![allow(dead_code, unreachable_pub)] // Each file of tests uses its part of it.

use std::process::{Command, Stdio};

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_codec::{EncoderSettings, H264Encoder};
use louver_jail::Program;
use louver_media::{Packet, Picture, PictureSize, VideoParams, has_idr};
use louver_scene::PictureEncoder;

/// `examples/decoding_child.rs`.
pub fn decoding_child() -> Program {
    beside("decoding_child", [])
}

/// An example of this crate, which stands beside the tests' own programs.
pub fn beside<const N: usize>(name: &str, words: [&'static str; N]) -> Program {
    let tests = std::env::current_exe().unwrap();
    let examples = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    Program::at(examples.join(name), words)
}

/// A stream, whole.
pub struct Stream {
    pub params: VideoParams,
    pub packets: Vec<Packet>,
}

pub fn packet(n: usize, nals: &[&[u8]]) -> Packet {
    let data: Bytes = nals.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect();
    let key = has_idr(nals.iter().copied());
    Packet { media: MediaTime::from_ticks(n as i64 * 9000), wall: WallTime::from_micros(0), key, data }
}

/// The NAL units of a stream in Annex B form. Start codes part them; none ends in a zero byte.
pub fn units_of(stream: &[u8]) -> Vec<&[u8]> {
    let mut nals: Vec<&[u8]> = Vec::new();
    let (mut rest, mut begun) = (stream, false);
    loop {
        let next = rest.windows(3).position(|w| w == [0, 0, 1]);
        let mut unit = &rest[..next.unwrap_or(rest.len())];
        while let [shorter @ .., 0] = unit {
            unit = shorter;
        }
        if begun {
            nals.push(unit);
        }
        begun = true;
        match next {
            Some(at) => rest = &rest[at + 3..],
            None => break,
        }
    }
    nals
}

/// Four seconds of a moving pattern, coded by x264 with these options; `None` where there is no ffmpeg with x264.
pub fn x264(options: &str, more: &[&str]) -> Option<Stream> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=192x144:rate=25:duration=4"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", options]);
    ffmpeg.args(more).args(["-bsf:v", "h264_metadata=aud=insert", "-f", "h264", "pipe:1"]);
    let out =
        ffmpeg.stdin(Stdio::null()).stderr(Stdio::inherit()).output().ok().filter(|o| o.status.success())?;
    let nals = units_of(&out.stdout);
    let set = |kind| *nals.iter().find(|n| n[0] & 0x1f == kind).expect("parameter sets");
    let params = VideoParams::from_parameter_sets(set(7), set(8)).unwrap();
    let units = nals.split(|n| n[0] & 0x1f == 9).skip(1);
    let packets: Vec<Packet> = units.enumerate().map(|(n, unit)| packet(n, unit)).collect();
    assert!(packets.len() >= 100, "{} pictures", packets.len());
    Some(Stream { params, packets })
}

/// Everything that x264 can do to the order and the numbers of pictures.
pub fn streams() -> Vec<(&'static str, Stream)> {
    let made = [
        ("plain", x264("keyint=25:bframes=0", &[])),
        ("one group", x264("keyint=1000:bframes=0:scenecut=0", &[])),
        ("B pictures", x264("keyint=40:bframes=3:b-pyramid=normal:b-adapt=0", &[])),
        ("many references", x264("keyint=40:bframes=16:b-adapt=2:ref=16:weightp=2", &[])),
        ("open groups", x264("keyint=20:min-keyint=20:bframes=2:open-gop=1", &[])),
        ("intra refresh", x264("keyint=20:intra-refresh=1:bframes=0", &[])),
        ("slices", x264("keyint=25:slices=4:bframes=2", &[])),
        ("lines in turn", x264("keyint=25:tff=1:bframes=2", &[])),
        (
            "constrained baseline",
            x264(
                "keyint=25:nal-hrd=cbr:vbv-maxrate=300:vbv-bufsize=300:filler=1",
                &["-profile:v", "baseline"],
            ),
        ),
    ];
    let made: Vec<_> = made.into_iter().filter_map(|(name, stream)| Some((name, stream?))).collect();
    if made.is_empty() {
        println!("skipped: no ffmpeg with libx264 here");
    }
    made
}

pub fn ours(pictures: usize, every: usize) -> Stream {
    let size = PictureSize::new(320, 240).unwrap();
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size, 10.0)).unwrap();
    let mut stream = None;
    for n in 0..pictures {
        let mut picture = Picture::flat(size, 90, 128, 128);
        // A block on its way over ramps: a smear would show.
        for (at, y) in picture.y.iter_mut().enumerate() {
            let (x, row) = (at % 320, at / 320);
            *y = if (60..180).contains(&row) && (n * 4..n * 4 + 60).contains(&x) {
                220
            } else {
                (x / 4 + row / 4) as u8
            };
        }
        let coded = encoder.encode(&picture, MediaTime::from_ticks(n as i64 * 9000), n % every == 0).unwrap();
        let stream =
            stream.get_or_insert_with(|| Stream { params: coded.params.clone().unwrap(), packets: vec![] });
        stream.packets.push(coded.packet);
    }
    stream.unwrap()
}
