//! Opening a sealed segment.

use std::io::{Read, Seek};

use bytes::Bytes;
use louver_media::{Gop, VideoParams};

use crate::frame::{FRAME, Frame, bound_to};
use crate::inspect::{Damage, Form, FragmentInfo, SegmentInfo, Tail, is_cut_off, read_at};
use crate::keys::{Place, SegmentKey, TAG, fragment_commitment};
use crate::{OpeningKeys, VaultError, inside};

/// An opened segment: any fragment, in any order, one in memory at a time.
pub struct SegmentReader<R> {
    source: R,
    key: SegmentKey,
    info: SegmentInfo,
}

impl<R> std::fmt::Debug for SegmentReader<R> {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SegmentReader {{ {:?} }}", self.info)
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Joins the shares and derives the segment's key.
    ///
    /// # Errors
    /// As [`SegmentInfo::inspect`] and [`OpeningKeys::opens`].
    pub fn open(source: R, keys: &OpeningKeys) -> Result<Self, VaultError> {
        Self::open_as(Form::Whole, source, keys)
    }

    /// The same for [pieces](SegmentInfo::inspect_pieces).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_pieces(source: R, keys: &OpeningKeys) -> Result<Self, VaultError> {
        Self::open_as(Form::Pieces, source, keys)
    }

    pub(crate) fn open_as(form: Form, mut source: R, keys: &OpeningKeys) -> Result<Self, VaultError> {
        let info = SegmentInfo::inspect_as(form, &mut source)?;
        let key = keys.segment_key(&info.head)?;
        Ok(Self { source, key, info })
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
        self.opened(fragment).map(|opened| (opened.params, opened.gop))
    }

    /// Opens one fragment together with what proves to others that it was sealed.
    ///
    /// # Errors
    /// As [`fragment`](Self::fragment).
    pub fn opened(&mut self, fragment: u32) -> Result<OpenedFragment, VaultError> {
        let count = self.info.fragments.len();
        let at = self.info.fragments.binary_search_by_key(&fragment, |f| f.sequence);
        let found = at.map(|at| self.info.fragments[at]);
        let found = found.map_err(|_| VaultError::NoSuchFragment { fragment, count })?;
        let damaged = |what| VaultError::Damaged { fragment, at: found.at, what };
        let (frame, body) = self.body(&found, false)?;
        let opened = inside::unpack(&body, frame.packets, frame.first).map_err(damaged)?;
        let blind = self.key.blind(fragment)?;
        let list = Bytes::copy_from_slice(&body[..opened.list]);
        // Nobody but who had the segment's key can have made a head that does not fit; an export of it would be refused.
        if fragment_commitment(&blind, &list, &body[opened.list..]) != frame.commitment {
            return Err(damaged(Damage::Commitment));
        }
        Ok(OpenedFragment { params: opened.params, gop: opened.gop, list, blind })
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
                let last = self.info.fragments.last().map_or(self.info.head.start(), |f| f.last);
                let marker = FragmentInfo {
                    sequence: self.info.fragments.len() as u32,
                    at,
                    bytes: (FRAME + TAG) as u64,
                    packets: 0,
                    key: false,
                    first: last,
                    last,
                    commitment: [0; 32],
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
        let frame = Frame::parse(head, self.info.head.hash()).map_err(damaged)?;
        if (frame.sequence, frame.end, frame.body as usize) != (found.sequence, end, body.len()) {
            return Err(damaged(Damage::Contradiction)); // The file was changed since it was scanned.
        }
        let place = Place { sequence: found.sequence, end };
        let plain = self.key.open(place, &bound_to(self.info.head.hash(), head), body);
        let plain = plain.ok_or(damaged(Damage::Contents))?;
        Ok((frame, Bytes::from(bytes).slice(FRAME..FRAME + plain)))
    }
}

/// A fragment with what an export proves it by. docs/format-export.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFragment {
    /// How its pictures are coded.
    pub params: VideoParams,
    /// Its pictures.
    pub gop: Gop,
    /// The list as sealed: parameters and packet table.
    pub list: Bytes,
    /// Together with list and pictures it gives the commitment in the fragment's head.
    pub blind: [u8; 32],
}

impl OpenedFragment {
    /// The commitment of a list, a blind and the pictures' bytes, for whoever checks an export.
    pub fn commitment(list: &[u8], blind: &[u8; 32], pictures: &[u8]) -> [u8; 32] {
        fragment_commitment(blind, list, pictures)
    }
}

/// See [`SegmentReader::fragments`]. After an error nothing more comes.
#[derive(Debug)]
pub struct Fragments<'a, R> {
    reader: &'a mut SegmentReader<R>,
    next: usize,
    done: bool,
}

impl<R: Read + Seek> Iterator for Fragments<'_, R> {
    type Item = Result<(VideoParams, Gop), VaultError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if let Some(found) = self.reader.info.fragments.get(self.next) {
            let opened = self.reader.fragment(found.sequence);
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
    use crate::header::Header;
    use crate::{Epoch, HolderSet, Hour, HourSecret, Identity, SegmentHead, SiteId};
    use louver_base::{MediaTime, WallTime};
    use louver_media::{Codec, Packet, PictureSize};

    const SITE: SiteId = SiteId::from_bytes([1; 16]);

    /// What is changed, and how.
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Header));

    fn begun(identity: &Identity) -> Epoch {
        let holders = HolderSet::new(1, vec![identity.public()]).unwrap();
        let secret = HourSecret::from_bytes(&[7; 32]);
        Epoch::begin(SITE, &"gate".parse().unwrap(), Hour::from_number(0), &holders, &secret).unwrap()
    }

    fn keys(identity: &Identity, head: &SegmentHead) -> OpeningKeys {
        let mut keys = OpeningKeys::new();
        keys.add_share_of(head, identity).unwrap();
        for (camera, hour) in [("gate", 0), ("yard", 0), ("gate", 1)] {
            let secret = HourSecret::from_bytes(&[7; 32]);
            keys.add_hour_secret(camera.parse().unwrap(), Hour::from_number(hour), secret);
        }
        keys
    }

    fn params() -> VideoParams {
        VideoParams { codec: Codec::H264, size: PictureSize::new(64, 48).unwrap(), config: Bytes::new() }
    }

    /// An attacker can make frame checks, which need no key; what they change is still refused.
    #[test]
    fn a_forged_head_with_a_right_frame_check_is_believed_by_inspection_and_refused_by_opening() {
        let identity = Identity::generate().unwrap();
        let wall = WallTime::from_millis(1000);
        let data = Bytes::from_static(&[0, 0, 0, 1, 9]);
        let gop = Gop::silent(vec![Packet { media: MediaTime::ZERO, wall, key: true, data }]);
        let (mut sealer, header) = begun(&identity).segment(wall, &params()).unwrap();
        let fragments = [sealer.seal(&gop).unwrap(), sealer.seal(&gop).unwrap()];
        let end = sealer.finish().unwrap().end;
        let pieces = [&header, &fragments[0], &fragments[1], &end].map(|s| s.as_bytes().to_vec());
        let hash: [u8; 32] = *pieces[0].last_chunk().unwrap();
        let keys = keys(&identity, &SegmentHead::read(&mut &pieces[0][..]).unwrap());
        let forge = |piece: &[u8], change: &dyn Fn(&mut Frame)| {
            let mut frame = Frame::parse(piece.first_chunk().unwrap(), &hash).unwrap();
            change(&mut frame);
            let mut out = piece.to_vec();
            out[..FRAME].copy_from_slice(&frame.encode(&hash));
            out
        };
        let refused = |file: Vec<u8>, fragment: u32| {
            let mut reader = SegmentReader::open(Cursor::new(&file), &keys).unwrap();
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
        refused([&header[..], &forge(one, &|f| f.commitment[0] ^= 1), two, end].concat(), 0);
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
        let identity = Identity::generate().unwrap();
        let (_, sealed) = begun(&identity).segment(WallTime::from_millis(1000), &params()).unwrap();
        let whole = SegmentHead::read(&mut sealed.as_bytes()).unwrap();
        let share = whole.share_of(&identity).unwrap();
        let with = |change: &dyn Fn(&mut Header)| {
            let mut header = whole.header.clone();
            change(&mut header);
            Header::parse(&header.encode().0).unwrap()
        };
        let keys = keys(&identity, &whole);
        assert!(keys.opens(&with(&|_| {})).is_ok());
        // What the key is bound to beside the share.
        let link = |h: &mut Header| {
            h.keys = crate::KeyBlock::new(h.keys.epoch(), 1, 1, h.keys.shares().to_vec().into());
        };
        let later = |h: &mut Header| h.start = WallTime::from_millis(2000);
        let changes: [Change<'_>; 3] =
            [("salt", &|h| h.salt = [3; 32]), ("commitment", &|h| h.commitment = [3; 32]), ("link", &link)];
        for (what, change) in changes {
            assert!(matches!(keys.opens(&with(change)), Err(VaultError::Commitment)), "{what}");
        }
        assert!(keys.opens(&with(&later)).is_ok(), "times within the hour are bound by the fragments' tags");
        // What the share itself says.
        let changes: [Change<'_>; 3] = [
            ("site", &|h| h.site = SiteId::from_bytes([9; 16])),
            ("camera", &|h| h.camera = "yard".parse().unwrap()),
            ("hour", &|h| h.start = WallTime::from_millis(3_600_000)),
        ];
        for (what, change) in changes {
            let head = with(change);
            assert!(matches!(head.share_of(&identity), Err(VaultError::KeyBlock(None))), "{what}");
            assert!(matches!(keys.opens(&head), Err(VaultError::BadShare { .. })), "{what}");
        }
        // A share file that was made for the occasion, with a right hash: the key is another.
        let mut bytes = share.to_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let forged = crate::Share::parse(&bytes).unwrap();
        let shares = vec![crate::WrappedShare {
            holder: identity.id(),
            hash: forged.hash(),
            file: forged.wrap(&identity.public()).unwrap().into(),
        }];
        let head = with(&|h| h.keys = crate::KeyBlock::new(h.keys.epoch(), 0, 1, shares.clone().into()));
        let mut keys = OpeningKeys::new();
        keys.add_share_of(&head, &identity).unwrap();
        keys.add_hour_secret("gate".parse().unwrap(), Hour::from_number(0), HourSecret::from_bytes(&[7; 32]));
        assert!(matches!(keys.opens(&head), Err(VaultError::Commitment)));
    }
}
