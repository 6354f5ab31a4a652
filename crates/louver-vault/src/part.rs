//! What of a segment a time needs that is opened.

use louver_base::{WallSpan, WallTime};

use crate::{FragmentInfo, SealedFragment};

/// So long before a time the group of pictures in which it begins may have begun. Parts of a group that lie further back belong to it no more:
/// nothing of that group is shown then.
pub const GROUP_SPAN: WallSpan = WallSpan::from_millis(10_000);

/// When a fragment's packets arrived, and whether decoding can start with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Decoding can start with it.
    pub key: bool,
    /// Earliest arrival of a packet in it.
    pub first: WallTime,
    /// Latest arrival of a packet in it.
    pub last: WallTime,
}

impl From<&FragmentInfo> for Arrived {
    fn from(f: &FragmentInfo) -> Self {
        Self { key: f.key, first: f.first, last: f.last }
    }
}

impl From<SealedFragment> for Arrived {
    fn from(f: SealedFragment) -> Self {
        Self { key: f.key, first: f.first, last: f.last }
    }
}

/// Numbers of a segment's fragments that belong to a time from `from` (inclusive) to `to` (exclusive), ascending: those that hold it, and those
/// before them of the group of pictures in which it begins, up to [`GROUP_SPAN`] back. Without its key frame nothing of that group can be
/// shown; where it is not within reach, nothing before the time belongs to it.
///
/// `fragments`: all of the segment, in order. The same rule says what an opening gives, what may be exported of it, and what
/// `louver verify` takes for released.
pub fn within(
    fragments: impl IntoIterator<Item = impl Into<Arrived>>,
    from: WallTime,
    to: WallTime,
) -> Vec<u32> {
    let mut numbers = Vec::new();
    // Of the group that goes on: the numbers since its key frame.
    let mut group: Vec<(u32, Arrived)> = Vec::new();
    for (n, fragment) in (0..).zip(fragments) {
        let fragment: Arrived = fragment.into();
        if fragment.last >= from && fragment.first < to {
            if numbers.is_empty() && !fragment.key {
                let near =
                    group.iter().rposition(|(_, f)| f.last < from - GROUP_SPAN).map_or(0, |far| far + 1);
                let near = group.get(near..).unwrap_or_default();
                if near.first().is_some_and(|(_, f)| f.key) {
                    numbers.extend(near.iter().map(|(n, _)| *n));
                }
            }
            numbers.push(n);
        } else if numbers.is_empty() {
            if fragment.key {
                group.clear();
            }
            group.push((n, fragment));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One fragment a second from 0 on; those named begin with a key frame.
    fn seconds(count: i64, keys: &[i64]) -> Vec<Arrived> {
        let at = |n: i64, ms: i64| WallTime::from_millis(n * 1000 + ms);
        (0..count).map(|n| Arrived { key: keys.contains(&n), first: at(n, 0), last: at(n, 960) }).collect()
    }

    fn numbers(fragments: &[Arrived], from: i64, to: i64) -> Vec<u32> {
        within(fragments.iter().copied(), WallTime::from_millis(from), WallTime::from_millis(to))
    }

    #[test]
    fn a_time_needs_the_fragments_that_hold_it() {
        assert_eq!(numbers(&seconds(6, &[0, 1, 2, 3, 4, 5]), 2500, 4500), [2, 3, 4]);
        assert_eq!(
            numbers(&seconds(6, &[0, 1, 2, 3, 4, 5]), 1960, 2000),
            [1],
            "the last moment counts, the end does not"
        );
        assert_eq!(numbers(&seconds(3, &[0]), 7000, 8000), [0; 0]);
        assert_eq!(numbers(&[], 0, 1), [0; 0]);
    }

    #[test]
    fn and_those_before_them_of_the_group_in_which_it_begins() {
        assert_eq!(numbers(&seconds(9, &[0, 4, 8]), 6500, 9000), [4, 5, 6, 7, 8]);
        assert_eq!(numbers(&seconds(9, &[0, 4, 8]), 4500, 6000), [4, 5]);
        assert_eq!(numbers(&seconds(3, &[0]), 1500, 1600), [0, 1]);
    }

    #[test]
    fn but_nothing_before_it_where_the_key_frame_is_not_within_reach() {
        assert_eq!(numbers(&seconds(30, &[0, 28]), 10_960, 12_000), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(numbers(&seconds(30, &[0, 28]), 10_961, 12_000), [11], "a millisecond too far");
        assert_eq!(
            numbers(&seconds(9, &[8]), 5500, 9000),
            [5, 6, 7, 8],
            "a segment that begins within a group"
        );
    }
}
