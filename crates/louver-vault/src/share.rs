//! The share file: what one holder gets of an epoch's secret. docs/format-sealed.md, "Share file".

use std::fmt;

use louver_base::CameraId;
use zeroize::Zeroizing;

use crate::epoch::EpochId;
use crate::holder::{HolderPublic, Identity};
use crate::keys::{EpochPlace, sha256};
use crate::layout::Fields;
use crate::{Hour, MAX_HOLDERS, SiteId, VaultError, agefile};

const MAGIC: &[u8; 8] = b"LOUVSHAR";
const VERSION: u8 = 1;
/// With a camera's id of 32 bytes.
pub(crate) const MAX_SHARE_FILE: usize = 53 + 32 + 32;

/// One holder's share of one epoch. Which camera and hour it opens stands in it; wiped from memory when dropped.
pub struct Share {
    pub(crate) place: EpochPlace,
    x: u8,
    y: Zeroizing<[u8; 32]>,
}

/// Why bytes are no share file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// Something else, or cut off, or with something behind it.
    #[error("this is no share file of Louver's")]
    Form,
    /// Made by a later Louver.
    #[error("this share file needs a later release of Louver (format {0}): update and try again")]
    Newer(u8),
    /// Its fields contradict each other.
    #[error("this share file contradicts itself")]
    Contradiction,
}

impl fmt::Debug for Share {
    /// Without the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share {{ {:?}, x: {} }}", self.place, self.x)
    }
}

impl Share {
    pub(crate) fn new(place: EpochPlace, x: u8, y: Zeroizing<[u8; 32]>) -> Self {
        Self { place, x, y }
    }

    /// Reads a share file.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ShareError> {
        let mut rest = Fields(bytes);
        if rest.array() != Some(*MAGIC) {
            return Err(ShareError::Form);
        }
        match rest.array().ok_or(ShareError::Form)? {
            [VERSION] => {}
            [other] => return Err(ShareError::Newer(other)),
        }
        let [needed, count, x] = rest.array().ok_or(ShareError::Form)?;
        let site = SiteId::from_bytes(rest.array().ok_or(ShareError::Form)?);
        let hour = Hour::from_number(rest.i64().ok_or(ShareError::Form)?);
        let epoch = EpochId::from_bytes(rest.array().ok_or(ShareError::Form)?);
        let camera = rest.camera().ok_or(ShareError::Form)?;
        let y = Zeroizing::new(rest.array().ok_or(ShareError::Form)?);
        if !rest.0.is_empty() {
            return Err(ShareError::Form);
        }
        let fits =
            usize::from(count) <= MAX_HOLDERS && (1..=count).contains(&needed) && (1..=count).contains(&x);
        if !fits {
            return Err(ShareError::Contradiction);
        }
        Ok(Self { place: EpochPlace { site, hour, epoch, needed, count, camera }, x, y })
    }

    /// The share file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let EpochPlace { site, hour, epoch, needed, count, camera } = &self.place;
        let camera = camera.as_str().as_bytes();
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_SHARE_FILE));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, *needed, *count, self.x]);
        out.extend_from_slice(site.as_bytes());
        out.extend_from_slice(&hour.number().to_be_bytes());
        out.extend_from_slice(epoch.as_bytes());
        out.push(camera.len() as u8); // A camera's id has 32 bytes at most.
        out.extend_from_slice(camera);
        out.extend_from_slice(&*self.y);
        out
    }

    /// What stands in the headers of its epoch, to tell a share that the recorder did not give out.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[b"louver share", &self.to_bytes()])
    }

    /// Of which site.
    pub fn site(&self) -> SiteId {
        self.place.site
    }

    /// Of which camera.
    pub fn camera(&self) -> &CameraId {
        &self.place.camera
    }

    /// Of which hour.
    pub fn hour(&self) -> Hour {
        self.place.hour
    }

    /// Of which epoch.
    pub fn epoch(&self) -> EpochId {
        self.place.epoch
    }

    /// How many shares it takes, 1 to [`count`](Self::count).
    pub fn needed(&self) -> u8 {
        self.place.needed
    }

    /// How many there are, 1 to 32.
    pub fn count(&self) -> u8 {
        self.place.count
    }

    /// Its number, 1 to [`count`](Self::count).
    pub fn number(&self) -> u8 {
        self.x
    }

    pub(crate) fn value(&self) -> &[u8; 32] {
        &self.y
    }

    /// As an age file for its holder.
    pub(crate) fn wrap(&self, holder: &HolderPublic) -> Result<Vec<u8>, VaultError> {
        let recipient =
            holder.as_age().ok_or(VaultError::Crypto { doing: "reading a holder's public half" })?;
        agefile::seal(&self.to_bytes(), &recipient)
    }

    /// From an age file for `identity`.
    pub(crate) fn unwrap(file: &[u8], identity: &Identity) -> Result<Self, VaultError> {
        let opened = agefile::open(file, identity.as_age(), MAX_SHARE_FILE);
        let bytes = opened.map_err(|e| VaultError::KeyBlock(Some(Box::new(e))))?;
        bytes.and_then(|bytes| Self::parse(&bytes).ok()).ok_or(VaultError::KeyBlock(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_share()(
            site: [u8; 16], hour: i64, epoch: [u8; 16], y: [u8; 32], camera in "[a-z0-9][a-z0-9-]{0,31}",
            count in 1_u8..=32, needed: prop::sample::Index, x: prop::sample::Index,
        ) -> Share {
            let place = EpochPlace {
                site: SiteId::from_bytes(site),
                hour: Hour::from_number(hour),
                epoch: EpochId::from_bytes(epoch),
                needed: needed.index(count.into()) as u8 + 1,
                count,
                camera: camera.parse().unwrap(),
            };
            Share::new(place, x.index(count.into()) as u8 + 1, Zeroizing::new(y))
        }
    }

    proptest! {
        #[test]
        fn a_share_file_reads_back_and_nothing_but_a_whole_one_does(share in any_share(), cut: prop::sample::Index) {
            let bytes = share.to_bytes();
            prop_assert!(bytes.len() <= MAX_SHARE_FILE);
            let read = Share::parse(&bytes).unwrap();
            prop_assert_eq!(read.to_bytes(), bytes.clone());
            prop_assert_eq!(&read.place, &share.place);
            prop_assert!(Share::parse(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert_eq!(Share::parse(&[&bytes[..], &[0]].concat()).unwrap_err(), ShareError::Form);
        }

        #[test]
        fn foreign_bytes_are_refused_or_read_and_written_the_same(share in any_share(), at: prop::sample::Index, to: u8) {
            let mut bytes = share.to_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(read) = Share::parse(&bytes) {
                prop_assert_eq!(&*read.to_bytes(), &bytes);
            }
        }
    }

    #[test]
    fn a_share_opens_for_its_holder_alone() {
        let place = EpochPlace {
            site: SiteId::from_bytes([1; 16]),
            hour: Hour::from_number(2),
            epoch: EpochId::from_bytes([3; 16]),
            needed: 2,
            count: 3,
            camera: "gate".parse().unwrap(),
        };
        let share = Share::new(place, 3, Zeroizing::new([5; 32]));
        let (mine, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let file = share.wrap(&mine.public()).unwrap();
        assert!(file.len() <= agefile::MAX_AGE_FILE);
        assert_eq!(Share::unwrap(&file, &mine).unwrap().hash(), share.hash());
        assert!(matches!(Share::unwrap(&file, &other), Err(VaultError::KeyBlock(_))));
        assert!(!format!("{share:?}").contains("5, 5"));
        let too_long = agefile::seal(&[0; 200], &mine.public().as_age().unwrap()).unwrap();
        assert!(matches!(Share::unwrap(&too_long, &mine), Err(VaultError::KeyBlock(None))));
        let mut bytes = share.to_bytes().to_vec();
        bytes[8] = 2;
        assert_eq!(Share::parse(&bytes).unwrap_err(), ShareError::Newer(2));
        bytes[8] = 1;
        bytes[11] = 4;
        assert_eq!(Share::parse(&bytes).unwrap_err(), ShareError::Contradiction);
    }
}
