//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod faulty;
pub mod life;
pub mod sim;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use louver_base::{CameraId, Class, EventId, MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, Picture, PictureSize, VideoParams};
use louver_scene::{Masked, PictureEncoder, Scene};
use louver_store::{EventRecord, Recovery, Store, StoreOptions};
use louver_vault::{Epoch, HolderSet, Hour, HourSecret, Identity, Sealed, SegmentSealer};

/// 2026-03-01T09:00:00Z in milliseconds.
pub const NINE: i64 = 1_772_355_600_000;

pub fn at(ms: i64) -> WallTime {
    WallTime::from_millis(NINE + ms)
}

pub fn camera(id: &str) -> CameraId {
    id.parse().unwrap()
}

struct Says(Bytes);

impl PictureEncoder for Says {
    type Output = Bytes;
    type Error = Infallible;
    fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Infallible> {
        Ok(self.0.clone())
    }
}

/// Bytes that count as masked: an encoder's word for a picture that shows nothing.
pub fn masked(bytes: impl Into<Bytes>) -> Masked<Bytes> {
    let nothing = Scene::nothing(PictureSize::new(16, 16).unwrap());
    nothing.encode(&mut Says(bytes.into()), MediaTime::ZERO, true).unwrap()
}

/// The n-th fragment of a test: 28 bytes that tell which.
pub fn fragment(n: i64) -> Masked<Bytes> {
    masked(format!("fragment {n:04} ").repeat(2).into_bytes())
}

pub async fn open(dir: &Path) -> (Store, Recovery) {
    Store::open(dir, StoreOptions::default()).await.unwrap()
}

/// Everything that a `kill -9` leaves: a copy of the files, taken while the store runs.
pub fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Files below a folder with this ending, sorted.
pub fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub fn event(id: u128, camera_id: &str, class: Class, start_ms: i64) -> EventRecord {
    EventRecord {
        id: EventId::from_random(id),
        camera: camera(camera_id),
        class,
        start: at(start_ms),
        end: None,
        stays: None,
        leaves: None,
        confidence: 0.5,
        still: false,
        boxes: Vec::new(),
    }
}

/// A sealer of one segment that begins at `start`.
pub fn sealer(store: &Store, camera: &CameraId, start: WallTime) -> (SegmentSealer, Sealed) {
    // Made once: it takes longer than all that is written with it.
    static HOLDERS: LazyLock<HolderSet> =
        LazyLock::new(|| HolderSet::new(1, vec![Identity::generate().unwrap().public()]).unwrap());
    let secret = HourSecret::generate().unwrap();
    let mut epoch = Epoch::begin(store.site_id(), camera, Hour::of(start), &HOLDERS, &secret).unwrap();
    epoch.segment(start, &params()).unwrap()
}

fn params() -> VideoParams {
    let size = PictureSize::new(64, 48).unwrap();
    VideoParams { codec: Codec::H264, size, config: Bytes::from_static(&[1, 66, 192, 30, 255, 224, 0]) }
}

/// A group of two packets, the first at `wall`, 100 ms long.
pub fn gop(wall: WallTime) -> Gop {
    let packet = |n: i64| Packet {
        media: MediaTime::from_ticks(n * 9000),
        wall: WallTime::from_millis(wall.millis() + n * 100),
        key: n == 0,
        data: Bytes::from(vec![n as u8; 200]),
    };
    Gop::silent(vec![packet(0), packet(1)])
}

/// A small disk of its own. `None`, with a printed line, where mounting is not allowed.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub fn mount(size: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"])
            .arg(at.path())
            .output();
        match mounted {
            Ok(out) if out.status.success() => Some(Self(at)),
            _ => {
                println!("skipped: mounting a small tmpfs needs root");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until not one more byte fits; it is what to delete to free the disk again.
    pub fn fill(&self) -> PathBuf {
        use std::io::Write as _;
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for chunk in [&[0_u8; 4096][..], &[0]] {
            while file.write_all(chunk).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
