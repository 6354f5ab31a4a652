//! Opening a sealed segment with a holder's identity.

use std::io::{Read, Seek};

use bytes::Bytes;
use louver_media::{Gop, VideoParams};

use crate::VaultError;
use crate::holder::Identity;
use crate::inside;
use crate::inspect::{Damage, FragmentInfo, SegmentInfo, Tail, is_cut_off, read_at, scan};
use crate::keys::{HolderSecret, Place, SegmentKey, TAG};
use crate::layout::{FRAME, Frame, bound_to};

/// An opened segment: any fragment, in any order, one in memory at a time.
pub struct SegmentReader<R> {
    source: R,
    key: SegmentKey,
    header_hash: [u8; 32],
    info: SegmentInfo,
}

impl<R> std::fmt::Debug for SegmentReader<R> {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SegmentReader {{ {:?} }}", self.info)
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Unwraps the segment's secret with `identity`.
    ///
    /// # Errors
    /// As [`SegmentInfo::inspect`]; [`VaultError::NotAHolder`] when it was sealed for others, and
    /// [`VaultError::KeyBlock`] or [`VaultError::Commitment`] when somebody tampered with it.
    pub fn open(mut source: R, identity: &Identity) -> Result<Self, VaultError> {
        let (bound, info) = scan(&mut source)?;
        let header = &bound.header;
        let yours = identity.recipient();
        if !header.holders.contains(&yours.to_string()) {
            return Err(VaultError::NotAHolder { yours, holders: header.holders.join(", ") });
        }
        let secret = HolderSecret::unwrap(&header.wrapped, identity)?;
        let (key, commitment) = SegmentKey::derive(&secret, &header.salt, &header.context())?;
        if !commitment.fits(&header.commitment) {
            return Err(VaultError::Commitment);
        }
        Ok(Self { source, key, header_hash: bound.hash, info })
    }

    /// What is there.
    pub fn info(&self) -> &SegmentInfo {
        &self.info
    }

    /// Opens one fragment; those before it are not needed.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] with its number and place when it is not what was sealed there.
    pub fn fragment(&mut self, fragment: u32) -> Result<(VideoParams, Gop), VaultError> {
        let count = self.info.fragments.len();
        let found = self.info.fragments.get(fragment as usize).copied();
        let found = found.ok_or(VaultError::NoSuchFragment { fragment, count })?;
        let (frame, body) = self.body(&found, false)?;
        let opened = inside::unpack(&body, frame.packets, frame.first);
        opened.map_err(|what| VaultError::Damaged { fragment, at: found.at, what })
    }

    /// Checks how the segment ends: the end marker, where there is one, is proven to be the recorder's.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] where a fragment, the end marker or what stands behind it was changed. A segment that is
    /// merely not finished is no error: [`SegmentInfo::tail`] tells.
    pub fn check_end(&mut self) -> Result<(), VaultError> {
        match self.info.tail {
            Tail::Open | Tail::Torn { .. } => Ok(()),
            Tail::Damaged { fragment, at, what } => Err(VaultError::Damaged { fragment, at, what }),
            Tail::Finished { at } => {
                let last = self.info.fragments.last().map_or(self.info.start, |f| f.last);
                let marker = FragmentInfo {
                    sequence: self.info.fragments.len() as u32,
                    at,
                    bytes: (FRAME + TAG) as u64,
                    packets: 0,
                    key: false,
                    first: last,
                    last,
                };
                self.body(&marker, true).map(|_| ())
            }
        }
    }

    /// All fragments in order, then the check of the end: after `None` without an error everything that was sealed up
    /// to the [tail](SegmentInfo::tail) has been given.
    pub fn fragments(&mut self) -> Fragments<'_, R> {
        Fragments { reader: self, next: 0, done: false }
    }

    /// Reads and decrypts a body. Memory: its size, at most 64 MiB, known to be in the file.
    fn body(&mut self, found: &FragmentInfo, end: bool) -> Result<(Frame, Bytes), VaultError> {
        let damaged = |what| VaultError::Damaged { fragment: found.sequence, at: found.at, what };
        let mut bytes = vec![0; found.bytes as usize];
        read_at(&mut self.source, found.at, &mut bytes)
            .map_err(|e| if is_cut_off(&e) { damaged(Damage::CutOff) } else { e })?;
        let (head, body) = bytes.split_first_chunk_mut::<FRAME>().ok_or(damaged(Damage::CutOff))?;
        let frame = Frame::parse(head, &self.header_hash).map_err(damaged)?;
        if (frame.sequence, frame.end, frame.body as usize) != (found.sequence, end, body.len()) {
            return Err(damaged(Damage::Contradiction)); // The file was changed since it was scanned.
        }
        let place = Place { sequence: found.sequence, end };
        let plain = self.key.open(place, &bound_to(&self.header_hash, head), body);
        let plain = plain.ok_or(damaged(Damage::Contents))?;
        Ok((frame, Bytes::from(bytes).slice(FRAME..FRAME + plain)))
    }
}

/// See [`SegmentReader::fragments`]. After an error nothing more comes.
#[derive(Debug)]
pub struct Fragments<'a, R> {
    reader: &'a mut SegmentReader<R>,
    next: u32,
    done: bool,
}

impl<R: Read + Seek> Iterator for Fragments<'_, R> {
    type Item = Result<(VideoParams, Gop), VaultError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if (self.next as usize) < self.reader.info.fragments.len() {
            let opened = self.reader.fragment(self.next);
            self.next += 1;
            self.done = opened.is_err();
            return Some(opened);
        }
        self.done = true;
        self.reader.check_end().err().map(Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::SiteId;
    use crate::holder::Holders;
    use crate::layout::Header;
    use crate::sealer::SegmentSealer;
    use louver_base::{MediaTime, WallTime};
    use louver_media::{Codec, Packet, PictureSize};

    /// An attacker can make frame checks, which need no key; what they change is still refused.
    #[test]
    fn a_forged_head_with_a_right_frame_check_is_believed_by_inspection_and_refused_by_opening() {
        let identity = Identity::generate();
        let holders = Holders::new(vec![identity.recipient()]).unwrap();
        let params =
            VideoParams { codec: Codec::H264, size: PictureSize::new(64, 48).unwrap(), config: Bytes::new() };
        let wall = WallTime::from_millis(1000);
        let data = Bytes::from_static(&[0, 0, 0, 1, 9]);
        let gop = Gop { packets: vec![Packet { media: MediaTime::ZERO, wall, key: true, data }] };
        let camera = "gate".parse().unwrap();
        let site = SiteId::from_bytes([1; 16]);
        let (mut sealer, header) = SegmentSealer::start(site, &camera, wall, &params, &holders).unwrap();
        let fragments = [sealer.seal(&gop).unwrap(), sealer.seal(&gop).unwrap()];
        let end = sealer.finish().unwrap();
        let pieces = [&header, &fragments[0], &fragments[1], &end].map(|s| s.as_bytes().to_vec());
        let hash: [u8; 32] = *pieces[0].last_chunk().unwrap();
        let forge = |piece: &[u8], change: &dyn Fn(&mut Frame)| {
            let mut frame = Frame::parse(piece.first_chunk().unwrap(), &hash).unwrap();
            change(&mut frame);
            let mut out = piece.to_vec();
            out[..FRAME].copy_from_slice(&frame.encode(&hash));
            out
        };
        let refused = |file: Vec<u8>, fragment: u32| {
            let mut reader = SegmentReader::open(Cursor::new(&file), &identity).unwrap();
            assert!(reader.info().is_finished(), "nothing is to be seen without the key");
            let error = reader.fragments().find_map(Result::err);
            let named = match error {
                Some(VaultError::Damaged { fragment, what: Damage::Contents, .. }) => Some(fragment),
                _ => None,
            };
            assert_eq!(named, Some(fragment), "{error:?}");
        };
        let later = |frame: &mut Frame| frame.last = WallTime::from_millis(9000);
        let [header, one, two, end] = &pieces;
        refused([&header[..], one, &forge(two, &later), end].concat(), 1);
        refused([&header[..], &forge(one, &|f| f.packets += 1), two, end].concat(), 0);
        refused([&header[..], &forge(one, &|f| f.key = false), two, end].concat(), 0);
        // A fragment in another's place, an end drawn forward over a fragment that was dropped.
        refused(
            [&header[..], &forge(two, &|f| f.sequence = 0), &forge(one, &|f| f.sequence = 1), end].concat(),
            0,
        );
        refused([&header[..], one, &forge(end, &|f| f.sequence = 1)].concat(), 1);
    }

    /// Somebody who can write to the disk can make a header whose hash fits. What it says about the key is bound to it.
    #[test]
    fn a_header_that_was_rewritten_with_a_right_hash_does_not_open() {
        let identity = Identity::generate();
        let holders = Holders::new(vec![identity.recipient()]).unwrap();
        let header = || Header {
            site: SiteId::from_bytes([1; 16]),
            camera: "gate".parse().unwrap(),
            start: WallTime::from_millis(1000),
            salt: [2; 32],
            commitment: [0; 32],
            holders: vec![identity.recipient().to_string()],
            wrapped: vec![],
        };
        let secret = HolderSecret::generate().unwrap();
        let sealed =
            |header: &Header| SegmentKey::derive(&secret, &header.salt, &header.context()).unwrap().1.0;
        let wrapped = secret.wrap(&holders).unwrap();
        let whole = Header { commitment: sealed(&header()), wrapped, ..header() };
        let opens =
            |header: &Header| SegmentReader::open(Cursor::new(header.encode().0), &identity).map(|_| ());
        assert!(opens(&whole).is_ok());
        let other_secret = HolderSecret::generate().unwrap().wrap(&holders).unwrap();
        let clone = || Header { commitment: whole.commitment, wrapped: whole.wrapped.clone(), ..header() };
        let changed: [(&str, Header); 6] = [
            ("site", Header { site: SiteId::from_bytes([9; 16]), ..clone() }),
            ("camera", Header { camera: "yard".parse().unwrap(), ..clone() }),
            ("hour", Header { start: WallTime::from_millis(3_600_000), ..clone() }),
            ("salt", Header { salt: [3; 32], ..clone() }),
            ("commitment", Header { commitment: [3; 32], ..clone() }),
            ("secret", Header { wrapped: other_secret, ..clone() }),
        ];
        for (what, header) in &changed {
            assert!(matches!(opens(header), Err(VaultError::Commitment)), "{what}");
        }
        let stranger = Holders::new(vec![Identity::generate().recipient()]).unwrap();
        let not_for_us = secret.wrap(&stranger).unwrap();
        let cut_off = whole.wrapped[..whole.wrapped.len() - 1].to_vec();
        for wrapped in [vec![], b"age-encryption.org/v1\n".to_vec(), not_for_us, cut_off] {
            assert!(matches!(opens(&Header { wrapped, ..clone() }), Err(VaultError::KeyBlock(_))));
        }
    }
}
