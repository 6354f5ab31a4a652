//! A thousand hours end: nobody opens one of them any more, with all shares, from no copy.
#![allow(clippy::unwrap_used)] // What cannot be set up here fails its test.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use bytes::Bytes;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_store::{DiskWatermark, Store, StoreOptions};
use louver_vault::{
    Absent, CameraHour, Epoch, HolderSet, Hour, HourSecret, Identity, KeyRing, OpeningKeys, SegmentHead,
    SegmentReader, Share,
};

const CAMERAS: i64 = 20;
const HOURS: i64 = 50;
/// 2026-03-01T09:00:00Z.
const NINE_MS: i64 = 1_772_355_600_000;

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256, as docs/format-sealed.md and docs/keys.md write it.
fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    Salt::new(HKDF_SHA256, salt).extract(ikm).expand(&[info], Bytes32).unwrap().fill(&mut out).unwrap();
    out
}

fn expand(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    Prk::new_less_safe(HKDF_SHA256, prk).expand(&[info], Bytes32).unwrap().fill(&mut out).unwrap();
    out
}

/// Product in GF(2^8) with x^8 + x^4 + x^3 + x + 1.
fn times(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b > 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        a = (a << 1) ^ if a & 0x80 > 0 { 0x1b } else { 0 };
        b >>= 1;
    }
    product
}

/// The secret from shares 1 and 2 of a polynomial of degree 1: f(0) = (2 f(1) + f(2)·1) / 3, where + is exclusive or.
fn joined(shares: &[Share]) -> [u8; 32] {
    let value =
        |share: &Share| <[u8; 32]>::try_from(&share.to_bytes()[share.to_bytes().len() - 32..]).unwrap();
    let (one, two) = (value(&shares[0]), value(&shares[1]));
    assert_eq!((shares[0].number(), shares[1].number()), (1, 2));
    let third = (1..=255).find(|n| times(3, *n) == 1).unwrap();
    std::array::from_fn(|i| times(third, times(2, one[i]) ^ two[i]))
}

/// Every secret and key that a segment hangs on, derived from the specification alone. The header's commitment shows that
/// they are the right ones.
fn keys_of(header: &[u8], head: &SegmentHead, shares: &[Share], hour_secret: &HourSecret) -> Vec<[u8; 32]> {
    let camera = head.camera().as_str().as_bytes();
    let place = [
        &head.site().as_bytes()[..],
        &head.hour().number().to_be_bytes(),
        head.keys().epoch().as_bytes(),
        &[head.keys().needed(), head.keys().count(), camera.len() as u8],
        camera,
    ]
    .concat();
    let holder_secret = joined(shares);
    let chain_info = [b"louver chain v1", &place[..]].concat();
    let chain = hkdf(&holder_secret, head.keys().epoch().as_bytes(), &chain_info);
    assert_eq!(head.keys().link(), 0);
    let seed = expand(&chain, b"louver chain segment");
    let ikm = [seed, *hour_secret.expose()].concat();
    let context = |purpose: u8| {
        [b"louver sealed segment v1", &[purpose][..], &place, &head.keys().link().to_be_bytes()].concat()
    };
    let derived = |purpose| hkdf(&ikm, &header[40..72], &context(purpose));
    assert_eq!(derived(2), header[72..104], "the commitment");
    vec![holder_secret, chain, seed, *hour_secret.expose(), derived(1), derived(3)]
}

fn params() -> VideoParams {
    let size = PictureSize::new(64, 48).unwrap();
    VideoParams { codec: Codec::H264, size, config: Bytes::from_static(&[1, 66, 192, 30, 255, 224, 0]) }
}

fn gop(wall: WallTime) -> Gop {
    let data = Bytes::from(vec![7_u8; 60]);
    Gop::silent(vec![Packet { media: MediaTime::from_ticks(0), wall, key: true, data }])
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn copy(from: &Path, to: &Path, without: &str) {
    for file in files(from) {
        let name = file.strip_prefix(from).unwrap();
        if !name.starts_with(without) {
            fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
            fs::copy(&file, to.join(name)).unwrap();
        }
    }
}

/// Which of the secrets stand in any file of the folders, in clear, at whatever byte.
fn found_in(folders: &[&Path], secrets: &[[u8; 32]]) -> HashSet<[u8; 32]> {
    let mut by_start: HashMap<[u8; 8], Vec<&[u8; 32]>> = HashMap::new();
    for secret in secrets {
        by_start.entry(secret[..8].try_into().unwrap()).or_default().push(secret);
    }
    let mut found = HashSet::new();
    for file in folders.iter().flat_map(|f| files(f)) {
        let bytes = fs::read(file).unwrap();
        for (at, start) in bytes.windows(8).enumerate() {
            for secret in by_start.get(start).into_iter().flatten() {
                if bytes[at..].starts_with(*secret) {
                    found.insert(**secret);
                }
            }
        }
    }
    found
}

/// How many originals in a folder open with all shares there are and these hour secrets.
fn opened(
    folder: &Path,
    shares: &HashMap<CameraHour, Vec<Share>>,
    hours: impl Fn(&CameraHour) -> Option<HourSecret>,
) -> usize {
    let sealed = files(folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "lvs"));
    let opens = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        let head = SegmentHead::read(&mut bytes.as_slice()).unwrap();
        let of = (head.camera().clone(), head.hour());
        let mut keys = OpeningKeys::new();
        for share in &shares[&of] {
            keys.add_share(Share::parse(&share.to_bytes()).unwrap());
        }
        if let Some(secret) = hours(&of) {
            keys.add_hour_secret(of.0, of.1, secret);
        }
        SegmentReader::open(std::io::Cursor::new(bytes), &keys).is_ok_and(|mut r| r.fragment(0).is_ok())
    };
    sealed.filter(opens).count()
}

fn backup(site: &Path, to: &str) {
    let done = Command::new(env!("CARGO_BIN_EXE_louver"))
        .args(["backup", to, "--recordings", "--settings", "louver.toml"])
        .current_dir(site)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_hours_whose_retention_ended_none_opens_with_all_shares_and_last_weeks_full_backup() {
    let site = tempfile::tempdir().unwrap();
    let at = |name: &str| site.path().join(name);
    fs::write(at("louver.toml"), "data = \"d\"\n").unwrap();
    let data = at("d");
    let (store, _) = Store::open(&data, StoreOptions::default()).await.unwrap();
    let identities: Vec<Identity> = (0..2).map(|_| Identity::generate().unwrap()).collect();
    let holders = HolderSet::new(2, identities.iter().map(Identity::public).collect()).unwrap();

    // A thousand hours, as a recorder seals them.
    let mut shares: HashMap<CameraHour, Vec<Share>> = HashMap::new();
    let mut secrets = Vec::new();
    for camera in 0..CAMERAS {
        let camera: CameraId = format!("camera-{camera}").parse().unwrap();
        for hour in 0..HOURS {
            let start = WallTime::from_millis(NINE_MS + hour * 3_600_000 + 60_000);
            let hour = Hour::of(start);
            let secret = store.hour_secret(&camera, hour).await.unwrap();
            let mut epoch = Epoch::begin(store.site_id(), &camera, hour, &holders, &secret).unwrap();
            let (mut sealer, header) = epoch.segment(start, &params()).unwrap();
            let bytes = header.as_bytes().to_vec();
            let head = SegmentHead::read(&mut bytes.as_slice()).unwrap();
            let of_holders: Vec<Share> = identities.iter().map(|i| head.share_of(i).unwrap()).collect();
            secrets.extend(keys_of(&bytes, &head, &of_holders, &secret));
            shares.insert((camera.clone(), hour), of_holders);
            let mut writer = store.sealed_writer(&camera);
            writer.begin(header, start).await.unwrap();
            writer.append(sealer.seal(&gop(start)).unwrap()).await.unwrap();
            writer.finish(sealer.finish().unwrap().end).await.unwrap();
        }
    }
    assert_eq!((shares.len(), secrets.len()), (1000, 6000));

    // Last week: a backup, a copy of everything but the key ring, and a careless copy of the ring without its root.
    let ring = files(&data.join("keyring")).into_iter();
    let (root, ring): (Vec<_>, Vec<_>) =
        ring.partition(|p| p.file_name().unwrap().to_str().unwrap().starts_with("root-"));
    let root_bytes: [u8; 32] = fs::read(&root[0]).unwrap()[16..48].try_into().unwrap();
    let generation: u64 = ring[0].file_name().unwrap().to_str().unwrap()[5..].parse().unwrap();
    let ring_key = hkdf(&root_bytes, &generation.to_be_bytes(), b"louver ring v1");
    backup(site.path(), "backup");
    copy(&data, &at("week"), "keyring");
    fs::create_dir(at("old")).unwrap();
    fs::copy(&ring[0], at("old").join(ring[0].file_name().unwrap())).unwrap();

    // Before: all of them open, from everywhere, and the search finds what stands there in clear.
    let key_ring = store.key_ring().unwrap();
    let now = |of: &CameraHour| key_ring.get(&of.0, of.1).unwrap();
    for folder in [&data, &at("backup"), &at("week")] {
        assert_eq!(opened(folder, &shares, now), 1000, "{}", folder.display());
        assert_eq!(opened(folder, &shares, |_| None), 0, "without the key ring none");
    }
    assert_eq!(found_in(&[&data], &[root_bytes, ring_key]), HashSet::from([root_bytes]));

    // Retention ends.
    let kept: Vec<(CameraId, u32)> =
        (0..CAMERAS).map(|n| (format!("camera-{n}").parse().unwrap(), 72)).collect();
    let later = WallTime::from_millis(NINE_MS + (HOURS + 74) * 3_600_000);
    let report = store.retention_pass(later, &kept, DiskWatermark::Bytes(0)).await.unwrap();
    assert_eq!((report.expired_files, report.shredded.len()), (1000, 1000));
    backup(site.path(), "after");

    // After: not one, from no copy, and nothing that would help stands anywhere, with the log of the catalogue or without.
    secrets.extend([root_bytes, ring_key]);
    let everywhere = [data.clone(), at("backup"), at("week"), at("after"), at("old")];
    let everywhere: Vec<&Path> = everywhere.iter().map(PathBuf::as_path).collect();
    assert_eq!(found_in(&everywhere, &secrets), HashSet::new());
    for folder in [&data, &at("backup"), &at("week"), &at("after")] {
        assert_eq!(opened(folder, &shares, now), 0, "{}", folder.display());
    }
    drop(key_ring);
    store.close().await.unwrap();
    assert_eq!(found_in(&everywhere, &secrets), HashSet::new());

    // The old ring does not open either, with whatever root there is now.
    let root_now = files(&data.join("keyring")).into_iter();
    let mut root_now = root_now.filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with("root-"));
    let mut renamed = fs::read(root_now.next_back().unwrap()).unwrap();
    let refused = KeyRing::open(&at("old"), Absent::Refuse).unwrap_err();
    assert!(refused.to_string().contains("no generation is whole"), "{refused}");
    renamed[8..16].copy_from_slice(&generation.to_be_bytes());
    let check = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &renamed[..48]);
    renamed[48..].copy_from_slice(&check.as_ref()[..8]);
    fs::write(at("old").join(format!("root-{generation}")), &renamed).unwrap();
    let refused = KeyRing::open(&at("old"), Absent::Refuse).unwrap_err();
    assert!(refused.to_string().contains("the key ring is damaged"), "{refused}");
}
