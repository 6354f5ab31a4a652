//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver-ingest --test corpus` writes what it begins with anew.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod common;
#[path = "../../../fuzz/checks/rtp_packets.rs"]
mod rtp_packets;
#[path = "../../../fuzz/checks/rtsp_camera.rs"]
mod rtsp_camera;
#[path = "../../../fuzz/checks/session.rs"]
mod session;

use std::path::PathBuf;

use common::{PPS, SPS, and, h264_sdp, sdp};

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn each_of(target: &str, check: fn(&[u8])) {
    let files: Vec<_> = std::fs::read_dir(corpus(target)).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        check(&std::fs::read(file).unwrap());
    }
}

/// Seeds of the fuzzer; each must be what it is called.
fn seeds(target: &str, seeds: &[(&str, Vec<u8>)]) {
    for (name, seed) in seeds {
        let file = corpus(target).join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(corpus(target)).unwrap();
            std::fs::write(&file, seed).unwrap();
        }
        let there = std::fs::read(&file).unwrap_or_default();
        assert_eq!(&there, seed, "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew");
    }
}

#[test]
fn what_holds_of_any_packets_holds_of_the_corpus() {
    each_of("rtp_packets", rtp_packets::any_bytes);
}

#[test]
fn what_holds_of_any_camera_holds_of_the_corpus() {
    each_of("rtsp_camera", rtsp_camera::any_bytes);
}

/// A packet of the format that `rtp_packets` reads; the step in milliseconds of a clock of 90,000.
fn packet(flags: u8, step: i8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    [&[flags | 8, step.cast_unsigned()][..], &length.to_be_bytes(), payload].concat()
}

const MARK: u8 = 1;
const SOUND: u8 = 2;
const LOST: u8 = 4;
const H264: u8 = 0;
const H265: u8 = 1;
const JPEG: u8 = 2;
const AAC: u8 = 1 << 2;
const OPUS: u8 = 4 << 2;
const LATE: u8 = 32;

/// Parameter sets, a key picture, one in two parts and one of two slices, and one that follows a hole.
fn h264() -> Vec<u8> {
    let key = [0x65, 0x88, 0x84, 0x21, 0x80];
    let aggregated = [&[0x78][..], &[0, 25], &SPS, &[0, 6], &PPS, &[0, 5], &key].concat();
    [
        packet(MARK, 0, &aggregated),
        packet(0, 40, &[0x5c, 0x81, 0x9a, 0x01]),
        packet(MARK, 0, &[0x5c, 0x41, 0x02, 0x80]),
        packet(0, 40, &[0x41, 0x9a, 0x03, 0x80]),
        packet(MARK, 0, &[0x41, 0x03, 0x9a, 0x80]),
        packet(LOST | MARK, 40, &[0x41, 0x9a, 0x04, 0x80]),
        packet(MARK, 40, &[9, 0xf0]),
        packet(MARK, -40, &[0x65, 0x88, 0x84, 0x22, 0x80]),
    ]
    .concat()
}

#[test]
fn the_seeds_of_packets_are_what_they_are_called() {
    let sprop = "packetization-mode=1;sprop-parameter-sets=Z2QADazZQUH7ARAAAAMAEAAAAwMg8UKZYA==,aOvjyyLA";
    let config = "mode=AAC-hbr;config=1408;sizeLength=13;indexLength=3;indexDeltaLength=3";
    let told = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
    let aac = [0, 32, 0, 24, 0, 16, 1, 2, 3, 4, 5];
    let heard = |payload: &[u8]| {
        let one = |n| packet(SOUND | MARK, n, payload);
        [h264(), one(20), packet(MARK, 40, &[0x41, 0x9a, 0x05, 0x80]), one(64), one(64)].concat()
    };
    seeds(
        "rtp_packets",
        &[
            ("h264", [&[H264, 0][..], &h264()].concat()),
            ("h264_told", [&[H264, 16][..], &told(sprop), &h264()].concat()),
            ("h264_read_late", [&[H264 | LATE, 0][..], &h264()].concat()),
            ("aac", [&[H264 | AAC, 32 | 1 << 2][..], &told(config), &heard(&aac)].concat()),
            ("opus", [&[H264 | OPUS, 2 << 2][..], &heard(&[0xf8, 0xff, 0xfe])].concat()),
            ("pcma", [&[H264 | 2 << 2, 1 << 2][..], &heard(&[0xd5; 80])].concat()),
        ],
    );
}

/// The pieces of `rtsp_camera`.
fn answer(head: &str, body: &str) -> Vec<u8> {
    [b"\xffa", head.as_bytes(), b"\r\n\r\n", body.as_bytes()].concat()
}

fn interleaved(channel: u8, kind: u8, number: u8, time: u8, payload: &[u8]) -> Vec<u8> {
    let head = [0x80, kind, 0, number, 0, 0, time, 0x10, 0, 0, 0, 9];
    [&b"\xffp"[..], &[channel], &head, payload].concat()
}

#[test]
fn the_seeds_of_cameras_are_what_they_are_called() {
    let described = |sdp: &str| {
        answer("200 OK\r\nContent-Type: application/sdp\r\nContent-Base: rtsp://127.0.0.1/main/", sdp)
    };
    let set_up = |channel: u8| {
        let of =
            format!("Transport: RTP/AVP/TCP;unicast;interleaved={channel}-{};ssrc=00000009", channel + 1);
        answer(&format!("200 OK\r\nSession: 1;timeout=60\r\n{of}"), "")
    };
    let plays = || answer("200 OK\r\nSession: 1\r\nRTP-Info: url=trackID=0;seq=1;rtptime=4112", "");
    let pictures = [
        interleaved(0, 0xe0, 1, 0, &[0x65, 0x88, 0x84, 0x21, 0x80]),
        interleaved(0, 0xe0, 2, 1, &[0x41, 0x9a, 0x01, 0x80]),
        interleaved(1, 200, 0, 0, &[0; 16]),
        interleaved(0, 0xe0, 4, 2, &[0x41, 0x9a, 0x02, 0x80]),
    ]
    .concat();
    let with_sound = and(&h264_sdp(), "audio", 8, "PCMA/8000", "");
    let heard = interleaved(2, 0x88, 1, 0, &[0xd5; 40]);
    let more = interleaved(0, 0xe0, 5, 3, &[0x41, 0x9a, 0x03, 0x80]);
    let unauthorised = |with: &str| answer(&format!("401 Unauthorized\r\nWWW-Authenticate: {with}"), "");
    let digest = unauthorised("Digest realm=\"cam\", nonce=\"5f\", algorithm=SHA-256, qop=\"auth\"");
    let basic = unauthorised("Basic realm=\"cam\"");
    let no_video = sdp("audio", "PCMU/8000", "");
    let jpeg = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 26\r\na=control:trackID=0\r\n";
    let session = |sdp: &str| [&b"\0"[..], &described(sdp), &set_up(0), &plays()].concat();
    let signed_in =
        |with: &[u8]| [b"\0", with, &described(&h264_sdp()), &set_up(0), &plays(), &pictures].concat();
    seeds(
        "rtsp_camera",
        &[
            ("pictures", [session(&h264_sdp()), pictures.clone()].concat()),
            (
                "with_sound",
                [
                    &b"\x01"[..],
                    &described(&with_sound),
                    &set_up(0),
                    &set_up(2),
                    &plays(),
                    &pictures,
                    &heard,
                    &more,
                ]
                .concat(),
            ),
            ("digest", signed_in(&digest)),
            ("basic", signed_in(&basic)),
            ("wrong_password", [&b"\0"[..], &digest, &digest].concat()),
            ("no_video", session(&no_video)),
            (
                "jpeg",
                [session(jpeg), interleaved(0, 0x9a, 1, 0, &[0, 0, 0, 0, 1, 50, 8, 8, 1, 2, 3])].concat(),
            ),
            ("other_codec", session(&sdp("video", "MP4V-ES/90000", ""))),
            (
                "h265",
                session(&sdp(
                    "video",
                    "H265/90000",
                    "a=fmtp:96 sprop-vps=QAE=;sprop-sps=QgE=;sprop-pps=RAE=\r\n",
                )),
            ),
            ("raw", b"\0RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: x\r\nContent-Length: 0\r\n\r\n".to_vec()),
            ("no_rtsp", b"\0HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
            ("busy", [&b"\0"[..], &answer("453 Not Enough Bandwidth", "")].concat()),
            (
                "asked_by_the_camera",
                [
                    &session(&h264_sdp())[..],
                    &pictures,
                    b"\xffrOPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 7\r\n\r\n",
                    &more,
                ]
                .concat(),
            ),
        ],
    );
}

/// What encoders make of a moving pattern; not the same with each version of theirs, so it is written when seeds are, and not compared.
#[test]
fn the_seeds_of_encoders_are_written_where_seeds_are() {
    if std::env::var_os("LOUVER_WRITE_SEEDS").is_none() {
        return;
    }
    let x265: &[&str] =
        &["-pix_fmt", "yuv420p", "-c:v", "libx265", "-x265-params", "log-level=error:keyint=5:min-keyint=5"];
    let x264: &[&str] = &["-pix_fmt", "yuv420p", "-c:v", "libx264", "-x264-params", "keyint=5:slices=2"];
    let mjpeg: &[&str] = &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-huffman", "0", "-q:v", "20"];
    for (name, coding, options) in
        [("encoded_h265", H265, x265), ("encoded_h264", H264, x264), ("encoded_jpeg", JPEG, mjpeg)]
    {
        let sent = common::ffmpeg::sent("64x48", options, None).expect("ffmpeg");
        let mut seed = vec![coding, 0];
        let mut last = None;
        for rtp in sent.packets {
            let common::Rtp::Packet(_, p) = rtp else { continue };
            let time = u32::from_be_bytes([p[4], p[5], p[6], p[7]]);
            let step = time.wrapping_sub(last.replace(time).unwrap_or(time)).cast_signed() / 90;
            seed.extend(packet(p[1] >> 7, i8::try_from(step).unwrap_or(0), &p[12..]));
            if seed.len() > 3000 {
                break;
            }
        }
        std::fs::create_dir_all(corpus("rtp_packets")).unwrap();
        std::fs::write(corpus("rtp_packets").join(name), seed).unwrap();
    }
}
