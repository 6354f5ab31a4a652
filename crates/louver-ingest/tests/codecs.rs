//! What comes out of cameras that send other than H.264, and of their sound: real encoders' streams.

mod common;

use common::ffmpeg::{Sent, first_time, renumbered, sent};
use common::{Act, Camera, Manners, Rtp, and, delta, h264_sdp, key, play, run, source};
use louver_ingest::{Audio, Connection, Event, Source, Timing, probe_for};
use louver_media::{Codec, Continuity, Packet, SoundCodec, SoundParams, VideoParams};

const X265: [&str; 8] = [
    "-pix_fmt",
    "yuv420p",
    "-c:v",
    "libx265",
    "-x265-params",
    "log-level=error:keyint=5:min-keyint=5",
    "-flags",
    "+global_header",
];
const MJPEG: [&str; 6] = ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-huffman", "0"];

/// What a session gave.
#[derive(Default)]
struct Got {
    params: Vec<VideoParams>,
    sound: Option<SoundParams>,
    packets: Vec<Packet>,
    heard: Vec<Packet>,
    missing: u32,
}

async fn got(act: Act, audio: Audio) -> Got {
    let camera = Camera::new(vec![act]).await;
    let connection = Connection { audio, ..Connection::default() };
    let mut running = run(Source { connection, ..source(&camera.address()) }, 64);
    let mut got = Got::default();
    loop {
        match running.next().await {
            Event::Connected { params, sound, .. } => {
                got.params.push(params);
                got.sound = sound;
            }
            Event::Params(params) => got.params.push(params),
            Event::Packet(p) => got.packets.push(p),
            Event::Sound(p) => got.heard.push(p),
            Event::Missing { packets } => got.missing += u32::from(packets),
            Event::Lost { error, .. } => {
                println!("ended: {error}");
                break;
            }
        }
    }
    running.end().await;
    got
}

fn times(packets: &[Packet]) -> Vec<i64> {
    packets.iter().map(|p| p.media.ticks()).collect()
}

#[tokio::test]
async fn pictures_of_h265_come_whole_with_and_without_parameters_in_the_description() {
    for out_of_band in [true, false] {
        let options = if out_of_band { &X265[..] } else { &X265[..6] };
        let Some(Sent { sdp, packets }) = sent("320x240", options, None) else { return };
        assert_eq!(sdp.contains("sprop-sps"), out_of_band, "{sdp}");
        let got = got(Act::Play(sdp, packets), Audio::Off).await;
        let [params] = &got.params[..] else { panic!("{:?}", got.params) };
        assert_eq!((params.codec, params.size.to_string().as_str()), (Codec::H265, "320x240"));
        assert!(params.rfc6381().starts_with("hvc1.1."), "{}", params.rfc6381());
        assert_eq!((got.packets.len(), got.missing), (10, 0));
        let keys: Vec<usize> = (0..10).filter(|n| got.packets[*n].key).collect();
        assert!(matches!(keys[..], [0, 3..=5]), "in the order of decoding: {keys:?}");
        let mut continuity = Continuity::new(params);
        for (n, packet) in got.packets.iter().enumerate() {
            assert_eq!(continuity.follow(packet), Ok(()), "picture {n}");
            let first = packet.nals().next().map(|nal| nal[0] >> 1 & 0x3f);
            assert!(!packet.key || first == Some(32), "a key frame carries its parameters: {first:?}");
        }
        let mut shown = times(&got.packets);
        shown.sort_unstable();
        let steps: Vec<i64> = shown.windows(2).map(|w| w[1] - w[0]).collect();
        assert_eq!(steps, [9000; 9], "whatever the order of decoding");
    }
}

#[tokio::test]
async fn a_camera_of_h265_that_changes_its_size_says_so_before_the_first_picture_of_it() {
    let (Some(large), Some(small)) = (sent("320x240", &X265[..6], None), sent("160x120", &X265[..6], None))
    else {
        return;
    };
    let from = first_time(&large.packets);
    let mut packets = renumbered(&large.packets, 0);
    let later = from.wrapping_add(90_000).wrapping_sub(first_time(&small.packets));
    packets.append(&mut renumbered(&small.packets, later));
    let got = got(Act::Play(large.sdp, packets), Audio::Off).await;
    let sizes: Vec<String> = got.params.iter().map(|p| p.size.to_string()).collect();
    assert_eq!((sizes, got.packets.len(), got.missing), (vec!["320x240".into(), "160x120".into()], 20, 0));
    assert!(got.packets[10].key && times(&got.packets)[10] >= 80_000);
}

#[tokio::test]
async fn pictures_of_mjpeg_are_whole_jpegs_each_of_which_can_be_decoded_alone() {
    let Some(Sent { sdp, packets }) = sent("320x240", &MJPEG, None) else { return };
    let got = got(Act::Play(sdp, packets), Audio::Off).await;
    let [params] = &got.params[..] else { panic!("{:?}", got.params) };
    assert_eq!(
        (params.codec, params.size.to_string().as_str(), params.config.len()),
        (Codec::Mjpeg, "320x240", 0)
    );
    assert_eq!((got.packets.len(), got.missing), (10, 0));
    for packet in &got.packets {
        assert!(
            packet.key
                && packet.data.starts_with(&[0xff, 0xd8, 0xff])
                && packet.data.ends_with(&[0xff, 0xd9])
        );
    }
    assert_eq!(times(&got.packets), (0..10).map(|n| n * 9000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_look_says_what_is_recorded_and_what_sound_there_is() {
    let Some(Sent { sdp, packets }) = sent("320x240", &X265, Some(&["-c:a", "pcm_alaw"])) else { return };
    let stay = [packets, vec![Rtp::Stall]].concat();
    let camera = Camera::new(vec![Act::Play(sdp, stay)]).await;
    // It asks for the way to sign in first, on a connection of its own.
    let (address, watch) = (camera.address().parse().unwrap(), std::time::Duration::from_millis(2000));
    let timing = Timing { silence: 3 * watch, ..common::quick() };
    let report = probe_for(&address, &Connection::default(), timing, watch).await.unwrap();
    let streams: Vec<_> = report.streams.iter().map(|s| (s.media.as_str(), s.codec.as_str())).collect();
    assert_eq!(streams, [("video", "H.265"), ("audio", "G.711 A-law")]);
    assert_eq!((report.video.params.codec, report.video.pictures), (Codec::H265, 10));
}

#[tokio::test]
async fn sound_is_taken_where_it_is_declared_and_nowhere_else() {
    for (codec, options) in [
        (SoundCodec::Aac, &["-c:a", "aac", "-ar", "16000"][..]),
        (SoundCodec::ALaw, &["-c:a", "pcm_alaw"]),
        (SoundCodec::MuLaw, &["-c:a", "pcm_mulaw"]),
        (SoundCodec::Opus, &["-c:a", "libopus", "-ar", "48000"]),
    ] {
        let video = [
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-x264-params",
            "keyint=5:bframes=0",
            "-flags",
            "+global_header",
        ];
        let Some(Sent { sdp, packets }) = sent("320x240", &video, Some(options)) else { return };
        let silent = got(Act::Play(sdp.clone(), packets.clone()), Audio::Off).await;
        assert_eq!((silent.sound, silent.heard.len(), silent.packets.len()), (None, 0, 10), "{codec}");
        let got = got(Act::Play(sdp, packets), Audio::Sealed).await;
        let sound = got.sound.unwrap_or_else(|| panic!("{codec} is offered"));
        assert_eq!((sound.codec, got.packets.len(), got.missing), (codec, 10, 0));
        let rate = match codec {
            SoundCodec::Aac => 16_000,
            SoundCodec::Opus => 48_000,
            _ => 8000,
        };
        assert_eq!((sound.rate, sound.config.is_empty()), (rate, codec != SoundCodec::Aac));
        assert!(got.heard.len() >= 6 && got.heard.iter().all(|p| p.key && !p.data.is_empty()), "{codec}");
        // It was recorded beside the pictures, so it ends about where they end.
        let heard = times(&got.heard);
        assert!(heard.windows(2).all(|w| w[0] < w[1]), "{codec}: {heard:?}");
        assert!((heard[heard.len() - 1] - heard[0] - 80_000).abs() < 30_000, "{codec}: {heard:?}");
    }
}

#[tokio::test]
async fn sound_that_is_refused_or_cannot_be_read_costs_no_picture() {
    let aac =
        "a=fmtp:97 streamtype=5;mode=AAC-hbr;config=1408;sizeLength=13;indexLength=3;indexDeltaLength=3\r\n";
    let with = |rtpmap: &str, fmtp: &str| and(&h264_sdp(), "audio", 97, rtpmap, fmtp);
    let pictures = |noise: &[u8]| {
        let one = |n: u32| [delta(3600 * (n + 1), n as u8), Rtp::On(2, 97, n * 160, noise.to_vec())];
        [vec![key(0)], (0..9).flat_map(one).collect()].concat()
    };
    let refuses = Manners { refuses: Some("trackID=1 RTSP/1.0"), ..Manners::default() };
    for (what, act) in [
        (
            "refused",
            Act::Strange(
                refuses,
                with("PCMU/8000", ""),
                [vec![key(0)], (1..10).map(|n| delta(n * 3600, 1)).collect()].concat(),
            ),
        ),
        ("unreadable", Act::Play(with("MPEG4-GENERIC/16000/1", aac), pictures(&[0xff; 30]))),
        ("empty", Act::Play(with("PCMA/8000", ""), pictures(&[]))),
        ("without its parameters", Act::Play(with("MPEG4-GENERIC/16000/1", ""), pictures(&[1; 9]))),
        ("of no use", Act::Play(with("G723/8000", ""), pictures(&[1; 24]))),
        ("none", play([vec![key(0)], (1..10).map(|n| delta(n * 3600, 1)).collect()].concat())),
    ] {
        let got = got(act, Audio::Sealed).await;
        assert_eq!((got.packets.len(), got.missing, got.heard.len()), (10, 0, 0), "{what}");
    }
}
