//! What seeing costs a picture, without decoding and without a detector (one that finds nobody answers at once), and what the
//! foreground step costs alone:
//! `see_speed WIDTH HEIGHT FILE`, where FILE holds raw 4:2:0 pictures (`ffmpeg -pix_fmt yuv420p -f rawvideo`).
//!
//! Prints CPU milliseconds a picture as JSON. `bench/see.sh` runs it beside OpenCV's background model.

use std::hint::black_box;

use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{DetectorTraits, Style};
use louver_see::{Foreground, See, Settings};

/// CPU time of this thread, milliseconds.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn pictures(size: PictureSize, bytes: &[u8]) -> Vec<Picture> {
    let (luma, chroma) = (size.area(), size.area() / 4);
    let of = |bytes: &[u8]| {
        let (y, rest) = bytes.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        Picture { size, y: y.to_vec(), u: u.to_vec(), v: v.to_vec() }
    };
    bytes.chunks_exact(luma + chroma * 2).map(of).collect()
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let number = |n: usize| words.get(n).and_then(|w| w.parse().ok());
    let size = number(1).zip(number(2)).and_then(|(w, h)| PictureSize::new(w, h));
    let (Some(size), Some(file)) = (size, words.get(3)) else {
        return Err(std::io::Error::other("usage: see_speed WIDTH HEIGHT FILE"));
    };
    let pictures = pictures(size, &std::fs::read(file)?);
    let traits = DetectorTraits { mask_score: 0.25, event_score: 0.45, halves: false, side: 416 };
    let mut see = See::new(size, Settings::new(traits, 1));
    let mut foreground = Foreground::new(size, traits);
    let (mut at, mut see_ms, mut render_ms, mut counted) = (MediaTime::ZERO, 0.0, 0.0, 0u32);
    let mut foreground_ms = 0.0;
    // The first round teaches the place; it is not counted.
    for round in 0..3 {
        for picture in &pictures {
            at = at + MediaSpan::from_millis(100);
            let begun = cpu_ms();
            let (scene, acts) = see.picture(black_box(picture), at, WallTime::from_micros(at.ticks()));
            let seen = cpu_ms();
            black_box((scene.render(Style::Boxes), acts));
            let drawn = cpu_ms();
            if let Some(sweep) = see.wants() {
                see.sweep_begun(sweep.taken);
                see.sweep_done(sweep.taken, &[]);
            }
            let begun_alone = cpu_ms();
            black_box(foreground.picture(black_box(picture), at));
            let alone = cpu_ms() - begun_alone;
            foreground.sweep(at);
            if round > 0 {
                foreground_ms += alone;
                see_ms += seen - begun;
                render_ms += drawn - seen;
                counted += 1;
            }
        }
    }
    let each = |sum: f64| sum / f64::from(counted.max(1));
    println!(
        "{{\"width\": {}, \"height\": {}, \"pictures\": {counted}, \"see_ms\": {:.4}, \
         \"foreground_ms\": {:.4}, \"render_ms\": {:.4}}}",
        size.width(),
        size.height(),
        each(see_ms),
        each(foreground_ms),
        each(render_ms)
    );
    Ok(())
}
