//! Any bytes as an MP4 file that is played as a camera.

use std::io::Cursor;

use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_media::mp4::{SAMPLE_BYTES_MAX, Track, read_track};
use louver_media::{Packet, fmp4};

/// Pictures that are written again: more take the time and tell nothing more.
const PICTURES: usize = 64;

/// Reads the index; what is listed lies within the file, and comes back when it is written again.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let Ok(track) = read_track(&mut Cursor::new(bytes)) else { return };
    for sample in &track.samples {
        assert!(sample.size <= SAMPLE_BYTES_MAX);
        assert!(sample.offset.checked_add(sample.size.into()).is_some_and(|end| end <= bytes.len() as u64));
    }
    let packets: Vec<Packet> = track
        .samples
        .iter()
        .take(PICTURES)
        .map(|sample| {
            let raw = bytes[sample.offset as usize..][..sample.size as usize].to_vec();
            let data = track.packet_data(raw);
            // Lengths of one byte grow by three.
            assert!(data.len() <= 4 * sample.size as usize);
            Packet { media: sample.show, wall: WallTime::from_millis(0), key: sample.key, data }
        })
        .collect();
    comes_back_when_written_again(&track, &packets);
}

fn comes_back_when_written_again(track: &Track, packets: &[Packet]) {
    let init = fmp4::init_segment(&track.params).expect("parameters that were read can be written");
    // What a composition offset can hold: six hours and a half.
    let held = 0..i64::from(i32::MAX);
    let packets: Vec<_> = packets.iter().filter(|p| held.contains(&p.media.ticks())).cloned().collect();
    let fragment = fmp4::fragment(1, MediaTime::ZERO, &packets, MediaSpan::from_millis(40));
    let file = [&init[..], if packets.is_empty() { &[] } else { &fragment[..] }].concat();
    let again = read_track(&mut Cursor::new(&file)).expect("what was written is read");
    assert_eq!((&again.params, again.truncated), (&track.params, false));
    assert_eq!(again.samples.len(), packets.len());
    for (sample, packet) in again.samples.iter().zip(&packets) {
        let raw = file[sample.offset as usize..][..sample.size as usize].to_vec();
        assert_eq!((sample.show, sample.key), (packet.media, packet.key));
        assert_eq!(again.packet_data(raw), packet.data);
    }
}
