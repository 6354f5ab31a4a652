//! Packets that are held back: they follow each other, and the decoder has had none of them. Here it is decided what a decoder
//! can take: it lacks no predecessor of any packet that it is given.

use louver_media::Packet;

/// Packets at most: 12 s at 30 pictures a second, decoded in about 0.15 s.
pub(crate) const PACKETS_MOST: usize = 384;
/// Bytes at most: 12 s at 2.5 Mbit/s. Packets share their memory with the ones that are sealed only while these are written.
pub(crate) const BYTES_MOST: usize = 4 << 20;

/// The packets, and where the decoder stands.
#[derive(Debug, Default)]
pub(super) struct Held {
    packets: Vec<Packet>,
    bytes: usize,
    /// The decoder stands right before the first packet held, or before the next one if none is.
    in_step: bool,
    /// Packets that were left out for good.
    left_out: u64,
}

/// What the decoder is given.
pub(super) enum Onward {
    /// Nothing: it lacks what came before.
    Nothing,
    /// This, behind the last one.
    One(Packet),
    /// These, from a key frame or behind the last one.
    All(Vec<Packet>),
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Gives on a packet, and what is held of its group before it.
    pub(super) fn give_on(&mut self, packet: Packet) -> Onward {
        if packet.key && !(self.in_step && self.packets.is_empty()) {
            self.leave_out();
            self.push(packet);
        } else if !self.packets.is_empty() {
            self.push(packet);
        } else if self.in_step {
            return Onward::One(packet);
        } else {
            self.left_out += 1;
            return Onward::Nothing;
        }
        self.bytes = 0;
        self.in_step = true;
        Onward::All(std::mem::take(&mut self.packets))
    }

    /// Holds back a key frame; what was held before it is left out.
    pub(super) fn hold_key(&mut self, packet: Packet) {
        self.leave_out();
        self.in_step = false;
        self.push(packet);
    }

    /// Holds back a packet between key frames, or gives it back where there is no room for it.
    pub(super) fn hold(&mut self, packet: Packet) -> Result<(), Packet> {
        if self.packets.is_empty() && !self.in_step {
            self.left_out += 1;
            return Ok(());
        }
        if self.packets.len() >= PACKETS_MOST || self.bytes + packet.data.len() > BYTES_MOST {
            return Err(packet);
        }
        self.push(packet);
        Ok(())
    }

    /// The stream begins anew: nothing is held, and the decoder can take nothing but a key frame.
    pub(super) fn restart(&mut self) {
        self.leave_out();
        self.in_step = false;
    }

    fn push(&mut self, packet: Packet) {
        self.bytes += packet.data.len();
        self.packets.push(packet);
    }

    fn leave_out(&mut self) {
        self.bytes = 0;
        self.left_out += self.packets.len() as u64;
        self.packets.clear();
    }
}
