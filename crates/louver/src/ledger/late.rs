//! Segments whose end the ledger was not told: the last ones before a crash.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use louver_base::{WallSpan, WallTime};
use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Ledger};
use louver_node::sealed_leaf;
use louver_store::{sealed_cameras, sealed_segments};

use crate::error::Error;

/// So long before the last leaf of the run before a segment may have begun whose leaf a crash took. A segment is at most five minutes
/// long, and its leaf is on the disk some milliseconds after its end.
const BEFORE: WallSpan = WallSpan::from_hours(1);
/// Leaves of segments that began after a time stand behind it; clocks are set by less than that.
const MARGIN: WallSpan = WallSpan::from_millis(10 * 60_000);
/// Leaves that are written at once.
const AT_ONCE: usize = 256;

/// Segments that may lack their leaf.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Late {
    files: Vec<PathBuf>,
    told: BTreeSet<Digest>,
}

/// Looks for them, without opening a file. To be called before recording begins: what is written from then on is told when it ends. Waits for the disk.
pub(crate) fn find(ledger: &Ledger, data: &Path) -> Result<Late, Error> {
    let failed = |e| Error::because("the ledger cannot be read", e);
    let before = ledger.opened().size;
    ledger.publish(before).map_err(failed)?;
    let (mut since, mut told) = (None, BTreeSet::new());
    let read = ledger.leaves_back(|number, leaf| {
        let Some(entry) = Leaf::parse(leaf).filter(|_| number < before) else {
            return ControlFlow::Continue(());
        };
        let since = *since.get_or_insert(entry.at - BEFORE);
        if let Leaf::Sealed { header, .. } = entry.leaf {
            told.insert(header);
        }
        if entry.at < since - MARGIN { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    read.map_err(failed)?;
    let since = since.unwrap_or_else(|| WallTime::now() - BEFORE);
    let reading = |e| Error::because("the sealed originals cannot be listed", e);
    let mut files = Vec::new();
    for camera in sealed_cameras(data).map_err(reading)? {
        let segments =
            sealed_segments(data, &camera, since, WallTime::from_micros(i64::MAX)).map_err(reading)?;
        files.extend(segments.into_iter().filter(|s| s.start >= since).map(|s| s.path));
    }
    Ok(Late { files, told })
}

/// Tells the ledger of those that it was not told of. Waits for the disk.
pub(crate) fn tell(ledger: &Ledger, late: &Late) {
    let found = late.files.iter().filter_map(|file| sealed_leaf::recovered_from(file, ledger.salt()));
    let is_late = |leaf: &Leaf| matches!(leaf, Leaf::Sealed { header, .. } if !late.told.contains(header));
    let leaves: Vec<Leaf> = found.filter(is_late).collect();
    for some in leaves.chunks(AT_ONCE) {
        if let Err(e) = ledger.append_all(some) {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                segments = some.len(),
                "segments that the last stop cut off do not stand in the ledger"
            );
            return;
        }
    }
    if !leaves.is_empty() {
        tracing::info!(
            segments = leaves.len(),
            "segments that the last stop cut off stand in the ledger now"
        );
    }
}
