//! Following a stream: which record applies to which state.

use std::sync::Arc;

use bytes::Bytes;

use super::header::{HEADER, Header};
use super::record::{DELTA, FULL, Record};
use super::state::State;
use super::wire::{Boxed, boxes};

/// A reader's place in a stream.
#[derive(Debug, Default)]
pub(super) struct Follower {
    header: Option<Arc<Header>>,
    /// None before the first full record, and after one that was lost.
    state: Option<State>,
}

/// What a box did.
#[derive(Debug)]
pub(super) enum Step {
    /// A stream began: what was known is forgotten.
    Began,
    /// The state is now another.
    Applied(Record),
    /// Not for this reader, or damaged.
    Skipped,
}

impl Follower {
    pub(super) fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    pub(super) fn take(&mut self, part: &Boxed) -> Step {
        match part.kind {
            HEADER => {
                let header = Header::parse(part.body());
                if header.is_some() && header.as_ref() == self.header.as_deref() {
                    return Step::Skipped;
                }
                self.header = header.map(Arc::new);
                self.state = None;
                Step::Began
            }
            FULL | DELTA => {
                let Some(header) = &self.header else { return Step::Skipped };
                let Some(record) = Record::parse(header, part.kind, &part.whole) else {
                    return Step::Skipped;
                };
                match &mut self.state {
                    Some(state) if state.takes(&record) => state.apply(&record),
                    None if record.full => self.state.insert(State::new(Arc::clone(header))).apply(&record),
                    _ => return Step::Skipped,
                }
                Step::Applied(record)
            }
            _ => Step::Skipped,
        }
    }
}

/// What a look through a stream found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamReport {
    /// Streams begun.
    pub headers: u32,
    /// Full records that were applied.
    pub fulls: u32,
    /// Deltas that were applied.
    pub deltas: u32,
    /// Boxes that are not known, damaged, or did not follow the one before.
    pub skipped: u32,
    /// Tiles in what was applied.
    pub tiles: u32,
    /// Figures in what was applied.
    pub figures: u32,
    /// Whether the last box was cut off or is none.
    pub torn: bool,
}

/// Looks through bytes that claim to be a stream, and counts. It shows nothing, so it takes any bytes.
pub fn check(bytes: &[u8]) -> StreamReport {
    let (mut report, mut follower) = (StreamReport::default(), Follower::default());
    for part in boxes(&Bytes::copy_from_slice(bytes)) {
        let Some(part) = part else {
            report.torn = true;
            break;
        };
        match follower.take(&part) {
            Step::Began => report.headers += 1,
            Step::Applied(record) => {
                report.fulls += u32::from(record.full);
                report.deltas += u32::from(!record.full);
                report.tiles += record.tiles.len() as u32;
                report.figures += record.figures.map_or(0, |f| f.len() as u32);
            }
            Step::Skipped => report.skipped += 1,
        }
    }
    report
}
