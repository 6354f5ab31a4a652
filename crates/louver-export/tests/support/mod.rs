//! A site that seals, opens and exports: the real parts, over a real ledger in a temporary folder.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use bytes::Bytes;
use louver_base::{CameraId, MediaSpan, MediaTime, WallSpan, WallTime};
use louver_export::{Base64, Fragment, Manifest, Segment, manifest_box};
use louver_ledger::leaf::{Digest, Millis};
use louver_ledger::{ExportKey, Leaf, Ledger, Options};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_vault::opening::{Existing, Export, Written, export_pieces};
use louver_vault::{
    Epoch, Finished, HolderSet, Hour, HourSecret, Identity, OpeningKeys, SegmentHead, SegmentInfo, SiteId,
};

pub(crate) const SITE: [u8; 16] = [0x5a; 16];
/// Noon of some day.
pub(crate) const NOON: i64 = 1_772_366_400_000;

pub(crate) fn at(ms: i64) -> WallTime {
    WallTime::from_millis(NOON + ms)
}

pub(crate) fn camera() -> CameraId {
    "gate".parse().unwrap()
}

pub(crate) fn params() -> VideoParams {
    let config =
        [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 1, 0, 4, 0x68, 0xce, 0x3c, 0x80];
    let size = PictureSize::new(640, 360).unwrap();
    VideoParams { codec: Codec::H264, size, config: Bytes::copy_from_slice(&config) }
}

/// Groups of three pictures, a second apart, from `first` on.
pub(crate) fn gops(first: i64, count: i64) -> Vec<Gop> {
    let packet = |ms: i64, key| Packet {
        media: MediaTime::from_ticks((first + ms) * 90),
        wall: at(first + ms),
        key,
        data: Bytes::from([&[0, 0, 0, 4][..], &[((first + ms) / 100) as u8; 4]].concat()),
    };
    let group = |n: i64| Gop::silent((0..3).map(|p| packet(n * 1000 + p * 300, p == 0)).collect());
    (0..count).map(group).collect()
}

/// Groups as real cameras send them: pictures out of order within a group and across two, two key pictures in one, and a hole.
pub(crate) fn hard(first: i64) -> Vec<Gop> {
    let mut groups = gops(first, 4);
    let last = groups[0].packets[2].media;
    groups[0].packets[2].media = groups[0].packets[1].media;
    groups[0].packets[1].media = last;
    groups[1].packets[1].key = true;
    groups[2].packets[0].media = groups[1].packets[2].media + MediaSpan::from_millis(-10);
    for packet in &mut groups[3].packets {
        packet.media = packet.media + MediaSpan::from_millis(5000);
        packet.wall = packet.wall + WallSpan::from_millis(5000);
    }
    groups
}

/// One camera's sealed segments, and the ledger that was told of them.
pub(crate) struct Site {
    pub(crate) ledger: Ledger,
    pub(crate) key: ExportKey,
    keys: OpeningKeys,
    files: Vec<(PathBuf, u64)>,
    pub(crate) request: Digest,
    pub(crate) released: u64,
    pub(crate) made: i64,
    dir: tempfile::TempDir,
}

impl Site {
    /// Two segments of three groups each, all released.
    pub(crate) fn new() -> Self {
        Self::of(SITE, &[gops(0, 3), gops(3000, 3)])
    }

    pub(crate) fn of(site: [u8; 16], segments: &[Vec<Gop>]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&dir.path().join("ledger"), &site, Options::default()).unwrap();
        ledger.append(&Leaf::Omitted { leaves: 3 }).unwrap();
        let key = ExportKey::open(&ledger, &site).unwrap();
        let identity = Identity::generate().unwrap();
        let holders = HolderSet::new(1, vec![identity.public()]).unwrap();
        let hour = Hour::of(at(0));
        let secret = HourSecret::from_bytes(&[7; 32]);
        let mut epoch = Epoch::begin(SiteId::from_bytes(site), &camera(), hour, &holders, &secret).unwrap();
        let mut keys = OpeningKeys::new();
        keys.add_hour_secret(camera(), hour, secret);
        let mut files = Vec::new();
        for gops in segments {
            let first = gops[0].first_wall().unwrap();
            let (mut sealer, header) = epoch.segment(first, &params()).unwrap();
            let mut bytes = header.as_bytes().to_vec();
            keys.add_share_of(&SegmentHead::read(&mut &bytes[..]).unwrap(), &identity).unwrap();
            for gop in gops {
                bytes.extend_from_slice(sealer.seal(gop).unwrap().as_bytes());
            }
            let Finished { end, digest, header, fragments } = sealer.finish().unwrap();
            bytes.extend_from_slice(end.as_bytes());
            let path = dir.path().join(format!("{}.lvs", files.len()));
            std::fs::write(&path, bytes).unwrap();
            let leaf = Leaf::Sealed {
                camera: ledger.salt().camera(&camera()),
                hour: hour.number(),
                header: Digest::from_bytes(header),
                fragments,
                digest: Digest::from_bytes(*digest.as_bytes()),
                recovered: false,
            };
            files.push((path, ledger.append(&leaf).unwrap()));
        }
        let request = Digest::of(b"the request");
        let release = |request| Leaf::OpeningReleased {
            request,
            approvals: vec![Digest::of(b"one")],
            cameras: vec![ledger.salt().camera(&camera())],
            from: Millis(NOON),
            to: Millis(NOON + 60_000),
            until: Millis(i64::MAX),
        };
        let released = ledger.append(&release(request)).unwrap();
        ledger.publish(released + 1).unwrap();
        let made = WallTime::now().millis() + 1000;
        Self { ledger, key, keys, files, request, released, made, dir }
    }

    /// A leaf's proof, with the leaf.
    pub(crate) fn proof(&self, leaf: u64) -> String {
        self.ledger.proof(leaf, Some(&self.ledger.leaf(leaf).unwrap())).unwrap()
    }

    /// The video of fragments that arrive from `from` to `to`, ms after noon, and what a manifest says of it.
    pub(crate) fn film(&self, from: i64, to: i64) -> (Vec<u8>, Manifest) {
        let out = self.dir.path().join("out.mp4");
        let segments: Vec<PathBuf> = self.files.iter().map(|(path, _)| path.clone()).collect();
        let existing = Existing::Replace;
        let job =
            Export { keys: &self.keys, segments: &segments, from: at(from), to: at(to), out: &out, existing };
        let mut manifest = None;
        export_pieces(&job, &mut |_| ControlFlow::Continue(()), &mut |written| {
            manifest = Some(self.manifest(&written));
            Vec::new()
        })
        .unwrap();
        (std::fs::read(out).unwrap(), manifest.unwrap())
    }

    fn manifest(&self, written: &Written) -> Manifest {
        let mut segments: Vec<Segment> = Vec::new();
        let mut times = Vec::new();
        for (path, leaf) in &self.files {
            let info = SegmentInfo::inspect(&mut std::fs::File::open(path).unwrap()).unwrap();
            let used = written.fragments.iter().filter(|f| f.file == *path);
            let fragments: Vec<Fragment> = used
                .map(|f| Fragment {
                    n: f.sequence,
                    list: Base64(f.list.to_vec()),
                    blind: Base64(f.blind.to_vec()),
                    at: f.at,
                    size: f.size,
                })
                .collect();
            if fragments.is_empty() {
                continue;
            }
            times.extend(fragments.iter().map(|f| &info.fragments[f.n as usize]).map(|f| (f.first, f.last)));
            let header = Digest::from_bytes(*info.head.hash());
            segments.push(Segment { header, heads: Base64(info.heads), proof: self.proof(*leaf), fragments });
        }
        let span = (times[0].0.millis(), times.last().unwrap().1.millis());
        self.masked(span, written.bytes, Digest::from_bytes(written.sha256)).original(
            self.request,
            vec![self.proof(self.released)],
            segments,
        )
    }

    /// A manifest of masked pictures.
    pub(crate) fn masked(&self, span: (i64, i64), bytes: u64, sha256: Digest) -> Manifest {
        Manifest::masked(
            hex::encode(self.site()),
            camera(),
            span,
            self.made,
            (bytes, sha256),
            self.ledger.verifier().to_string(),
            self.key.verifier().to_string(),
            self.proof(self.key.leaf()),
        )
    }

    fn site(&self) -> [u8; 16] {
        let name = self.ledger.verifier().name().rsplit('/').next().unwrap();
        hex::decode(name).unwrap().try_into().unwrap()
    }

    /// What the site signs.
    pub(crate) fn signed(&self, video: &[u8], manifest: &Manifest) -> Vec<u8> {
        let note = self.key.sign(manifest.to_text().unwrap()).to_string();
        [video, &manifest_box(&note).unwrap()].concat()
    }

    /// The same for a video that somebody made of it: hash and length are those of the video.
    pub(crate) fn signed_for(&self, video: &[u8], manifest: &Manifest) -> Vec<u8> {
        let mut manifest = manifest.clone();
        (manifest.bytes, manifest.sha256) = (video.len() as u64, Digest::of(video));
        self.signed(video, &manifest)
    }
}
