//! What a stream says at one moment.

use std::sync::Arc;

use bytes::Bytes;
use louver_base::WallTime;

use super::header::Header;
use super::record::{CodedWindow, Record, Run, cell_bytes};
use crate::{Cell, Figure};

/// The state after a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) header: Arc<Header>,
    pub(super) wall: WallTime,
    pub(super) number: u32,
    pub(super) why: u8,
    /// `grid.len()` of them.
    pub(super) cells: Vec<Cell>,
    /// `tiles.len()` of them.
    pub(super) tiles: Vec<Option<Bytes>>,
    pub(super) figures: Vec<Figure>,
    pub(super) windows: Vec<CodedWindow>,
}

impl State {
    /// Nothing is known; the next record is number 1.
    pub(super) fn new(header: Arc<Header>) -> Self {
        let (cells, tiles) = (header.grid.len(), header.tiles.len());
        Self {
            wall: header.began,
            header,
            number: 0,
            why: 1,
            cells: vec![Cell::Unknown; cells],
            tiles: vec![None; tiles],
            figures: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// Whether a record, which must be of this stream, applies to this state.
    pub(super) fn takes(&self, record: &Record) -> bool {
        record.full || record.number == self.number.wrapping_add(1)
    }

    /// Applies a record that [`takes`](Self::takes) allows.
    pub(super) fn apply(&mut self, record: &Record) {
        if record.full {
            *self = Self::new(Arc::clone(&self.header));
        }
        (self.wall, self.number, self.why) = (record.wall, record.number, record.why);
        for n in &record.forgotten {
            self.tiles[usize::from(*n)] = None;
        }
        for runs in [&record.cells, &record.changes].into_iter().flatten() {
            let mut at = 0;
            for run in runs {
                at += run.skip as usize;
                self.cells[at..at + run.len as usize].fill(run.state);
                at += run.len as usize;
            }
        }
        for (n, body) in &record.tiles {
            self.tiles[usize::from(*n)] = Some(body.clone());
        }
        if let Some(figures) = &record.figures {
            self.figures.clone_from(figures);
        }
        if let Some(windows) = &record.windows {
            self.windows.clone_from(windows);
        }
    }

    /// The full record of this state.
    pub(super) fn full(&self) -> Bytes {
        let tiles = self.tiles.iter().enumerate();
        Record {
            full: true,
            cells: Some(runs(&self.cells)),
            tiles: tiles.filter_map(|(n, body)| Some((n as u16, body.clone()?))).collect(),
            figures: Some(self.figures.clone()),
            windows: (!self.windows.is_empty()).then(|| self.windows.clone()),
            ..Record::nothing(self.wall, self.number, self.why)
        }
        .to_bytes()
    }
}

fn runs(cells: &[Cell]) -> Vec<Run> {
    let chunks = cells.chunk_by(|a, b| a == b);
    chunks.map(|c| Run { skip: 0, state: c[0], len: c.len() as u32 }).collect()
}

/// How `before` becomes `after`: nothing, or the shorter of all states and the changed ones, put into `record`.
pub(super) fn put_cells(record: &mut Record, before: &[Cell], after: &[Cell]) {
    if before == after {
        return;
    }
    let (mut changes, mut skip) = (Vec::new(), 0);
    let pairs: Vec<_> = before.iter().zip(after).map(|(b, a)| (b != a).then_some(*a)).collect();
    for chunk in pairs.chunk_by(|a, b| a == b) {
        let len = chunk.len() as u32;
        match chunk[0] {
            None => skip = len,
            Some(state) => changes.push(Run { skip: std::mem::take(&mut skip), state, len }),
        }
    }
    let whole = runs(after);
    if cell_bytes(&changes, true).len() <= cell_bytes(&whole, false).len() {
        record.changes = Some(changes);
    } else {
        record.cells = Some(whole);
    }
}
