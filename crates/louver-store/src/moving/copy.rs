//! Copying a recording to another disk, at a pace, until it is whole or somebody wants it to end.

use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::files::Files;
use crate::recovery::same_bytes;

/// Ends the name of a copy that is not whole.
pub(crate) const PART: &str = "moving";
/// Copied at once.
const CHUNK: usize = 1 << 20;
/// The longest sleep of a copy that keeps to a pace: so soon it ends when asked to.
const NAP: Duration = Duration::from_millis(50);

/// What a copy is told while it goes on.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// End.
    ends: AtomicBool,
    /// A full disk waits: keep to no pace.
    pub(crate) hurry: AtomicBool,
}

impl Wishes {
    /// Every copy ends within a moment from now on.
    pub(super) fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }
}

/// What a copy does within its time.
pub(super) struct Pace<'a> {
    began: Instant,
    per_second: Option<NonZeroU64>,
    /// Read and written since.
    bytes: u64,
    wishes: &'a Wishes,
}

impl<'a> Pace<'a> {
    /// Each recording has its own: what waited before it, or for the catalogue, is not caught up at full speed.
    pub(super) fn begin(per_second: Option<NonZeroU64>, wishes: &'a Wishes) -> Self {
        Self { began: Instant::now(), per_second, bytes: 0, wishes }
    }

    /// Waits until so many bytes more are not too many for the time; `false` if it is to end.
    fn keep(&mut self, bytes: usize) -> bool {
        self.bytes += bytes as u64;
        let due = self.per_second.map_or(Duration::ZERO, |per_second| {
            Duration::from_secs_f64(self.bytes as f64 / per_second.get() as f64)
        });
        loop {
            if self.wishes.has_ended() {
                return false;
            }
            match due.checked_sub(self.began.elapsed()).filter(|left| !left.is_zero()) {
                Some(left) if !self.wishes.hurry.load(Ordering::Relaxed) => thread::sleep(left.min(NAP)),
                _ => return true,
            }
        }
    }
}

/// What became of a copy.
pub(super) enum Copied {
    /// It is whole and on the disk, and has no name yet.
    Whole { bytes: u64 },
    /// What was to be copied is gone.
    Gone,
    /// What was to be copied cannot be read.
    Unreadable(io::Error),
    /// Another file has its name.
    Other,
    /// It was to end.
    Ended,
}

/// Copies a file; the copy is deleted unless it is whole and on the disk. Begins nothing where another file has the name that it is to get; a
/// copy of the same bytes (of a move that was broken off) may.
pub(super) fn copy(
    files: &Files,
    [from, part, to]: [&Path; 3],
    pace: &mut Pace<'_>,
) -> Result<Copied, StoreError> {
    let mut source = match File::open(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Copied::Gone),
        Err(e) => return Ok(Copied::Unreadable(e)),
        Ok(file) => file,
    };
    if to.symlink_metadata().is_ok() {
        // Where it cannot be told, it is another.
        let same = same_bytes(from, to, |bytes| pace.keep(bytes)).unwrap_or(false);
        if pace.wishes.has_ended() {
            return Ok(Copied::Ended);
        }
        if !same {
            return Ok(Copied::Other);
        }
    }
    let copy = files.part(part)?;
    let copied = (|| {
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(Copied::Unreadable(e)),
            };
            let chunk = chunk.get(..read).unwrap_or_default();
            copy.write(chunk).map_err(|e| StoreError::io("writing", part, e))?;
            bytes += read as u64;
            if !pace.keep(read) {
                return Ok(Copied::Ended);
            }
        }
        copy.sync().map_err(|source| StoreError::Sync { path: part.to_owned(), bytes, source })?;
        Ok(Copied::Whole { bytes })
    })();
    if !matches!(copied, Ok(Copied::Whole { .. })) {
        let _ = files.remove(part);
    }
    copied
}
