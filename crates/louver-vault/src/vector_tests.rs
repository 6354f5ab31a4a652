//! The committed test vectors: docs/format-sealed.md, "Test vectors".
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::io::Cursor;
use std::path::PathBuf;

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, Sound, SoundCodec, SoundParams, VideoParams};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::epoch::{Epoch, EpochId, wrap};
use crate::header::{FORMAT_1, FORMAT_2, SegmentHead};
use crate::keyblock::WrappedShare;
use crate::keys::{EpochPlace, HolderSecret, sha256};
use crate::opening::Film;
use crate::reader::SegmentReader;
use crate::shares::{ShareValue, split_with, tests::Counting};
use crate::{HolderSet, Hour, HourSecret, Identity, OpeningKeys, SegmentInfo, SiteId};

const SECRET: [u8; 32] = [0x11; 32];
const SITE: [u8; 16] = [0x33; 16];
const EPOCH: [u8; 16] = [0x44; 16];
const HOUR_SECRET: [u8; 32] = [0x55; 32];

/// The salt of a link.
fn salt(link: u32) -> [u8; 32] {
    [0x22 + link as u8; 32]
}

/// One vector: holders, and the files of the epoch's first links.
struct Vector {
    name: &'static str,
    needed: usize,
    count: usize,
    links: u32,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Format 1: H.264 without sound.
    Plain,
    /// Format 2: H.265 and AAC.
    Sound,
}

const VECTORS: [Vector; 3] = [
    Vector { name: "one-of-one", needed: 1, count: 1, links: 1, kind: Kind::Plain },
    Vector { name: "two-of-three", needed: 2, count: 3, links: 2, kind: Kind::Plain },
    Vector { name: "h265-aac", needed: 1, count: 1, links: 1, kind: Kind::Sound },
];

/// Holders of 32 bytes 0x4c, 0x4d, 0x4e. They protect nothing: everybody knows them.
fn identity(n: usize) -> Identity {
    Identity::from_recovery_secret(Zeroizing::new([0x4c + n as u8; 32])).unwrap()
}

fn start() -> WallTime {
    WallTime::from_millis(1_772_366_400_000)
}

/// x265, 320x240.
const H265: &str = "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c928090\
    a10001002942010101600000030090000003000003003ca00a080f16592a4932bc05a02000000300200000030141a2000100074401c172b46240";

fn params(kind: Kind) -> VideoParams {
    if kind == Kind::Sound {
        return VideoParams::from_h265_config(&hex::decode(H265).unwrap()).unwrap().0;
    }
    let config = Bytes::from_static(&[1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 1, 0x68]);
    VideoParams { codec: Codec::H264, size: PictureSize::new(640, 360).unwrap(), config }
}

/// Two groups. The second starts without a key frame, its camera's clock jumps back, its packets arrive out of order.
fn gops(kind: Kind) -> [Gop; 2] {
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
    if kind == Kind::Plain {
        return [Gop::silent(vec![key, next]), Gop::silent(vec![late, early])];
    }
    let key = packet(0, 0, true, &[0, 0, 0, 3, 0x26, 1, 2]);
    let after = packet(10_800, 120_000, true, &[0, 0, 0, 3, 0x26, 1, 3]);
    // Sound of 64 ms a packet, the second of them told of too early by the camera.
    let sound = |packets| {
        let params = SoundParams::new(SoundCodec::Aac, 16_000, 1, Bytes::from_static(&[0x14, 8])).unwrap();
        Some(Sound { params, packets })
    };
    let heard = vec![packet(300, 10_000, true, &[0x21, 1, 2, 3]), packet(200, 74_000, true, &[0x21, 4])];
    [
        Gop { packets: vec![key, next], sound: sound(heard) },
        Gop { packets: vec![after, late], sound: sound(vec![]) },
    ]
}

impl Vector {
    fn path(&self, link: u32) -> PathBuf {
        folder().join(format!("{}-{link}.sealed", self.name))
    }

    fn format(&self) -> u8 {
        match self.kind {
            Kind::Plain => FORMAT_1,
            Kind::Sound => FORMAT_2,
        }
    }

    /// What opening it writes.
    fn film(&self) -> Vec<u8> {
        let mut film = Film::new();
        let mut pieces = Vec::new();
        for gop in gops(self.kind) {
            pieces.append(&mut film.push(params(self.kind), gop, ()).unwrap());
        }
        pieces.extend(film.finish());
        pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect()
    }

    fn holders(&self) -> HolderSet {
        HolderSet::new(self.needed, (0..self.count).map(|n| identity(n).public()).collect()).unwrap()
    }

    fn place(&self) -> EpochPlace {
        EpochPlace {
            site: SiteId::from_bytes(SITE),
            hour: Hour::of(start()),
            epoch: EpochId::from_bytes(EPOCH),
            needed: self.needed as u8,
            count: self.count as u8,
            camera: "front-door".parse().unwrap(),
        }
    }

    fn shares(&self) -> Vec<ShareValue> {
        split_with(&secret(), self.needed as u8, self.count as u8, &mut Counting(1)).unwrap()
    }

    /// The files around age files, which alone are random.
    fn files(&self, shares: &[WrappedShare]) -> Vec<Vec<u8>> {
        let hour_secret = HourSecret::from_bytes(&HOUR_SECRET);
        let mut epoch =
            Epoch::with_secret(&secret(), self.place(), shares.to_vec().into(), &hour_secret).unwrap();
        let file = |link| {
            let (mut sealer, header) =
                epoch.segment_with_salt(self.format(), start(), &params(self.kind), salt(link)).unwrap();
            let mut out = header.as_bytes().to_vec();
            gops(self.kind)
                .iter()
                .for_each(|gop| out.extend_from_slice(sealer.seal(gop).unwrap().as_bytes()));
            out.extend_from_slice(sealer.finish().unwrap().end.as_bytes());
            out
        };
        (0..self.links).map(file).collect()
    }

    fn committed(&self) -> Vec<Vec<u8>> {
        (0..self.links).map(|link| std::fs::read(self.path(link)).unwrap()).collect()
    }
}

fn secret() -> HolderSecret {
    HolderSecret::from_bytes(Zeroizing::new(SECRET))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn head(file: &[u8]) -> SegmentHead {
    SegmentHead::read(&mut &file[..]).unwrap()
}

// HKDF-SHA-256 by hand (RFC 5869), so that the vectors do not rest on the code that they check.
fn hmac256(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

fn expand(prk: &[u8], info: &[&[u8]]) -> Vec<u8> {
    hmac256(prk, &[&info.concat()[..], &[1]].concat())
}

/// What a second implementation compares itself with, all of it reckoned anew from the page.
fn described(vector: &Vector, files: &[Vec<u8>]) -> Value {
    let Vector { needed, count, .. } = *vector;
    let hour = start().micros() / 3_600_000_000;
    let place =
        [&SITE[..], &hour.to_be_bytes(), &EPOCH, &[needed as u8, count as u8, 10], b"front-door"].concat();
    let mut chain = expand(&hmac256(&EPOCH, &SECRET), &[b"louver chain v1", &place]);
    let mut segments = vec![];
    for (link, file) in files.iter().enumerate() {
        let seed = expand(&chain, &[b"louver chain segment"]);
        let prk = hmac256(&salt(link as u32), &[&seed[..], &HOUR_SECRET].concat());
        let derive = |purpose: u8| {
            let link = (link as u32).to_be_bytes();
            expand(&prk, &[b"louver sealed segment v1", &[purpose], &place, &link])
        };
        let blinding = derive(3);
        let head = head(file);
        assert_eq!(derive(2), head.header.commitment);
        let info = SegmentInfo::inspect(&mut Cursor::new(file)).unwrap();
        let fragments = info.fragments.iter().zip(gops(vector.kind)).map(|(found, gop)| {
            let sequence = found.sequence.to_be_bytes();
            let blind = expand(&blinding, &[b"louver blind", &sequence]);
            let packed = crate::inside::pack(&[], &params(vector.kind), &gop, found.first).unwrap();
            let (list, pictures) = packed.bytes.split_at(packed.pictures);
            let commitment =
                sha256(&[b"louver fragment", &blind, &sha256(&[list]), &sha256(&[pictures])]);
            assert_eq!(commitment, found.commitment);
            let packets = gop.all().map(|p| {
                json!({
                    "media": p.media.ticks(), "wall": p.wall.micros(), "key": p.key, "data": hex::encode(&p.data),
                })
            });
            json!({
                "at": found.at, "bytes": found.bytes, "blind": hex::encode(&blind), "list": hex::encode(list),
                "pictures": hex::encode(pictures), "commitment": hex::encode(commitment),
                "packets": packets.collect::<Vec<_>>(),
            })
        });
        segments.push(json!({
            "file": format!("{}-{link}.sealed", vector.name),
            "link": link,
            "salt": hex::encode(salt(link as u32)),
            "chain": hex::encode(&chain),
            "seed": hex::encode(&seed),
            "segment_key": hex::encode(derive(1)),
            "key_commitment": hex::encode(derive(2)),
            "blinding_key": hex::encode(&blinding),
            "header_hash": hex::encode(head.hash()),
            "fragments": fragments.collect::<Vec<_>>(),
            "heads": BASE64_STANDARD.encode(&info.heads),
            "digest": info.digest().to_string(),
        }));
        chain = expand(&chain, &[b"louver chain next"]);
    }
    let head = head(&files[0]);
    let holders = (0..count).map(|n| {
        let identity = identity(n);
        let share = head.share_of(&identity).unwrap();
        json!({
            "recovery_secret": hex::encode([0x4c + n as u8; 32]),
            "words": *identity.words(),
            "public": identity.public().to_string(),
            "id": identity.id().to_string(),
            "consent_to_hello": BASE64_STANDARD.encode(identity.consent(b"hello").unwrap()),
            "share_file": hex::encode(share.to_bytes()),
            "share_value": hex::encode(share.value()),
            "share_hash": hex::encode(share.hash()),
        })
    });
    json!({
        "what": "test vector of docs/format-sealed.md; binary values in hex, heads and signatures in base64",
        "site": hex::encode(SITE),
        "camera": "front-door",
        "start": start().micros(),
        "hour": hour,
        "epoch": hex::encode(EPOCH),
        "needed": needed,
        "holders": holders.collect::<Vec<_>>(),
        "holder_secret": hex::encode(SECRET),
        "hour_secret": hex::encode(HOUR_SECRET),
        "place": hex::encode(&place),
        "width": params(vector.kind).size.width(),
        "height": params(vector.kind).size.height(),
        "decoder_configuration": hex::encode(params(vector.kind).config),
        "segments": segments,
    })
}

/// Every set of k holders, as numbers from 0.
fn sets(needed: usize, count: usize) -> Vec<Vec<usize>> {
    (0..1_u32 << count)
        .filter(|set| set.count_ones() as usize == needed)
        .map(|set| (0..count).filter(|n| set >> n & 1 == 1).collect())
        .collect()
}

#[test]
fn the_committed_segments_open_with_every_set_of_k_holders() {
    for vector in VECTORS {
        for (file, set) in vector
            .committed()
            .iter()
            .flat_map(|f| sets(vector.needed, vector.count).into_iter().map(move |s| (f, s)))
        {
            let head = head(file);
            let mut keys = OpeningKeys::new();
            set.iter().for_each(|n| keys.add_share_of(&head, &identity(*n)).unwrap());
            keys.add_hour_secret(head.camera().clone(), head.hour(), HourSecret::from_bytes(&HOUR_SECRET));
            let mut reader = SegmentReader::open(Cursor::new(file), &keys).unwrap();
            assert!(reader.info().is_finished());
            let opened: Vec<_> = reader.fragments().collect::<Result<_, _>>().unwrap();
            assert_eq!(
                opened,
                gops(vector.kind).map(|gop| (params(vector.kind), gop)),
                "{} with {set:?}",
                vector.name
            );
        }
    }
}

#[test]
fn sealing_the_same_again_gives_the_committed_segments_byte_for_byte() {
    for vector in VECTORS {
        let files = vector.committed();
        let head = head(&files[0]);
        assert_eq!(vector.files(head.keys().shares()), files, "{}", vector.name);
        for (n, value) in vector.shares().iter().enumerate() {
            assert_eq!(head.share_of(&identity(n)).unwrap().value(), &**value);
        }
        let said = std::fs::read(folder().join(format!("{}.json", vector.name))).unwrap();
        if vector.kind == Kind::Sound {
            let opened = std::fs::read(folder().join(format!("{}.mp4", vector.name))).unwrap();
            assert_eq!(vector.film(), opened, "the page makes the same file");
        }
        assert_eq!(described(&vector, &files), serde_json::from_slice::<Value>(&said).unwrap());
    }
}

/// Shares that npm's `shamir-secret-sharing` 0.0.4 made (32 bytes of y, then x) join here to what it had split.
#[test]
fn shares_of_the_pages_package_join_to_the_same_secret() {
    let said = std::fs::read(folder().join("shamir-npm.json")).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    for case in said["cases"].as_array().unwrap() {
        let bytes = |v: &Value| hex::decode(v.as_str().unwrap()).unwrap();
        let shares: Vec<Vec<u8>> = case["shares"].as_array().unwrap().iter().map(bytes).collect();
        let needed = case["needed"].as_u64().unwrap() as usize;
        for chosen in shares.windows(needed) {
            let given: Vec<(u8, [u8; 32])> =
                chosen.iter().map(|s| (s[32], s[..32].try_into().unwrap())).collect();
            let given: Vec<(u8, &[u8; 32])> = given.iter().map(|(x, y)| (*x, y)).collect();
            assert_eq!(&crate::shares::join(&given).unwrap().bytes()[..], bytes(&case["secret"]));
        }
    }
}

/// Makes the vectors anew; only with a new version of the format: what is committed must open for ever.
#[test]
#[ignore = "writes the committed vectors"]
fn write_the_vectors() {
    // Those that are there stay.
    for vector in VECTORS.into_iter().filter(|vector| !vector.path(0).exists()) {
        let shares = wrap(&vector.place(), &vector.shares(), &vector.holders()).unwrap();
        let files = vector.files(&shares);
        for (link, file) in files.iter().enumerate() {
            std::fs::write(vector.path(link as u32), file).unwrap();
        }
        if vector.kind == Kind::Sound {
            std::fs::write(folder().join(format!("{}.mp4", vector.name)), vector.film()).unwrap();
        }
        let text = serde_json::to_string_pretty(&described(&vector, &files)).unwrap() + "\n";
        std::fs::write(folder().join(format!("{}.json", vector.name)), text).unwrap();
    }
}
