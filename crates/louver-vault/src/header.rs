//! A segment's header. docs/format-sealed.md has the table.

use std::io::Read;

use louver_base::{CameraId, WallTime};

use crate::keyblock::KeyBlock;
use crate::keys::{EpochPlace, sha256};
use crate::layout::Fields;
use crate::{Hour, SiteId, VaultError};

const MAGIC: &[u8; 8] = b"LOUVSEAL";
/// Pictures of H.264 without sound.
pub(crate) const FORMAT_1: u8 = 1;
/// Any coding, and sound: a reader of format 1 would take a fragment for damaged.
pub(crate) const FORMAT_2: u8 = 2;
/// The first fields, up to the header's length.
pub(crate) const PREFIX: usize = 16;
/// Header bytes at most.
pub(crate) const MAX_HEADER: usize = 65_536;
const SMALLEST_HEADER: usize = 105 + 1 + 24 + 32;
/// An hour secret is part of the key: always.
const FLAG_HOUR_SECRET: u8 = 1;

/// A header's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// [`FORMAT_1`] or [`FORMAT_2`].
    pub(crate) format: u8,
    pub(crate) site: SiteId,
    pub(crate) camera: CameraId,
    pub(crate) start: WallTime,
    pub(crate) salt: [u8; 32],
    pub(crate) commitment: [u8; 32],
    pub(crate) keys: KeyBlock,
}

/// The header of a sealed segment, as it was read: what it says without any key. Its hash fits; who wrote it is not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    pub(crate) header: Header,
    pub(crate) hash: [u8; 32],
    pub(crate) bytes: usize,
}

impl SegmentHead {
    /// From a source that starts with a header; reads no further than its end, 64 KiB at most.
    ///
    /// # Errors
    /// [`VaultError::HeaderCutOff`]: nothing was sealed in this file. [`VaultError::HeaderDamaged`],
    /// [`VaultError::NotSealed`], [`VaultError::NewerFormat`]: it cannot be opened here. [`VaultError::Read`]: the disk.
    pub fn read(source: &mut impl Read) -> Result<Self, VaultError> {
        let mut bytes = Vec::with_capacity(4096);
        let mut fill = |bytes: &mut Vec<u8>, up_to: usize| {
            let missing = (up_to - bytes.len()) as u64;
            source
                .by_ref()
                .take(missing)
                .read_to_end(bytes)
                .map_err(|source| VaultError::Read { at: 0, source })
        };
        fill(&mut bytes, PREFIX)?;
        let length = Header::length(&bytes)?;
        fill(&mut bytes, length)?;
        if bytes.len() < length {
            return Err(VaultError::HeaderCutOff { bytes: bytes.len() as u64 });
        }
        Header::parse(&bytes)
    }

    /// Of which site.
    pub fn site(&self) -> SiteId {
        self.header.site
    }

    /// Of which camera.
    pub fn camera(&self) -> &CameraId {
        &self.header.camera
    }

    /// Arrival of the first picture.
    pub fn start(&self) -> WallTime {
        self.header.start
    }

    /// The hour whose secret is part of its key.
    pub fn hour(&self) -> Hour {
        Hour::of(self.header.start)
    }

    /// Who can open it.
    pub fn keys(&self) -> &KeyBlock {
        &self.header.keys
    }

    /// SHA-256 of the header: names the segment in the ledger and in exports.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Bytes of the header.
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }
}

impl Header {
    /// What the keys are bound to.
    pub(crate) fn place(&self) -> EpochPlace {
        EpochPlace {
            site: self.site,
            hour: Hour::of(self.start),
            epoch: self.keys.epoch(),
            needed: self.keys.needed(),
            count: self.keys.count(),
            camera: self.camera.clone(),
        }
    }

    /// The header's bytes and their hash.
    pub(crate) fn encode(&self) -> (Vec<u8>, [u8; 32]) {
        let camera = self.camera.as_str().as_bytes();
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[self.format, FLAG_HOUR_SECRET, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(self.site.as_bytes());
        out.extend_from_slice(&self.start.micros().to_be_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.commitment);
        out.push(camera.len() as u8);
        out.extend_from_slice(camera);
        self.keys.encode(&mut out);
        let length = (out.len() + 32) as u32;
        out[12..16].copy_from_slice(&length.to_be_bytes());
        let hash = sha256(&[&out]);
        out.extend_from_slice(&hash);
        (out, hash)
    }

    /// The whole header's length, from the file's first bytes (fewer than [`PREFIX`] only where the file ends).
    pub(crate) fn length(start: &[u8]) -> Result<usize, VaultError> {
        let magic = &start[..start.len().min(MAGIC.len())];
        // Zeros: the file's length reached the disk before a power cut, its contents did not.
        if magic.iter().all(|byte| *byte == 0) {
            return Err(VaultError::HeaderCutOff { bytes: 0 });
        }
        if !MAGIC.starts_with(magic) {
            return Err(VaultError::NotSealed);
        }
        let Ok(prefix) = <&[u8; PREFIX]>::try_from(start) else {
            return Err(VaultError::HeaderCutOff { bytes: start.len() as u64 });
        };
        if !matches!(prefix[8], FORMAT_1 | FORMAT_2) {
            return Err(VaultError::NewerFormat { what: format!("format {}", prefix[8]) });
        }
        let length = u32::from_be_bytes([prefix[12], prefix[13], prefix[14], prefix[15]]) as usize;
        if (SMALLEST_HEADER..=MAX_HEADER).contains(&length) {
            Ok(length)
        } else {
            Err(VaultError::HeaderDamaged { what: "its length is impossible" })
        }
    }

    /// From exactly the header's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<SegmentHead, VaultError> {
        let damaged = |what| VaultError::HeaderDamaged { what };
        let (body, stored) = bytes.split_last_chunk::<32>().ok_or(damaged("it is too short"))?;
        let hash = sha256(&[body]);
        if hash != *stored {
            return Err(damaged("its hash does not fit"));
        }
        let contradicts = || damaged("its fields contradict each other");
        let mut rest = Fields(body.get(9..).ok_or_else(contradicts)?);
        if rest.array() != Some([FLAG_HOUR_SECRET, 0, 0]) {
            return Err(VaultError::NewerFormat { what: "unknown flags".to_owned() });
        }
        rest.u32().ok_or_else(contradicts)?; // The length, known to the caller.
        let format = bytes.get(8).copied().ok_or_else(contradicts)?;
        let header = Self::fields(format, &mut rest).ok_or_else(contradicts)??;
        if rest.0.is_empty() {
            Ok(SegmentHead { header, hash, bytes: bytes.len() })
        } else {
            Err(contradicts())
        }
    }

    /// From the site on. `None`: contradicting fields.
    fn fields(format: u8, rest: &mut Fields<'_>) -> Option<Result<Self, VaultError>> {
        let site = SiteId::from_bytes(rest.array()?);
        let start = WallTime::from_micros(rest.i64()?);
        let (salt, commitment) = (rest.array()?, rest.array()?);
        let camera = rest.camera()?;
        Some(KeyBlock::parse(rest)?.map(|keys| Self { format, site, camera, start, salt, commitment, keys }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyblock::WrappedShare;
    use crate::{EpochId, HolderId};

    fn header() -> Header {
        let share = |n: u8| WrappedShare {
            holder: HolderId::from_bytes([n; 8]),
            hash: [n; 32],
            file: vec![n; 300].into(),
        };
        Header {
            format: FORMAT_1,
            site: SiteId::from_bytes([1; 16]),
            camera: "gate".parse().unwrap(),
            start: WallTime::from_millis(-1),
            salt: [2; 32],
            commitment: [3; 32],
            keys: KeyBlock::new(EpochId::from_bytes([4; 16]), 7, 2, [share(8), share(9)].into()),
        }
    }

    /// With `change` made and the hash set right: what somebody who knows the format could write.
    fn rewritten(change: impl Fn(&mut Vec<u8>)) -> Result<SegmentHead, VaultError> {
        let (mut bytes, _) = header().encode();
        bytes.truncate(bytes.len() - 32);
        change(&mut bytes);
        let hash = sha256(&[&bytes]);
        bytes.extend_from_slice(&hash);
        Header::parse(&bytes)
    }

    #[test]
    fn a_header_reads_back_and_a_time_before_1970_has_its_hour() {
        let (bytes, hash) = header().encode();
        assert_eq!(Header::length(&bytes[..PREFIX]).unwrap(), bytes.len());
        let read = SegmentHead::read(&mut &[&bytes[..], b"what follows"].concat()[..]).unwrap();
        assert_eq!((&read.header, read.hash, read.bytes), (&header(), hash, bytes.len()));
        assert_eq!(read.header.encode(), (bytes.clone(), hash));
        assert_eq!(read.hour().number(), -1);
        for cut in 0..bytes.len() {
            let refused = SegmentHead::read(&mut &bytes[..cut]);
            assert!(matches!(refused, Err(VaultError::HeaderCutOff { .. })), "{cut}");
        }
    }

    #[test]
    fn what_a_later_release_may_write_is_refused_with_a_sentence_that_says_so() {
        let kind = 105 + "gate".len();
        let says = |change: &dyn Fn(&mut Vec<u8>), words: &str| {
            let refused = rewritten(change).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(refused.contains("later release of Louver") && refused.contains(words), "{refused}");
        };
        says(&|b| b[9] = 0, "unknown flags");
        says(&|b| b[9] = 0x81, "unknown flags");
        says(&|b| b[kind] = 1, "kind 1");
        says(&|b| b[kind] = 9, "kind 9");
        let (mut bytes, _) = header().encode();
        bytes[8] = 3;
        let refused = Header::length(&bytes[..PREFIX]).unwrap_err().to_string();
        assert!(refused.contains("format 3"), "{refused}");
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused_although_the_hash_fits() {
        let camera = 104;
        let block = 105 + "gate".len();
        type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
        let cases: [Change<'_>; 12] = [
            &|b| b[camera] = 0,
            &|b| b[camera] = 200,
            &|b| b[camera + 1] = b'/',
            &|b| b[block + 1] = 0,
            &|b| b[block + 1] = 3,
            &|b| b[block + 2] = 33,
            &|b| b[block + 2] = 0,
            &|b| b[block + 3] = 1,
            &|b| b[block + 22] = 0x10, // link 4096
            &|b| b[block + 64] = 0xff,
            &|b| b.push(0),
            &|b| b.truncate(120),
        ];
        for (n, change) in cases.iter().enumerate() {
            let refused = rewritten(change);
            assert!(matches!(refused, Err(VaultError::HeaderDamaged { .. })), "case {n}");
        }
        assert!(
            Header::length(b"GIF89a..........")
                .is_err_and(|e| e.to_string().contains("not a sealed segment"))
        );
        let mut long = header().encode().0;
        long[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(matches!(Header::length(&long[..PREFIX]), Err(VaultError::HeaderDamaged { .. })));
    }
}
