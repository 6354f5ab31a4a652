//! Sealed originals on their way to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_vault::{GROUP_SPAN, Sealed};

use crate::layout::{self, hour_of, hours, recording_path, recordings_in};
use crate::places;
use crate::store::Inner;
use crate::writer::FileWriter;
use crate::{Recording, RecordingId, RecordingKind, StoreError};

/// A sealed segment is at most about that long.
const SEGMENT_SPAN: WallSpan = WallSpan::from_millis(5 * 60_000);
/// No segment reaches further: it may end with a group that goes on for [`GROUP_SPAN`], and its last fragment is shorter than that.
const SEGMENT_LASTS: WallSpan = WallSpan::from_millis(5 * 60_000 + 2 * 10_000);

/// Writes one camera's sealed segments, one write a fragment.
///
/// After any error, and when a call was dropped half-way, the segment is closed as it is (what was written before
/// can still be opened): `begin` another with a header of its own, never the same one.
#[derive(Debug)]
pub struct SealedWriter {
    files: FileWriter,
}

impl SealedWriter {
    pub(crate) fn new(inner: Arc<Inner>, camera: CameraId) -> Self {
        Self { files: FileWriter::new(inner, camera, RecordingKind::Sealed) }
    }

    /// Begins a segment with its header. A segment still open is closed without its end: call `finish` first.
    /// `start`: arrival of the first picture to come.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Io`], [`StoreError::Sync`].
    pub async fn begin(&mut self, header: Sealed, start: WallTime) -> Result<(), StoreError> {
        self.files.begin(start, header.into_bytes()).await?;
        // Without its header nothing of a segment opens, so it is on the disk before the first fragment comes.
        self.files.sync().await
    }

    /// Writes one fragment; it knows its times itself.
    ///
    /// # Errors
    /// [`StoreError::NotBegun`], [`StoreError::DiskFull`], [`StoreError::Io`], [`StoreError::Sync`].
    pub async fn append(&mut self, fragment: Sealed) -> Result<(), StoreError> {
        // `begin` and the fragments before have set the time already if this is none.
        let last = fragment.fragment().map_or(WallTime::from_micros(i64::MIN), |f| f.last);
        self.files.append(fragment.into_bytes(), last).await
    }

    /// Writes the segment's end: its bytes are on the disk when this returns.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn finish(&mut self, end: Sealed) -> Result<Recording, StoreError> {
        self.files.finish(end.into_bytes()).await
    }

    /// Where the open segment lies; `None` if none is open.
    pub fn open_path(&self) -> Option<PathBuf> {
        self.files.open_path()
    }

    /// When the open segment began, for [`rotation_due`]; `None` if none is open.
    pub fn open_since(&self) -> Option<WallTime> {
        self.files.open_since()
    }
}

/// Whether a segment that began at `start` ends before the fragment that begins at `next`, with a key frame or (`!key`) within a group:
/// it is five minutes old, or the hour (UTC) has changed, since every hour has its own keys; or the clock went back. Parts of a group stay
/// with its beginning for [`GROUP_SPAN`]: a segment that began in the middle of one would show nothing until the next.
pub fn rotation_due(start: WallTime, next: WallTime, key: bool) -> bool {
    if next < start {
        return true;
    }
    let next = if key { next } else { (next - GROUP_SPAN).max(start) };
    next - start >= SEGMENT_SPAN || hour_of(start) != hour_of(next)
}

/// Cameras that have sealed files, also those that are in the register no more. Takes no lock.
///
/// # Errors
/// [`StoreError::Io`] when the data directory cannot be read; [`StoreError::Disks`]. A disk of recordings that cannot be read is left out.
pub fn sealed_cameras(dir: &Path) -> Result<Vec<CameraId>, StoreError> {
    cameras_of(dir, &[RecordingKind::Sealed])
}

/// Cameras that have recordings of any kind, likewise.
///
/// # Errors
/// As [`sealed_cameras`].
pub fn recorded_cameras(dir: &Path) -> Result<Vec<CameraId>, StoreError> {
    cameras_of(dir, &RecordingKind::ALL)
}

fn cameras_of(data: &Path, kinds: &[RecordingKind]) -> Result<Vec<CameraId>, StoreError> {
    let mut all = BTreeSet::new();
    for dir in places::folders(data)? {
        for kind in kinds {
            match layout::cameras(&dir, *kind) {
                Err(error) if dir != data => {
                    tracing::error!(disk = %dir.display(), %error, "a disk of recordings cannot be read: look at it");
                }
                found => all.extend(found.map_err(|e| StoreError::io("reading", &dir, e))?),
            }
        }
    }
    Ok(all.into_iter().collect())
}

/// A sealed file, as `louver open` needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Where it lies.
    pub path: PathBuf,
    /// Arrival of its first picture, to the millisecond.
    pub start: WallTime,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Sealed segments that may hold pictures of `from..to`, oldest first: those that start in it and those that start up
/// to an hour before (their fragments tell what they hold). Reads the folders alone: needs no catalogue and
/// takes no lock, so it works beside a running server. One may be moved before it is opened: where a path is not found, ask again.
/// What lies on [disks that are away](crate::disks_away) is left out.
///
/// # Errors
/// [`StoreError::Io`] when the folders cannot be read; a camera without any is an empty list.
pub fn sealed_segments(
    dir: &Path,
    camera: &CameraId,
    from: WallTime,
    to: WallTime,
) -> Result<Vec<SealedSegment>, StoreError> {
    let folders = places::folders(dir)?;
    let mut found = listed(&folders, camera, from, to)?;
    if folders.len() > 1 {
        // One that was moved meanwhile, from a disk that was not looked at yet to one that was, is there by now.
        found.extend(listed(&folders, camera, from, to)?);
        found.retain(|_, segment| segment.path.exists());
    }
    let mut found: Vec<SealedSegment> = found.into_values().collect();
    // What ended before `from` for certain, since the next one had begun by then; where the clock was set back, since none lasts so long.
    let begun_by = |time: WallTime| found.partition_point(|s| s.start <= time);
    let first = begun_by(from).saturating_sub(2).min(begun_by(from - SEGMENT_LASTS));
    Ok(found.split_off(first))
}

fn listed(
    folders: &[PathBuf],
    camera: &CameraId,
    from: WallTime,
    to: WallTime,
) -> Result<BTreeMap<RecordingId, SealedSegment>, StoreError> {
    let kind = RecordingKind::Sealed;
    // A segment never reaches into the next hour by more than `GROUP_SPAN` and one fragment.
    let earliest = hour_of(from) - WallSpan::from_hours(1);
    let mut found = BTreeMap::new();
    for dir in folders {
        let reading = |e| StoreError::io("reading", dir, e);
        for hour in hours(dir, kind, camera).map_err(reading)? {
            if hour.start < earliest || hour.start >= to {
                continue;
            }
            for id in recordings_in(&hour, kind).map_err(reading)? {
                let path = recording_path(dir, kind, camera, id);
                // One that retention took away in between is no error. One that is being moved is on two disks.
                if let Ok(metadata) = std::fs::metadata(&path)
                    && id.start() < to
                {
                    let segment = SealedSegment { path, start: id.start(), bytes: metadata.len() };
                    found.entry(id).or_insert(segment);
                }
            }
        }
    }
    Ok(found)
}
