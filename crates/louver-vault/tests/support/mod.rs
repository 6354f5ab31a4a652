//! Made-up cameras for the vault's tests.
#![allow(dead_code)] // Each test file uses its part.

use bytes::Bytes;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_vault::{
    Epoch, HolderSet, Hour, HourSecret, Identity, OpeningKeys, Sealed, SegmentHead, SegmentSealer, SiteId,
};

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
    (0..count).map(|g| Gop::silent((0..5).map(|n| one(g, n)).collect())).collect()
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

/// A site's holders with their secrets, and its hour secrets.
pub(crate) struct Vault {
    pub(crate) identities: Vec<Identity>,
    pub(crate) holders: HolderSet,
}

impl Vault {
    /// One holder, who is enough.
    pub(crate) fn new() -> Self {
        Self::of(1, 1)
    }

    pub(crate) fn of(needed: usize, count: usize) -> Self {
        let identities: Vec<Identity> = (0..count).map(|_| Identity::generate().unwrap()).collect();
        let holders = HolderSet::new(needed, identities.iter().map(Identity::public).collect()).unwrap();
        Self { identities, holders }
    }

    /// The same for the same hour.
    pub(crate) fn hour_secret(hour: Hour) -> HourSecret {
        HourSecret::from_bytes(&[hour.number() as u8; 32])
    }

    pub(crate) fn epoch(&self, at: WallTime) -> Epoch {
        self.epoch_of(&camera(), at)
    }

    pub(crate) fn epoch_of(&self, camera: &CameraId, at: WallTime) -> Epoch {
        let hour = Hour::of(at);
        Epoch::begin(site(), camera, hour, &self.holders, &Self::hour_secret(hour)).unwrap()
    }

    pub(crate) fn begin(&self, at: WallTime, params: &VideoParams) -> (SegmentSealer, Sealed) {
        self.epoch(at).segment(at, params).unwrap()
    }

    pub(crate) fn seal(&self, gops: &[Gop], params: &VideoParams) -> Pieces {
        let start = gops.first().and_then(Gop::first_wall).unwrap_or(noon(0));
        seal_in(&mut self.epoch(start), gops, params)
    }

    /// What opens a file, with the shares of these holders (from 0).
    pub(crate) fn keys_of(&self, holders: &[usize], file: &[u8]) -> OpeningKeys {
        let mut keys = OpeningKeys::new();
        let head = head(file);
        holders.iter().for_each(|n| keys.add_share_of(&head, &self.identities[*n]).unwrap());
        keys.add_hour_secret(head.camera().clone(), head.hour(), Self::hour_secret(head.hour()));
        keys
    }

    /// With as many holders as are needed.
    pub(crate) fn keys(&self, file: &[u8]) -> OpeningKeys {
        let holders: Vec<usize> = (0..self.holders.needed().into()).collect();
        self.keys_of(&holders, file)
    }
}

pub(crate) fn head(mut file: &[u8]) -> SegmentHead {
    SegmentHead::read(&mut file).unwrap()
}

pub(crate) fn seal_in(epoch: &mut Epoch, gops: &[Gop], params: &VideoParams) -> Pieces {
    let start = gops.first().and_then(Gop::first_wall).unwrap_or(noon(0));
    let (mut sealer, header) = epoch.segment(start, params).unwrap();
    let fragments = gops.iter().map(|gop| sealer.seal(gop).unwrap().as_bytes().to_vec()).collect();
    let end = sealer.finish().unwrap().end.as_bytes().to_vec();
    Pieces { header: header.as_bytes().to_vec(), fragments, end }
}
