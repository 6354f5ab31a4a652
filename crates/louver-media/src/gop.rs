//! Packets to groups of pictures: the unit that is sealed, written and lost at worst.

use louver_base::{MediaSpan, MediaTime, WallTime};

use crate::{Packet, Sound, SoundParams};

/// Where a group is cut although no key frame came, so that memory and loss stay bounded.
#[derive(Clone, Copy, Debug)]
pub struct GopLimits {
    /// Bytes of one fragment at most, [`PACKET_COST`] more for each packet counted with them.
    pub bytes: usize,
    /// Media time of one fragment at most.
    pub span: MediaSpan,
}

/// What a packet costs besides its bytes, in memory and in a fragment's table: cameras may send packets of a byte each.
pub const PACKET_COST: usize = 64;

impl Default for GopLimits {
    /// A second: a group that lasts longer is written in parts. What is in memory when a recorder is killed is about a second of each
    /// camera then, whatever groups it makes (four seconds and more are common), and memory holds no more. 16 MiB: a second at 128 Mbit/s.
    fn default() -> Self {
        Self { bytes: 16 << 20, span: MediaSpan::from_millis(1000) }
    }
}

/// Packets that follow each other: a group of pictures, or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gop {
    /// At least one packet, in the order of decoding.
    pub packets: Vec<Packet>,
    /// What was heard meanwhile; `None` of a camera whose sound is not kept.
    pub sound: Option<Sound>,
}

impl Gop {
    /// Whether decoding can start with this group's first packet.
    pub fn starts_with_key(&self) -> bool {
        self.packets.first().is_some_and(|p| p.key)
    }

    /// Arrival of the first packet.
    pub fn first_wall(&self) -> Option<WallTime> {
        self.packets.first().map(|p| p.wall)
    }

    /// Arrival of the last packet.
    pub fn last_wall(&self) -> Option<WallTime> {
        self.packets.last().map(|p| p.wall)
    }

    /// A group without sound.
    pub fn silent(packets: Vec<Packet>) -> Self {
        Self { packets, sound: None }
    }

    /// Bytes of all packets, those of the pictures first.
    pub fn bytes(&self) -> usize {
        self.all().map(|p| p.data.len()).sum()
    }

    /// Packets of pictures, then those of sound.
    pub fn all(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter().chain(self.sound.iter().flat_map(|s| &s.packets))
    }
}

/// Groups of a stream in which every picture is a key frame (MJPEG, all-intra) last this long: a fragment a picture would
/// cost a write each.
const SHORTEST: MediaSpan = MediaSpan::from_millis(1000);

/// Cuts a stream of packets into groups. Packets before the first key frame cannot be decoded and are counted, not kept.
#[derive(Debug)]
pub struct GopCutter {
    limits: GopLimits,
    open: Vec<Packet>,
    /// Whether all of `open` are key frames.
    all_keys: bool,
    /// What sound is kept of this stream, and that which was heard since `open` began.
    sound: Option<Sound>,
    bytes: usize,
    seen_key: bool,
    skipped: u64,
}

impl GopCutter {
    /// A cutter that waits for the first key frame.
    pub fn new(limits: GopLimits) -> Self {
        Self { limits, open: Vec::new(), all_keys: true, sound: None, bytes: 0, seen_key: false, skipped: 0 }
    }

    /// Takes a packet; gives the group that it ended, if it did.
    pub fn push(&mut self, packet: Packet) -> Option<Gop> {
        if !self.seen_key && !packet.key {
            self.skipped += 1;
            return None;
        }
        self.seen_key = true;
        let full = self.open.first().is_some_and(|first| {
            let one_of_many = self.all_keys && !too_far(first.media, packet.media, SHORTEST);
            (packet.key && !one_of_many)
                || self.bytes + cost(&packet) > self.limits.bytes
                || too_far(first.media, packet.media, self.limits.span)
        });
        let done = if full { self.finish() } else { None };
        self.bytes += cost(&packet);
        self.all_keys &= packet.key;
        self.open.push(packet);
        done
    }

    /// From the next group on, sound of this kind is kept, or none. Every group says which, whether anything was heard or not.
    pub fn listen(&mut self, params: Option<SoundParams>) {
        self.sound = params.map(|params| Sound { params, packets: Vec::new() });
    }

    /// Takes a packet of sound; gives the group that is full with it. Sound without pictures is not kept: a group begins with
    /// a picture.
    pub fn hear(&mut self, packet: Packet) -> Option<Gop> {
        let sound = self.sound.as_mut().filter(|_| !self.open.is_empty())?;
        self.bytes += cost(&packet);
        sound.packets.push(packet);
        if self.bytes > self.limits.bytes { self.finish() } else { None }
    }

    /// The group still open: at the end of a stream or a reconnect.
    pub fn finish(&mut self) -> Option<Gop> {
        (self.bytes, self.all_keys) = (0, true);
        let packets = std::mem::take(&mut self.open);
        let sound = self
            .sound
            .as_mut()
            .map(|kept| Sound { params: kept.params.clone(), packets: std::mem::take(&mut kept.packets) });
        (!packets.is_empty()).then_some(Gop { packets, sound })
    }

    /// After a reconnect: waits for a key frame again. Call [`finish`](Self::finish) first.
    pub fn restart(&mut self) {
        self.seen_key = false;
    }

    /// Packets that came before a key frame and could not be kept.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

fn cost(packet: &Packet) -> usize {
    packet.data.len() + PACKET_COST
}

/// A camera whose clock jumps either way must not hold a group open for ever.
fn too_far(first: MediaTime, now: MediaTime, span: MediaSpan) -> bool {
    (now - first).ticks().unsigned_abs() >= span.ticks().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn packet(n: usize, key: bool, ticks: i64) -> Packet {
        Packet {
            media: MediaTime::from_ticks(ticks),
            wall: WallTime::from_millis(n as i64),
            key,
            data: Bytes::from(vec![0; 100]),
        }
    }

    /// A second of a hostile camera: what is held must not be a hundred times what is counted.
    #[test]
    fn packets_of_a_byte_each_are_bounded_in_number_pictures_and_sound_alike() {
        let limits = GopLimits { bytes: 64_000, span: MediaSpan::from_millis(1000) };
        let tiny = |key, ticks| Packet { data: Bytes::from_static(&[1]), ..packet(0, key, ticks) };
        let mut cutter = GopCutter::new(limits);
        let groups: Vec<_> = (0..5000).filter_map(|n| cutter.push(tiny(n == 0, n))).collect();
        assert!(groups.len() >= 5 && groups.iter().all(|g| g.packets.len() <= 1000), "{}", groups.len());
        let mut cutter = GopCutter::new(limits);
        cutter.listen(SoundParams::new(crate::SoundCodec::Opus, 48_000, 2, Bytes::new()));
        let mut most = 0;
        for n in 0..5000 {
            let groups = [cutter.push(tiny(n == 0, 0)), cutter.hear(tiny(true, n))];
            most = groups.iter().flatten().map(|g| g.all().count()).fold(most, usize::max);
        }
        assert!((500..=1001).contains(&most), "{most}");
    }

    proptest! {
        /// Every packet from the first key frame on lands in exactly one group, in order, whatever the clock does.
        #[test]
        fn no_packet_is_lost_or_doubled(units in proptest::collection::vec((any::<bool>(), any::<i32>()), 0..300)) {
            let mut cutter = GopCutter::new(GopLimits { bytes: 2000, span: MediaSpan::from_millis(500) });
            let packets: Vec<_> = units.iter().enumerate().map(|(n, (k, t))| packet(n, *k, i64::from(*t))).collect();
            let mut got: Vec<Packet> = Vec::new();
            for p in packets.clone() {
                if let Some(g) = cutter.push(p) {
                    prop_assert!(g.bytes() <= 2000);
                    got.extend(g.packets);
                }
            }
            got.extend(cutter.finish().into_iter().flat_map(|g| g.packets));
            let wanted: Vec<_> = packets.into_iter().skip_while(|p| !p.key).collect();
            prop_assert_eq!(cutter.skipped() as usize + wanted.len(), units.len());
            prop_assert_eq!(got, wanted);
        }
    }
}
