//! The committed test vector: docs/format-sealed.md, "Test vectors".
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::PathBuf;

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};

use crate::holder::{Holders, Identity};
use crate::keys::HolderSecret;
use crate::layout::{Frame, Header};
use crate::reader::SegmentReader;
use crate::sealer::SegmentSealer;
use crate::{SiteId, inside};

const SECRET: [u8; 32] = [0x11; 32];
const SALT: [u8; 32] = [0x22; 32];
const SITE: [u8; 16] = [0x33; 16];

/// The identity of 32 bytes 0x4c. It protects nothing: everybody knows it.
fn identity() -> Identity {
    let hrp = bech32::Hrp::parse("age-secret-key-").unwrap();
    let text = bech32::encode::<bech32::Bech32>(hrp, &[0x4c; 32]).unwrap().to_uppercase();
    Identity::from_text(&text).unwrap()
}

fn start() -> WallTime {
    WallTime::from_millis(1_772_366_400_000)
}

fn params() -> VideoParams {
    let config = Bytes::from_static(&[1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 1, 0x68]);
    VideoParams { codec: Codec::H264, size: PictureSize::new(640, 360).unwrap(), config }
}

/// Two groups. The second starts without a key frame, its camera's clock jumps back, its packets arrive out of order.
fn gops() -> [Gop; 2] {
    let packet = |media, after_us, key, data: &'static [u8]| Packet {
        media: MediaTime::from_ticks(media),
        wall: WallTime::from_micros(start().micros() + after_us),
        key,
        data: Bytes::from_static(data),
    };
    let key = packet(0, 0, true, &[0, 0, 0, 3, 0x65, 1, 2]);
    let next = packet(3600, 40_123, false, &[0, 0, 0, 2, 0x41, 3]);
    let late = packet(-90, 90_000, false, &[0, 0, 0, 2, 0x41, 4]);
    let early = packet(7200, 80_000, false, &[]);
    [Gop { packets: vec![key, next] }, Gop { packets: vec![late, early] }]
}

/// The vector's file around an age file, which alone is random.
fn file(wrapped: Vec<u8>) -> Vec<u8> {
    let header = Header {
        site: SiteId::from_bytes(SITE),
        camera: "front-door".parse().unwrap(),
        start: start(),
        salt: SALT,
        commitment: [0; 32],
        holders: vec![identity().recipient().to_string()],
        wrapped,
    };
    let secret = HolderSecret::for_tests(SECRET);
    let (mut sealer, header) = SegmentSealer::with_secret(&secret, header, &params()).unwrap();
    let mut out = header.as_bytes().to_vec();
    gops().iter().for_each(|gop| out.extend_from_slice(sealer.seal(gop).unwrap().as_bytes()));
    out.extend_from_slice(sealer.finish().unwrap().as_bytes());
    out
}

/// What a second implementation compares itself with.
fn description(file: &[u8]) -> String {
    let bound = Header::parse(&file[..Header::length(&file[..16]).unwrap()]).unwrap();
    let context = |purpose| {
        let mut out = b"louver sealed segment v1".to_vec();
        out.extend_from_slice(&[purpose, 0, 1]);
        out.extend_from_slice(&SITE);
        out.extend_from_slice(&(start().micros() / 3_600_000_000).to_be_bytes());
        out.extend_from_slice(b"\x0afront-door");
        out
    };
    // HKDF-SHA-256 by hand (RFC 5869), so that the vector does not rest on the code that it checks.
    let hmac = |key: &[u8], data: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, data).as_ref().to_vec()
    };
    let derive = |purpose| hmac(&hmac(&SALT, &SECRET), &[context(purpose), vec![1]].concat());
    let mut out = String::from(
        "# Test vector of docs/format-sealed.md: one-holder.sealed. Numbers in hex unless they say otherwise.\n",
    );
    let mut line =
        |name: &str, value: &dyn AsRef<[u8]>| writeln!(out, "{name} = {}", hex::encode(value)).unwrap();
    line("identity secret bytes", &[0x4c; 32]);
    line("recipient as text, in ASCII", &identity().recipient().to_string());
    line("holder secret", &SECRET);
    line("salt", &SALT);
    line("context with purpose 1", &context(1));
    line("context with purpose 2", &context(2));
    line("segment key", &derive(1));
    line("key commitment", &derive(2));
    line("header hash", &bound.hash);
    let mut at = bound.bytes;
    while let Some(head) = file.get(at..).and_then(|rest| rest.first_chunk()) {
        let frame = Frame::parse(head, &bound.hash).unwrap();
        line(&format!("head of fragment {} at {at} (decimal)", frame.sequence), &head);
        if let Some(gop) = gops().get(frame.sequence as usize) {
            line("plaintext of its body", &inside::pack(&[], &params(), gop, frame.first).unwrap());
        }
        at += head.len() + frame.body as usize;
    }
    out
}

fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

#[test]
fn the_committed_segment_opens_with_its_identity() {
    let bytes = std::fs::read(vector("one-holder.sealed")).unwrap();
    let mut reader = SegmentReader::open(Cursor::new(bytes), &identity()).unwrap();
    assert!(reader.info().is_finished());
    let opened: Vec<_> = reader.fragments().collect::<Result<_, _>>().unwrap();
    assert_eq!(opened, gops().map(|gop| (params(), gop)));
}

#[test]
fn sealing_the_same_again_gives_the_committed_segment_byte_for_byte() {
    let bytes = std::fs::read(vector("one-holder.sealed")).unwrap();
    let wrapped = Header::parse(&bytes[..Header::length(&bytes[..16]).unwrap()]).unwrap().header.wrapped;
    assert_eq!(file(wrapped), bytes);
    assert_eq!(description(&bytes), std::fs::read_to_string(vector("one-holder.txt")).unwrap());
}

/// Makes the vector anew; only with a new version of the format: what is committed must open for ever.
#[test]
#[ignore = "writes the committed vector"]
fn write_the_vector() {
    let holders = Holders::new(vec![identity().recipient()]).unwrap();
    let bytes = file(HolderSecret::for_tests(SECRET).wrap(&holders).unwrap());
    std::fs::write(vector("one-holder.txt"), description(&bytes)).unwrap();
    std::fs::write(vector("one-holder.sealed"), bytes).unwrap();
}
