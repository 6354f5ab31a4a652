//! A store or a live connection takes masked packets; an original is of another type.
use louver_media::Packet;
use louver_scene::Masked;

fn store(_: Masked<Packet>) {}

fn main() {
    let original: Packet = unimplemented!();
    store(original);
}
