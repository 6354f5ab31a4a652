//! Streams of real encoders with nothing missing, with pictures missing, and with bytes wrong.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::process::{Command, Stdio};

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_codec::{CodecError, Decoder, EncoderSettings, H264Encoder, VideoFile};
use louver_media::{Broken, Continuity, Packet, Picture, PictureSize, VideoParams, fmp4, has_idr};
use louver_scene::PictureEncoder;

/// A stream, whole.
struct Stream {
    params: VideoParams,
    packets: Vec<Packet>,
}

fn packet(n: usize, nals: &[&[u8]]) -> Packet {
    let data: Bytes = nals.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect();
    let key = has_idr(nals.iter().copied());
    Packet { media: MediaTime::from_ticks(n as i64 * 9000), wall: WallTime::from_micros(0), key, data }
}

/// Whether other pictures are predicted from this one.
fn reference(packet: &Packet) -> bool {
    packet.nals().any(|nal| matches!(nal[0] & 0x1f, 1 | 5) && nal[0] & 0x60 != 0)
}

/// Four seconds of a moving pattern, coded by x264 with these options; `None` where there is no ffmpeg with x264.
fn x264(options: &str, more: &[&str]) -> Option<Stream> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=192x144:rate=25:duration=4"]);
    ffmpeg.args(["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", options]);
    ffmpeg.args(more).args(["-bsf:v", "h264_metadata=aud=insert", "-f", "h264", "pipe:1"]);
    let out =
        ffmpeg.stdin(Stdio::null()).stderr(Stdio::inherit()).output().ok().filter(|o| o.status.success())?;
    // Start codes part the units; none ends in a zero byte.
    let mut nals: Vec<&[u8]> = Vec::new();
    let (mut rest, mut begun) = (&out.stdout[..], false);
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
    let set = |kind| *nals.iter().find(|n| n[0] & 0x1f == kind).expect("parameter sets");
    let params = VideoParams::from_parameter_sets(set(7), set(8)).unwrap();
    let units = nals.split(|n| n[0] & 0x1f == 9).skip(1);
    let packets: Vec<Packet> = units.enumerate().map(|(n, unit)| packet(n, unit)).collect();
    assert!(packets.len() >= 100, "{} pictures", packets.len());
    Some(Stream { params, packets })
}

/// Everything that x264 can do to the order and the numbers of pictures.
fn streams() -> Vec<(&'static str, Stream)> {
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

fn ours(pictures: usize, every: usize) -> Stream {
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

#[test]
fn nothing_is_missed_in_a_stream_from_which_nothing_is_missing() {
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    for (name, stream) in all {
        let mut continuity = Continuity::new(&stream.params);
        let mut decoder = Decoder::new(&stream.params, None).unwrap();
        let mut pictures = 0;
        for (n, packet) in stream.packets.iter().enumerate() {
            assert_eq!(continuity.follow(packet), Ok(()), "{name}: picture {n} of {}", stream.packets.len());
            pictures += decoder.decode(packet).unwrap_or_else(|e| panic!("{name}: picture {n}: {e}")).len();
        }
        assert!(pictures + 20 >= stream.packets.len(), "{name}: {pictures} of {}", stream.packets.len());
    }
}

#[test]
fn each_picture_that_others_depend_on_is_missed_at_once() {
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    for (name, Stream { params, packets }) in all {
        // With a key frame the numbers begin anew; where they happen to go on as before only the transport can tell.
        let lost = (0..packets.len() - 1).filter(|n| *n == 0 || !packets[*n].key || name == "ours");
        for lost in lost {
            let mut continuity = Continuity::new(&params);
            packets[..lost].iter().for_each(|p| continuity.follow(p).unwrap());
            let next = continuity.follow(&packets[lost + 1]);
            let missed = match (reference(&packets[lost]), packets[lost + 1].key) {
                (true, false) if lost == 0 => Err(Broken::Waiting),
                (true, false) => Err(Broken::Missing),
                _ => Ok(()),
            };
            assert_eq!(next, missed, "{name}: without picture {lost}");
        }
    }
}

#[test]
fn a_decoder_gives_no_smeared_picture() {
    let Stream { params, packets } = ours(60, 20);
    let mut whole = Decoder::new(&params, None).unwrap();
    let expected: Vec<Picture> =
        packets.iter().map(|p| whole.decode(p).unwrap().pop().unwrap().picture).collect();
    let mut decoder = Decoder::new(&params, None).unwrap();
    let mut given = Vec::new();
    for (n, packet) in packets.iter().enumerate().filter(|(n, _)| ![7, 30, 31, 40].contains(n)) {
        match decoder.decode(packet) {
            Ok(pictures) => {
                given.push(n);
                assert!(
                    pictures.len() == 1 && pictures[0].picture == expected[n],
                    "picture {n} is as it was taken"
                );
            }
            Err(e) => assert!(matches!(e, CodecError::Broken(_)), "{e}"),
        }
    }
    let wanted: Vec<usize> = (0..7).chain(20..30).collect();
    assert_eq!(given, wanted, "up to each loss; a lost key frame costs its group");
}

#[test]
fn a_slice_that_is_missing_or_wrong_costs_the_group() {
    let Some(Stream { params, packets }) = x264("keyint=50:slices=4:bframes=0", &[]) else {
        println!("skipped: no ffmpeg with libx264 here");
        return;
    };
    let slices = |p: &Packet| p.nals().filter(|n| matches!(n[0] & 0x1f, 1 | 5)).count();
    assert_eq!(slices(&packets[10]), 4);
    for damage in 0..5 {
        let mut decoder = Decoder::new(&params, None).unwrap();
        let mut damaged = packets.clone();
        let nals: Vec<&[u8]> = packets[10].nals().collect();
        let from = nals.len() - 4;
        damaged[10] = match damage {
            // One slice of four.
            0..4 => {
                let left: Vec<&[u8]> = nals
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| *n != from + damage)
                    .map(|(_, nal)| *nal)
                    .collect();
                packet(10, &left)
            }
            // Bytes inside one.
            _ => {
                let mut wrong = nals[from + 1].to_vec();
                let len = wrong.len();
                wrong[len / 4..len / 2].fill(0xa5);
                let mut all = nals.clone();
                all[from + 1] = &wrong;
                packet(10, &all)
            }
        };
        let got: Vec<bool> = damaged.iter().map(|p| decoder.decode(p).is_ok()).collect();
        let wanted: Vec<bool> = (0..packets.len()).map(|n| !(10..50).contains(&n)).collect();
        assert_eq!(got, wanted, "damage {damage}");
    }
}

/// How many pictures a file of these packets gives, and what is said at its end.
fn read_as_file(params: &VideoParams, packets: &[Packet]) -> (usize, Option<String>) {
    let file = tempfile::NamedTempFile::with_suffix(".mp4").unwrap();
    let fragment = fmp4::fragment(1, MediaTime::ZERO, packets, MediaSpan::from_ticks(9000));
    std::fs::write(file.path(), [fmp4::init_segment(params).unwrap(), fragment].concat()).unwrap();
    let mut video = VideoFile::open(file.path()).unwrap();
    for read in 0.. {
        match video.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return (read, None),
            Err(e) => return (read, Some(e.to_string())),
        }
    }
    unreachable!()
}

#[test]
fn a_file_with_a_picture_that_was_patched_up_is_damaged() {
    let Some(Stream { params, packets }) = x264("keyint=50:slices=4:bframes=0", &[]) else {
        println!("skipped: no ffmpeg with libx264 here");
        return;
    };
    assert_eq!(read_as_file(&params, &packets), (packets.len(), None));
    for wrong in 0..2 {
        let nals: Vec<&[u8]> = packets[10].nals().collect();
        let second = nals.len() - 3;
        let mut bytes = nals[second].to_vec();
        let len = bytes.len();
        bytes[len / 4..len / 2].fill(0xa5);
        let mut left = nals.clone();
        match wrong {
            0 => _ = left.remove(second),
            _ => left[second] = &bytes,
        }
        let mut damaged = packets.clone();
        damaged[10] = packet(10, &left);
        let (read, said) = read_as_file(&params, &damaged);
        assert!(
            read <= 10 && said.as_ref().is_some_and(|s| s.contains("damaged")),
            "{wrong}: {read} {said:?}"
        );
    }
}
