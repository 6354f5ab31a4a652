//! What the ledger is told of segments: of each one when it ends, by who sealed it; of one that was cut off, by who finds it.

use std::fs::File;
use std::path::Path;

use louver_base::CameraId;
use louver_ledger::leaf::Digest;
use louver_ledger::{Leaf, Salt};
use louver_vault::{Finished, Hour, SegmentInfo};

/// Of a segment that ended as it should: what the sealer itself counted.
pub(crate) fn finished(camera: &CameraId, hour: Hour, finished: &Finished, salt: &Salt) -> Leaf {
    Leaf::Sealed {
        camera: salt.camera(camera),
        hour: hour.number(),
        header: Digest::from_bytes(finished.header),
        fragments: finished.fragments,
        digest: Digest::from_bytes(*finished.digest.as_bytes()),
        recovered: false,
    }
}

/// Of a segment as it is in its file: one that a crash or a failed write cut off, or one that still grows. `None` where nothing was sealed in it.
pub fn recovered(info: &SegmentInfo, salt: &Salt) -> Option<Leaf> {
    let fragments = u32::try_from(info.fragments.len()).ok().filter(|count| *count > 0)?;
    Some(Leaf::Sealed {
        camera: salt.camera(info.head.camera()),
        hour: info.head.hour().number(),
        header: Digest::from_bytes(*info.head.hash()),
        fragments,
        digest: Digest::from_bytes(*info.digest().as_bytes()),
        recovered: true,
    })
}

/// The same, read from the file. Reads heads only. `None` also where the file is gone or its header damaged: nothing can be said of it then.
pub fn recovered_from(path: &Path, salt: &Salt) -> Option<Leaf> {
    recovered(&SegmentInfo::inspect(&mut File::open(path).ok()?).ok()?, salt)
}
