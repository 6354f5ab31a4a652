//! Streams of real encoders with nothing missing, with pictures missing, and with bytes wrong.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_base::{MediaSpan, MediaTime};
use louver_codec::{CodecError, Decoder, VideoFile};
use louver_media::{Broken, Continuity, Packet, Picture, VideoParams, fmp4};
use support::*;

/// Whether other pictures are predicted from this one.
fn reference(packet: &Packet) -> bool {
    packet.nals().any(|nal| matches!(nal[0] & 0x1f, 1 | 5) && nal[0] & 0x60 != 0)
}

#[test]
fn nothing_is_missed_in_a_stream_from_which_nothing_is_missing() {
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    for (name, stream) in all {
        let mut continuity = Continuity::new(&stream.params);
        let mut decoder = Decoder::new(&stream.params, None).unwrap();
        let mut pictures = 0;
        for (n, packet) in stream.packets.iter().enumerate() {
            assert_eq!(continuity.follow(packet), Ok(()), "{name}: picture {n} of {}", stream.packets.len());
            pictures += decoder.decode(packet).unwrap_or_else(|e| panic!("{name}: picture {n}: {e}")).len();
        }
        assert!(pictures + 20 >= stream.packets.len(), "{name}: {pictures} of {}", stream.packets.len());
    }
}

#[test]
fn each_picture_that_others_depend_on_is_missed_at_once() {
    let mut all = streams();
    all.push(("ours", ours(60, 20)));
    for (name, Stream { params, packets }) in all {
        // With a key frame the numbers begin anew; where they happen to go on as before only the transport can tell.
        let lost = (0..packets.len() - 1).filter(|n| *n == 0 || !packets[*n].key || name == "ours");
        for lost in lost {
            let mut continuity = Continuity::new(&params);
            packets[..lost].iter().for_each(|p| continuity.follow(p).unwrap());
            let next = continuity.follow(&packets[lost + 1]);
            let missed = match (reference(&packets[lost]), packets[lost + 1].key) {
                (true, false) if lost == 0 => Err(Broken::Waiting),
                (true, false) => Err(Broken::Missing),
                _ => Ok(()),
            };
            assert_eq!(next, missed, "{name}: without picture {lost}");
        }
    }
}

#[test]
fn a_decoder_gives_no_smeared_picture() {
    let Stream { params, packets } = ours(60, 20);
    let mut whole = Decoder::new(&params, None).unwrap();
    let expected: Vec<Picture> =
        packets.iter().map(|p| whole.decode(p).unwrap().pop().unwrap().picture).collect();
    let mut decoder = Decoder::new(&params, None).unwrap();
    let mut given = Vec::new();
    for (n, packet) in packets.iter().enumerate().filter(|(n, _)| ![7, 30, 31, 40].contains(n)) {
        match decoder.decode(packet) {
            Ok(pictures) => {
                given.push(n);
                assert!(
                    pictures.len() == 1 && pictures[0].picture == expected[n],
                    "picture {n} is as it was taken"
                );
            }
            Err(e) => assert!(matches!(e, CodecError::Broken(_)), "{e}"),
        }
    }
    let wanted: Vec<usize> = (0..7).chain(20..30).collect();
    assert_eq!(given, wanted, "up to each loss; a lost key frame costs its group");
}

#[test]
fn a_slice_that_is_missing_or_wrong_costs_the_group() {
    let Some(Stream { params, packets }) = x264("keyint=50:slices=4:bframes=0", &[]) else {
        println!("skipped: no ffmpeg with libx264 here");
        return;
    };
    let slices = |p: &Packet| p.nals().filter(|n| matches!(n[0] & 0x1f, 1 | 5)).count();
    assert_eq!(slices(&packets[10]), 4);
    for damage in 0..5 {
        let mut decoder = Decoder::new(&params, None).unwrap();
        let mut damaged = packets.clone();
        let nals: Vec<&[u8]> = packets[10].nals().collect();
        let from = nals.len() - 4;
        damaged[10] = match damage {
            // One slice of four.
            0..4 => {
                let left: Vec<&[u8]> = nals
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| *n != from + damage)
                    .map(|(_, nal)| *nal)
                    .collect();
                packet(10, &left)
            }
            // Bytes inside one.
            _ => {
                let mut wrong = nals[from + 1].to_vec();
                let len = wrong.len();
                wrong[len / 4..len / 2].fill(0xa5);
                let mut all = nals.clone();
                all[from + 1] = &wrong;
                packet(10, &all)
            }
        };
        let got: Vec<bool> = damaged.iter().map(|p| decoder.decode(p).is_ok()).collect();
        let wanted: Vec<bool> = (0..packets.len()).map(|n| !(10..50).contains(&n)).collect();
        assert_eq!(got, wanted, "damage {damage}");
    }
}

/// How many pictures a file of these packets gives, and what is said at its end.
fn read_as_file(params: &VideoParams, packets: &[Packet]) -> (usize, Option<String>) {
    let file = tempfile::NamedTempFile::with_suffix(".mp4").unwrap();
    let fragment = fmp4::fragment(1, MediaTime::ZERO, packets, MediaSpan::from_ticks(9000));
    std::fs::write(file.path(), [fmp4::init_segment(params).unwrap(), fragment].concat()).unwrap();
    let mut video = VideoFile::open(file.path()).unwrap();
    for read in 0.. {
        match video.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return (read, None),
            Err(e) => return (read, Some(e.to_string())),
        }
    }
    unreachable!()
}

#[test]
fn a_file_with_a_picture_that_was_patched_up_is_damaged() {
    let Some(Stream { params, packets }) = x264("keyint=50:slices=4:bframes=0", &[]) else {
        println!("skipped: no ffmpeg with libx264 here");
        return;
    };
    assert_eq!(read_as_file(&params, &packets), (packets.len(), None));
    for wrong in 0..2 {
        let nals: Vec<&[u8]> = packets[10].nals().collect();
        let second = nals.len() - 3;
        let mut bytes = nals[second].to_vec();
        let len = bytes.len();
        bytes[len / 4..len / 2].fill(0xa5);
        let mut left = nals.clone();
        match wrong {
            0 => _ = left.remove(second),
            _ => left[second] = &bytes,
        }
        let mut damaged = packets.clone();
        damaged[10] = packet(10, &left);
        let (read, said) = read_as_file(&params, &damaged);
        assert!(
            read <= 10 && said.as_ref().is_some_and(|s| s.contains("damaged")),
            "{wrong}: {read} {said:?}"
        );
    }
}
