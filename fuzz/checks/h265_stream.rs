//! Any bytes as a decoder configuration of H.265 and as the packets of its stream.

use bytes::Bytes;
use louver_base::{MediaTime, WallTime};
use louver_media::{Codec, Continuity, Outside, Packet, PictureSize, VideoParams};

/// The configuration, then packets. A piece begins with its length (1 byte).
pub(crate) fn any_bytes(bytes: &[u8]) {
    let mut rest = bytes;
    let Some(config) = piece(&mut rest) else { return };
    let size = PictureSize::new(64, 64).expect("a size within bounds");
    let params = match VideoParams::from_h265_config(config) {
        Ok((params, length)) => {
            assert!((1..=4).contains(&length));
            let (width, height) = (params.size.width(), params.size.height());
            assert!((2..=8192).contains(&width) && (2..=8192).contains(&height) && (width | height) & 1 == 0);
            let again = VideoParams::from_h265_config(&params.config).expect("what was written is read");
            assert_eq!(again, (params.clone(), 4), "byte for byte");
            assert!(params.parameter_sets().len() >= 3);
            params
        }
        // Sets that cannot be read are recorded all the same, and nothing is decoded of them.
        Err(_) => VideoParams::h265(size, config).unwrap_or(VideoParams {
            codec: Codec::H265,
            size,
            config: Bytes::new(),
        }),
    };
    assert!(params.rfc6381().starts_with("hvc1"));
    nothing_is_trusted_before_a_key_frame(Continuity::new(&params), rest);
}

fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first()?;
    let (piece, after) = tail.split_at_checked(usize::from(*length))?;
    *rest = after;
    Some(piece)
}

/// A packet's first byte: how many NAL units (low 4 bits), whether it is cut off (16), whether packets were lost (32).
fn nothing_is_trusted_before_a_key_frame(mut follows: Continuity, mut rest: &[u8]) {
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
        packet.key = Codec::H265.starts_with(packet.nals());
        let outside = Outside::of(&packet, Codec::H265);
        assert!(outside.slices as usize + outside.padding as usize <= packet.data.len());
        let trusted = follows.follow(&packet).is_ok();
        assert!(!(trusted && cut), "it is not whole");
        assert!(!(trusted && waits && !packet.key), "nothing can be decoded before a key frame");
        // A leading picture that is skipped is not trusted, and breaks nothing.
        waits = follows.waits_for_key();
        assert!(!(trusted && waits));
    }
}
