//! What a decoder was given since its last key frame, so that another one can be brought to where it was.

use std::collections::VecDeque;

use louver_media::Packet;

/// Packets kept for one camera: twenty seconds at 25 pictures a second.
const PACKETS_MOST: usize = 500;
/// Bytes kept for one camera. They are the packets that came from the camera, not copies.
const BYTES_MOST: usize = 8 << 20;

/// Times remembered of packets that are not kept any more: a decoder holds back sixteen pictures, of two packets each where they are fields.
const OWED_MOST: usize = 32;

/// The packets that a decoder needs to be where it is, in order, a key frame first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    packets: VecDeque<Packet>,
    bytes: usize,
    /// Pictures that they have given so far.
    given: usize,
    /// Times of the last packets that are not kept any more: the decoder may still owe their pictures.
    owed: VecDeque<i64>,
    /// More was sent than is kept: nothing brings another decoder here, up to the next key frame.
    cut: bool,
}

impl Kept {
    /// The decoder forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The decoder took a packet, and gave so many pictures for it.
    pub(super) fn push(&mut self, packet: &Packet, pictures: usize) {
        if self.cut && !packet.key {
            self.owe(packet.media.ticks());
            return;
        }
        self.cut = false;
        self.bytes += packet.data.len();
        self.packets.push_back(packet.clone());
        self.given += pictures;
        // A key frame ends what was before it, once all of that was given: decoders that reorder give the last ones with it.
        let last_key = self.packets.iter().rposition(|p| p.key).unwrap_or(0);
        let too_much = self.packets.len() > PACKETS_MOST || self.bytes > BYTES_MOST;
        if last_key > 0 && (self.given >= last_key || too_much) {
            self.given = self.given.saturating_sub(last_key);
            self.drop_first(last_key);
        }
        if self.packets.len() > PACKETS_MOST || self.bytes > BYTES_MOST {
            self.drop_first(self.packets.len());
            (self.given, self.cut) = (0, true);
        }
    }

    fn drop_first(&mut self, packets: usize) {
        for _ in 0..packets {
            let Some(packet) = self.packets.pop_front() else { break };
            self.bytes -= packet.data.len();
            self.owe(packet.media.ticks());
        }
    }

    fn owe(&mut self, time: i64) {
        if self.owed.len() == OWED_MOST {
            self.owed.pop_front();
        }
        self.owed.push_back(time);
    }

    /// What brings a new decoder to where the old one was; `None` when that was not kept.
    pub(super) fn again(&self) -> Option<impl Iterator<Item = &Packet>> {
        (!self.cut).then(|| self.packets.iter())
    }

    /// Whether a picture's time is that of a packet it can have come from.
    pub(super) fn has(&self, pts: i64) -> bool {
        self.packets.iter().map(|p| p.media.ticks()).chain(self.owed.iter().copied()).any(|time| time == pts)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use louver_base::{MediaTime, WallTime};

    use super::*;

    fn packet(at: i64, key: bool, bytes: usize) -> Packet {
        let data = Bytes::from(vec![0; bytes]);
        Packet { media: MediaTime::from_ticks(at), wall: WallTime::from_micros(0), key, data }
    }

    fn times(kept: &Kept) -> Option<Vec<i64>> {
        Some(kept.again()?.map(|p| p.media.ticks()).collect())
    }

    #[test]
    fn a_key_frame_ends_what_was_before_it_once_all_of_that_was_given() {
        let mut kept = Kept::default();
        for n in 0..10 {
            kept.push(&packet(n, n % 5 == 0, 10), 1);
        }
        assert_eq!(times(&kept), Some(vec![5, 6, 7, 8, 9]));
        // A decoder that gives each picture two packets later: the fifth comes with the seventh packet.
        let mut late = Kept::default();
        for n in 0..10 {
            late.push(&packet(n, n % 5 == 0, 10), usize::from(n > 1));
            let key = if n < 6 { 0 } else { 5 };
            assert_eq!(times(&late), Some((key..=n).collect()), "after {n}");
        }
        assert!(late.has(5) && !late.has(-1));
    }

    #[test]
    fn pictures_that_come_late_are_still_those_of_their_packets_after_these_were_dropped() {
        const LATE: i64 = 16;
        // A decoder that gives each picture sixteen packets later. Groups of which as many are kept as can be, all but a few, and less than one.
        let most = PACKETS_MOST as i64;
        let groups = [(most / 2, 10), (most - 5, 10), (most + 50, 10), (40, BYTES_MOST / 30)];
        for (group, bytes) in groups {
            let mut kept = Kept::default();
            for n in 0..4 * group {
                assert!(
                    n < LATE || kept.has(n - LATE),
                    "groups of {group}: the picture of {} with {n}",
                    n - LATE
                );
                kept.push(&packet(n, n % group == 0, bytes), usize::from(n >= LATE));
                assert!(kept.packets.len() <= PACKETS_MOST && kept.bytes <= BYTES_MOST);
                assert!(kept.owed.len() <= OWED_MOST && !kept.has(n + 1));
            }
            assert!(!kept.has(0), "a time long ago is no time of a picture");
        }
    }

    #[test]
    fn what_is_kept_has_a_bound_and_beyond_it_begins_at_the_next_key_frame() {
        let mut kept = Kept::default();
        for n in 0..PACKETS_MOST as i64 + 50 {
            kept.push(&packet(n, n == 0, 10), 1);
            assert!(kept.packets.len() <= PACKETS_MOST);
        }
        assert_eq!(times(&kept), None);
        kept.push(&packet(1000, true, 10), 1);
        kept.push(&packet(1001, false, BYTES_MOST - 10), 1);
        assert_eq!(times(&kept), Some(vec![1000, 1001]));
        kept.push(&packet(1002, false, 1), 1);
        assert_eq!((times(&kept), kept.bytes), (None, 0));
        // Fields: two packets a picture, so that more are there than pictures.
        let mut fields = Kept::default();
        for n in 0..2000 {
            fields.push(&packet(n, n % 50 == 0, 10), usize::from(n % 2 == 1));
            assert!(fields.packets.len() <= PACKETS_MOST && times(&fields).is_some());
        }
    }
}
