//! What coding a picture costs: `encode_speed WIDTH HEIGHT FPS < RAW`, raw 4:2:0 pictures (`ffmpeg -pix_fmt yuv420p -f rawvideo -`).
//!
//! Prints CPU milliseconds a picture as JSON; a key picture every two seconds. `bench/redact.sh` runs it.

use std::io::Read;

use louver_base::MediaTime;
use louver_codec::{EncoderSettings, H264Encoder};
use louver_media::{Picture, PictureSize};
use louver_scene::PictureEncoder;

/// CPU time of this process, milliseconds.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let number = |n: usize| words.get(n).and_then(|w| w.parse::<u32>().ok());
    let (Some(width), Some(height), Some(fps)) = (number(1), number(2), number(3)) else {
        return Err("usage: encode_speed WIDTH HEIGHT FPS".into());
    };
    let size = PictureSize::new(width, height).ok_or("no such size is coded")?;
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size, fps as f32))?;
    let mut picture = Picture::flat(size, 0, 0, 0);
    let mut input = std::io::stdin().lock();
    let (mut pictures, mut ms, mut bytes) = (0u32, 0.0, 0);
    loop {
        let Picture { y, u, v, .. } = &mut picture;
        if [y, u, v].into_iter().any(|plane| input.read_exact(plane).is_err()) {
            break;
        }
        let begun = cpu_ms();
        let at = MediaTime::from_ticks(i64::from(pictures) * 90_000 / i64::from(fps.max(1)));
        let key = pictures.is_multiple_of(fps.max(1) * 2);
        bytes += encoder.encode(&picture, at, key)?.packet.data.len();
        ms += cpu_ms() - begun;
        pictures += 1;
    }
    println!(
        "{{\"pictures\": {pictures}, \"encode_ms\": {:.4}, \"bytes\": {bytes}}}",
        ms / f64::from(pictures.max(1))
    );
    Ok(())
}
