//! Any bytes as a decoder configuration of H.265 and as the packets of its stream.

use super::packets::{nothing_is_trusted_that_follows_a_hole, piece};
use bytes::Bytes;
use louver_media::{Codec, Continuity, PictureSize, VideoParams};

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
    nothing_is_trusted_that_follows_a_hole(
        Codec::H265,
        Continuity::new(&params),
        rest,
        |follows, trusted| {
            // A leading picture that is skipped is not trusted, and breaks nothing.
            let waits = follows.waits_for_key();
            assert!(!(trusted && waits));
            waits
        },
    );
}
