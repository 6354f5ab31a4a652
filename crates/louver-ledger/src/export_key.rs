//! The key that signs exports, and the leaf that names it.
//!
//! It is another than the log's: what it signs is carried away, and who signs a log should sign nothing else.

use zeroize::Zeroizing;

use crate::disk::Put;
use crate::error::LedgerError;
use crate::keys::{EXPORT_KEY, EXPORT_LEAF, SiteKey, export_key_name, random};
use crate::leaf::{Digest, Leaf};
use crate::ledger::Ledger;
use crate::note::{KeyKind, Note, VerifierKey};

/// Signs exports in the name of a site.
pub struct ExportKey {
    key: SiteKey,
    leaf: u64,
}

impl std::fmt::Debug for ExportKey {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExportKey({}, leaf {})", self.key.verifier(), self.leaf)
    }
}

impl ExportKey {
    /// The key in the ledger's folder (`export.key`, 0600, not served), or a new one; the ledger names it before this returns. Where the file was lost, in a restored
    /// backup for instance, the new key gets a leaf of its own, and what the old one signed stays proven by the old leaf. Waits for the disk.
    ///
    /// # Errors
    /// [`LedgerError`]: nothing is signed then.
    pub fn open(ledger: &Ledger, site: &[u8; 16]) -> Result<Self, LedgerError> {
        let disk = ledger.disk();
        let seed = match disk.get(EXPORT_KEY, 64)?.map(Zeroizing::new) {
            Some(seed) => seed,
            None => {
                let seed = random()?;
                disk.put(EXPORT_KEY, seed.as_ref(), Put::Secret)
                    .map_err(LedgerError::open("writing export.key"))?;
                Zeroizing::new(seed.to_vec())
            }
        };
        let key = SiteKey::from_seed(&seed, &export_key_name(site), KeyKind::Log)?;
        let named = Leaf::ExportKey { key: Self::digest(key.verifier()) };
        let known =
            disk.get(EXPORT_LEAF, 32)?.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok());
        let is_it = |number: &u64| {
            let leaf = ledger.leaf(*number).ok().and_then(|bytes| Leaf::parse(&bytes));
            leaf.is_some_and(|entry| entry.leaf == named)
        };
        let leaf = match known.filter(is_it) {
            Some(leaf) => leaf,
            None => {
                let leaf = ledger.append_now(&named)?;
                // Without the file the key is only named once more.
                if let Err(error) = disk.put(EXPORT_LEAF, format!("{leaf}\n").as_bytes(), Put::Durable) {
                    tracing::warn!(%error, "which leaf names the export key is not remembered");
                }
                leaf
            }
        };
        Ok(Self { key, leaf })
    }

    /// What a leaf names a key by: SHA-256 of the key as signed-note writes it.
    pub fn digest(key: &VerifierKey) -> Digest {
        Digest::of(key.to_string().as_bytes())
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Number of the leaf that names it.
    pub fn leaf(&self) -> u64 {
        self.leaf
    }

    /// Signs a manifest's text.
    pub fn sign(&self, text: String) -> Note {
        self.key.sign_text(text)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::Options;

    #[test]
    fn the_ledger_names_the_key_once_and_a_lost_one_is_followed_by_another() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Ledger::open(dir.path(), &[7; 16], Options::default()).unwrap();
        let names = |ledger: &Ledger| {
            let mut named = Vec::new();
            let all = ledger.leaves_back(|number, leaf| {
                if let Some(Leaf::ExportKey { key }) = Leaf::parse(leaf).map(|entry| entry.leaf) {
                    named.push((number, key));
                }
                ControlFlow::Continue(())
            });
            all.unwrap();
            named
        };
        let ledger = open();
        ledger.append(&Leaf::Omitted { leaves: 1 }).unwrap();
        let first = ExportKey::open(&ledger, &[7; 16]).unwrap();
        ledger.close();
        let ledger = open();
        let again = ExportKey::open(&ledger, &[7; 16]).unwrap();
        assert_eq!((again.verifier(), again.leaf()), (first.verifier(), 1));
        std::fs::remove_file(dir.path().join(EXPORT_KEY)).unwrap();
        let other = ExportKey::open(&ledger, &[7; 16]).unwrap();
        assert_ne!(other.verifier(), first.verifier());
        std::fs::remove_file(dir.path().join(EXPORT_LEAF)).unwrap();
        assert_eq!(ExportKey::open(&ledger, &[7; 16]).unwrap().verifier(), other.verifier());
        let [a, b] = [other.verifier(), first.verifier()].map(ExportKey::digest);
        assert_eq!(names(&ledger), [(3, a), (2, a), (1, b)]);
        assert_eq!(ledger.served(EXPORT_KEY).unwrap(), None);
    }

    #[test]
    fn leaves_are_read_from_the_last_to_the_first_over_many_tiles() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), &[7; 16], Options::default()).unwrap();
        let leaves: Vec<Leaf> = (0..600).map(|leaves| Leaf::Omitted { leaves }).collect();
        ledger.append_all(&leaves).unwrap();
        ledger.publish(600).unwrap();
        let mut seen = Vec::new();
        let read = ledger.leaves_back(|number, leaf| {
            assert_eq!(Leaf::parse(leaf).unwrap().leaf, Leaf::Omitted { leaves: number });
            seen.push(number);
            if number == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        read.unwrap();
        assert_eq!(seen, (17..600).rev().collect::<Vec<_>>());
    }
}
