//! Which fragments of which files an export needs, from their clear heads.

use std::fs::File;
use std::path::PathBuf;

use louver_base::{WallSpan, WallTime};

use super::Export;
use crate::VaultError;
use crate::error::Available;
use crate::inspect::{Form, FragmentInfo, SegmentInfo, Tail};

/// Two fragments that lie no further apart belong together: the picture before is on show until the next comes.
const TOGETHER: WallSpan = WallSpan::from_millis(10_000);

/// A file and what it holds.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    info: SegmentInfo,
}

/// One fragment to be opened.
#[derive(Clone, Copy)]
pub(super) struct Chosen {
    /// Index into [`Plan::files`].
    pub(super) file: usize,
    pub(super) info: FragmentInfo,
}

pub(super) struct Plan {
    /// By start.
    pub(super) files: Vec<Segment>,
    /// In order; at least one.
    pub(super) fragments: Vec<Chosen>,
    /// Sealed bytes of them.
    pub(super) bytes: u64,
    pub(super) unfinished: Vec<PathBuf>,
}

impl Plan {
    pub(super) fn new(form: Form, job: &Export<'_>) -> Result<Self, VaultError> {
        let (files, mut unfinished) = inspect(form, job)?;
        one_camera(&files)?;
        damage(&files, job)?;
        let all: Vec<Chosen> = (files.iter().enumerate())
            .flat_map(|(file, segment)| {
                segment.info.fragments.iter().map(move |info| Chosen { file, info: *info })
            })
            .collect();
        let fragments = choose(&all, job)?.to_vec();
        let used = |n: usize| fragments.iter().any(|f| f.file == n);
        unfinished.extend(
            (files.iter().enumerate())
                .filter(|(n, segment)| used(*n) && !segment.info.is_finished())
                .map(|(_, segment)| segment.path.clone()),
        );
        let bytes = fragments.iter().map(|f| f.info.bytes).sum();
        Ok(Self { files, fragments, bytes, unfinished })
    }
}

/// All files, by start; and those that end within their header.
fn inspect(form: Form, job: &Export<'_>) -> Result<(Vec<Segment>, Vec<PathBuf>), VaultError> {
    let (mut files, mut unfinished) = (Vec::with_capacity(job.segments.len()), Vec::new());
    for path in job.segments {
        let mut file = File::open(path).map_err(|e| VaultError::OpenFile(e).within(path))?;
        match SegmentInfo::inspect_as(form, &mut file) {
            Ok(info) => files.push(Segment { path: path.clone(), info }),
            Err(VaultError::HeaderCutOff { .. }) => unfinished.push(path.clone()),
            Err(e) => return Err(e.within(path)),
        }
    }
    files.sort_by_key(|segment| segment.info.head.start());
    Ok((files, unfinished))
}

fn one_camera(files: &[Segment]) -> Result<(), VaultError> {
    let id = |segment: &Segment| (segment.info.head.camera().clone(), segment.info.head.site());
    match files.iter().find(|other| id(other) != id(&files[0])) {
        Some(other) => Err(VaultError::MixedCameras {
            one: files[0].info.head.camera().clone(),
            other: other.info.head.camera().clone(),
        }),
        None => Ok(()),
    }
}

/// What a damaged file held behind the damage, up to the next file's start, must not be missed in silence.
fn damage(files: &[Segment], job: &Export<'_>) -> Result<(), VaultError> {
    for (n, segment) in files.iter().enumerate() {
        let Tail::Damaged { fragment, at, what } = segment.info.tail else { continue };
        let lost_from = segment.info.fragments.last().map_or(segment.info.head.start(), |f| f.last);
        let lost_to = files.get(n + 1).map(|next| next.info.head.start());
        if lost_from < job.to && lost_to.is_none_or(|to| to > job.from) {
            return Err(VaultError::Damaged { fragment, at, what }.within(&segment.path));
        }
    }
    Ok(())
}

/// The stretch from the key frame at or before the start to the last fragment of the range. What lies between is taken
/// whole even where the recorder's clock was set meanwhile: later pictures depend on it.
fn choose<'a>(all: &'a [Chosen], job: &Export<'_>) -> Result<&'a [Chosen], VaultError> {
    let on_show = |n: usize| {
        let info = &all[n].info;
        let until = all.get(n + 1).map(|next| next.info.first).filter(|next| near(info.last, *next));
        let reaches = info.last >= job.from || until.is_some_and(|until| until > job.from);
        reaches && info.first < job.to
    };
    let Some(first) = (0..all.len()).find(|n| on_show(*n)) else {
        let there = match (all.iter().map(|f| f.info.first).min(), all.iter().map(|f| f.info.last).max()) {
            (Some(first), Some(last)) => Available::Between(first, last),
            _ => Available::Nothing,
        };
        return Err(VaultError::NothingInRange { from: job.from, to: job.to, there });
    };
    let last = (first..all.len()).rev().find(|n| on_show(*n)).unwrap_or(first);
    let start = key_at_or_before(all, first).or_else(|| (first..=last).find(|n| all[*n].info.key));
    start.map(|start| &all[start..=last]).ok_or(VaultError::NoKeyFrame { from: job.from, to: job.to })
}

/// A group without a key frame continues the one before it: within a file always, across files when they are near.
fn key_at_or_before(all: &[Chosen], mut n: usize) -> Option<usize> {
    while !all[n].info.key {
        let before = n.checked_sub(1)?;
        // Of pieces some may be missing in between.
        let next_in_file =
            all[before].file == all[n].file && all[before].info.sequence + 1 == all[n].info.sequence;
        let across = all[before].file != all[n].file && near(all[before].info.last, all[n].info.first);
        let continues = next_in_file || across;
        n = continues.then_some(before)?;
    }
    Some(n)
}

fn near(last: WallTime, next: WallTime) -> bool {
    (next - last).micros().unsigned_abs() <= TOGETHER.micros().unsigned_abs()
}
