//! The key-wrap block: an epoch's shares, each for its holder. docs/format-sealed.md, "Key-wrap block".

use std::sync::Arc;

use crate::agefile::MAX_AGE_FILE;
use crate::epoch::{EpochId, MAX_LINKS};
use crate::holder::{HolderId, Identity};
use crate::layout::Fields;
use crate::{MAX_HOLDERS, Share, VaultError};

const KIND_SHARES: u8 = 2;

/// Who can open a segment, how many of them are needed, and the shares that only they can decrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBlock {
    epoch: EpochId,
    link: u32,
    needed: u8,
    shares: Arc<[WrappedShare]>,
}

/// One share of a key block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedShare {
    /// For whom.
    pub holder: HolderId,
    /// [`Share::hash`] of the share within.
    pub hash: [u8; 32],
    /// The age file for the holder: at most 1024 bytes.
    pub file: Arc<[u8]>,
}

impl KeyBlock {
    /// `needed` lies within 1 and the number of shares, which is 32 at most.
    pub(crate) fn new(epoch: EpochId, link: u32, needed: u8, shares: Arc<[WrappedShare]>) -> Self {
        Self { epoch, link, needed, shares }
    }

    /// The epoch that the segment belongs to; its shares are the same in all its segments.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// The segment's number in its epoch, 0 to 4095.
    pub fn link(&self) -> u32 {
        self.link
    }

    /// k: how many shares are needed, 1 to [`count`](Self::count).
    pub fn needed(&self) -> u8 {
        self.needed
    }

    /// n: how many there are, 1 to 32.
    pub fn count(&self) -> u8 {
        self.shares.len() as u8
    }

    /// The shares, in the order of their numbers 1 to n.
    pub fn shares(&self) -> &[WrappedShare] {
        &self.shares
    }

    /// Number of the holder's share, if one is for him.
    pub fn number_of(&self, holder: HolderId) -> Option<u8> {
        self.shares.iter().position(|s| s.holder == holder).map(|n| n as u8 + 1)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[KIND_SHARES, self.needed, self.count(), 0]);
        out.extend_from_slice(self.epoch.as_bytes());
        out.extend_from_slice(&self.link.to_be_bytes());
        for share in &*self.shares {
            out.extend_from_slice(share.holder.as_bytes());
            out.extend_from_slice(&share.hash);
            out.extend_from_slice(&(share.file.len() as u16).to_be_bytes()); // 1024 at most.
            out.extend_from_slice(&share.file);
        }
    }

    /// `None`: contradicting fields.
    pub(crate) fn parse(rest: &mut Fields<'_>) -> Option<Result<Self, VaultError>> {
        let [kind, needed, count, zero] = rest.array()?;
        if kind != KIND_SHARES {
            return Some(Err(VaultError::NewerFormat { what: format!("key block of kind {kind}") }));
        }
        let epoch = EpochId::from_bytes(rest.array()?);
        let link = rest.u32()?;
        let fits = usize::from(count) <= MAX_HOLDERS && (1..=count).contains(&needed) && link < MAX_LINKS;
        if !fits || zero != 0 {
            return None;
        }
        let shares: Option<Vec<_>> = (0..count).map(|_| share(rest)).collect();
        Some(Ok(Self { epoch, link, needed, shares: shares?.into() }))
    }
}

fn share(rest: &mut Fields<'_>) -> Option<WrappedShare> {
    let (holder, hash) = (HolderId::from_bytes(rest.array()?), rest.array()?);
    let length = usize::from(rest.u16()?);
    let file = rest.take(length)?;
    (length <= MAX_AGE_FILE).then(|| WrappedShare { holder, hash, file: file.into() })
}

impl crate::SegmentHead {
    /// The holder's share of this segment's epoch, decrypted. It is proven to be of the camera, hour and epoch that
    /// the header names, and to be the one that its hash stands for.
    ///
    /// # Errors
    /// [`VaultError::NotAHolder`] when there is none for this holder; [`VaultError::KeyBlock`] when what is there does not
    /// open or is something else: the header was made by somebody who tampers.
    pub fn share_of(&self, identity: &Identity) -> Result<Share, VaultError> {
        let keys = self.keys();
        let yours = identity.id();
        let Some(wrapped) = keys.shares.iter().position(|s| s.holder == yours) else {
            let holders = keys.shares.iter().map(|s| s.holder.to_string()).collect::<Vec<_>>().join(", ");
            return Err(VaultError::NotAHolder { yours, holders });
        };
        let share = Share::unwrap(&keys.shares[wrapped].file, identity)?;
        let fits = share.place == self.header.place()
            && usize::from(share.number()) == wrapped + 1
            && share.hash() == keys.shares[wrapped].hash;
        if fits { Ok(share) } else { Err(VaultError::KeyBlock(None)) }
    }
}
