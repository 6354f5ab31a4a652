//! Masked packets to masked fMP4.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_media::{Packet, VideoParams, fmp4};

use crate::Masked;

/// One fragment on its way to viewers.
#[derive(Clone, Debug)]
pub struct LiveFragment {
    /// `moof` and `mdat`.
    pub bytes: Masked<Bytes>,
    /// Whether a player can start with it.
    pub key: bool,
    /// When its first picture was taken, on the recorder's clock.
    pub wall: WallTime,
}

/// Makes fragmented MP4 of one masked stream: a start (`ftyp`, `moov`) and fragments.
#[derive(Debug)]
pub struct MaskedMuxer {
    params: Masked<VideoParams>,
    origin: MediaTime,
    sequence: u32,
}

impl MaskedMuxer {
    /// A muxer whose players see `origin` as time zero.
    pub fn new(params: Masked<VideoParams>, origin: MediaTime) -> Self {
        Self { params, origin, sequence: 0 }
    }

    /// What stands at the start of every file and every live connection.
    ///
    /// # Errors
    /// When the stream's parameters are no valid decoder configuration.
    pub fn init(&self) -> Result<Masked<Bytes>, fmp4::Fmp4Error> {
        fmp4::init_segment(self.params.get()).map(Masked::vouch)
    }

    /// The codec as players name it (RFC 6381).
    pub fn rfc6381(&self) -> String {
        self.params.get().rfc6381()
    }

    /// One fragment of these packets; `last` is how long the last one is shown.
    pub fn fragment(&mut self, packets: &[Masked<Packet>], last: MediaSpan) -> Masked<Bytes> {
        self.sequence = self.sequence.wrapping_add(1);
        let packets: Vec<Packet> = packets.iter().map(|p| p.get().clone()).collect();
        Masked::vouch(fmp4::fragment(self.sequence, self.origin, &packets, last))
    }
}
