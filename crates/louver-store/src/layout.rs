//! Where things lie in the data directory; names are the only thing a rebuild needs besides the files' bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use louver_base::{CameraId, EventId, WallTime};

use crate::{RecordingId, RecordingKind};

pub(crate) const DATABASE: &str = "louver.db";
/// Hour secrets (louver-vault); in no backup.
pub(crate) const KEY_RING: &str = "keyring";
/// Hours whose secrets are destroyed and that nobody has been told of.
pub(crate) const DESTROYED: &str = "destroyed";
pub(crate) const JOURNAL: &str = "events.jsonl";
pub(crate) const HOUR_US: i64 = 3_600_000_000;

/// Last millisecond that a folder is named for (the year 9999); clocks that lie beyond it share its folder.
const LAST_MS: i64 = 253_370_764_800_000;

/// Start of the hour (UTC) that `at` lies in.
pub(crate) fn hour_of(at: WallTime) -> WallTime {
    WallTime::from_micros(at.micros().div_euclid(HOUR_US).saturating_mul(HOUR_US))
}

/// `DIR/masked/CAMERA`.
pub(crate) fn camera_folder(dir: &Path, kind: RecordingKind, camera: &CameraId) -> PathBuf {
    dir.join(kind.folder()).join(camera.as_str())
}

/// `DIR/masked/CAMERA/2026-03-01/09`, in UTC.
pub(crate) fn hour_folder(dir: &Path, kind: RecordingKind, camera: &CameraId, at: WallTime) -> PathBuf {
    let at = Timestamp::from_millisecond(at.millis().clamp(0, LAST_MS)).unwrap_or(Timestamp::UNIX_EPOCH);
    camera_folder(dir, kind, camera).join(at.strftime("%Y-%m-%d/%H").to_string())
}

/// The name that a recording starting at `at` gets if it is free.
pub(crate) fn id_at(at: WallTime) -> RecordingId {
    RecordingId(at.millis().clamp(0, LAST_MS))
}

pub(crate) fn recording_path(dir: &Path, kind: RecordingKind, camera: &CameraId, id: RecordingId) -> PathBuf {
    hour_folder(dir, kind, camera, id.start()).join(format!("{}.{}", id.0, kind.extension()))
}

pub(crate) fn journal_path(dir: &Path, camera: &CameraId, at: WallTime) -> PathBuf {
    hour_folder(dir, RecordingKind::Masked, camera, at).join(JOURNAL)
}

pub(crate) fn still_path(dir: &Path, camera: &CameraId, start: WallTime, id: EventId) -> PathBuf {
    hour_folder(dir, RecordingKind::Masked, camera, start).join(format!("{id}.jpg"))
}

/// One `CAMERA/DAY/HOUR` folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HourFolder {
    pub(crate) start: WallTime,
    pub(crate) path: PathBuf,
}

/// Cameras that have a folder; anything that is not named like a camera is left alone.
pub(crate) fn cameras(dir: &Path, kind: RecordingKind) -> io::Result<Vec<CameraId>> {
    let names = names_in(&dir.join(kind.folder()))?;
    Ok(names.iter().filter_map(|n| n.parse().ok()).collect())
}

/// The camera's hour folders, oldest first.
pub(crate) fn hours(dir: &Path, kind: RecordingKind, camera: &CameraId) -> io::Result<Vec<HourFolder>> {
    let mut found = Vec::new();
    let folder = camera_folder(dir, kind, camera);
    for day in names_in(&folder)? {
        let Ok(midnight) = format!("{day}T00:00:00Z").parse::<Timestamp>() else { continue };
        for hour in names_in(&folder.join(&day))? {
            let in_day = hour.parse::<i64>().ok().filter(|h| (0..24).contains(h) && hour.len() == 2);
            if let Some(h) = in_day {
                let start = WallTime::from_millis(midnight.as_millisecond() + h * HOUR_US / 1000);
                found.push(HourFolder { start, path: folder.join(&day).join(&hour) });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Recordings in one hour folder, oldest first. A file that stands in the wrong folder could not be found again by
/// its name, so it is not one.
pub(crate) fn recordings_in(folder: &HourFolder, kind: RecordingKind) -> io::Result<Vec<RecordingId>> {
    let mut found: Vec<_> = names_in(&folder.path)?
        .iter()
        .filter_map(|name| {
            let digits = name.strip_suffix(kind.extension())?.strip_suffix('.')?;
            let id = RecordingId(digits.parse().ok()?);
            (digits == id.0.to_string() && hour_of(id.start()) == folder.start).then_some(id)
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Stills in one hour folder.
pub(crate) fn stills_in(folder: &HourFolder) -> io::Result<Vec<(EventId, PathBuf)>> {
    let names = names_in(&folder.path)?;
    let still = |name: &String| Some((name.strip_suffix(".jpg")?.parse().ok()?, folder.path.join(name)));
    Ok(names.iter().filter_map(still).collect())
}

/// Names in a folder; a folder that is not there (any more) has none.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_says_the_hour_in_utc() {
        let camera: CameraId = "gate".parse().unwrap();
        let path =
            recording_path(Path::new("d"), RecordingKind::Masked, &camera, RecordingId(1_772_355_599_999));
        assert_eq!(path, Path::new("d/masked/gate/2026-03-01/08/1772355599999.mp4"));
    }

    proptest! {
        #[test]
        fn a_recording_is_found_again_by_its_name_whatever_the_clock_said(us: i64) {
            let dir = tempfile::tempdir().unwrap();
            let camera: CameraId = "gate".parse().unwrap();
            let id = id_at(WallTime::from_micros(us));
            let path = recording_path(dir.path(), RecordingKind::Sealed, &camera, id);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, b"").unwrap();
            fs::write(path.with_extension("tmp"), b"").unwrap();
            let hours = hours(dir.path(), RecordingKind::Sealed, &camera).unwrap();
            prop_assert_eq!(hours.len(), 1);
            prop_assert_eq!(recordings_in(&hours[0], RecordingKind::Sealed).unwrap(), vec![id]);
            prop_assert_eq!(recordings_in(&hours[0], RecordingKind::Masked).unwrap(), vec![]);
            prop_assert_eq!(recordings_in(&hours[0], RecordingKind::Scene).unwrap(), vec![]);
        }
    }
}
