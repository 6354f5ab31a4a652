//! Decoding in processes without rights: the same pictures, and what an end of such a process costs whom.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use louver_codec::{CodecError, Decoded, Decoder, Decoders};
use louver_jail::Ended;
use louver_media::{Packet, PictureSize};
use rustix::process::{Pid, Signal, kill_process};
use support::*;

fn decoders(processes: usize) -> Decoders {
    Decoders::new(decoding_child(), NonZeroUsize::new(processes)).unwrap()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

/// Waits until a process has ended, so that what is sent next finds nobody.
fn ended(pid: u32) {
    let since = Instant::now();
    let dead = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z"));
    while !dead() {
        assert!(since.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

/// Every picture of a stream, as this process decodes it.
fn here(stream: &Stream, size: PictureSize) -> Vec<Decoded> {
    let mut decoder = Decoder::new(&stream.params, Some(size)).unwrap();
    stream.packets.iter().flat_map(|p| decoder.decode(p).unwrap()).collect()
}

fn same(a: &[Decoded], b: &[Decoded]) -> bool {
    let one = |a: &Decoded, b: &Decoded| (a.media, a.wall) == (b.media, b.wall) && a.picture == b.picture;
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| one(a, b))
}

/// One camera, decoded apart.
struct Camera {
    stream: Stream,
    decoder: Decoder,
    pictures: Vec<Decoded>,
}

impl Camera {
    fn new(decoders: &Decoders, name: &str, stream: Stream) -> Self {
        let decoder = Decoder::apart(&decoders.seat(name), &stream.params, stream.params.size);
        Self { stream, decoder, pictures: Vec::new() }
    }

    fn take(&mut self, n: usize) -> Result<(), CodecError> {
        let pictures = self.decoder.decode(&self.stream.packets[n])?;
        self.pictures.extend(pictures);
        Ok(())
    }
}

#[test]
fn a_decoding_process_gives_the_very_pictures_that_this_one_would_give() {
    let decoders = decoders(2);
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    for (name, stream) in all {
        let own = stream.params.size;
        let half = PictureSize::new(own.width() as u32 / 2, own.height() as u32 / 2).unwrap();
        for size in [own, half] {
            let wanted = here(&stream, size);
            assert!(wanted.len() + 20 >= stream.packets.len());
            let mut decoder = Decoder::apart(&decoders.seat(name), &stream.params, size);
            let given: Vec<Decoded> =
                stream.packets.iter().flat_map(|p| decoder.decode(p).unwrap()).collect();
            assert!(same(&given, &wanted), "{name} at {size}: {} of {}", given.len(), wanted.len());
        }
    }
}

#[test]
fn a_key_frame_alone_and_the_newest_of_many_are_those_of_this_process() {
    let decoders = decoders(1);
    for (name, stream) in streams() {
        let size = stream.params.size;
        let mut here = Decoder::new(&stream.params, Some(size)).unwrap();
        let mut there = Decoder::apart(&decoders.seat(name), &stream.params, size);
        let key = &stream.packets[0];
        assert!(same(&[there.alone(key).unwrap()], &[here.alone(key).unwrap()]), "{name}");
        // What follows is to be a key frame.
        let next = &stream.packets[1];
        assert!(matches!(there.decode(next), Err(CodecError::Broken(_))));
        let (early, late) = stream.packets.split_at(stream.packets.len() / 2);
        for part in [early, late] {
            let (a, b) = (there.newest(part).unwrap(), here.newest(part).unwrap());
            assert!(same(a.as_slice(), b.as_slice()) && a.is_some(), "{name}");
        }
        assert!(there.newest(&[]).unwrap().is_none());
    }
}

#[test]
fn damage_is_told_in_the_words_of_this_process_and_costs_no_process() {
    let decoders = decoders(1);
    let stream = ours(40, 20);
    let mut decoder = Decoder::apart(&decoders.seat("gate"), &stream.params, stream.params.size);
    decoder.decode(&stream.packets[0]).unwrap();
    let process = decoders.processes();
    for len in [0_usize, 1, 3, 4, 5, 100, 5000] {
        let mut garbage: Vec<u8> = (0..len).map(|n| (n * 37 + 11) as u8).collect();
        if len > 4 {
            garbage[..4].copy_from_slice(&(len as u32 - 4).to_be_bytes());
        }
        let packet = Packet { data: garbage.into(), ..stream.packets[0].clone() };
        decoder.restart();
        let mut here = Decoder::new(&stream.params, None).unwrap();
        let (there, here) = (decoder.decode(&packet).map(|d| d.len()), here.decode(&packet).map(|d| d.len()));
        assert_eq!(format!("{there:?}"), format!("{here:?}"), "{len} bytes");
    }
    assert_eq!(decoder.decode(&stream.packets[20]).unwrap().len(), 1);
    assert_eq!(decoders.processes(), process);
}

#[test]
fn a_process_that_was_killed_between_packets_costs_nobody_a_picture() {
    let decoders = decoders(1);
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    let wanted: Vec<Vec<Decoded>> = all.iter().map(|(_, s)| here(s, s.params.size)).collect();
    let mut cameras: Vec<Camera> =
        all.into_iter().map(|(name, stream)| Camera::new(&decoders, name, stream)).collect();
    let most = cameras.iter().map(|c| c.stream.packets.len()).max().unwrap();
    let mut processes = std::collections::HashSet::new();
    for n in 0..most {
        for camera in &mut cameras {
            if n < camera.stream.packets.len() {
                camera.take(n).unwrap();
            }
        }
        let process = decoders.processes()[0];
        processes.insert(process);
        if n % 7 == 3 {
            signal(process, Signal::KILL);
            ended(process);
        }
    }
    assert!(processes.len() > 5, "{processes:?}");
    for (camera, wanted) in cameras.iter().zip(&wanted) {
        assert!(same(&camera.pictures, wanted), "{} of {}", camera.pictures.len(), wanted.len());
    }
}

/// What a process that ends or hangs over a packet of one camera costs that one and another beside it.
fn ends_over_a_packet(how: Signal) {
    let decoders = decoders(1);
    let wanted = here(&ours(60, 20), ours(60, 20).params.size);
    let (mut guilty, mut other) =
        (Camera::new(&decoders, "gate", ours(60, 20)), Camera::new(&decoders, "yard", ours(60, 20)));
    let mut failed = Vec::new();
    let mut longest = Duration::ZERO;
    for n in 0..60 {
        if n == 30 {
            let process = decoders.processes()[0];
            // It takes the message and does not come to answer it.
            signal(process, Signal::STOP);
            if how == Signal::KILL {
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(50));
                    signal(process, Signal::KILL);
                });
            }
        }
        let begun = Instant::now();
        if let Err(e) = guilty.take(n) {
            failed.push(n);
            match (n, e) {
                (30, CodecError::Apart(Ended::Over(_))) if how == Signal::KILL => {}
                (30, CodecError::Apart(Ended::Hung(_))) if how == Signal::STOP => {}
                (31..40, CodecError::Broken(_)) => {}
                (_, e) => panic!("picture {n}: {e:?}"),
            }
        }
        other.take(n).unwrap();
        longest = longest.max(begun.elapsed());
    }
    assert_eq!(failed, (30..40).collect::<Vec<_>>(), "closed up to the next key frame");
    let shown: Vec<&Decoded> = (0..30).chain(40..60).map(|n| &wanted[n]).collect();
    assert!(guilty.pictures.iter().zip(shown).all(|(a, b)| a.media == b.media && a.picture == b.picture));
    assert_eq!(guilty.pictures.len(), 50);
    assert!(same(&other.pictures, &wanted), "the other camera misses nothing");
    assert!(longest < Duration::from_secs(1), "both go on after {longest:?}");
}

#[test]
fn a_process_that_is_killed_over_a_packet_costs_its_camera_the_group_and_the_other_nothing() {
    ends_over_a_packet(Signal::KILL);
}

#[test]
fn a_process_that_hangs_is_replaced_within_a_second_and_costs_the_other_camera_nothing() {
    ends_over_a_packet(Signal::STOP);
}

#[test]
fn a_stream_that_ends_its_process_again_and_again_is_set_aside_and_the_others_keep_theirs() {
    let decoders = decoders(1);
    let (mut guilty, mut other) =
        (Camera::new(&decoders, "gate", ours(60, 1)), Camera::new(&decoders, "yard", ours(60, 20)));
    for n in 0..2 {
        guilty.take(n).unwrap();
        other.take(n).unwrap();
        signal(decoders.processes()[0], Signal::STOP);
        let e = guilty.take(n).unwrap_err();
        assert!(matches!(e, CodecError::Apart(Ended::Hung(_))), "{e:?}");
    }
    let shared = decoders.processes();
    let e = guilty.take(2).unwrap_err();
    assert!(matches!(e, CodecError::SetAside { times: 2, .. }), "{e:?}");
    assert!(e.to_string().contains("2 times") && e.to_string().contains("tried again in 1 s"), "{e}");
    for n in 2..60 {
        other.take(n).unwrap();
    }
    let since = Instant::now();
    while guilty.take(3).is_err() {
        assert!(since.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(since.elapsed() > Duration::from_millis(300), "it rests first: {:?}", since.elapsed());
    assert_eq!(decoders.processes(), shared, "it has a process of its own now");
    assert!(same(&other.pictures, &here(&other.stream, other.stream.params.size)));
}

/// The lies of `examples/lying_child.rs`, the last of which cannot be told from the truth.
const LIES: [&str; 14] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"];

#[test]
fn whatever_a_decoding_process_says_costs_its_cameras_pictures_and_nothing_else() {
    let stream = ours(20, 1);
    for (n, lie) in LIES.into_iter().enumerate() {
        let liar = Decoders::new(beside("lying_child", [lie]), NonZeroUsize::new(1)).unwrap();
        let (mut lied, mut gave) = (0, 0);
        // Noise has many faces; each camera is set aside after its second try.
        for camera in 0..if lie == "12" { 60 } else { 1 } {
            let seat = liar.seat(&camera.to_string());
            let mut decoder = Decoder::apart(&seat, &stream.params, stream.params.size);
            for packet in stream.packets.iter().chain(&stream.packets) {
                match decoder.decode(packet) {
                    Ok(pictures) => {
                        assert!(pictures.iter().all(|d| d.picture.size == stream.params.size), "lie {lie}");
                        assert!(pictures.iter().all(|d| d.media == packet.media), "lie {lie}");
                        gave += pictures.len();
                    }
                    Err(CodecError::Apart(Ended::Lied(_))) => lied += 1,
                    Err(CodecError::Apart(e)) => panic!("lie {lie}: {e}"),
                    Err(_) => {}
                }
                if lie == "13" {
                    // That a picture was not asked for can be told.
                    let e = decoder.newest(std::slice::from_ref(packet)).unwrap_err();
                    assert!(!matches!(e, CodecError::Apart(Ended::Over(_) | Ended::Hung(_))), "{e:?}");
                }
            }
        }
        match n {
            12 => assert!(lied > 50, "{lied}"),
            13 => assert_eq!((lied, gave), (0, 2), "a false picture of its own camera, and no more"),
            _ => assert_eq!((lied, gave), (2, 0), "lie {lie}"),
        }
    }
}

#[test]
fn without_a_process_nothing_is_decoded_and_it_is_said() {
    let none = louver_jail::Program::at("/nonexistent/louver".into(), []);
    let decoders = Decoders::new(none, None).unwrap();
    let mut camera = Camera::new(&decoders, "gate", ours(20, 20));
    for _ in 0..2 {
        let e = camera.take(0).unwrap_err();
        assert!(matches!(e, CodecError::NoProcess(_)) && e.to_string().contains("louver doctor"), "{e:?}");
    }
    assert!(decoders.try_out().is_err());
}

#[test]
fn cameras_are_spread_over_the_processes_and_a_place_that_is_left_is_taken_again() {
    let decoders = decoders(2);
    let mut cameras: Vec<Camera> =
        ["a", "b", "c", "d"].map(|name| Camera::new(&decoders, name, ours(20, 20))).into();
    for camera in &mut cameras[..2] {
        camera.take(0).unwrap();
    }
    assert_eq!(decoders.processes().len(), 2, "the first two have one each");
    cameras.truncate(1);
    let mut next = Camera::new(&decoders, "e", ours(20, 20));
    signal(decoders.processes()[0], Signal::KILL);
    ended(decoders.processes()[0]);
    next.take(0).unwrap();
    assert_eq!(next.pictures.len(), 1);
}
