//! Epochs: one camera, one hour, one run of the recorder. docs/keys.md, "Epoch".

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use louver_base::{CameraId, WallTime};
use louver_media::{Codec, VideoParams};

use crate::agefile::MAX_AGE_FILE;
use crate::header::{FORMAT_1, FORMAT_2, Header, MAX_HEADER};
use crate::holder::HolderSet;
use crate::keyblock::{KeyBlock, WrappedShare};
use crate::keys::{Chain, EpochPlace, HolderSecret, SegmentKey, fill_random};
use crate::sealer::{Sealed, SegmentSealer};
use crate::share::Share;
use crate::shares::{self, ShareValue};
use crate::{Hour, HourSecret, SiteId, VaultError};

/// Segments of one epoch at most.
pub(crate) const MAX_LINKS: u32 = 4096;

/// Names an epoch: 16 random bytes; 32 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpochId([u8; 16]);

/// A text that is no epoch's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch's id has 32 hexadecimal digits")]
pub struct EpochIdError;

impl EpochId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for EpochId {
    type Err = EpochIdError;
    fn from_str(text: &str) -> Result<Self, EpochIdError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| EpochIdError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for EpochId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EpochId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a recorder seals one camera's hour with. It lives in memory alone; after a restart another begins, in the same hour.
///
/// What it can still open: segments that it will begin from now on. The secret that was split is wiped before this is
/// given out, and each link of the chain when its segment begins.
pub struct Epoch {
    place: EpochPlace,
    shares: Arc<[WrappedShare]>,
    hour_secret: HourSecret,
    chain: Chain,
    /// Of the next segment.
    link: u32,
}

impl fmt::Debug for Epoch {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EpochPlace { camera, hour, epoch, .. } = &self.place;
        write!(f, "Epoch {{ {epoch}, {camera}, {hour}, next link: {} }}", self.link)
    }
}

impl Epoch {
    /// Begins one: draws a secret, splits it and encrypts each share to its holder. The hour secret must be on the disk by
    /// then; the shares are with the first segment's header.
    ///
    /// # Errors
    /// When the system gives no random numbers, or the cryptographic libraries fail: record nothing and try again.
    pub fn begin(
        site: SiteId,
        camera: &CameraId,
        hour: Hour,
        holders: &HolderSet,
        hour_secret: &HourSecret,
    ) -> Result<Self, VaultError> {
        let secret = HolderSecret::generate()?;
        let mut epoch = [0; 16];
        fill_random(&mut epoch)?;
        let (needed, count) = (holders.needed(), holders.holders().len() as u8); // 32 at most.
        let values = shares::split(&secret, needed, count)?;
        let camera = camera.clone();
        let place = EpochPlace { site, hour, epoch: EpochId(epoch), needed, count, camera };
        let shares = wrap(&place, &values, holders)?;
        // The secret and the shares end here, and are wiped by it.
        Self::with_secret(&secret, place, shares, hour_secret)
    }

    pub(crate) fn with_secret(
        secret: &HolderSecret,
        place: EpochPlace,
        shares: Arc<[WrappedShare]>,
        hour_secret: &HourSecret,
    ) -> Result<Self, VaultError> {
        let chain = Chain::first(secret, &place)?;
        let hour_secret = HourSecret::from_bytes(hour_secret.expose());
        Ok(Self { place, shares, hour_secret, chain, link: 0 })
    }

    /// Its name.
    pub fn id(&self) -> EpochId {
        self.place.epoch
    }

    /// Its hour. Segments that start in another belong to another epoch.
    pub fn hour(&self) -> Hour {
        self.place.hour
    }

    /// Begins the next segment, whose first picture arrived at `start`: its sealer and its header. The header must be on the
    /// disk (fsync) before the first fragment counts as kept: without it nothing opens.
    ///
    /// # Errors
    /// [`VaultError::AnotherHour`] and [`VaultError::EpochFull`]: begin another epoch. Otherwise as [`begin`](Self::begin).
    pub fn segment(
        &mut self,
        start: WallTime,
        params: &VideoParams,
    ) -> Result<(SegmentSealer, Sealed), VaultError> {
        let format = if params.codec == Codec::H264 { FORMAT_1 } else { FORMAT_2 };
        self.segment_in(format, start, params)
    }

    /// The same for a camera whose sound is kept.
    ///
    /// # Errors
    /// As [`segment`](Self::segment).
    pub fn segment_with_sound(
        &mut self,
        start: WallTime,
        params: &VideoParams,
    ) -> Result<(SegmentSealer, Sealed), VaultError> {
        self.segment_in(FORMAT_2, start, params)
    }

    fn segment_in(
        &mut self,
        format: u8,
        start: WallTime,
        params: &VideoParams,
    ) -> Result<(SegmentSealer, Sealed), VaultError> {
        let mut salt = [0; 32];
        fill_random(&mut salt)?;
        self.segment_with_salt(format, start, params, salt)
    }

    pub(crate) fn segment_with_salt(
        &mut self,
        format: u8,
        start: WallTime,
        params: &VideoParams,
        salt: [u8; 32],
    ) -> Result<(SegmentSealer, Sealed), VaultError> {
        if Hour::of(start) != self.place.hour {
            return Err(VaultError::AnotherHour { epoch: self.place.hour, start });
        }
        if self.link >= MAX_LINKS {
            return Err(VaultError::EpochFull);
        }
        // Counted before anything can fail: a link that was used never comes again.
        let link = self.link;
        self.link += 1;
        let seed = self.chain.step()?;
        let (key, commitment) = SegmentKey::derive(&seed, &self.hour_secret, &salt, &self.place, link)?;
        let EpochPlace { site, epoch, needed, camera, .. } = &self.place;
        let keys = KeyBlock::new(*epoch, link, *needed, Arc::clone(&self.shares));
        let header = Header {
            format,
            site: *site,
            camera: camera.clone(),
            start,
            salt,
            commitment: commitment.0,
            keys,
        };
        Ok(SegmentSealer::new(key, &header, params))
    }
}

/// Each share as an age file for its holder.
pub(crate) fn wrap(
    place: &EpochPlace,
    values: &[ShareValue],
    holders: &HolderSet,
) -> Result<Arc<[WrappedShare]>, VaultError> {
    let one = |(n, (holder, y)): (usize, (&crate::HolderPublic, &ShareValue))| {
        let share = Share::new(place.clone(), n as u8 + 1, y.clone());
        let file = share.wrap(holder)?;
        // 32 of them, and the rest of a header, fit into its bound: 32 * (42 + 1024) + 169 < 65 536.
        const { assert!(32 * (42 + MAX_AGE_FILE) + 169 < MAX_HEADER) };
        if file.len() > MAX_AGE_FILE {
            return Err(VaultError::Crypto {
                doing: "encrypting a share: its file is longer than the format allows",
            });
        }
        Ok(WrappedShare { holder: holder.id(), hash: share.hash(), file: file.into() })
    };
    holders.holders().iter().zip(values).enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;
    use bytes::Bytes;
    use louver_media::{Codec, PictureSize};

    fn params() -> VideoParams {
        VideoParams { codec: Codec::H264, size: PictureSize::new(64, 48).unwrap(), config: Bytes::new() }
    }

    fn epoch() -> Epoch {
        let holders = HolderSet::new(1, vec![Identity::generate().unwrap().public()]).unwrap();
        let hour = Hour::from_number(0);
        let secret = HourSecret::generate().unwrap();
        Epoch::begin(SiteId::from_bytes([1; 16]), &"gate".parse().unwrap(), hour, &holders, &secret).unwrap()
    }

    #[test]
    fn an_epoch_ends_with_its_hour_and_after_4096_segments() {
        let mut epoch = epoch();
        let later = epoch.segment(WallTime::from_millis(3_600_000), &params()).unwrap_err();
        assert!(matches!(later, VaultError::AnotherHour { .. }));
        for _ in 0..MAX_LINKS {
            epoch.segment(WallTime::from_millis(3_599_999), &params()).unwrap();
        }
        let full = epoch.segment(WallTime::from_millis(0), &params()).unwrap_err();
        assert!(matches!(full, VaultError::EpochFull));
    }

    #[test]
    fn a_link_gives_those_after_it_and_is_itself_replaced() {
        let mut epoch = epoch();
        let mut links = vec![];
        for _ in 0..50 {
            links.push(*epoch.chain.bytes());
            epoch.segment(WallTime::from_millis(0), &params()).unwrap();
        }
        let held = *epoch.chain.bytes();
        assert!(!links.contains(&held), "no link that was used is left in the epoch");
        links.sort_unstable();
        links.dedup();
        assert_eq!(links.len(), 50);
    }
}
