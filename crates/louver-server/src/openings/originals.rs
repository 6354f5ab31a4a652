//! The sealed files behind a request: whom they were sealed for, and their bytes. Nothing here needs or has a key.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use louver_base::{CameraId, WallTime};
use louver_opening::{Granted, Opening, PartyId, Request};
use louver_store::sealed_segments;
use louver_vault::{FragmentInfo, HolderId, SegmentHead, SegmentInfo};

use super::desk::{Desk, DeskError, Item};

/// Segments that one request can be about: 31 days of 32 cameras have more, and are asked for in parts.
const SEGMENTS: usize = 20_000;
/// Bytes of one answer with fragments.
pub(crate) const ANSWER: u64 = 64 << 20;

/// Whom something was sealed for.
pub(super) struct SealedFor {
    pub(super) needed: u8,
    pub(super) holders: Vec<HolderId>,
}

/// An epoch that a holder can help to open.
pub(crate) struct EpochOffer {
    pub(crate) camera: CameraId,
    pub(crate) hour: i64,
    pub(crate) epoch: String,
    pub(crate) hash: [u8; 32],
    pub(crate) file: Vec<u8>,
}

/// A segment of which something is granted.
pub(crate) struct SegmentEntry {
    pub(crate) id: String,
    pub(crate) camera: CameraId,
    pub(crate) header: Vec<u8>,
    pub(crate) fragments: Vec<FragmentEntry>,
}

/// A fragment of it.
pub(crate) struct FragmentEntry {
    pub(crate) n: u32,
    pub(crate) bytes: u64,
    pub(crate) first: WallTime,
    pub(crate) last: WallTime,
    pub(crate) key: bool,
}

/// Files of these cameras that may hold pictures of a time, with the camera.
pub(super) fn files(
    dir: &std::path::Path,
    cameras: &[CameraId],
    from: WallTime,
    to: WallTime,
) -> Result<Vec<(CameraId, PathBuf)>, DeskError> {
    let mut found = Vec::new();
    for camera in cameras {
        let segments = sealed_segments(dir, camera, from, to)?;
        found.extend(segments.into_iter().map(|s| (camera.clone(), s.path)));
        if found.len() > SEGMENTS {
            let why = "that is too much for one request: ask for fewer cameras or a shorter time";
            return Err(louver_opening::Refused::Field { field: "to", why }.into());
        }
    }
    Ok(found)
}

/// A header, if the file is there and has one: retention may take it away in between, and a damaged one opens nothing.
fn head(path: &std::path::Path) -> Option<SegmentHead> {
    SegmentHead::read(&mut File::open(path).ok()?).ok()
}

/// Whether a segment has a picture of that time or of a later one: its neighbour that was sealed for other holders is no part of a request.
fn reaches(path: &std::path::Path, from: WallTime) -> bool {
    let info = File::open(path).ok().and_then(|mut file| SegmentInfo::inspect(&mut file).ok());
    info.is_some_and(|info| info.fragments.last().is_some_and(|f| f.last >= from))
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeskError> + Send + 'static,
) -> Result<T, DeskError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}

/// The end of a file's name that is a segment's id: milliseconds since 1970.
pub(super) fn segment_id(path: &std::path::Path) -> Option<i64> {
    path.file_stem()?.to_str()?.parse().ok()
}

impl Desk {
    pub(super) async fn sealed_for(&self, request: &Request) -> Result<SealedFor, DeskError> {
        let (dir, cameras) = (self.store().dir().to_owned(), request.cameras().to_vec());
        let (from, to) = (request.from(), request.to());
        blocking(move || {
            let mut sealed: Option<SealedFor> = None;
            for (_, path) in files(&dir, &cameras, from, to)? {
                let Some(head) = head(&path) else { continue };
                if head.start() < from && !reaches(&path, from) {
                    continue;
                }
                let keys = head.keys();
                let holders: Vec<HolderId> = keys.shares().iter().map(|s| s.holder).collect();
                match &sealed {
                    None => sealed = Some(SealedFor { needed: keys.needed(), holders }),
                    Some(one) if one.needed == keys.needed() && one.holders == holders => {}
                    Some(_) => return Err(DeskError::TwoSets(head.start())),
                }
            }
            sealed.ok_or(DeskError::NothingThere)
        })
        .await
    }

    /// Every epoch of the request, with this holder's share.
    pub(crate) async fn epochs(&self, item: &Item, holder: &PartyId) -> Result<Vec<EpochOffer>, DeskError> {
        let (dir, holder) = (self.store().dir().to_owned(), holder.to_string());
        let request = item.opening.request();
        let (cameras, from, to) = (request.cameras().to_vec(), request.from(), request.to());
        blocking(move || {
            let mut offers: Vec<EpochOffer> = Vec::new();
            for (camera, path) in files(&dir, &cameras, from, to)? {
                let Some(head) = head(&path) else { continue };
                let (keys, epoch) = (head.keys(), head.keys().epoch().to_string());
                if offers.iter().rev().any(|o| o.epoch == epoch)
                    || head.start() < from && !reaches(&path, from)
                {
                    continue;
                }
                let Some(share) = keys.shares().iter().find(|s| s.holder.to_string() == holder) else {
                    continue;
                };
                let hour = head.hour().number();
                offers.push(EpochOffer { camera, hour, epoch, hash: share.hash, file: share.file.to_vec() });
            }
            Ok(offers)
        })
        .await
    }

    /// Segments of which something is granted now.
    pub(crate) async fn segments(
        &self,
        opening: &Opening,
        now: WallTime,
    ) -> Result<Vec<SegmentEntry>, DeskError> {
        let (dir, granted) = (self.store().dir().to_owned(), opening.granted(now).to_vec());
        blocking(move || {
            let mut found: Vec<SegmentEntry> = Vec::new();
            for grant in &granted {
                let (from, to) = (WallTime::from_millis(grant.from_ms), WallTime::from_millis(grant.to_ms));
                for (camera, path) in files(&dir, std::slice::from_ref(&grant.camera), from, to)? {
                    let Some(id) = segment_id(&path).map(|n| format!("{camera}.{n}")) else { continue };
                    let Some(entry) = entry(&path, id, camera, from, to) else { continue };
                    match found.iter_mut().find(|s| s.id == entry.id) {
                        // Two times of one segment.
                        Some(there) => there.fragments.extend(entry.fragments),
                        None => found.push(entry),
                    }
                }
            }
            for segment in &mut found {
                segment.fragments.sort_by_key(|f| f.n);
                segment.fragments.dedup_by_key(|f| f.n);
            }
            Ok(found)
        })
        .await
    }

    /// Fragments `first` to `last` of a granted segment as they stand in the file, with the times of the first and last picture.
    pub(crate) async fn fragments(
        &self,
        opening: &Opening,
        segment: &str,
        (first, last): (u32, u32),
        now: WallTime,
    ) -> Result<(CameraId, WallTime, WallTime, Bytes), DeskError> {
        let (camera, number) = segment.split_once('.').ok_or(DeskError::Unknown)?;
        let camera: CameraId = camera.parse().map_err(|_| DeskError::Unknown)?;
        let start: i64 = number.parse().map_err(|_| DeskError::Unknown)?;
        let granted: Vec<_> = opening.granted(now).iter().filter(|g| g.camera == camera).cloned().collect();
        let dir = self.store().dir().to_owned();
        blocking(move || {
            let at = WallTime::from_millis(start);
            let until = WallTime::from_millis(start.saturating_add(1));
            let files = files(&dir, std::slice::from_ref(&camera), at, until)?;
            let path = files.into_iter().map(|(_, p)| p).find(|p| segment_id(p) == Some(start));
            let path = path.ok_or(DeskError::Unknown)?;
            let mut file = File::open(&path).map_err(|_| DeskError::Unknown)?;
            let info = SegmentInfo::inspect(&mut file).map_err(|_| DeskError::Unknown)?;
            let wanted = info.fragments.get(first as usize..=last as usize).ok_or(DeskError::Unknown)?;
            let (Some(head), Some(tail)) = (wanted.first(), wanted.last()) else {
                return Err(DeskError::Unknown);
            };
            if tail.end() - head.at > ANSWER.max(head.bytes) {
                return Err(DeskError::Unknown);
            }
            let granted = granted_of(&info, &granted);
            // What was not granted is not there.
            if !wanted.iter().all(|f| granted.contains(&f.sequence)) {
                return Err(DeskError::Unknown);
            }
            let mut bytes = vec![0; (tail.end() - head.at) as usize];
            let read = file.seek(SeekFrom::Start(head.at)).and_then(|_| file.read_exact(&mut bytes));
            read.map_err(|_| DeskError::Unknown)?;
            Ok((camera, head.first, tail.last, bytes.into()))
        })
        .await
    }
}

/// The fragments of a segment that belong to a time.
fn within(info: &SegmentInfo, from: WallTime, to: WallTime) -> impl Iterator<Item = &FragmentInfo> {
    louver_vault::within(&info.fragments, from, to).into_iter().filter_map(|n| info.fragments.get(n as usize))
}

/// Numbers of the fragments of a segment that are granted.
pub(super) fn granted_of(info: &SegmentInfo, granted: &[Granted]) -> HashSet<u32> {
    let times = granted.iter().map(|g| (WallTime::from_millis(g.from_ms), WallTime::from_millis(g.to_ms)));
    times.flat_map(|(from, to)| louver_vault::within(&info.fragments, from, to)).collect()
}

fn entry(
    path: &std::path::Path,
    id: String,
    camera: CameraId,
    from: WallTime,
    to: WallTime,
) -> Option<SegmentEntry> {
    let mut file = File::open(path).ok()?;
    let info = SegmentInfo::inspect(&mut file).ok()?;
    let fragments = within(&info, from, to).map(|f| FragmentEntry {
        n: f.sequence,
        bytes: f.bytes,
        first: f.first,
        last: f.last,
        key: f.key,
    });
    let fragments: Vec<_> = fragments.collect();
    if fragments.is_empty() {
        return None;
    }
    let mut header = vec![0; info.head.bytes() as usize];
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut header)).ok()?;
    Some(SegmentEntry { id, camera, header, fragments })
}
