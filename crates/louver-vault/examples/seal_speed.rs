//! How much sealing costs beside the bare cipher, in one run: `cargo run --release --example seal_speed -p louver-vault`.
//!
//! Groups of 1 MB with 50 packets (4 Mbit/s, two seconds), one segment a minute. Prints CPU-seconds per gigabyte.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Gop, Packet, PictureSize, VideoParams};
use louver_vault::{Holders, Identity, SegmentSealer, SiteId, VaultError};

/// User and system time of this process, seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn gop() -> Gop {
    let packet = |n: i64| Packet {
        media: MediaTime::from_ticks(n * 3600),
        wall: WallTime::from_millis(n * 40),
        key: n == 0,
        data: Bytes::from(vec![n as u8; if n == 0 { 210_000 } else { 16_100 }]),
    };
    Gop { packets: (0..50).map(packet).collect() }
}

fn main() -> Result<(), VaultError> {
    const GROUPS: u64 = 600;
    let gop = gop();
    let gigabytes = (GROUPS * gop.bytes() as u64) as f64 / 1e9;
    let holders = Holders::new(vec![Identity::generate().recipient()])?;
    let config = Bytes::from_static(&[1; 40]);
    let size = PictureSize::new(1920, 1080).expect("1920x1080 is within 8192");
    let params = VideoParams { codec: Codec::H264, size, config };
    let camera = "gate".parse().expect("is a camera id");

    for round in 1..=3 {
        let key = UnboundKey::new(&AES_256_GCM, &[1; 32]).expect("32 bytes are a key");
        let key = LessSafeKey::new(key);
        let mut buffer = vec![0; gop.bytes()];
        let began = cpu();
        for n in 0..GROUPS {
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&n.to_be_bytes());
            let nonce = Nonce::assume_unique_for_key(nonce);
            let _ = black_box(
                key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer).expect("sealing 1 MB"),
            );
        }
        let bare = (cpu() - began) / gigabytes;

        let (mut copy, began) = (Vec::with_capacity(gop.bytes()), cpu());
        for _ in 0..GROUPS {
            copy.clear();
            gop.packets.iter().for_each(|p| copy.extend_from_slice(&p.data));
            black_box(&copy);
        }
        let copied = (cpu() - began) / gigabytes;

        let began = cpu();
        let site = SiteId::from_bytes([1; 16]);
        for _ in 0..GROUPS / 30 {
            let (mut sealer, header) =
                SegmentSealer::start(site, &camera, WallTime::from_millis(0), &params, &holders)?;
            black_box(header);
            for _ in 0..30 {
                black_box(sealer.seal(&gop)?);
            }
            black_box(sealer.finish()?);
        }
        let sealed = (cpu() - began) / gigabytes;
        println!(
            "round {round}: AES-256-GCM {bare:.3} s/GB, copying the packets {copied:.3}, sealing {sealed:.3} ({:.2} of the first)",
            sealed / bare
        );
    }
    Ok(())
}
