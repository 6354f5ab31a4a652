//! Fragmented MP4 (ISO/IEC 14496-12), one H.264 track, 90 000 ticks a second.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime};

use crate::{Packet, VideoParams};

/// `ftyp` and `moov`: what a player needs before the first fragment.
pub fn init_segment(_params: &VideoParams) -> Bytes {
    Bytes::new()
}

/// One `moof` and `mdat` with `packets` in decoding order. `origin` is the media time that players see as zero;
/// `last` is how long the last packet is shown. Decode times are the sorted presentation times, so that
/// reordered (B) frames get a composition offset.
pub fn fragment(_sequence: u32, _origin: MediaTime, _packets: &[Packet], _last: MediaSpan) -> Bytes {
    Bytes::new()
}
