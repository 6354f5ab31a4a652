//! Which packets come out, in which order, at which times.

mod common;

use std::time::{Duration, Instant};

use common::{Camera, PPS, Rtp, SPS, and, delta, h264_sdp, key, play, run, sdp, source};
use louver_ingest::{Audio, Event, LateReader, Reading, Source};
use louver_media::Packet;
use proptest::prelude::*;

/// Plays the acts and gives the packets of the first session, with `P` where parameters changed.
async fn first_session(act: common::Act, room: usize) -> Vec<Result<Packet, String>> {
    let camera = Camera::new(vec![act]).await;
    let mut running = run(source(&camera.address()), room);
    let mut out = Vec::new();
    loop {
        match running.next().await {
            Event::Connected { session, .. } => assert_eq!((session, out.len()), (1, 0)),
            Event::Packet(p) => out.push(Ok(p)),
            Event::Sound(_) => panic!("sound was not asked for"),
            Event::Params(p) => out.push(Err(p.rfc6381())),
            Event::Missing { packets } => panic!("{packets} packets are said to be lost, and none was"),
            Event::Lost { .. } => break,
        }
    }
    running.end().await;
    out
}

fn types(packet: &Packet) -> Vec<u8> {
    packet.nals().map(|nal| nal[0] & 0x1f).collect()
}

#[tokio::test]
async fn pictures_before_the_first_key_frame_are_left_out_and_time_starts_with_it() {
    let packets =
        first_session(play(vec![delta(100, 1), delta(3700, 2), key(7300), delta(10_900, 3)]), 8).await;
    let packets: Vec<_> = packets.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        packets.iter().map(|p| (p.media.ticks(), p.key)).collect::<Vec<_>>(),
        [(0, true), (3600, false)]
    );
}

/// It is read five times a second.
fn late(source: &mut Source) {
    source.late = Some(LateReader::start(Duration::from_millis(200)).expect("a thread"));
    source.reading = tokio::sync::watch::channel(Reading::Late).1;
}

/// Forty pictures in two seconds.
fn slowly() -> common::Act {
    let pictures = (0..40).flat_map(|n: u8| {
        let time = u32::from(n) * 4500;
        [if n.is_multiple_of(10) { key(time) } else { delta(time, n) }, Rtp::Pause(Duration::from_millis(50))]
    });
    play(pictures.collect())
}

#[tokio::test]
async fn a_stream_that_is_read_late_gives_the_same_pictures_some_at_a_time_and_says_when_they_came() {
    let at_once = first_session(slowly(), 64).await;
    let (began, camera) = (Instant::now(), Camera::new(vec![slowly()]).await);
    let mut source = source(&camera.address());
    late(&mut source);
    let mut running = run(source, 64);
    let (mut packets, mut looks, mut last) = (Vec::new(), 0, began);
    loop {
        match running.next().await {
            Event::Packet(packet) => {
                looks += u32::from(last.elapsed() > Duration::from_millis(100));
                last = Instant::now();
                packets.push(packet);
            }
            Event::Lost { .. } => break,
            _ => {}
        }
    }
    running.end().await;
    let of = |p: &Packet| (p.media, p.key, p.data.clone());
    let wanted: Vec<_> = at_once.iter().map(|p| of(p.as_ref().unwrap())).collect();
    assert_eq!(packets.iter().map(of).collect::<Vec<_>>(), wanted);
    assert!((6..=14).contains(&looks), "{looks} looks in two seconds");
    for pair in packets.windows(2) {
        let apart = (pair[1].wall - pair[0].wall).micros() / 1000;
        assert!((0..150).contains(&apart), "{apart} ms between pictures that came every 50");
    }
}

/// A player puts sound beside pictures by their times; which of two cameras heard something first is told from the arrivals.
#[tokio::test]
async fn sound_of_a_stream_that_is_read_late_says_when_it_came_too() {
    let sent = (0..40).flat_map(|n: u8| {
        let time = u32::from(n) * 4500;
        let picture = if n.is_multiple_of(10) { key(time) } else { delta(time, n) };
        let heard = Rtp::On(2, 97, u32::from(n) * 2400, vec![0x78, n]);
        [picture, heard, Rtp::Pause(Duration::from_millis(50))]
    });
    let description = and(&h264_sdp(), "audio", 97, "opus/48000/2", "");
    let camera = Camera::new(vec![common::Act::Play(description, sent.collect())]).await;
    let mut source = source(&camera.address());
    source.connection.audio = Audio::Sealed;
    late(&mut source);
    let mut running = run(source, 64);
    let (mut pictures, mut heard) = (Vec::new(), Vec::new());
    loop {
        match running.next().await {
            Event::Packet(packet) => pictures.push(packet),
            Event::Sound(packet) => heard.push(packet),
            Event::Lost { .. } => break,
            _ => {}
        }
    }
    running.end().await;
    assert!(pictures.len() == 40 && heard.len() >= 38, "{} {}", pictures.len(), heard.len());
    for pair in heard.windows(2) {
        let apart = (pair[1].wall - pair[0].wall).micros() / 1000;
        assert!((-1..150).contains(&apart), "{apart} ms between sounds that came every 50");
    }
    for (n, sound) in heard.iter().enumerate() {
        let picture = pictures.iter().min_by_key(|p| (p.media - sound.media).ticks().abs()).unwrap();
        let (media, wall) =
            ((sound.media - picture.media).ticks() / 90, (sound.wall - picture.wall).micros() / 1000);
        assert!((media - wall).abs() < 100, "sound {n} is off by {} ms", media - wall);
    }
}

#[tokio::test]
async fn nal_units_stay_as_the_camera_sent_them_and_key_frames_carry_their_parameters() {
    let sei = vec![0x06, 0x05, 0x01, 0x42, 0x80];
    let sent = vec![
        Rtp::Nal(0, false, vec![0x09, 0x10]),
        Rtp::Nal(0, false, SPS.to_vec()),
        Rtp::Nal(0, false, PPS.to_vec()),
        Rtp::Nal(0, false, sei.clone()),
        key(0),
        delta(3600, 7),
    ];
    let packets = first_session(play(sent), 8).await;
    let first = packets[0].as_ref().unwrap();
    assert_eq!(types(first), [9, 7, 8, 6, 5], "the delimiter stands first");
    assert!(first.nals().any(|nal| nal == sei) && first.nals().any(|nal| nal == SPS));
    assert_eq!(packets[1].as_ref().unwrap().nals().collect::<Vec<_>>(), [&[0x41, 0x9a, 7, 0x80][..]]);
}

#[tokio::test]
async fn parameters_that_only_come_with_the_pictures_are_enough() {
    let sent =
        vec![Rtp::Nal(0, false, SPS.to_vec()), Rtp::Nal(0, false, PPS.to_vec()), key(0), delta(3600, 1)];
    let packets = first_session(common::Act::Play(sdp("video", "H264/90000", ""), sent), 8).await;
    assert_eq!(packets.len(), 2);
}

#[tokio::test]
async fn parameters_that_change_are_told_before_the_picture_that_needs_them() {
    let mut other = SPS.to_vec();
    other[3] = 0x1f; // level 3.1
    let sent = vec![
        key(0),
        delta(3600, 1),
        Rtp::Nal(7200, false, other),
        Rtp::Nal(7200, false, PPS.to_vec()),
        key(7200),
        delta(10_800, 2),
    ];
    let seen: Vec<_> = first_session(play(sent), 8).await.into_iter().map(|p| p.map(|p| p.key)).collect();
    assert_eq!(seen, [Ok(true), Ok(false), Err("avc1.64001f".into()), Ok(true), Ok(false)]);
}

/// The reader waits for a slow taker: at the bound nothing is dropped.
#[tokio::test]
async fn a_full_channel_holds_the_camera_back_and_drops_nothing() {
    let count = 3000_u32;
    let sent: Vec<Rtp> =
        (0..count).map(|n| if n % 30 == 0 { key(n * 3600) } else { delta(n * 3600, n as u8) }).collect();
    let camera = Camera::new(vec![play(sent)]).await;
    let mut running = run(source(&camera.address()), 1);
    let mut next = 0;
    while next < i64::from(count) {
        if let Event::Packet(p) = running.next().await {
            assert_eq!(p.media.ticks(), next * 3600);
            next += 1;
            if next % 500 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(600)).await;
            }
        }
    }
    running.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The camera's 32-bit clock may wrap, jump and run backwards: every picture comes out in the order it came in,
    /// each at the shortest way round from the one before.
    #[test]
    fn a_clock_that_jumps_neither_panics_nor_loses_pictures(start: u32, steps in proptest::collection::vec(any::<i32>(), 1..30)) {
        let mut time = start;
        let mut wanted = vec![0_i64];
        let mut sent = vec![key(start)];
        for (n, step) in steps.iter().enumerate() {
            // Two pictures at one time are one picture to a depacketizer.
            let step = if *step == 0 { 1 } else { *step };
            time = time.wrapping_add(step as u32);
            wanted.push(wanted[n] + i64::from(step));
            sent.push(delta(time, n as u8));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let packets = runtime.block_on(first_session(play(sent), 64));
        let got: Vec<_> = packets.into_iter().map(|p| p.unwrap().media.ticks()).collect();
        prop_assert_eq!(got, wanted);
    }
}

#[tokio::test]
async fn an_rtp_clock_of_another_rate_is_converted() {
    let description = h264_sdp().replace("H264/90000", "H264/1000");
    let packets = first_session(common::Act::Play(description, vec![key(5), delta(45, 1)]), 8).await;
    let times: Vec<_> = packets.iter().map(|p| p.as_ref().unwrap().media.ticks()).collect();
    assert_eq!(times, [0, 3600]);
}

#[tokio::test]
async fn slices_of_one_picture_are_one_packet() {
    let slice = |first: u8, mark| Rtp::Nal(0, mark, vec![0x65, first, 0x84, 0x21, 0x80]);
    let sent = vec![slice(0x88, false), slice(0x44, false), slice(0x24, true), delta(3600, 1)];
    let packets = first_session(play(sent), 8).await;
    assert_eq!(packets.len(), 2);
    assert_eq!(types(packets[0].as_ref().unwrap()), [7, 8, 5, 5, 5]);
}

#[tokio::test]
async fn a_camera_that_never_marks_the_end_of_a_picture_is_read() {
    let unmarked = |rtp| match rtp {
        Rtp::Nal(time, _, nal) => Rtp::Nal(time, false, nal),
        other => other,
    };
    let sent = [key(0), delta(3600, 1), delta(7200, 2), delta(10_800, 3)].map(unmarked).to_vec();
    let packets = first_session(play(sent), 8).await;
    let times: Vec<_> = packets.iter().map(|p| p.as_ref().unwrap().media.ticks()).collect();
    assert_eq!(times, [0, 3600, 7200], "the last one's end never came");
}

#[tokio::test]
async fn reordered_pictures_keep_their_order_and_their_times() {
    let sent = vec![key(9000), delta(19_800, 1), delta(12_600, 2), delta(16_200, 3)];
    let packets = first_session(play(sent), 8).await;
    let times: Vec<_> = packets.iter().map(|p| p.as_ref().unwrap().media.ticks()).collect();
    assert_eq!(times, [0, 10_800, 3600, 7200]);
}
