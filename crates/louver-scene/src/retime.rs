//! Masked fragments moved in time.

use bytes::Bytes;
use louver_base::MediaSpan;
use louver_media::retime;

use crate::Masked;

impl Masked<Bytes> {
    /// The same fMP4 fragment later (or, negative, earlier) by `by`: its pictures are untouched, so it shows what it
    /// showed. `None` if it has no time of its own or would begin before zero. A tag behind it fits no more.
    pub fn moved(&self, by: MediaSpan) -> Option<Self> {
        retime::shifted(self.get(), by).map(|bytes| Self::vouch(bytes.into()))
    }
}
