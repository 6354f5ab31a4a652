//! Packets that are held back: they follow each other, and the decoder has had none of them.

use louver_media::Packet;

/// Packets at most: 12 s at 30 pictures a second, decoded in about 0.15 s.
pub(crate) const PACKETS_MOST: usize = 384;
/// Bytes at most: 12 s at 2.5 Mbit/s. Packets share their memory with the ones that are sealed only while these are written.
pub(crate) const BYTES_MOST: usize = 4 << 20;

/// The packets.
#[derive(Debug, Default)]
pub(crate) struct Held {
    packets: Vec<Packet>,
    bytes: usize,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no room for one more.
    pub(crate) fn full(&self, packet: &Packet) -> bool {
        self.packets.len() >= PACKETS_MOST || self.bytes + packet.data.len() > BYTES_MOST
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        self.bytes += packet.data.len();
        self.packets.push(packet);
    }

    /// Gives all away.
    pub(crate) fn take(&mut self) -> Vec<Packet> {
        self.bytes = 0;
        std::mem::take(&mut self.packets)
    }

    /// Leaves all out; says how many there were.
    pub(crate) fn clear(&mut self) -> u64 {
        self.bytes = 0;
        let packets = self.packets.len() as u64;
        self.packets.clear();
        packets
    }
}
