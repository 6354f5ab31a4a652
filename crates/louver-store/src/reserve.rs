//! A file of no use but its size, kept for a start on a full disk: SQLite makes files of its own when it opens the
//! catalogue, and without the catalogue retention does not know what to delete.

use std::path::Path;

use crate::files::Files;

/// What SQLite takes for opening the catalogue and bringing it up to date after a crash, with much to spare.
pub(crate) const RESERVE_BYTES: u64 = 4 << 20;
/// Where less is free, recordings need it more.
const FREE_BYTES_MIN: u64 = 4 * RESERVE_BYTES;
const NAME: &str = "reserve";

/// Makes the reserve where it is missing and there is room. A server runs without it too.
pub(crate) fn make(files: &Files, dir: &Path) {
    let path = dir.join(NAME);
    let there = path.metadata().is_ok_and(|m| m.len() == RESERVE_BYTES);
    if there || !files.space(dir).is_ok_and(|s| s.free >= FREE_BYTES_MIN) {
        return;
    }
    // Noise: some file systems keep bytes that repeat in next to no space.
    let mut bytes = vec![0; RESERVE_BYTES as usize];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    if let Err(error) = files.replace(&path, &bytes) {
        tracing::warn!(%error, "no reserve could be made for a start on a full disk");
    }
}

/// Deletes the reserve; whether there was one.
pub(crate) fn give_up(files: &Files, dir: &Path) -> bool {
    files.remove(&dir.join(NAME)).is_ok_and(|bytes| bytes > 0)
}
