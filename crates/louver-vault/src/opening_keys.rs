//! What opens sealed segments: shares of k holders and hour secrets, gathered.

use std::collections::BTreeMap;
use std::fmt;

use louver_base::CameraId;

use crate::holder::{HolderId, Identity};
use crate::keys::{Chain, SegmentKey};
use crate::{EpochId, Hour, HourSecret, SegmentHead, Share, VaultError, shares};

/// Shares, by epoch, and hour secrets, by camera and hour. Wiped from memory when dropped.
#[derive(Default)]
pub struct OpeningKeys {
    shares: BTreeMap<EpochId, Vec<Share>>,
    hours: BTreeMap<(CameraId, Hour), HourSecret>,
}

impl fmt::Debug for OpeningKeys {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKeys {{ {} epochs, {} hours }}", self.shares.len(), self.hours.len())
    }
}

impl OpeningKeys {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a share. Whether it is what the recorder gave out is found when a segment is opened; the same share again
    /// changes nothing. The caller bounds how many it takes from strangers.
    pub fn add_share(&mut self, share: Share) {
        let of_epoch = self.shares.entry(share.epoch()).or_default();
        if !of_epoch.iter().any(|s| s.hash() == share.hash()) {
            of_epoch.push(share);
        }
    }

    /// Takes the holder's own share out of a segment's header, if the epoch's is not here yet.
    ///
    /// # Errors
    /// As [`SegmentHead::share_of`].
    pub fn add_share_of(&mut self, head: &SegmentHead, identity: &Identity) -> Result<(), VaultError> {
        let keys = head.keys();
        let (number, of_epoch) = (keys.number_of(identity.id()), self.shares.get(&keys.epoch()));
        let known = number.is_some_and(|n| of_epoch.is_some_and(|s| s.iter().any(|s| s.number() == n)));
        if !known {
            self.add_share(head.share_of(identity)?);
        }
        Ok(())
    }

    /// Takes the secret of a camera's hour.
    pub fn add_hour_secret(&mut self, camera: CameraId, hour: Hour, secret: HourSecret) {
        self.hours.insert((camera, hour), secret);
    }

    /// Whether the secret of a camera's hour is here.
    pub fn has_hour_secret(&self, camera: &CameraId, hour: Hour) -> bool {
        self.hours.contains_key(&(camera.clone(), hour))
    }

    /// Whether a segment with this header can be opened, and if not, why.
    ///
    /// # Errors
    /// - [`VaultError::TooFewShares`]: ask more holders.
    /// - [`VaultError::BadShare`]: a holder gave something else than the recorder gave him.
    /// - [`VaultError::NoHourSecret`]: it was destroyed, or was not released.
    /// - [`VaultError::Commitment`]: the hour secret is another, or somebody tampered with the header.
    pub fn opens(&self, head: &SegmentHead) -> Result<(), VaultError> {
        self.segment_key(head).map(drop)
    }

    pub(crate) fn segment_key(&self, head: &SegmentHead) -> Result<SegmentKey, VaultError> {
        let (camera, hour) = (head.camera().clone(), head.hour());
        let shares = self.shares_of(head)?;
        let secret = self.hours.get(&(camera.clone(), hour));
        let secret = secret.ok_or(VaultError::NoHourSecret { camera, hour })?;
        let holder_secret = shares::join(&shares)?;
        let (header, place) = (&head.header, head.header.place());
        let seed = Chain::first(&holder_secret, &place)?.seed_at(head.keys().link())?;
        let (key, commitment) = SegmentKey::derive(&seed, secret, &header.salt, &place, head.keys().link())?;
        if commitment.fits(&header.commitment) { Ok(key) } else { Err(VaultError::Commitment) }
    }

    /// As many shares as are needed, each proven by its hash to be what the recorder gave out.
    fn shares_of(&self, head: &SegmentHead) -> Result<Vec<(u8, &[u8; 32])>, VaultError> {
        let (keys, place) = (head.keys(), head.header.place());
        let needed = usize::from(keys.needed());
        let mut good: Vec<(u8, &[u8; 32])> = Vec::with_capacity(needed);
        let mut bad: Option<HolderId> = None;
        for share in self.shares.get(&keys.epoch()).into_iter().flatten() {
            let Some(wrapped) = keys.shares().get(usize::from(share.number()) - 1) else { continue };
            if share.place == place && share.hash() == wrapped.hash {
                good.push((share.number(), share.value()));
            } else {
                bad.get_or_insert(wrapped.holder);
            }
        }
        match bad {
            _ if good.len() >= needed => {
                good.truncate(needed);
                Ok(good)
            }
            Some(holder) => Err(VaultError::BadShare { holder }),
            None => Err(VaultError::TooFewShares {
                camera: head.camera().clone(),
                start: head.start(),
                needed: keys.needed(),
                found: good.len(),
            }),
        }
    }
}
