//! Requests for originals, legal holds and holder sets on disk: `openings/ID/NNNN.json`, `holds/ID/NNNN.json` and `holders/NNNN.json`,
//! never written over (docs/opening.md, docs/keys.md).
//!
//! What the entries mean is decided elsewhere (`louver-opening`); here they are texts that are there after a power cut or are not.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::files::{Files, blocking};
use crate::{Store, StoreError};

const FOLDER: &str = "openings";
const HOLDS: &str = "holds";
/// Bytes of an entry at most: an approval's shares are most of it (16 MiB, hexadecimal).
const LONGEST: u64 = 40 << 20;
/// Entries of a request at most: every holder and observer speaks twice at most, and few things follow.
const ENTRIES: u32 = 200;
/// Entries of a legal hold at most: it begins and ends.
const HOLD_ENTRIES: u32 = 2;

/// A request's or hold's folder, as it was found: its id, and its entries in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningTexts {
    /// The folder's name: 32 hex digits.
    pub id: String,
    /// What the files hold.
    pub entries: Vec<String>,
}

fn is_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn entry_path(dir: &Path, folder: &str, id: &str, number: u32) -> PathBuf {
    dir.join(folder).join(id).join(format!("{number:04}.json"))
}

impl Store {
    /// Writes entry `number` (from 1) of a request; it is on the disk when this returns. `id`: 32 hex digits.
    ///
    /// # Errors
    /// [`StoreError::OpeningExists`] when that entry is there already: somebody else writes here; nothing was changed.
    pub async fn write_opening(&self, id: &str, number: u32, text: String) -> Result<(), StoreError> {
        let path = entry_path(self.dir(), FOLDER, id, number);
        if !is_id(id) || number == 0 || number > ENTRIES {
            return Err(StoreError::OpeningExists(path));
        }
        let files = self.0.files.clone();
        blocking(move || write_new(&files, path, &text)).await
    }

    /// All requests, in no order. Each one's entries are read up to the first number that is missing.
    ///
    /// # Errors
    /// When a file that is there cannot be read, is no text, or is longer than Louver writes.
    pub async fn openings(&self) -> Result<Vec<OpeningTexts>, StoreError> {
        let folder = self.dir().join(FOLDER);
        blocking(move || all(&folder, ENTRIES, LONGEST)).await
    }

    /// Writes entry `number` (1 or 2) of a legal hold; it is on the disk when this returns. `id`: 32 hex digits.
    ///
    /// # Errors
    /// [`StoreError::OpeningExists`] when that entry is there already; nothing was changed.
    pub async fn write_hold(&self, id: &str, number: u32, text: String) -> Result<(), StoreError> {
        let path = entry_path(self.dir(), HOLDS, id, number);
        if !is_id(id) || number == 0 || number > HOLD_ENTRIES {
            return Err(StoreError::OpeningExists(path));
        }
        let files = self.0.files.clone();
        blocking(move || write_new(&files, path, &text)).await
    }

    /// All legal holds that there were, in no order.
    ///
    /// # Errors
    /// When a file that is there cannot be read, is no text, or is longer than Louver writes.
    pub async fn holds(&self) -> Result<Vec<OpeningTexts>, StoreError> {
        let folder = self.dir().join(HOLDS);
        blocking(move || all(&folder, HOLD_ENTRIES, LONGEST_SET)).await
    }
}

const HOLDERS: &str = "holders";
/// In that folder, how files of sets that may be about to follow begin; then their document's hash.
const NEXT: &str = "next";
/// In that folder: next sets that wait for consents, one a holder at most.
const PROPOSALS: &str = "proposals.json";
/// Holder sets of a site at most.
const SETS: u32 = 9999;
/// A set is 64 KiB at most; its file holds it as text within text, and the consents.
const LONGEST_SET: u64 = 256 << 10;

impl Store {
    /// Writes the file of a holder set (`holders/NNNN.json`, from 1); it is on the disk when this returns. The same text again is
    /// written again: after a failed fsync nobody knows what of it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::OpeningExists`] when another set has that number already; nothing was changed.
    pub async fn write_holder_set(&self, number: u32, text: String) -> Result<(), StoreError> {
        let path = self.dir().join(HOLDERS).join(format!("{number:04}.json"));
        if number == 0 || number > SETS {
            return Err(StoreError::OpeningExists(path));
        }
        let files = self.0.files.clone();
        blocking(move || match read(&path, LONGEST_SET)? {
            Some(there) if there != text => Err(StoreError::OpeningExists(path)),
            Some(_) | None => {
                files.replace(&path, text.as_bytes())?;
                // What was kept for this number has served. One that stays is nobody's set.
                for kept in path.parent().and_then(|folder| next(folder).ok()).unwrap_or_default() {
                    let _ = files.remove(&kept);
                }
                Ok(())
            }
        })
        .await
    }

    /// Keeps the file of the set that is about to follow (`holders/next-HASH16.json`), by the hash of its document; it is on the disk when
    /// this returns. It is nobody's set yet: it is there so that a set that stands in the ledger is not lost with the process. Others that were kept stay
    /// until [one is written](Self::write_holder_set): after a failed write nobody knows which of them the ledger names.
    ///
    /// # Errors
    /// [`StoreError::OpeningExists`] when another set has its number already; nothing was changed.
    pub async fn keep_next_holder_set(
        &self,
        number: u32,
        document: &[u8; 32],
        text: String,
    ) -> Result<(), StoreError> {
        let kept = format!("{NEXT}-{}.json", hex::encode(&document[..8]));
        let folder = self.dir().join(HOLDERS);
        let path = folder.join(format!("{number:04}.json"));
        let files = self.0.files.clone();
        blocking(move || match read(&path, LONGEST_SET)? {
            Some(there) if there != text => Err(StoreError::OpeningExists(path)),
            Some(_) | None => files.replace(&folder.join(kept), text.as_bytes()),
        })
        .await
    }

    /// What was kept as the set to follow, whatever became of it, in no order. One that cannot be read is left out.
    ///
    /// # Errors
    /// When the folder is there and cannot be listed.
    pub async fn next_holder_sets(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.dir().join(HOLDERS);
        blocking(move || {
            Ok(next(&folder)?.iter().filter_map(|path| read(path, LONGEST_SET).ok().flatten()).collect())
        })
        .await
    }

    /// Keeps the proposals for a next set (`holders/proposals.json`) in the place of those before; they are on the disk when this returns.
    ///
    /// # Errors
    /// The disk's; those before are there then.
    pub async fn keep_holder_proposals(&self, text: String) -> Result<(), StoreError> {
        let path = self.dir().join(HOLDERS).join(PROPOSALS);
        let files = self.0.files.clone();
        blocking(move || files.replace(&path, text.as_bytes())).await
    }

    /// What was kept last of proposals.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub async fn holder_proposals(&self) -> Result<Option<String>, StoreError> {
        let path = self.dir().join(HOLDERS).join(PROPOSALS);
        blocking(move || read(&path, LONGEST)).await
    }

    /// The files of all holder sets, in order, up to the first number that is missing.
    ///
    /// # Errors
    /// When one that is there cannot be read.
    pub async fn holder_sets(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.dir().join(HOLDERS);
        blocking(move || numbered(&folder, SETS, LONGEST_SET)).await
    }
}

/// The folders whose names are ids, each with its entries.
fn all(folder: &Path, most: u32, longest: u64) -> Result<Vec<OpeningTexts>, StoreError> {
    let names = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(|e| StoreError::io("reading", folder, e))?,
    };
    let mut found = Vec::new();
    for name in names {
        let name = name.map_err(|e| StoreError::io("reading", folder, e))?.file_name();
        let Some(id) = name.to_str().filter(|name| is_id(name)) else { continue };
        found.push(OpeningTexts { id: id.to_owned(), entries: numbered(&folder.join(id), most, longest)? });
    }
    Ok(found)
}

/// Writes a file that must not be there yet.
fn write_new(files: &Files, path: PathBuf, text: &str) -> Result<(), StoreError> {
    match fs::symlink_metadata(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => files.replace(&path, text.as_bytes()),
        Err(e) => Err(StoreError::io("looking at", &path, e)),
        Ok(_) => Err(StoreError::OpeningExists(path)),
    }
}

/// `FOLDER/0001.json`, `0002.json`, … up to the first that is missing.
fn numbered(folder: &Path, most: u32, longest: u64) -> Result<Vec<String>, StoreError> {
    let mut entries = Vec::new();
    for number in 1..=most {
        let Some(text) = read(&folder.join(format!("{number:04}.json")), longest)? else { break };
        entries.push(text);
    }
    Ok(entries)
}

/// Files of sets that may be about to follow, also under the one name that they had before.
fn next(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |e| StoreError::io("listing", folder, e);
    let listed = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(NEXT) && name.ends_with(".json") {
            found.push(path);
        }
    }
    Ok(found)
}

/// A text of a bounded length; `None` where there is no file.
fn read(path: &Path, longest: u64) -> Result<Option<String>, StoreError> {
    let failed = |e| StoreError::io("reading", path, e);
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut text = String::new();
    file.take(longest + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > longest {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreOptions;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[tokio::test]
    async fn entries_come_back_in_order_and_none_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).await.unwrap();
        assert_eq!(store.openings().await.unwrap(), []);
        for n in 1..=3 {
            store.write_opening(ID, n, format!("entry {n}")).await.unwrap();
        }
        let refused = store.write_opening(ID, 2, "other".to_owned()).await.unwrap_err();
        assert!(matches!(refused, StoreError::OpeningExists(_)), "{refused}");
        store.write_hold(ID, 1, "held".to_owned()).await.unwrap();
        assert!(store.write_hold(ID, 1, String::new()).await.is_err());
        assert!(store.write_hold(ID, 3, String::new()).await.is_err());
        assert_eq!(store.holds().await.unwrap()[0].entries, ["held"]);
        for text in ["set", "set"] {
            store.write_holder_set(1, text.to_owned()).await.unwrap();
        }
        let other = store.write_holder_set(1, "other".to_owned()).await.unwrap_err();
        assert!(matches!(other, StoreError::OpeningExists(_)), "{other}");
        assert_eq!(store.next_holder_sets().await.unwrap().len(), 0);
        let other = store.keep_next_holder_set(1, &[1; 32], "other".to_owned()).await.unwrap_err();
        assert!(matches!(other, StoreError::OpeningExists(_)), "{other}");
        for (n, text) in [(2, "second"), (3, "third"), (3, "third again")] {
            store.keep_next_holder_set(2, &[n; 32], text.to_owned()).await.unwrap();
        }
        let mut kept = store.next_holder_sets().await.unwrap();
        kept.sort();
        assert_eq!(kept, ["second", "third again"], "one for each document");
        assert_eq!(store.holder_sets().await.unwrap(), ["set"]);
        store.write_holder_set(2, "second".to_owned()).await.unwrap();
        assert_eq!(store.next_holder_sets().await.unwrap().len(), 0);
        for (id, number) in [("../../etc/passwd", 1), ("", 1), (ID, 0), (ID, 201)] {
            assert!(store.write_opening(id, number, String::new()).await.is_err());
        }
        let entries = (1..=3).map(|n| format!("entry {n}")).collect();
        let all = vec![OpeningTexts { id: ID.to_owned(), entries }];
        assert_eq!(store.openings().await.unwrap(), all);
        // A crash between entries leaves a temporary file, which is nobody's entry.
        fs::write(dir.path().join(FOLDER).join(ID).join("0004.tmp"), "half").unwrap();
        fs::write(dir.path().join(FOLDER).join(ID).join("0005.json"), "not next").unwrap();
        assert_eq!(store.openings().await.unwrap(), all);
    }
}
