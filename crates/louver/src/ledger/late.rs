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
    told: Told,
}

/// What the ledger was told of segments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// Headers of those that ended as they should.
    ended: BTreeSet<Digest>,
    /// Digests of those that were read from the disk: an export tells of a segment that still grows, and then it grew.
    read: BTreeSet<Digest>,
}

impl Told {
    fn hear(&mut self, leaf: &Leaf) {
        match leaf {
            Leaf::Sealed { digest, recovered: true, .. } => self.read.insert(*digest),
            Leaf::Sealed { header, .. } => self.ended.insert(*header),
            _ => false,
        };
    }

    fn lacks(&self, leaf: &Leaf) -> bool {
        matches!(leaf, Leaf::Sealed { header, digest, .. } if !self.ended.contains(header) && !self.read.contains(digest))
    }
}

/// Looks for them, without opening a file. To be called before recording begins: what is written from then on is told when it ends. Waits for the disk.
pub(crate) fn find(ledger: &Ledger, data: &Path) -> Result<Late, Error> {
    let failed = |e| Error::because("the ledger cannot be read", e);
    let before = ledger.opened().size;
    ledger.publish(before).map_err(failed)?;
    let (mut since, mut told) = (None, Told::default());
    let read = ledger.leaves_back(|number, leaf| {
        let Some(entry) = Leaf::parse(leaf).filter(|_| number < before) else {
            return ControlFlow::Continue(());
        };
        let since = *since.get_or_insert(entry.at - BEFORE);
        told.hear(&entry.leaf);
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
    let leaves: Vec<Leaf> = found.filter(|leaf| late.told.lacks(leaf)).collect();
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

#[cfg(test)]
mod tests {
    use louver_ledger::Salt;

    use super::*;

    fn sealed(fragments: u32, recovered: bool) -> Leaf {
        Leaf::Sealed {
            camera: Salt::new(&[7; 32]).camera(&"gate".parse().unwrap()),
            hour: 1,
            header: Digest::of(b"header"),
            fragments,
            digest: Digest::of(&fragments.to_be_bytes()),
            recovered,
        }
    }

    #[test]
    fn the_leaf_of_a_part_that_was_exported_does_not_stand_for_what_grew_behind_it() {
        let mut told = Told::default();
        told.hear(&sealed(4, true));
        assert!(told.lacks(&sealed(9, true)), "the rest of the segment was cut off by a crash");
        assert!(!told.lacks(&sealed(4, true)), "nothing grew");
        told.hear(&sealed(9, true));
        assert!(!told.lacks(&sealed(9, true)), "the start before this one told it");
    }

    #[test]
    fn a_segment_that_ended_as_it_should_is_not_told_again_whatever_became_of_its_file() {
        let mut told = Told::default();
        told.hear(&sealed(9, false));
        assert!(!told.lacks(&sealed(9, true)) && !told.lacks(&sealed(4, true)));
    }
}
