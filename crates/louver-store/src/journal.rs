//! `events.jsonl`: one line for everything that happens to an event or gap, in the hour folder that it began in, so that
//! retention deletes it with the hour and a rebuild finds it without the catalogue.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use louver_base::{CameraId, Class, EventId, WallTime};
use serde::{Deserialize, Serialize};

use crate::event_state::EventState;
use crate::files::Files;
use crate::layout::hour_of;
use crate::{EventChange, EventRecord, Gap, GapReason, StreamKind};

/// Camera and hour of a journal.
pub(crate) type JournalKey = (CameraId, WallTime);

pub(crate) fn key(camera: &CameraId, start: WallTime) -> JournalKey {
    (camera.clone(), hour_of(start))
}

/// A journal holds an hour of one camera; what lies beyond is left out of a rebuild.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// One line. Fields are only ever added, each with a default; the camera is the folder's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    /// An event begins.
    Start { id: EventId, class: Class, start: WallTime, confidence: f32 },
    /// It changes.
    Change { id: EventId, change: EventChange },
    /// Its still is there.
    Still { id: EventId },
    /// It ends.
    End { id: EventId, end: WallTime },
    /// A gap, or a longer end of it.
    Gap { stream: StreamKind, start: WallTime, end: WallTime, reason: GapReason },
}

impl Line {
    pub(crate) fn start(record: &EventRecord) -> Self {
        Self::Start { id: record.id, class: record.class, start: record.start, confidence: record.confidence }
    }

    pub(crate) fn gap(gap: &Gap) -> Self {
        Self::Gap { stream: gap.stream, start: gap.start, end: gap.end, reason: gap.reason }
    }
}

/// Lines as they go to disk.
pub(crate) fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        // Cannot fail: no maps, no non-text keys, and a NaN is written as null.
        if let Ok(json) = serde_json::to_string(line) {
            text.push_str(&json);
            text.push('\n');
        }
    }
    text
}

/// What a journal tells.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) events: BTreeMap<EventId, EventState>,
    pub(crate) gaps: BTreeMap<(StreamKind, WallTime), Gap>,
    pub(crate) bad_lines: u64,
}

/// Replays a journal. A half-written last line is cut off, so that what is appended next starts a line of its own.
pub(crate) fn read(files: &Files, path: &Path, camera: &CameraId) -> io::Result<Told> {
    let mut bytes = Vec::new();
    File::open(path)?.take(JOURNAL_BYTES_MAX).read_to_end(&mut bytes)?;
    let mut told = Told::default();
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    if whole < bytes.len() {
        told.bad_lines += 1;
        if (bytes.len() as u64) < JOURNAL_BYTES_MAX {
            files.cut(path, whole as u64)?;
        }
    }
    for line in bytes[..whole].split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(line) => tell(&mut told, camera, line),
            Err(_) => told.bad_lines += 1,
        }
    }
    Ok(told)
}

fn tell(told: &mut Told, camera: &CameraId, line: Line) {
    let known = |id: &EventId, then: &mut dyn FnMut(&mut EventState), told: &mut Told| match told
        .events
        .get_mut(id)
    {
        Some(event) => then(event),
        None => told.bad_lines += 1,
    };
    match line {
        Line::Start { id, class, start, confidence } => {
            let record = EventRecord {
                id,
                camera: camera.clone(),
                class,
                start,
                end: None,
                stays: None,
                leaves: None,
                confidence,
                still: false,
                boxes: Vec::new(),
            };
            told.events.insert(id, EventState::new(record));
        }
        Line::Change { id, change } => known(
            &id,
            &mut |e| {
                e.apply(&change);
            },
            told,
        ),
        Line::Still { id } => known(&id, &mut EventState::has_still, told),
        Line::End { id, end } => known(&id, &mut |e| e.finish(end), told),
        Line::Gap { stream, start, end, reason } => {
            let gap = Gap { camera: camera.clone(), stream, start, end, reason };
            told.gaps.insert((stream, start), gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_journal_cut_at_any_byte_tells_everything_up_to_its_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let files = Files::new(Arc::new(crate::disk::RealDisk));
        let camera: CameraId = "gate".parse().unwrap();
        let (id, start) = (EventId::from_random(5), WallTime::from_millis(7));
        let lines = [
            Line::Start { id, class: Class::Animal, start, confidence: 0.25 },
            Line::Change { id, change: EventChange { stays: Some(start), ..EventChange::default() } },
            Line::Still { id },
            Line::End { id, end: WallTime::from_millis(9) },
        ];
        let all = text(&lines);
        for cut in 0..=all.len() {
            std::fs::write(&path, &all[..cut]).unwrap();
            let told = read(&files, &path, &camera).unwrap();
            let whole = all[..cut].matches('\n').count();
            let event = told.events.get(&id).map(|e| &e.record);
            assert_eq!(event.is_some(), whole >= 1, "{cut}");
            assert_eq!(event.is_some_and(|e| e.stays.is_some()), whole >= 2, "{cut}");
            assert_eq!(event.is_some_and(|e| e.still), whole >= 3, "{cut}");
            assert_eq!(event.is_some_and(|e| e.end.is_some()), whole >= 4, "{cut}");
            let left = std::fs::read_to_string(&path).unwrap();
            assert!(left.is_empty() || left.ends_with('\n'), "{cut}");
        }
    }
}
