//! The data directory and its disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use louver_store::{DiskRole, DiskSettings, DiskWatermark};

use super::Check;
use crate::settings::Settings;

/// A disk that takes longer to confirm a small write falls behind with many cameras.
const SLOW: Duration = Duration::from_millis(150);
/// Less free than this is as good as full.
const FULL_BYTES: u64 = 256 << 20;

/// Free and whole size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that may be written.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Asks the system for the disk that holds `path`.
pub(super) fn space(path: &Path) -> io::Result<Space> {
    let s = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(s.f_frsize);
    Ok(Space { free: bytes(s.f_bavail), total: bytes(s.f_blocks) })
}

/// The data directory itself, or the nearest folder above it that exists.
pub(super) fn existing(data: &Path) -> PathBuf {
    data.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/")).to_path_buf()
}

/// Everything about the data directory.
pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let data = &settings.data;
    let place = existing(data);
    if !place.is_dir() {
        let says = format!("{} is not a folder", place.display());
        return vec![Check::trouble("data directory", says, "set another `data` in the settings")];
    }
    let mut checks = match try_writing(&place) {
        Ok(took) => vec![written(data, &place, took)],
        Err(e) => return vec![not_writable(data, &e)],
    };
    checks.extend(space(&place).map_or_else(
        |e| {
            Some(Check::warning(
                "disk space",
                format!("the system does not say how much is free: {e}"),
                "look with `df`",
            ))
        },
        |space| Some(free_space(space, settings.min_free_percent)),
    ));
    checks.extend(file_system(&place));
    checks.extend(settings.disks.iter().map(|disk| recording_disk(disk, &place)));
    checks
}

/// A disk of recordings, told from the data directory's.
fn recording_disk(disk: &DiskSettings, data: &Path) -> Check {
    let (topic, path) = ("disk of recordings", disk.path.display());
    let dev = |path: &Path| fs::metadata(path).map(|m| m.dev()).ok();
    let folder = existing(&disk.path);
    if dev(&folder).is_some() && dev(&folder) == dev(data) {
        let says = format!("{path} lies on the same disk as the data directory");
        return Check::warning(
            topic,
            says,
            "mount its disk before Louver starts, or take it out of the settings",
        );
    }
    if let Err(e) = try_writing(&folder) {
        let todo = "mount it, and give the user that runs Louver the right to write there (chown)";
        return Check::trouble(topic, format!("{path} cannot be written: {e}"), todo);
    }
    match space(&folder) {
        Ok(s) => Check::ok(topic, format!("{path}: {} of {} are free", size(s.free), size(s.total))),
        Err(e) => Check::warning(
            topic,
            format!("{path}: the system does not say how much is free: {e}"),
            "look with `df`",
        ),
    }
}

/// Bytes that recordings may take on all disks together, once each, less what stays free.
pub(super) fn room(settings: &Settings) -> Option<u64> {
    let hot = settings.disks.iter().any(|d| d.role == DiskRole::Hot);
    let named = settings.disks.iter().map(|d| (d.path.as_path(), d.min_free));
    let data = (settings.data.as_path(), DiskWatermark::Percent(settings.min_free_percent));
    let mut seen = Vec::new();
    let mut room = None;
    for (path, kept) in named.chain((!hot).then_some(data)) {
        let place = existing(path);
        let Ok(dev) = fs::metadata(&place).map(|m| m.dev()) else { continue };
        if !seen.contains(&dev)
            && let Ok(space) = space(&place)
        {
            seen.push(dev);
            *room.get_or_insert(0) += space.total.saturating_sub(kept.bytes_of(space.total));
        }
    }
    room
}

fn written(data: &Path, place: &Path, took: Duration) -> Check {
    let ms = took.as_millis();
    let made = if place == data { "" } else { " (it will be made at the first start)" };
    let says = format!("{}{made} can be written; the disk confirms a write in {ms} ms", data.display());
    if took > SLOW {
        let todo = "use a faster disk for `data` if there are many cameras: an SSD confirms within a few milliseconds";
        return Check::warning("data directory", says, todo);
    }
    Check::ok("data directory", says)
}

fn not_writable(data: &Path, e: &io::Error) -> Check {
    let says = format!("{} cannot be written: {e}", data.display());
    let todo = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free some space, or set `data` to a larger disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the disk is mounted read-only: mount it writable, or set another `data`"
        }
        _ => {
            "give the user that runs Louver the right to write there (chown), or set another `data` in the settings"
        }
    };
    Check::trouble("data directory", says, todo)
}

fn free_space(space: Space, keep_percent: u8) -> Check {
    let percent = space.free.saturating_mul(100).checked_div(space.total).unwrap_or(0);
    let says = format!("{} of {} are free ({percent} %)", size(space.free), size(space.total));
    if space.free < FULL_BYTES {
        let todo = "free some space at once: as good as nothing can be recorded";
        return Check::trouble("disk space", says, todo);
    }
    if percent < u64::from(keep_percent) {
        let todo = format!(
            "Louver keeps {keep_percent} % free and deletes the oldest recordings until then: free some space or use a larger disk"
        );
        return Check::warning("disk space", says, todo);
    }
    Check::ok("disk space", says)
}

/// Writes and fsyncs a small file three times; the middle time counts.
fn try_writing(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".louver-doctor.{}", std::process::id()));
    let result = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let mut times = [Duration::ZERO; 3];
        for time in &mut times {
            let start = Instant::now();
            file.write_all(&[0x5a; 64 << 10])?;
            file.sync_data()?;
            *time = start.elapsed();
        }
        times.sort_unstable();
        Ok(times[1])
    })();
    let _ = fs::remove_file(&path);
    result
}

/// A warning for file systems that lose or delay what is written; none where nothing is known against it.
fn file_system(place: &Path) -> Option<Check> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let dev = fs::metadata(place).ok()?.dev();
    let kind = kind_of(&mounts, rustix::fs::major(dev), rustix::fs::minor(dev))?;
    let topic = "file system";
    Some(match kind.as_str() {
        "tmpfs" | "ramfs" => Check::warning(
            topic,
            format!("{} lies in memory ({kind}): recordings are gone after a restart", place.display()),
            "set `data` to a folder on a disk",
        ),
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" => Check::warning(
            topic,
            format!("{} is a network share ({kind})", place.display()),
            "the catalogue is not safe on a share, and recording stops when the network does: use a local disk",
        ),
        "vfat" | "exfat" | "msdos" => Check::warning(
            topic,
            format!("{kind} can lose whole files when the power fails and keeps no access rights"),
            "use a disk with ext4, xfs or btrfs",
        ),
        _ => Check::ok(topic, kind),
    })
}

/// File system of a device, from the lines of /proc/self/mountinfo (proc(5)).
fn kind_of(mounts: &str, major: u32, minor: u32) -> Option<String> {
    let device = format!("{major}:{minor}");
    let line = mounts.lines().find(|l| l.split(' ').nth(2) == Some(&device))?;
    line.split_once(" - ")?.1.split(' ').next().map(str::to_owned)
}

/// Bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6)];
    let bytes = bytes as f64;
    match units.into_iter().find(|(_, one)| bytes >= *one) {
        Some((unit, one)) if bytes / one < 10.0 => format!("{:.1} {unit}", bytes / one),
        Some((unit, one)) => format!("{:.0} {unit}", bytes / one),
        None => format!("{:.0} kB", bytes / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn free_space_is_judged_against_what_shall_stay_free() {
        let disk = |free_gb: u64| Space { free: free_gb << 30, total: 1000 << 30 };
        assert_eq!(free_space(disk(500), 10).verdict, Verdict::Ok);
        assert_eq!(free_space(disk(50), 10).verdict, Verdict::Warning);
        assert_eq!(free_space(disk(0), 10).verdict, Verdict::Trouble);
    }

    #[test]
    fn a_file_system_is_found_by_its_device() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                      30 22 0:26 / /tmp rw - tmpfs tmpfs rw\nnonsense\n";
        assert_eq!(kind_of(mounts, 8, 1).as_deref(), Some("ext4"));
        assert_eq!(kind_of(mounts, 0, 26).as_deref(), Some("tmpfs"));
        assert_eq!(kind_of(mounts, 9, 9), None);
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(1_500_000_000), "1.5 GB");
        assert_eq!(size(250_000_000_000), "250 GB");
        assert_eq!(size(3_000), "3 kB");
    }

    #[test]
    fn writing_is_tried_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        try_writing(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
