//! What `disks.json` remembers of the disks, and what their signs say.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use louver_vault::SiteId;
use serde::{Deserialize, Serialize};

use super::{DATA, DiskSettings};
use crate::StoreError;
use crate::files::Files;

/// Remembers the disks, in the data directory.
const DISKS: &str = "disks.json";
/// The sign of a disk.
pub(super) const SIGN: &str = "louver.disk";
const SIGN_BYTES_MAX: u64 = 1 << 12;
const DISKS_BYTES_MAX: u64 = 1 << 20;
/// Disks at most, those included that are in the settings no more.
const DISKS_MAX: usize = 64;

/// Folders that a disk was in before, remembered at most.
const BEFORE_MAX: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) number: i64,
    /// Empty: no disk was seen there since the one that was is in another folder, so the one that is to be there is not mounted.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Folders that it was in before: where one of them is empty, a disk is not mounted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<PathBuf>,
}

impl Remembered {
    fn is_at(&mut self, path: &Path) {
        if self.path == path {
            return;
        }
        self.before.retain(|before| before != path);
        self.before.push(std::mem::replace(&mut self.path, path.to_owned()));
        if self.before.len() > BEFORE_MAX {
            self.before.remove(0);
        }
    }
}

/// Folders in which recordings of this data directory may lie and that are there, for those who have no catalogue.
pub(crate) fn folders(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut all = vec![data.to_owned()];
    all.extend(remembered(data)?.into_iter().filter(is_there).map(|of| of.path));
    Ok(all)
}

/// Folders of disks of recordings that are not there: what lies on them is in no list that is made without the catalogue.
///
/// # Errors
/// [`StoreError::Disks`]; [`StoreError::Io`] when it cannot be read which disks there are.
pub fn disks_away(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let seen = remembered(data)?.into_iter().filter(|of| !of.name.is_empty());
    Ok(seen.filter(|of| !is_there(of)).map(|of| of.path).collect())
}

fn is_there(of: &Remembered) -> bool {
    sign_of(&of.path).is_some_and(|(_, name)| name == of.name)
}

pub(super) fn write(files: &Files, data: &Path, known: &[Remembered]) -> Result<(), StoreError> {
    let path = data.join(DISKS);
    // A folder's name may be no text.
    let text = serde_json::to_vec_pretty(known).map_err(|e| StoreError::io("writing", &path, e.into()))?;
    files.replace(&path, &text)
}

pub(super) fn remembered(data: &Path) -> Result<Vec<Remembered>, StoreError> {
    let path = data.join(DISKS);
    let text = match fs::File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => {
            let mut text = String::new();
            let read = file.and_then(|file| file.take(DISKS_BYTES_MAX).read_to_string(&mut text));
            read.map_err(|e| StoreError::io("reading", &path, e))?;
            text
        }
    };
    let known: Vec<Remembered> = serde_json::from_str(&text).map_err(|_| StoreError::Disks(path.clone()))?;
    let distinct = known
        .iter()
        .enumerate()
        .all(|(n, of)| of.number > DATA && known.iter().take(n).all(|before| before.number != of.number));
    if distinct && known.len() <= DISKS_MAX { Ok(known) } else { Err(StoreError::Disks(path)) }
}

/// Site and name that a disk's sign says.
pub(super) fn sign_of(dir: &Path) -> Option<(String, String)> {
    let mut text = String::new();
    fs::File::open(dir.join(SIGN)).ok()?.take(SIGN_BYTES_MAX).read_to_string(&mut text).ok()?;
    let rest = text.trim().strip_prefix("louver disk 1 ")?;
    rest.split_once(' ').map(|(site, name)| (site.to_owned(), name.to_owned()))
}

/// Which disks the settings name, in their order, by their signs and by where they were.
pub(super) fn know(
    files: &Files,
    data: &Path,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    settings: &[DiskSettings],
) -> Result<Vec<i64>, StoreError> {
    let signed: Vec<Option<i64>> =
        settings.iter().map(|disk| by_its_sign(files, site, known, &disk.path)).collect::<Result<_, _>>()?;
    let mut found: Vec<i64> = signed.iter().flatten().copied().collect();
    let mut numbers = Vec::with_capacity(settings.len());
    for (disk, signed) in settings.iter().zip(signed) {
        let number = match signed {
            Some(number) => number,
            None => without_sign(files, data, site, known, &found, &disk.path)?,
        };
        found.push(number);
        numbers.push(number);
    }
    known.retain(|of| !of.name.is_empty() || numbers.contains(&of.number));
    Ok(numbers)
}

/// The disk whose sign a folder has.
fn by_its_sign(
    files: &Files,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    path: &Path,
) -> Result<Option<i64>, StoreError> {
    let Some((of, name)) = sign_of(path) else { return Ok(None) };
    if of != site.to_string() {
        return Err(StoreError::OthersDisk(path.to_owned()));
    }
    // Whoever made it may have been killed before its name was on the disk.
    if let Err(error) = files.sync_folder(path) {
        tracing::error!(%error, disk = %path.display(), "a disk of recordings does not confirm its names");
    }
    // A disk may have another path than before; and another disk may be where it was.
    if let Some(same) = known.iter_mut().find(|k| k.name == name) {
        same.is_at(path);
        return Ok(Some(same.number));
    }
    remember(known, name, path).map(Some)
}

/// The disk that is to be in a folder without a sign: one that is not mounted, or a new one. `found`: those that are elsewhere.
fn without_sign(
    files: &Files,
    data: &Path,
    site: &SiteId,
    known: &mut Vec<Remembered>,
    found: &[i64],
    path: &Path,
) -> Result<i64, StoreError> {
    let missing = |k: &Remembered| !found.contains(&k.number);
    if let Some(same) = known.iter().find(|k| k.path == path && missing(k)) {
        return Ok(same.number);
    }
    if known.iter().any(|k| k.before.iter().any(|before| before == path)) {
        // A disk was mounted here that is elsewhere now: what is to be here is not mounted. That may be the one whose folder it took.
        let taken = |k: &Remembered| known.iter().any(|other| !missing(other) && other.path == k.path);
        let turned_out = known.iter().position(|k| missing(k) && !k.name.is_empty() && taken(k));
        if let Some(other) = turned_out.and_then(|n| known.get_mut(n)) {
            other.is_at(path);
            return Ok(other.number);
        }
        return remember(known, String::new(), path);
    }
    let failed = |e| StoreError::io("making", path, e);
    if path.starts_with(data) || data.starts_with(path) {
        return Err(StoreError::DiskWithinDisk(path.to_owned()));
    }
    let name = hex::encode(rand::random::<[u8; 8]>());
    files.make_top(path).map_err(failed)?;
    // First the sign: a disk that is remembered and has none is one that is not mounted.
    let sign = path.join(SIGN);
    // One whose name may not be on the disk is not what recordings are put under: the next start makes another.
    files.replace(&sign, format!("louver disk 1 {site} {name}\n").as_bytes()).inspect_err(|_| {
        let _ = files.remove(&sign);
    })?;
    remember(known, name, path)
}

fn remember(known: &mut Vec<Remembered>, name: String, path: &Path) -> Result<i64, StoreError> {
    if known.len() >= DISKS_MAX {
        return Err(StoreError::Disks(path.to_owned()));
    }
    let number = known.iter().map(|k| k.number).max().unwrap_or(DATA) + 1;
    // Two of the same path: the one before is not there any more.
    known.push(Remembered { number, name, path: path.to_owned(), before: Vec::new() });
    Ok(number)
}
