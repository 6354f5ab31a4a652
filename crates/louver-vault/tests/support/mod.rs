//! Made-up cameras for the vault's tests.
#![allow(dead_code)] // Each test file uses its part.

use bytes::Bytes;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_vault::{Holders, Identity, SegmentSealer, SiteId};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOON_MS: i64 = 1_772_366_400_000;

pub(crate) fn noon(after_ms: i64) -> WallTime {
    WallTime::from_millis(NOON_MS + after_ms)
}

pub(crate) fn camera() -> CameraId {
    "gate".parse().unwrap()
}

pub(crate) fn site() -> SiteId {
    SiteId::from_bytes([7; 16])
}

/// Baseline, with parameter sets that parse.
pub(crate) fn params(width: u32) -> VideoParams {
    let sps = [0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4];
    let pps = [0x68, 0xce, 0x3c, 0x80];
    VideoParams { codec: Codec::H264, size: PictureSize::new(width, 48).unwrap(), config: avcc(&sps, &pps) }
}

pub(crate) fn avcc(sps: &[u8], pps: &[u8]) -> Bytes {
    let mut out = vec![1, sps[1], sps[2], sps[3], 0xff, 0xe1];
    out.extend_from_slice(&(sps.len() as u16).to_be_bytes());
    out.extend_from_slice(sps);
    out.push(1);
    out.extend_from_slice(&(pps.len() as u16).to_be_bytes());
    out.extend_from_slice(pps);
    out.into()
}

/// One packet: a NAL unit of `size` bytes that tell its number.
pub(crate) fn packet(n: usize, key: bool, media_ms: i64, wall: WallTime, size: usize) -> Packet {
    let mut data = (size as u32).to_be_bytes().to_vec();
    data.extend((0..size).map(|at| (n * 31 + at * 7) as u8));
    Packet { media: MediaTime::from_ticks(media_ms * 90), wall, key, data: data.into() }
}

/// Groups of five pictures, 200 ms apart: one second each, all arriving as they were taken.
pub(crate) fn gops(count: usize, media_ms: i64, wall: WallTime) -> Vec<Gop> {
    let one = |g: usize, n: usize| {
        let after = (g * 1000 + n * 200) as i64;
        let arrived = WallTime::from_micros(wall.micros() + after * 1000);
        packet(g * 5 + n, n == 0, media_ms + after, arrived, 20 + n)
    };
    (0..count).map(|g| Gop { packets: (0..5).map(|n| one(g, n)).collect() }).collect()
}

/// A segment in its pieces, as they would be written.
pub(crate) struct Pieces {
    pub(crate) header: Vec<u8>,
    pub(crate) fragments: Vec<Vec<u8>>,
    pub(crate) end: Vec<u8>,
}

impl Pieces {
    pub(crate) fn file(&self) -> Vec<u8> {
        [self.header.clone(), self.fragments.concat(), self.end.clone()].concat()
    }
}

pub(crate) fn seal(gops: &[Gop], params: &VideoParams, holders: &Holders) -> Pieces {
    let start = gops.first().and_then(Gop::first_wall).unwrap_or(noon(0));
    let (mut sealer, header) = SegmentSealer::start(site(), &camera(), start, params, holders).unwrap();
    let fragments = gops.iter().map(|gop| sealer.seal(gop).unwrap().as_bytes().to_vec()).collect();
    let end = sealer.finish().unwrap().as_bytes().to_vec();
    Pieces { header: header.as_bytes().to_vec(), fragments, end }
}

pub(crate) fn holder() -> (Identity, Holders) {
    let identity = Identity::generate();
    let holders = Holders::new(vec![identity.recipient()]).unwrap();
    (identity, holders)
}
