//! `[storage]` and its disks, checked.

use std::ops::Range;
use std::path::Path;

use louver_base::WallSpan;
use louver_store::{DiskRole, DiskSettings, DiskWatermark, WhenFull};
use toml::Spanned;

use super::Problem;
use super::file::{Storage, StorageDisk};
use super::problem::repeated;

/// What `[storage]` says.
pub(super) struct Checked {
    pub min_free_percent: u8,
    pub when_full: WhenFull,
    pub disks: Vec<DiskSettings>,
    pub move_after: WallSpan,
    pub move_rate: u64,
}

/// Each is looked at every minute.
const MAX_DISKS: usize = 16;
/// Ten years.
const MAX_MOVE_AFTER: u32 = 87_600;

type Found = Vec<(Range<usize>, Problem)>;

/// Checks the table; what is wrong goes into `found`.
pub(super) fn storage(raw: Storage, folder: &Path, found: &mut Found) -> Checked {
    let min_free_percent = percent(raw.min_free_percent, found).unwrap_or(10);
    let when_full = match raw.when_full.as_ref().map(|word| word.get_ref().as_str()) {
        None | Some("delete-oldest") => WhenFull::DeleteOldest,
        Some("stop") => WhenFull::Stop,
        Some(other) => {
            let place = raw.when_full.as_ref().map(Spanned::span).unwrap_or_default();
            found.push((place, Problem::WhenFull(repeated(other))));
            WhenFull::DeleteOldest
        }
    };
    let hours = within(raw.move_after_hours, 24, MAX_MOVE_AFTER, "move_after_hours", found);
    let rate = within(raw.move_megabytes_per_second, 20, 1000, "move_megabytes_per_second", found);
    let disks = disks(raw.disk.unwrap_or_default(), folder, min_free_percent, found);
    let move_after = WallSpan::from_hours(hours);
    Checked { min_free_percent, when_full, disks, move_after, move_rate: u64::from(rate) * 1_000_000 }
}

fn percent(raw: Option<Spanned<u8>>, found: &mut Found) -> Option<u8> {
    let raw = raw?;
    if !(1..=50).contains(raw.get_ref()) {
        found.push((raw.span(), Problem::MinFree(*raw.get_ref())));
    }
    Some(raw.into_inner())
}

fn within(raw: Option<Spanned<u32>>, default: u32, most: u32, key: &'static str, found: &mut Found) -> u32 {
    let Some(raw) = raw else { return default };
    if !(1..=most).contains(raw.get_ref()) {
        found.push((raw.span(), Problem::StorageRange { key, value: *raw.get_ref(), most }));
    }
    raw.into_inner()
}

fn disks(
    raw: Vec<Spanned<StorageDisk>>,
    folder: &Path,
    min_free: u8,
    found: &mut Found,
) -> Vec<DiskSettings> {
    if raw.len() > MAX_DISKS {
        let place = raw.last().map(Spanned::span).unwrap_or_default();
        found.push((place, Problem::TooManyDisks(raw.len())));
    }
    let mut disks: Vec<DiskSettings> = Vec::new();
    for (n, disk) in raw.into_iter().enumerate() {
        let (place, disk) = (disk.span(), disk.into_inner());
        let role = match disk.role.as_ref().map(|role| role.get_ref().as_str()) {
            Some("hot") => Some(DiskRole::Hot),
            Some("cold") => Some(DiskRole::Cold),
            _ => None,
        };
        let path = disk.path.filter(|path| !path.get_ref().trim().is_empty());
        let own = percent(disk.min_free_percent, found);
        let (Some(role), Some(path)) = (role, path) else {
            found.push((place, Problem::Disk(n + 1)));
            continue;
        };
        let (at, path) = (path.span(), folder.join(path.into_inner()));
        if disks.iter().any(|before| before.path == path) {
            found.push((at, Problem::DoubleDisk(n + 1)));
            continue;
        }
        disks.push(DiskSettings { path, role, min_free: DiskWatermark::Percent(own.unwrap_or(min_free)) });
    }
    disks
}
