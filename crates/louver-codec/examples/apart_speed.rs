//! What decoding in a process without rights costs beside decoding in this one: `bench/apart.sh` reads it.
//!
//!     apart_speed FILE.mp4 ROUNDS
//!
//! Both ways are gone in turns, picture by picture copied out as analysis gets them; CPU time of both processes counts. The
//! pictures must be the same. Memory is that of further cameras beside a first one, each with a decoder of its own.

use std::error::Error;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::num::NonZeroUsize;
use std::time::Duration;

use louver_base::WallTime;
use louver_codec::{Decoded, Decoder, Decoders, Program};
use louver_media::{Packet, VideoParams, mp4};
use rustix::time::{ClockId, clock_gettime};

/// Further cameras whose memory is taken.
const CAMERAS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    match words.as_slice() {
        [_, child] if child == "child" => Ok(louver_codec::decode_for_parent()?),
        [_, file, rounds] => measure(file, rounds.parse()?),
        _ => Err("apart_speed FILE.mp4 ROUNDS".into()),
    }
}

/// CPU time of this process.
fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of another one; the scheduler counts nanoseconds.
fn of(pid: u32) -> Result<Duration, Box<dyn Error>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    Ok(Duration::from_nanos(text.split_whitespace().next().ok_or("schedstat is empty")?.parse()?))
}

/// Kilobytes that a process holds.
fn resident(pid: u32) -> Result<i64, Box<dyn Error>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|l| l.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?)
}

fn decode(decoder: &mut Decoder, packets: &[Packet]) -> Result<usize, Box<dyn Error>> {
    let mut pictures = 0;
    for packet in packets {
        pictures += std::hint::black_box(decoder.decode(packet)?).len();
    }
    Ok(pictures)
}

/// How much this process and another grow by further cameras, in kilobytes a camera.
fn grows(
    other: Option<u32>,
    packets: &[Packet],
    mut make: impl FnMut(usize) -> Result<Decoder, Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let both = || Ok::<_, Box<dyn Error>>(resident(std::process::id())? + other.map_or(Ok(0), resident)?);
    // Two groups, so that each has held as much as it will.
    let some = &packets[..packets.len().min(50)];
    let mut first = make(0)?;
    decode(&mut first, some)?;
    let before = both()?;
    let mut further = Vec::new();
    for n in 1..=CAMERAS {
        let mut decoder = make(n)?;
        decode(&mut decoder, some)?;
        further.push(decoder);
    }
    Ok((both()? - before) as f64 / CAMERAS as f64)
}

fn measure(file: &str, rounds: usize) -> Result<(), Box<dyn Error>> {
    let (params, packets) = read(file)?;
    let decoders = Decoders::new(Program::this(["child"]), NonZeroUsize::new(1))?;
    let size = params.size;
    // Warm, and the same.
    let mut here = Decoder::new(&params, Some(size))?;
    let mut apart = Decoder::apart(&decoders.seat("warm"), &params, size);
    for packet in &packets {
        let (a, b): (Vec<Decoded>, Vec<Decoded>) = (here.decode(packet)?, apart.decode(packet)?);
        let same = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.picture == b.picture);
        assert!(same, "the pictures are the same");
    }
    drop((here, apart));
    let child = *decoders.processes().first().ok_or("no process")?;
    let (mut ours, mut theirs_parent, mut theirs_child) = (Vec::new(), Vec::new(), Vec::new());
    let mut pictures = 0;
    for _ in 0..rounds {
        let mut here = Decoder::new(&params, Some(size))?;
        let begun = own();
        pictures = decode(&mut here, &packets)?;
        ours.push(own() - begun);
        let mut apart = Decoder::apart(&decoders.seat("gate"), &params, size);
        let begun = (own(), of(child)?);
        assert_eq!(decode(&mut apart, &packets)?, pictures);
        theirs_parent.push(own() - begun.0);
        theirs_child.push(of(child)? - begun.1);
    }
    let ms = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0 / pictures as f64
    };
    let (here, parent, there) = (ms(&mut ours), ms(&mut theirs_parent), ms(&mut theirs_child));
    let memory_here = grows(None, &packets, |_| Ok(Decoder::new(&params, Some(size))?))?;
    let memory_apart =
        grows(Some(child), &packets, |n| Ok(Decoder::apart(&decoders.seat(&n.to_string()), &params, size)))?;
    println!(
        "{{\"size\": \"{size}\", \"pictures\": {pictures}, \"here_ms\": {here:.4}, \"parent_ms\": {parent:.4}, \
         \"child_ms\": {there:.4}, \"times\": {:.4}, \"here_kb_a_camera\": {memory_here:.0}, \
         \"apart_kb_a_camera\": {memory_apart:.0}, \"child_kb\": {}}}",
        (parent + there) / here,
        resident(child)?
    );
    Ok(())
}

/// All pictures of a file.
fn read(file: &str) -> Result<(VideoParams, Vec<Packet>), Box<dyn Error>> {
    let mut source = std::io::BufReader::new(std::fs::File::open(file)?);
    let track = mp4::read_track(&mut source)?;
    let mut packets = Vec::with_capacity(track.samples.len());
    for sample in &track.samples {
        let mut raw = vec![0; sample.size as usize];
        source.seek(SeekFrom::Start(sample.offset))?;
        source.read_exact(&mut raw)?;
        let (wall, data) = (WallTime::from_micros(0), track.packet_data(raw));
        packets.push(Packet { media: sample.show, wall, key: sample.key, data });
    }
    Ok((track.params, packets))
}
