//! Any bytes as parameter sets, as a decoder configuration and as the packets of an H.264 stream.

use super::packets::{nothing_is_trusted_that_follows_a_hole, piece};
use bytes::Bytes;
use louver_media::{Codec, Continuity, VideoParams};

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
    let follows = Continuity::new(&params.unwrap_or(known));
    nothing_is_trusted_that_follows_a_hole(Codec::H264, follows, rest, |_, trusted| !trusted);
}

fn reads_back(params: &VideoParams) {
    let (width, height) = (params.size.width(), params.size.height());
    assert!((2..=8192).contains(&width) && (2..=8192).contains(&height) && (width | height) & 1 == 0);
    let (again, length) = VideoParams::from_config(&params.config).expect("what was written is read");
    assert_eq!((&again, length), (params, 4), "byte for byte");
    assert!(params.parameter_sets().len() >= 2);
}
