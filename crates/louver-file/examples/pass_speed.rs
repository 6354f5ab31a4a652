//! What a picture of a video file costs from the file to what may be shown: `pass_speed LIBRARY MODEL FILE`.
//!
//! Prints CPU milliseconds a picture as JSON, the detector's runs apart. `bench/see.sh` runs it beside bare decoding. Pin it to
//! one core: decoding takes a thread a core.

use std::hint::black_box;
use std::path::Path;

use louver_base::WallTime;
use louver_codec::VideoFile;
use louver_codec::detector::Detector;
use louver_scene::Style;
use louver_see::{See, Settings};

/// CPU time of this process, milliseconds.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, library, model, file] = words.as_slice() else {
        return Err("usage: pass_speed LIBRARY MODEL FILE".into());
    };
    let mut detector = Detector::load(Path::new(library), Path::new(model), None)?;
    let mut file = VideoFile::open(Path::new(file))?;
    let mut see = See::new(file.size(), Settings::new(detector.kind().traits(), 1));
    let (mut decode, mut seeing, mut render, mut detect) = (0.0, 0.0, 0.0, 0.0);
    let (mut pictures, mut sweeps) = (0u32, 0u32);
    loop {
        let begun = cpu_ms();
        let Some(frame) = file.next_frame()? else { break };
        let decoded = cpu_ms();
        let wall = WallTime::from_micros(frame.at.ticks() * 100 / 9);
        let (scene, acts) = see.picture(&frame.picture, frame.at, wall);
        let seen = cpu_ms();
        black_box((scene.render(Style::Boxes), acts));
        let drawn = cpu_ms();
        if let Some(sweep) = see.wants() {
            see.sweep_begun(sweep.taken);
            let found = detector.detect(&frame.picture, &sweep.parts, sweep.least)?;
            see.sweep_done(sweep.taken, &found);
            sweeps += 1;
        }
        decode += decoded - begun;
        seeing += seen - decoded;
        render += drawn - seen;
        detect += cpu_ms() - drawn;
        pictures += 1;
    }
    let each = |sum: f64| sum / f64::from(pictures.max(1));
    println!(
        "{{\"pictures\": {pictures}, \"decode_ms\": {:.4}, \"see_ms\": {:.4}, \"render_ms\": {:.4}, \
         \"detect_ms\": {:.4}, \"sweeps\": {sweeps}, \"detector_runs\": {}}}",
        each(decode),
        each(seeing),
        each(render),
        each(detect),
        detector.runs()
    );
    Ok(())
}
