//! Streams of H.265 and MJPEG by real encoders: whole, with pictures missing, and damaged.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::process::{Command, Stdio};

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_codec::Decoder;
use louver_media::{Broken, Codec, Continuity, Packet, Picture, PictureSize, VideoParams};

struct Stream {
    params: VideoParams,
    packets: Vec<Packet>,
}

fn ffmpeg(args: &[&str]) -> Option<Vec<u8>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=192x144:rate=10:duration=4"]).args(args);
    let out = ffmpeg.arg("pipe:1").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    out.status.success().then_some(out.stdout)
}

fn packet(n: usize, key: bool, data: Bytes) -> Packet {
    Packet { media: MediaTime::from_ticks(n as i64 * 9000), wall: WallTime::from_micros(0), key, data }
}

/// `None` where there is no ffmpeg with x265.
fn x265(options: &str) -> Option<Stream> {
    let options = format!("log-level=error:info=0:{options}");
    let coded = ["-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "veryfast", "-x265-params", &options];
    let stream = ffmpeg(&[&coded[..], &["-bsf:v", "hevc_metadata=aud=insert", "-f", "hevc"]].concat())?;
    let nals = support::units_of(&stream);
    let kind = |n: &&[u8]| n[0] >> 1 & 0x3f;
    let set = |wanted| *nals.iter().find(|n| kind(n) == wanted).expect("parameter sets");
    // A record with the three sets and nothing else that a decoder looks at (ISO/IEC 14496-15 section 8.3.3.1).
    let mut config = vec![0; 23];
    (config[0], config[21], config[22]) = (1, 0x0f, 3);
    for wanted in [32, 33, 34] {
        config.extend_from_slice(&[0x80 | wanted, 0, 1]);
        config.extend_from_slice(&(set(wanted).len() as u16).to_be_bytes());
        config.extend_from_slice(set(wanted));
    }
    let params = VideoParams::from_h265_config(&config).unwrap().0;
    let units = nals.split(|n| kind(n) == 35).skip(1).enumerate();
    let packets = units.map(|(n, unit)| {
        let data = unit.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect();
        packet(n, Codec::H265.starts_with(unit.iter().copied()), data)
    });
    Some(Stream { packets: packets.collect(), params })
}

/// What x265 can do to the order of pictures and to what they are predicted from.
fn streams() -> Vec<(&'static str, Stream)> {
    let made = [
        ("plain", "keyint=10:bframes=0"),
        ("one group", "keyint=1000:bframes=0:scenecut=0"),
        ("B pictures", "keyint=20:bframes=4:b-pyramid=1:b-adapt=0:open-gop=0"),
        ("many references", "keyint=20:bframes=8:b-adapt=2:ref=6:weightp=1:open-gop=0"),
        ("open groups", "keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=1"),
        ("slices", "keyint=10:slices=3:bframes=0"),
        ("temporal layers", "keyint=20:temporal-layers=3:bframes=3:b-adapt=0:open-gop=0"),
        ("intra refresh", "keyint=20:intra-refresh=1:bframes=0"),
    ];
    let made: Vec<_> = made.into_iter().filter_map(|(name, how)| Some((name, x265(how)?))).collect();
    if made.is_empty() {
        println!("skipped: no ffmpeg with libx265 here");
    }
    made
}

#[test]
fn nothing_is_missed_in_a_stream_of_h265_from_which_nothing_is_missing() {
    for (name, Stream { params, packets }) in streams() {
        let mut continuity = Continuity::new(&params);
        let mut decoder = Decoder::new(&params, None).unwrap();
        let mut pictures = 0;
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(continuity.follow(packet), Ok(()), "{name}: picture {n} of {}", packets.len());
            pictures += decoder.decode(packet).unwrap_or_else(|e| panic!("{name}: picture {n}: {e}")).len();
        }
        assert_eq!((params.size.to_string().as_str(), packets.len()), ("192x144", 40));
        assert!(pictures + 10 >= 40, "{name}: {pictures}");
    }
}

/// A picture that is missing is missed by the first one that is predicted from it, and what is given before is what was coded.
#[test]
fn no_picture_that_follows_a_missing_one_is_given_smeared() {
    for (name, Stream { params, packets }) in streams() {
        let mut whole = Decoder::new(&params, None).unwrap();
        let expected: Vec<(i64, Picture)> = packets
            .iter()
            .flat_map(|p| whole.decode(p).unwrap())
            .map(|decoded| (decoded.media.ticks(), decoded.picture))
            .collect();
        let mut caught = 0;
        for lost in 0..packets.len() - 1 {
            let mut decoder = Decoder::new(&params, None).unwrap();
            for packet in packets.iter().enumerate().filter(|(n, _)| *n != lost).map(|(_, p)| p) {
                let Ok(pictures) = decoder.decode(packet) else {
                    caught += 1;
                    continue;
                };
                for decoded in pictures {
                    let at = decoded.media.ticks();
                    let wanted = expected.iter().find(|(ticks, _)| *ticks == at);
                    assert!(
                        wanted.is_some_and(|(_, picture)| *picture == decoded.picture),
                        "{name}: without picture {lost} the one at {at} is smeared"
                    );
                }
            }
        }
        println!("{name}: {caught} pictures were not given");
        assert!(caught > 0, "{name}");
    }
}

#[test]
fn leading_pictures_of_an_open_group_are_skipped_where_decoding_begins_with_it() {
    let Some(Stream { params, packets }) = x265("keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=1")
    else {
        println!("skipped: no ffmpeg with libx265 here");
        return;
    };
    let second = packets.iter().skip(1).position(|p| p.key).unwrap() + 1;
    let mut continuity = Continuity::new(&params);
    assert_eq!(continuity.follow(&packets[second]), Ok(()));
    let rest: Vec<_> = packets[second + 1..].iter().map(|p| continuity.follow(p)).collect();
    let skipped = rest.iter().take_while(|r| **r == Err(Broken::Waiting)).count();
    assert!((1..=3).contains(&skipped), "{rest:?}");
    assert!(rest[skipped..].iter().all(Result::is_ok), "{rest:?}");
}

#[test]
fn a_slice_of_h265_that_is_missing_or_wrong_costs_the_group() {
    let Some(Stream { params, packets }) =
        x265("keyint=20:min-keyint=20:scenecut=0:slices=3:bframes=0:open-gop=0")
    else {
        println!("skipped: no ffmpeg with libx265 here");
        return;
    };
    let nals: Vec<&[u8]> = packets[5].nals().collect();
    let slices = nals.iter().filter(|n| n[0] >> 1 & 0x3f < 32).count();
    if slices < 3 {
        println!("skipped: this x265 makes no slices");
        return;
    }
    let first = nals.iter().position(|n| n[0] >> 1 & 0x3f < 32).unwrap();
    let left: Vec<&[u8]> =
        nals.iter().enumerate().filter(|(n, _)| *n != first).map(|(_, nal)| *nal).collect();
    let data: Bytes = left.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect();
    let mut damaged = packets.clone();
    damaged[5] = packet(5, false, data);
    let mut decoder = Decoder::new(&params, None).unwrap();
    let got: Vec<bool> = damaged.iter().map(|p| decoder.decode(p).is_ok()).collect();
    let wanted: Vec<bool> = (0..packets.len()).map(|n| !(5..20).contains(&n)).collect();
    assert_eq!(got, wanted);
}

#[test]
fn each_jpeg_of_a_stream_is_decoded_by_itself_and_a_cut_one_costs_itself() {
    let Some(stream) = ffmpeg(&["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-f", "mjpeg"]) else {
        println!("skipped: no ffmpeg here");
        return;
    };
    let starts: Vec<usize> =
        (0..stream.len() - 2).filter(|n| stream[*n..].starts_with(&[0xff, 0xd8, 0xff])).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let mut packets: Vec<Packet> = (starts.iter().zip(ends).enumerate())
        .map(|(n, (from, to))| packet(n, true, Bytes::copy_from_slice(&stream[*from..to])))
        .collect();
    assert_eq!(packets.len(), 40);
    let params = VideoParams::mjpeg(PictureSize::new(192, 144).unwrap());
    let mut decoder = Decoder::new(&params, None).unwrap();
    let pictures: Vec<Picture> =
        packets.iter().map(|p| decoder.decode(p).unwrap().pop().unwrap().picture).collect();
    assert!(pictures.iter().all(|p| p.size == params.size));
    // Full range in the JPEG becomes the limited range of every other picture here.
    assert!(pictures[0].y.iter().all(|y| (10..=240).contains(y)));
    let third = packets[7].data.len() / 3;
    packets[7].data.truncate(third);
    packets[9].data = Bytes::from_static(b"no JPEG");
    packets[11].data = Bytes::new();
    let again: Vec<_> = packets.iter().map(|p| decoder.decode(p)).collect();
    for (n, (got, wanted)) in again.iter().zip(&pictures).enumerate() {
        match got {
            Ok(got) => assert!(got.len() == 1 && got[0].picture == *wanted, "picture {n}"),
            Err(_) => assert!([7, 9, 11].contains(&n), "picture {n}"),
        }
    }
}
