//! Signing what is exported: the ledger is told first. docs/format-export.md.

use std::sync::{Arc, Mutex, PoisonError};

use louver_base::{CameraId, WallTime};
use louver_export::{Manifest, ManifestError};
use louver_ledger::leaf::Digest;
use louver_ledger::{ExportKey, Leaf, Ledger, LedgerError};
use louver_vault::SiteId;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the ledger could not be written or read")]
    Ledger(#[from] LedgerError),
    #[error("the manifest cannot be written")]
    Manifest(#[from] ManifestError),
}

/// A manifest that was signed.
pub(crate) struct SignedManifest {
    /// The note.
    pub(crate) note: String,
    /// Number of the leaf `exported`.
    pub(crate) leaf: u64,
}

/// Signs exports in the site's name. All calls wait for the disk.
pub(crate) struct Exporter {
    ledger: Ledger,
    site: SiteId,
    /// Once it was opened: a ledger whose disk fails at the start may work later.
    key: Mutex<Option<Arc<ExportKey>>>,
}

impl Exporter {
    pub(crate) fn new(ledger: Ledger, site: SiteId) -> Self {
        Self { ledger, site, key: Mutex::default() }
    }

    /// The key, named in the ledger.
    pub(crate) fn key(&self) -> Result<Arc<ExportKey>, LedgerError> {
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*kept {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(ExportKey::open(&self.ledger, self.site.as_bytes())?);
        *kept = Some(Arc::clone(&key));
        Ok(key)
    }

    /// A leaf's proof, with the leaf.
    pub(crate) fn proof(&self, leaf: u64) -> Result<String, LedgerError> {
        self.ledger.publish(leaf + 1)?;
        self.ledger.proof(leaf, Some(&self.ledger.leaf(leaf)?))
    }

    /// What a manifest of masked pictures says; the one of originals says more.
    pub(crate) fn masked(
        &self,
        camera: CameraId,
        (from, to): (WallTime, WallTime),
        (bytes, sha256): (u64, Digest),
    ) -> Result<Manifest, LedgerError> {
        let key = self.key()?;
        Ok(Manifest::masked(
            self.site.to_string(),
            camera,
            (from.millis(), to.millis()),
            WallTime::now().millis(),
            (bytes, sha256),
            self.ledger.verifier().to_string(),
            key.verifier().to_string(),
            self.proof(key.leaf())?,
        ))
    }

    /// Writes that it is exported, then signs.
    pub(crate) fn sign(&self, manifest: &Manifest) -> Result<SignedManifest, SignError> {
        let text = manifest.to_text()?;
        let key = self.key()?;
        let exported = Leaf::Exported { request: manifest.request, manifest: Manifest::digest_of(&text) };
        let leaf = self.ledger.append_now(&exported)?;
        Ok(SignedManifest { note: key.sign(text).to_string(), leaf })
    }
}
