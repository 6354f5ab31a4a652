//! Packets out of any bytes, and what must be true of each whatever they are.

use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Continuity, Outside, Packet};

/// A piece begins with its length (1 byte).
pub(crate) fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first()?;
    let (piece, after) = tail.split_at_checked(usize::from(*length))?;
    *rest = after;
    Some(piece)
}

/// A packet's first byte: how many NAL units (low 4 bits), whether it is cut off (16), whether packets were lost (32). Nothing is trusted
/// before a key frame. `then` is asked after each, with whether it was trusted: whether the next must be one.
pub(crate) fn nothing_is_trusted_that_follows_a_hole(
    codec: Codec,
    mut follows: Continuity,
    mut rest: &[u8],
    then: impl Fn(&Continuity, bool) -> bool,
) {
    let mut waits = true;
    while let Some((how, tail)) = rest.split_first() {
        rest = tail;
        let mut data = Vec::new();
        for _ in 0..how & 15 {
            let Some(nal) = piece(&mut rest) else { break };
            data.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            data.extend_from_slice(nal);
        }
        let cut = how & 16 != 0 && data.pop().is_some();
        if how & 32 != 0 {
            follows.restart();
            waits = true;
        }
        let mut packet =
            Packet { media: MediaTime::ZERO, wall: WallTime::from_millis(0), key: false, data: data.into() };
        packet.key = codec.starts_with(packet.nals());
        let outside = Outside::of(&packet, codec);
        assert!(outside.slices as usize + outside.padding as usize <= packet.data.len());
        let trusted = follows.follow(&packet).is_ok();
        assert!(!(trusted && cut), "it is not whole");
        assert!(!(trusted && waits && !packet.key), "nothing can be decoded before a key frame");
        waits = then(&follows, trusted);
        assert_eq!(follows.waits_for_key(), waits);
    }
}
