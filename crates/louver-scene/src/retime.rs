//! Masked fragments moved in time.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime};
use louver_media::retime;

use crate::Masked;

impl Masked<Bytes> {
    /// Where this fMP4 fragment's first picture stands on its file's clock; `None` if it says nothing about it.
    pub fn decode_time(&self) -> Option<MediaTime> {
        retime::decode_time(self.get())
    }

    /// The same fMP4 fragment later (or, negative, earlier) by `by`: its pictures are untouched, so it shows what it
    /// showed. `None` if it has no time of its own or would begin before zero. A tag behind it fits no more.
    pub fn moved(&self, by: MediaSpan) -> Option<Self> {
        retime::shifted(self.get(), by).map(|bytes| Self::vouch(bytes.into()))
    }
}
