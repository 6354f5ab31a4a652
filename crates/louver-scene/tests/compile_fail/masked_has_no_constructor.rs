//! Nobody outside louver-scene can declare something masked.
use louver_media::Picture;
use louver_scene::Masked;

fn main() {
    let original: Picture = unimplemented!();
    let _: Masked<Picture> = Masked(original);
    let original: Picture = unimplemented!();
    let _: Masked<Picture> = Masked::vouch(original);
}
