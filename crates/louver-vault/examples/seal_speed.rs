//! What it costs to seal, hash and write an original, beside the bare parts: `bench/seal.sh`.
//!
//! Groups of 1 MB with 50 packets (4 Mbit/s, two seconds) of sixteen cameras, whose files are made to reach the disk
//! together. Prints CPU-seconds per gigabyte as JSON, a line a round. Argument: a folder for the files, which are removed.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use louver_base::{CameraId, MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_vault::{Epoch, HolderSet, Hour, HourSecret, Identity, SegmentSealer, SiteId};

type Failed = Box<dyn std::error::Error>;

/// Groups in all.
const GROUPS: usize = 960;
/// Cameras, each with a file of its own.
const CAMERAS: usize = 16;
/// Groups of every camera between two times that all files are synced: ten seconds of video.
const BETWEEN_SYNCS: usize = 5;
/// Groups of a segment of five minutes.
const OF_A_SEGMENT: usize = 150;

/// User and system time of this process, seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU-seconds per gigabyte of what `work` does with all groups.
fn per_gigabyte(gop: &Gop, work: impl FnOnce() -> Result<(), Failed>) -> Result<f64, Failed> {
    let began = cpu();
    work()?;
    Ok((cpu() - began) / ((GROUPS * gop.bytes()) as f64 / 1e9))
}

fn gop() -> Gop {
    let packet = |n: i64| Packet {
        media: MediaTime::from_ticks(n * 3600),
        wall: WallTime::from_millis(n * 40),
        key: n == 0,
        data: Bytes::from(vec![n as u8; if n == 0 { 210_000 } else { 16_100 }]),
    };
    Gop::silent((0..50).map(packet).collect())
}

/// Writes in turn; `bytes` gives what camera `n` writes next.
fn write(folder: &Path, mut bytes: impl FnMut(usize) -> Result<Bytes, Failed>) -> Result<(), Failed> {
    let mut files = (0..CAMERAS)
        .map(|n| File::create(folder.join(format!("{n}.sealed"))))
        .collect::<Result<Vec<_>, _>>()?;
    for round in 1..=GROUPS / CAMERAS {
        for (n, file) in files.iter_mut().enumerate() {
            file.write_all(&bytes(n)?)?;
        }
        if round % BETWEEN_SYNCS == 0 {
            for file in &files {
                file.sync_data()?;
            }
        }
    }
    Ok(())
}

/// One camera's hour being sealed.
struct Camera {
    epoch: Epoch,
    open: Option<(SegmentSealer, usize)>,
}

impl Camera {
    fn next(&mut self, gop: &Gop, params: &VideoParams) -> Result<Bytes, Failed> {
        let mut before = Vec::new();
        if let Some((sealer, _)) = self.open.take_if(|(_, groups)| *groups == OF_A_SEGMENT) {
            before.extend_from_slice(sealer.finish()?.end.as_bytes());
        }
        let (sealer, groups) = match &mut self.open {
            Some(open) => open,
            none => {
                let (sealer, header) = self.epoch.segment(WallTime::from_millis(0), params)?;
                before.extend_from_slice(header.as_bytes());
                none.insert((sealer, 0))
            }
        };
        *groups += 1;
        let sealed = sealer.seal(gop)?.into_bytes();
        Ok(if before.is_empty() { sealed } else { [Bytes::from(before), sealed].concat().into() })
    }
}

fn cameras() -> Result<Vec<Camera>, Failed> {
    let holders = (0..3).map(|_| Identity::generate().map(|i| i.public())).collect::<Result<Vec<_>, _>>()?;
    let holders = HolderSet::new(2, holders)?;
    let (site, hour, secret) = (SiteId::from_bytes([1; 16]), Hour::from_number(0), HourSecret::generate()?);
    let one = |n| -> Result<Camera, Failed> {
        let id: CameraId = format!("camera-{n}").parse()?;
        Ok(Camera { epoch: Epoch::begin(site, &id, hour, &holders, &secret)?, open: None })
    };
    (0..CAMERAS).map(one).collect()
}

fn main() -> Result<(), Failed> {
    let folder = std::env::args().nth(1).ok_or("a folder for the files is missing")?;
    let folder = tempfile::tempdir_in(folder)?;
    let gop = gop();
    let config = Bytes::from_static(&[1; 40]);
    let size = PictureSize::new(1920, 1080).ok_or("1920x1080 is within 8192")?;
    let params = VideoParams { codec: Codec::H264, size, config };
    for _ in 0..3 {
        let key = UnboundKey::new(&AES_256_GCM, &[1; 32]).map_err(|_| "32 bytes are a key")?;
        let key = LessSafeKey::new(key);
        let mut buffer = vec![0; gop.bytes()];
        let aes = per_gigabyte(&gop, || {
            for n in 0..GROUPS as u64 {
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&n.to_be_bytes());
                let nonce = Nonce::assume_unique_for_key(nonce);
                let sealed = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer);
                let _ = black_box(sealed.map_err(|_| "sealing 1 MB")?);
            }
            Ok(())
        })?;
        let sha = per_gigabyte(&gop, || {
            for _ in 0..GROUPS {
                black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &buffer));
            }
            Ok(())
        })?;
        let plain = Bytes::from(buffer);
        let written = per_gigabyte(&gop, || write(folder.path(), |_| Ok(plain.clone())))?;
        let sealed = per_gigabyte(&gop, || {
            let mut cameras = cameras()?;
            for _ in 0..GROUPS / CAMERAS {
                for camera in &mut cameras {
                    black_box(camera.next(&gop, &params)?);
                }
            }
            Ok(())
        })?;
        let all = per_gigabyte(&gop, || {
            let mut cameras = cameras()?;
            write(folder.path(), |n| cameras[n].next(&gop, &params))
        })?;
        println!(
            "{{\"aes_256_gcm\": {aes:.3}, \"sha_256\": {sha:.3}, \"write_and_fsync\": {written:.3}, \
             \"seal_and_hash\": {sealed:.3}, \"seal_hash_write_fsync\": {all:.3}}}"
        );
    }
    Ok(())
}
