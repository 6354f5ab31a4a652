//! Joined heads of a segment, as a manifest of an export carries them: what was sealed, without a key and without the file.

use bytes::Bytes;
use louver_base::WallTime;
use louver_media::{Gop, VideoParams};

use crate::digest::SegmentDigest;
use crate::frame::{FRAME_BOUND, Frame, MAX_FRAGMENTS};
use crate::inside;
use crate::inspect::Damage;
use crate::keys::fragment_commitment;

/// Packets of a fragment that is proven, at most: an hour of 240 pictures a second has fewer. Empty ones take three bytes in the list and thirty
/// times as many in memory, and whoever seals with keys of his own can make a file of them.
const MAX_PACKETS: u32 = 1 << 20;

/// Heads that are none of a segment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadsError {
    /// Not so many whole heads, or more than a segment has.
    #[error("they are no whole heads of a segment")]
    Length,
    /// One of them is not what it should be.
    #[error("head {fragment}: {what}")]
    Head {
        /// Its place, from 0.
        fragment: u32,
        /// What does not fit.
        what: Damage,
    },
}

/// The heads of a segment's fragments, from the first on without holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeads {
    digest: SegmentDigest,
    frames: Vec<Frame>,
    finished: bool,
}

/// What a head says of its fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFragment {
    /// Earliest arrival of a packet in it.
    pub first: WallTime,
    /// Latest arrival of a packet in it.
    pub last: WallTime,
    /// Packets in it.
    pub packets: u32,
    /// Whether decoding can start with it.
    pub key: bool,
}

impl SealedHeads {
    /// Reads joined heads (68 bytes each, the end marker's last where there is one) of the segment whose header has this hash. Nothing of it is
    /// proven before [`digest`](Self::digest) was compared with what the ledger was told.
    ///
    /// # Errors
    /// [`HeadsError`].
    pub fn parse(header: &[u8; 32], heads: &[u8]) -> Result<Self, HeadsError> {
        let (whole, rest) = heads.as_chunks::<FRAME_BOUND>();
        if !rest.is_empty() || whole.len() > MAX_FRAGMENTS as usize + 1 {
            return Err(HeadsError::Length);
        }
        let mut frames = Vec::with_capacity(whole.len());
        let mut finished = false;
        for (bound, fragment) in whole.iter().zip(0..) {
            let wrong = |what| HeadsError::Head { fragment, what };
            if finished {
                return Err(wrong(Damage::AfterEnd));
            }
            let frame = Frame::parse_bound(bound, header).map_err(wrong)?;
            if frame.sequence != fragment {
                return Err(wrong(Damage::OutOfOrder { found: frame.sequence }));
            }
            if frame.end {
                finished = true;
            } else {
                frames.push(frame);
            }
        }
        Ok(Self { digest: SegmentDigest::of(header, heads), frames, finished })
    }

    /// Hash over header and heads: what the ledger was told.
    pub fn digest(&self) -> SegmentDigest {
        self.digest
    }

    /// How many fragments there are.
    pub fn fragments(&self) -> u32 {
        self.frames.len() as u32 // MAX_FRAGMENTS at most.
    }

    /// Whether the end marker is there.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What the head of a fragment says; `None` where there is no such fragment.
    pub fn fragment(&self, n: u32) -> Option<SealedFragment> {
        let frame = self.frames.get(n as usize)?;
        Some(SealedFragment { first: frame.first, last: frame.last, packets: frame.packets, key: frame.key })
    }

    /// Proves that these are the list and the pictures that fragment `n` was sealed with, and takes them apart.
    ///
    /// # Errors
    /// [`Damage::Commitment`]: they are others. [`Damage::Inside`]: they are what was sealed and make no sense, or are more packets than any camera sends. [`Damage::NoFragment`]: there is no such
    /// fragment.
    pub fn prove(
        &self,
        n: u32,
        list: &[u8],
        blind: &[u8; 32],
        pictures: &[u8],
    ) -> Result<(VideoParams, Gop), Damage> {
        let frame = self.frames.get(n as usize).ok_or(Damage::NoFragment)?;
        if fragment_commitment(blind, list, pictures) != frame.commitment {
            return Err(Damage::Commitment);
        }
        if frame.packets > MAX_PACKETS {
            return Err(Damage::Inside);
        }
        let body = Bytes::from([list, pictures].concat());
        let inside = inside::unpack(&body, frame.packets, frame.first)?;
        // List and pictures may not be told apart elsewhere than the recorder did.
        if inside.list == list.len() { Ok((inside.params, inside.gop)) } else { Err(Damage::Inside) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heads of one fragment of so many empty packets, with its list, as somebody could sign them who has a ledger.
    fn empty_packets(packets: u32) -> (SealedHeads, Vec<u8>) {
        let at = WallTime::from_millis(0);
        let config = [1, 2, 0, 2, 0, 0, 0];
        let list = [&config[..], &vec![0; packets as usize * 3]].concat();
        let commitment = fragment_commitment(&[0; 32], &list, &[]);
        let body = list.len() as u32 + 16;
        let frame =
            Frame { sequence: 0, body, packets, end: false, key: true, first: at, last: at, commitment };
        let heads = SealedHeads::parse(&[7; 32], &frame.encode(&[7; 32])[..FRAME_BOUND]).unwrap();
        (heads, list)
    }

    #[test]
    fn a_fragment_of_more_packets_than_a_camera_sends_is_refused_before_they_are_taken_apart() {
        let (heads, list) = empty_packets(1000);
        assert_eq!(heads.prove(0, &list, &[0; 32], &[]).unwrap().1.packets.len(), 1000);
        let (heads, list) = empty_packets(MAX_PACKETS + 1);
        assert_eq!(heads.prove(0, &list, &[0; 32], &[]), Err(Damage::Inside));
    }
}
