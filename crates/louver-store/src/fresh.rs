//! What the catalogue does not have yet: files being written, events going on, gaps just noted. Queries lay it over the
//! catalogue's rows, so that a row is never older than a few seconds and nobody sees that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use louver_base::{CameraId, EventId, WallTime};

use crate::event_state::EventState;
use crate::journal::{JournalKey, Line};
use crate::{Gap, RecordingId, RecordingKind, StreamKind};

pub(crate) type RecordingKey = (CameraId, RecordingKind, RecordingId);
pub(crate) type GapKey = (CameraId, StreamKind, WallTime);

/// A file as the index sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The disk it lies on.
    pub(crate) disk: i64,
    pub(crate) end: WallTime,
    pub(crate) bytes: u64,
    pub(crate) state: FileState,
    /// Counts changes, so that a flush knows whether what it wrote is still the truth.
    pub(crate) change: u64,
    pub(crate) dirty: bool,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileState {
    /// A writer has it.
    Writing,
    /// Its writer failed or was dropped: the next start looks through it.
    Abandoned,
    /// Whole, and on the disk.
    Finished,
}

/// Lines that could not be written yet, at most; further ones are lost to a rebuild, not to the catalogue.
const UNWRITTEN_MAX: usize = 20_000;

/// Everything that is in memory alone.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    pub(crate) recordings: BTreeMap<RecordingKey, Entry>,
    /// Files that a writer has open, also those without a fragment yet.
    pub(crate) open: BTreeSet<RecordingKey>,
    pub(crate) events: HashMap<EventId, EventState>,
    pub(crate) gaps: BTreeMap<GapKey, Gap>,
    /// Journal lines to write with the next flush.
    unwritten: BTreeMap<JournalKey, Vec<Line>>,
    unwritten_count: usize,
}

impl Fresh {
    pub(crate) fn change_recording(
        &mut self,
        key: &RecordingKey,
        (disk, end, bytes): (i64, WallTime, u64),
        state: FileState,
    ) {
        match self.recordings.get_mut(key) {
            Some(entry) => {
                *entry = Entry {
                    disk,
                    end: entry.end.max(end),
                    bytes,
                    state,
                    change: entry.change + 1,
                    dirty: true,
                };
            }
            None => {
                self.recordings
                    .insert(key.clone(), Entry { disk, end, bytes, state, change: 0, dirty: true });
            }
        }
    }

    /// A flush has written `snapshot`: what did not change since and is not being written can go.
    pub(crate) fn flushed(&mut self, snapshot: &[(RecordingKey, Entry)]) {
        for (key, written) in snapshot {
            if let Some(entry) = self.recordings.get_mut(key)
                && entry.change == written.change
            {
                entry.dirty = false;
                if entry.state != FileState::Writing {
                    self.recordings.remove(key);
                }
            }
        }
    }

    pub(crate) fn journal(&mut self, key: JournalKey, line: Line) {
        if self.unwritten_count < UNWRITTEN_MAX {
            self.unwritten_count += 1;
            self.unwritten.entry(key).or_default().push(line);
        }
    }

    pub(crate) fn take_unwritten(&mut self) -> BTreeMap<JournalKey, Vec<Line>> {
        self.unwritten_count = 0;
        std::mem::take(&mut self.unwritten)
    }

    /// Lines that could not be written come back, before those noted since.
    pub(crate) fn give_back(&mut self, key: JournalKey, mut lines: Vec<Line>) {
        self.unwritten_count += lines.len();
        let later = self.unwritten.entry(key).or_default();
        lines.append(later);
        *later = lines;
    }
}
