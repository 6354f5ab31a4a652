//! A store takes `Sealed`; a packet is none.

fn store(_: louver_vault::Sealed) {}

fn leak(original: louver_media::Packet) {
    store(original)
}

fn main() {}
