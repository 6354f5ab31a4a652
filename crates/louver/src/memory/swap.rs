//! Where this machine swaps to.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Swap that keeps what was in memory readable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Swap {
    /// Partitions and files, as /proc/swaps names them; zram and encrypted ones are not among them.
    pub(super) disks: Vec<String>,
}

impl Swap {
    /// What /proc/swaps lists; `None` if it cannot be read. A kernel without swap has no such file and no swap.
    pub(super) fn of_this_machine() -> Option<Self> {
        match fs::read_to_string("/proc/swaps") {
            Ok(list) => Some(Self::from_list(&list, |path| !kept_from_readers(path, Path::new("/sys")))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && Path::new("/proc/self").exists() => {
                Some(Self::default())
            }
            Err(_) => None,
        }
    }

    fn from_list(list: &str, readable: impl Fn(&str) -> bool) -> Self {
        let names = list.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().next());
        Self { disks: names.map(plain).filter(|name| readable(name)).collect() }
    }
}

/// The kernel writes blanks in names as `\040`, and `\040(deleted)` behind a swap file that has lost its name.
fn plain(name: &str) -> String {
    name.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

/// Whether the swap at `path` is memory itself or encrypted. Whatever cannot be told is not.
fn kept_from_readers(path: &str, sys: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    let device = if file.file_type().is_block_device() { file.rdev() } else { file.dev() };
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    is_memory_or_encrypted(&sys.join("dev/block").join(number), 0)
}

/// Devices stacked deeper than this are taken for plain disks.
const DEEPEST: usize = 8;

/// A block device's folder in sysfs: zram without a disk behind it, dm-crypt, or something that lies on such devices alone
/// (a logical volume).
fn is_memory_or_encrypted(device: &Path, depth: usize) -> bool {
    let read = |name: &str| fs::read_to_string(device.join(name)).ok();
    let real = fs::canonicalize(device).unwrap_or_else(|_| device.to_path_buf());
    if real.file_name().is_some_and(|n| n.to_string_lossy().starts_with("zram")) {
        // A kernel built without write-back has no such file.
        return read("backing_dev").is_none_or(|disk| disk.trim() == "none");
    }
    if read("dm/uuid").is_some_and(|uuid| uuid.starts_with("CRYPT-")) {
        return true;
    }
    let below: Vec<_> = fs::read_dir(device.join("slaves")).into_iter().flatten().flatten().collect();
    depth < DEEPEST && !below.is_empty() && below.iter().all(|d| is_memory_or_encrypted(&d.path(), depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_readable_swap_is_named_and_the_others_are_not() {
        let list = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                    /dev/sda2                               partition\t999420\t\t0\t\t-2\n\
                    /dev/zram0                              partition\t999420\t\t0\t\t100\n\
                    /my\\040swap\\040file                    file\t\t1024\t\t0\t\t-3\n";
        let swap = Swap::from_list(list, |name| !name.contains("zram"));
        assert_eq!(swap.disks, ["/dev/sda2", "/my swap file"]);
        assert_eq!(Swap::from_list("Filename Type Size Used Priority\n", |_| true), Swap::default());
        assert_eq!(Swap::from_list("", |_| true), Swap::default());
    }

    fn device(sys: &Path, name: &str, files: &[(&str, &str)], below: &[&str]) -> std::path::PathBuf {
        let folder = sys.join(name);
        fs::create_dir_all(folder.join("slaves")).unwrap();
        for (file, text) in files {
            fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            fs::write(folder.join(file), text).unwrap();
        }
        for other in below {
            std::os::unix::fs::symlink(sys.join(other), folder.join("slaves").join(other)).unwrap();
        }
        folder
    }

    #[test]
    fn zram_counts_as_memory_unless_it_writes_back_to_a_disk() {
        let sys = tempfile::tempdir().unwrap();
        let zram = |name, backing| is_memory_or_encrypted(&device(sys.path(), name, backing, &[]), 0);
        assert!(zram("zram0", &[]));
        assert!(zram("zram1", &[("backing_dev", "none\n")]));
        assert!(!zram("zram2", &[("backing_dev", "/dev/sda3\n")]));
    }

    #[test]
    fn a_volume_is_encrypted_if_all_that_it_lies_on_is() {
        let sys = tempfile::tempdir().unwrap();
        device(sys.path(), "dm-0", &[("dm/uuid", "CRYPT-LUKS2-abc\n")], &["sda2"]);
        device(sys.path(), "sda2", &[], &[]);
        let on_crypt = device(sys.path(), "dm-1", &[("dm/uuid", "LVM-abc\n")], &["dm-0"]);
        let on_both = device(sys.path(), "dm-2", &[("dm/uuid", "LVM-def\n")], &["dm-0", "sda2"]);
        let round = device(sys.path(), "dm-3", &[("dm/uuid", "LVM-ghi\n")], &["dm-3"]);
        assert!(is_memory_or_encrypted(&sys.path().join("dm-0"), 0));
        assert!(is_memory_or_encrypted(&on_crypt, 0));
        assert!(!is_memory_or_encrypted(&on_both, 0));
        assert!(!is_memory_or_encrypted(&sys.path().join("sda2"), 0));
        assert!(!is_memory_or_encrypted(&round, 0));
        assert!(!is_memory_or_encrypted(&sys.path().join("none"), 0));
    }

    #[test]
    fn a_swap_that_cannot_be_looked_at_is_taken_for_a_readable_one() {
        assert!(!kept_from_readers("/dev/no-such-device", Path::new("/sys")));
    }
}
