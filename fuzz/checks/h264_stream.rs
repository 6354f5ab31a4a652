//! Any bytes as parameter sets, as a decoder configuration and as the packets of an H.264 stream.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Continuity, Outside, Packet, VideoParams, has_idr};

/// Some stream's, for packets behind sets that are of no use.
const SPS: [u8; 25] = [
    0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
    0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60,
];
const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

/// Takes them in turn: two sets, then packets. A piece begins with its length (1 byte).
pub(crate) fn any_bytes(bytes: &[u8]) {
    if let Ok((params, length)) = VideoParams::from_config(bytes) {
        assert!((1..=4).contains(&length));
        reads_back(&params);
    }
    let mut rest = bytes;
    let (Some(sps), Some(pps)) = (piece(&mut rest), piece(&mut rest)) else { return };
    let params = VideoParams::from_parameter_sets(sps, pps).inspect(|params| {
        assert_eq!(params.parameter_sets(), [Bytes::copy_from_slice(sps), Bytes::copy_from_slice(pps)]);
        reads_back(params);
    });
    let known = VideoParams::from_parameter_sets(&SPS, &PPS).expect("these are whole");
    nothing_is_trusted_that_follows_a_hole(Continuity::new(&params.unwrap_or(known)), rest);
}

fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first()?;
    let (piece, after) = tail.split_at_checked(usize::from(*length))?;
    *rest = after;
    Some(piece)
}

fn reads_back(params: &VideoParams) {
    let (width, height) = (params.size.width(), params.size.height());
    assert!((2..=8192).contains(&width) && (2..=8192).contains(&height) && (width | height) & 1 == 0);
    let (again, length) = VideoParams::from_config(&params.config).expect("what was written is read");
    assert_eq!((&again, length), (params, 4), "byte for byte");
    assert!(params.parameter_sets().len() >= 2);
}

/// A packet's first byte: how many NAL units (low 4 bits), whether it is cut off (16), whether packets were lost (32).
fn nothing_is_trusted_that_follows_a_hole(mut follows: Continuity, mut rest: &[u8]) {
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
        packet.key = has_idr(packet.nals());
        let outside = Outside::of(&packet, Codec::H264);
        assert!(outside.slices as usize + outside.padding as usize <= packet.data.len());
        let trusted = follows.follow(&packet).is_ok();
        assert!(!(trusted && cut), "it is not whole");
        assert!(!(trusted && waits && !packet.key), "nothing can be decoded before a key frame");
        waits = !trusted;
        assert_eq!(follows.waits_for_key(), waits);
    }
}
