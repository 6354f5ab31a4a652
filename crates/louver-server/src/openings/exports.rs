//! A manifest for a video of originals: what its maker says is checked against the sealed files and against what was released.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_export::{Base64, Draft, DraftSegment, ManifestError, Segment};
use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger};
use louver_node::sealed_leaf;
use louver_opening::{Granted, Opening};
use louver_vault::{SegmentInfo, Tail};

use super::desk::{Desk, DeskError};
use super::originals::{blocking, files, granted_of, segment_id};
use crate::exports::{Exporter, SignError, SignedManifest};

/// Segments of one export at most: more than a week of a camera.
const SEGMENTS: usize = 4096;
/// So long before a segment began no leaf of it stands, however clocks are set.
const MARGIN: WallSpan = WallSpan::from_hours(24);

/// A segment of the draft, as it is on the disk.
struct Found {
    info: SegmentInfo,
    leaf: Leaf,
    number: Option<u64>,
}

impl From<SignError> for DeskError {
    fn from(e: SignError) -> Self {
        match e {
            SignError::Ledger(e) => Self::Ledger(e),
            SignError::Manifest(e) => Self::Draft(e),
        }
    }
}

impl Desk {
    /// Signs a manifest for what a draft names, if all of it was released to who asks.
    ///
    /// # Errors
    /// [`DeskError`]: nothing was signed, and the ledger was told of no export.
    pub(crate) async fn export(
        &self,
        opening: Arc<Opening>,
        draft: String,
        exporter: Arc<Exporter>,
        now: WallTime,
    ) -> Result<SignedManifest, DeskError> {
        let (dir, ledger) = (self.store().dir().to_owned(), self.ledger().clone());
        // Whoever stops waiting: what the ledger was told is signed.
        Self::whole(blocking(move || {
            let draft = Draft::parse(&draft)?;
            let granted: Vec<_> =
                opening.granted(now).iter().filter(|g| g.camera == draft.camera).cloned().collect();
            let mut found = find(&dir, &draft, &granted)?;
            let request = Digest::from_bytes(*opening.request().hash().as_bytes());
            let released = leaves(&ledger, &mut found, request, &draft.camera)?;
            let span = span(&draft, &found)?;
            let mut segments = Vec::with_capacity(found.len());
            for (found, DraftSegment { fragments, .. }) in found.into_iter().zip(draft.segments) {
                let number = match found.number {
                    Some(number) => number,
                    // It still grows, or its leaf was lost: what is in the file is told now.
                    None => ledger.append_now(&found.leaf)?,
                };
                segments.push(Segment {
                    header: Digest::from_bytes(*found.info.head.hash()),
                    heads: Base64(found.info.heads),
                    proof: exporter.proof(number)?,
                    fragments,
                });
            }
            let released = released.into_iter().map(|leaf| exporter.proof(leaf)).collect::<Result<_, _>>()?;
            let manifest = exporter.masked(draft.camera, span, (draft.bytes, draft.sha256))?;
            Ok(exporter.sign(&manifest.original(request, released, segments))?)
        }))
        .await
    }
}

/// The draft's segments, each with the fragments in it granted, whole and one after the other.
fn find(dir: &Path, draft: &Draft, granted: &[Granted]) -> Result<Vec<Found>, DeskError> {
    if draft.segments.is_empty() || draft.segments.len() > SEGMENTS {
        return Err(DeskError::NotAsReleased("it names no segments, or too many"));
    }
    let mut all: Vec<Found> = Vec::with_capacity(draft.segments.len());
    for (place, segment) in draft.segments.iter().enumerate() {
        let (camera, start) = segment.id.split_once('.').ok_or(DeskError::Unknown)?;
        let start: i64 = start.parse().map_err(|_| DeskError::Unknown)?;
        if camera != draft.camera.as_str() {
            return Err(DeskError::Unknown);
        }
        let (at, until) = (WallTime::from_millis(start), WallTime::from_millis(start.saturating_add(1)));
        let files = files(dir, std::slice::from_ref(&draft.camera), at, until)?;
        let path = files.into_iter().map(|(_, p)| p).find(|p| segment_id(p) == Some(start));
        let mut file = path.and_then(|p| File::open(p).ok()).ok_or(DeskError::Unknown)?;
        let info = SegmentInfo::inspect(&mut file).map_err(|_| DeskError::Unknown)?;
        if matches!(info.tail, Tail::Damaged { .. }) {
            return Err(DeskError::NotAsReleased("a segment was changed on the disk since it was sealed"));
        }
        follow(segment, &info, granted, place + 1 == draft.segments.len(), place == 0)?;
        if all.last().is_some_and(|before| before.info.head.start() >= info.head.start()) {
            return Err(DeskError::NotAsReleased("its segments are not in order"));
        }
        all.push(Found { info, leaf: Leaf::Omitted { leaves: 0 }, number: None });
    }
    Ok(all)
}

/// Whether a segment's fragments are granted and without holes, so that whoever checks can tell that nothing was cut out.
fn follow(
    segment: &DraftSegment,
    info: &SegmentInfo,
    granted: &[Granted],
    is_last: bool,
    is_first: bool,
) -> Result<(), DeskError> {
    let granted = granted_of(info, granted);
    let mut expected = (!is_first).then_some(0);
    for fragment in &segment.fragments {
        if !granted.contains(&fragment.n) {
            return Err(DeskError::Unknown);
        }
        if fragment.blind.0.len() != 32 || expected.is_some_and(|n| n != fragment.n) {
            return Err(DeskError::NotAsReleased("pictures between others are left out"));
        }
        expected = Some(fragment.n + 1);
    }
    let end = info.fragments.len() as u32;
    match expected {
        Some(next) if !segment.fragments.is_empty() && (is_last || next == end) => Ok(()),
        _ => Err(DeskError::NotAsReleased("pictures between others are left out")),
    }
}

/// When the first picture arrived, and the last.
fn span(draft: &Draft, found: &[Found]) -> Result<(WallTime, WallTime), DeskError> {
    let end = |place: Option<(&DraftSegment, &Found)>, last: bool| {
        let (segment, found) = place?;
        let fragment = if last { segment.fragments.last() } else { segment.fragments.first() };
        let sealed = found.info.fragments.get(fragment?.n as usize)?;
        Some(if last { sealed.last } else { sealed.first })
    };
    let first = end(draft.segments.first().zip(found.first()), false);
    let last = end(draft.segments.last().zip(found.last()), true);
    first.zip(last).ok_or(DeskError::Unknown)
}

/// Fills in the segments' leaves and, where they stand in the ledger already, their numbers; gives the numbers of the leaves that released the request.
fn leaves(
    ledger: &Ledger,
    found: &mut [Found],
    request: Digest,
    camera: &CameraId,
) -> Result<Vec<u64>, DeskError> {
    let salt = ledger.salt();
    let tag = salt.camera(camera);
    let mut wanted: BTreeMap<Digest, usize> = BTreeMap::new();
    for (place, found) in found.iter_mut().enumerate() {
        found.leaf = sealed_leaf::recovered(&found.info, salt).ok_or(DeskError::Unknown)?;
        wanted.insert(Digest::from_bytes(*found.info.digest().as_bytes()), place);
    }
    let earliest =
        found.iter().map(|f| f.info.head.start()).min().unwrap_or(WallTime::from_micros(0)) - MARGIN;
    // Also the last ones.
    ledger.publish(ledger.status().size)?;
    let mut released = Vec::new();
    ledger.leaves_back(|number, bytes| {
        let Some(entry) = Leaf::parse(bytes) else { return ControlFlow::Continue(()) };
        match entry.leaf {
            Leaf::Sealed { header, digest, fragments, camera, .. } => {
                if let Some(place) = wanted.get(&digest)
                    && let Leaf::Sealed { header: h, fragments: f, camera: c, .. } = &found[*place].leaf
                    && (*h, *f, *c) == (header, fragments, camera)
                {
                    // The earliest one: the recorder's own, where it wrote one.
                    found[*place].number = Some(number);
                }
            }
            Leaf::OpeningReleased { request: of, cameras, .. } if of == request && cameras.contains(&tag) => {
                released.push(number);
            }
            _ => {}
        }
        if entry.at < earliest { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    released.reverse();
    if released.is_empty() {
        return Err(DeskError::NotAsReleased("that it was released does not stand in this ledger"));
    }
    Ok(released)
}

impl From<ManifestError> for DeskError {
    fn from(e: ManifestError) -> Self {
        Self::Draft(e)
    }
}
