//! Moving fragments of an MP4 in time, without touching their pictures.
//!
//! The time of a fragment stands in its `tfdt` box (ISO/IEC 14496-12 section 8.8.12), inside `moof` and `traf`.

use std::ops::Range;

use louver_base::{MediaSpan, MediaTime};

/// Where a fragment's first picture stands on the file's clock (90 000 ticks a second); `None` if no `tfdt` is there.
pub fn decode_time(fragment: &[u8]) -> Option<MediaTime> {
    let place = places(fragment).next()?;
    let ticks = read(&fragment[place])?;
    i64::try_from(ticks).ok().map(MediaTime::from_ticks)
}

/// The same fragment later (or, negative, earlier) by `by`; `None` if it has no time or the new one cannot be written
/// where the old one stood.
pub fn shifted(fragment: &[u8], by: MediaSpan) -> Option<Vec<u8>> {
    let mut out = fragment.to_vec();
    let mut moved = false;
    for place in places(fragment) {
        let field = out.get_mut(place)?;
        let ticks = read(field)?.checked_add_signed(by.ticks())?;
        match field.len() {
            4 => field.copy_from_slice(&u32::try_from(ticks).ok()?.to_be_bytes()),
            _ => field.copy_from_slice(&ticks.to_be_bytes()),
        }
        moved = true;
    }
    moved.then_some(out)
}

/// 4 or 8 bytes, big-endian.
fn read(field: &[u8]) -> Option<u64> {
    match field.len() {
        4 => field.try_into().ok().map(u32::from_be_bytes).map(u64::from),
        _ => field.try_into().ok().map(u64::from_be_bytes),
    }
}

/// The time fields of every `moof`.
fn places(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    boxes(bytes, 0..bytes.len(), *b"moof")
        .flat_map(move |moof| boxes(bytes, moof, *b"traf"))
        .flat_map(move |traf| boxes(bytes, traf, *b"tfdt"))
        .filter_map(move |tfdt| {
            let from = tfdt.start + 4;
            let to = from + if *bytes.get(tfdt.start)? == 0 { 4 } else { 8 };
            (to <= tfdt.end).then_some(from..to)
        })
}

/// The bodies of the boxes of one kind within `inside`; ends at the first box that does not fit.
fn boxes(bytes: &[u8], inside: Range<usize>, kind: [u8; 4]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = inside.start;
    std::iter::from_fn(move || {
        let head = bytes.get(at..inside.end)?;
        let (size, name) = (head.get(..4)?, head.get(4..8)?);
        let (size, header) = match u32::from_be_bytes(size.try_into().ok()?) {
            0 => (head.len(), 8),
            1 => (usize::try_from(u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)).ok()?, 16),
            n => (n as usize, 8),
        };
        if size < header || size > head.len() {
            return None;
        }
        let body = at + header..at + size;
        at += size;
        Some((name == kind, body))
    })
    .filter_map(|(wanted, body)| wanted.then_some(body))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use louver_base::WallTime;
    use proptest::prelude::*;

    use super::*;
    use crate::{Packet, fmp4};

    fn fragment(ticks: i64) -> Vec<u8> {
        let media = MediaTime::from_ticks(ticks);
        let packet = Packet {
            media,
            wall: WallTime::from_millis(0),
            key: true,
            data: Bytes::from_static(&[0, 0, 0, 1, 9]),
        };
        fmp4::fragment(1, MediaTime::ZERO, &[packet], MediaSpan::from_millis(100)).to_vec()
    }

    proptest! {
        #[test]
        fn a_moved_fragment_differs_in_its_time_alone(ticks in 0..1_i64 << 32, to in 0..1_i64 << 31) {
            let before = fragment(ticks);
            prop_assert_eq!(decode_time(&before), Some(MediaTime::from_ticks(ticks)));
            let after = shifted(&before, MediaSpan::from_ticks(to - ticks)).unwrap();
            prop_assert_eq!(decode_time(&after), Some(MediaTime::from_ticks(to)));
            let back = shifted(&after, MediaSpan::from_ticks(ticks - to)).unwrap();
            prop_assert_eq!(back, before);
        }

        #[test]
        fn every_fragment_of_several_is_moved_and_none_to_before_zero(a in 100..9000_i64, b in 100..9000_i64) {
            let both = [fragment(a), fragment(b)].concat();
            let moved = shifted(&both, MediaSpan::from_ticks(-100)).unwrap();
            prop_assert_eq!(moved, [fragment(a - 100), fragment(b - 100)].concat());
            prop_assert_eq!(shifted(&both, MediaSpan::from_ticks(-10_000)), None);
        }

        #[test]
        fn bytes_that_are_no_mp4_have_no_time(mut bytes: Vec<u8>, cut in 0..100_usize) {
            prop_assert_eq!(decode_time(&bytes), None);
            bytes = fragment(5);
            bytes.truncate(cut);
            let _ = (decode_time(&bytes), shifted(&bytes, MediaSpan::from_ticks(1)));
        }
    }
}
