//! One record: read, checked and written as a whole.

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::{Class, WallTime};

use super::bounds;
use super::codes::{class_code, class_of, kind_code, state_code, state_of};
use super::header::Header;
use super::wire::{Input, boxed, put_leb, put_section};
use crate::{Cell, Figure, FigureKind, Rect};

pub(super) const FULL: [u8; 4] = *b"lvsf";
pub(super) const DELTA: [u8; 4] = *b"lvsd";

const CELLS: u8 = 1;
const CELL_CHANGES: u8 = 2;
const TILES: u8 = 3;
const FIGURES: u8 = 4;
const WINDOWS: u8 = 5;
const FORGOTTEN: u8 = 6;

/// Cells in a row: `skip` that stay as they are, then `len` of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) skip: u32,
    pub(super) state: Cell,
    pub(super) len: u32,
}

/// A window as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CodedWindow {
    pub(super) track: u32,
    pub(super) class: Class,
    pub(super) rect: Rect,
    pub(super) body: Bytes,
}

/// A record that fits its stream: applying it cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) full: bool,
    pub(super) wall: WallTime,
    pub(super) number: u32,
    pub(super) why: u8,
    /// States of all cells.
    pub(super) cells: Option<Vec<Run>>,
    /// States of some cells.
    pub(super) changes: Option<Vec<Run>>,
    pub(super) tiles: Vec<(u16, Bytes)>,
    pub(super) forgotten: Vec<u16>,
    pub(super) figures: Option<Vec<Figure>>,
    pub(super) windows: Option<Vec<CodedWindow>>,
}

impl Record {
    /// A delta that changes nothing.
    pub(super) const fn nothing(wall: WallTime, number: u32, why: u8) -> Self {
        Self {
            full: false,
            wall,
            number,
            why,
            cells: None,
            changes: None,
            tiles: Vec::new(),
            forgotten: Vec::new(),
            figures: None,
            windows: None,
        }
    }

    /// `None` when anything in it is beyond its bound or does not fit.
    pub(super) fn parse(header: &Header, kind: [u8; 4], whole: &Bytes) -> Option<Self> {
        let mut input = Input(whole.get(8..)?);
        let wall = WallTime::from_micros(input.i64()?);
        let number = input.u32()?;
        let why = input.u8()?;
        input.take(3)?;
        let mut record = Self::nothing(wall, number, why);
        record.full = kind == FULL;
        let mut seen = [false; 256];
        while !input.is_empty() {
            let head = input.u32()?;
            let (kind, len) = ((head >> 24) as u8, (head & 0xff_ffff) as usize);
            let body = whole.slice_ref(input.take(len)?);
            if std::mem::replace(&mut seen[usize::from(kind)], true) {
                return None;
            }
            match kind {
                CELLS => record.cells = Some(whole_cells(header, &body)?),
                CELL_CHANGES if !record.full => record.changes = Some(changes(header, &body)?),
                TILES => record.tiles = tiles(header, &body)?,
                FIGURES => record.figures = Some(figures(header, &body)?),
                WINDOWS => record.windows = Some(windows(header, &body)?),
                FORGOTTEN if !record.full => record.forgotten = forgotten(header, &body)?,
                _ => {}
            }
        }
        Some(record)
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        let tiles: usize = self.tiles.iter().map(|(_, body)| 4 + body.len()).sum();
        let mut out = BytesMut::with_capacity(64 + tiles);
        out.put_i64(self.wall.micros());
        out.put_u32(self.number);
        out.put_u8(self.why);
        out.put_bytes(0, 3);
        if let Some(runs) = &self.cells {
            put_section(&mut out, CELLS, &cell_bytes(runs, false));
        }
        if let Some(runs) = &self.changes {
            put_section(&mut out, CELL_CHANGES, &cell_bytes(runs, true));
        }
        if !self.tiles.is_empty() {
            let mut body = BytesMut::with_capacity(2 + tiles);
            body.put_u16(self.tiles.len() as u16);
            for (n, tile) in &self.tiles {
                body.put_u16(*n);
                body.put_u16(tile.len() as u16);
                body.put_slice(tile);
            }
            put_section(&mut out, TILES, &body);
        }
        if let Some(figures) = &self.figures {
            put_section(&mut out, FIGURES, &figure_bytes(figures));
        }
        if let Some(windows) = &self.windows {
            put_section(&mut out, WINDOWS, &window_bytes(windows));
        }
        if !self.forgotten.is_empty() {
            let body: Vec<u8> = self.forgotten.iter().flat_map(|n| n.to_be_bytes()).collect();
            put_section(&mut out, FORGOTTEN, &body);
        }
        boxed(if self.full { FULL } else { DELTA }, &out)
    }
}

pub(super) fn cell_bytes(runs: &[Run], with_skips: bool) -> BytesMut {
    let mut out = BytesMut::with_capacity(runs.len() * 3);
    for run in runs {
        if with_skips {
            put_leb(&mut out, run.skip);
        }
        put_leb(&mut out, run.len << 2 | state_code(run.state));
    }
    out
}

fn run(input: &mut Input<'_>, skip: u32) -> Option<Run> {
    let n = input.leb()?;
    let state = state_of(n);
    (n >> 2 > 0).then_some(Run { skip, state, len: n >> 2 })
}

fn whole_cells(header: &Header, body: &[u8]) -> Option<Vec<Run>> {
    let (mut input, mut runs, mut cells) = (Input(body), Vec::new(), 0);
    while !input.is_empty() {
        let run = run(&mut input, 0)?;
        cells += run.len as usize;
        runs.push(run);
        if cells > header.grid.len() {
            return None;
        }
    }
    (cells == header.grid.len()).then_some(runs)
}

fn changes(header: &Header, body: &[u8]) -> Option<Vec<Run>> {
    let (mut input, mut runs, mut cells) = (Input(body), Vec::new(), 0);
    while !input.is_empty() {
        let skip = input.leb()?;
        let run = run(&mut input, skip)?;
        cells += run.skip as usize + run.len as usize;
        runs.push(run);
        if cells > header.grid.len() {
            return None;
        }
    }
    Some(runs)
}

fn tiles(header: &Header, body: &Bytes) -> Option<Vec<(u16, Bytes)>> {
    let mut input = Input(body);
    let count = input.u16()?;
    let mut found: Vec<(u16, Bytes)> = Vec::new();
    for _ in 0..count {
        let n = input.u16()?;
        let len = usize::from(input.u16()?);
        if usize::from(n) >= header.tiles.len()
            || found.last().is_some_and(|(last, _)| *last >= n)
            || len == 0
        {
            return None;
        }
        found.push((n, body.slice_ref(input.take(len)?)));
    }
    input.is_empty().then_some(found)
}

fn forgotten(header: &Header, body: &[u8]) -> Option<Vec<u16>> {
    let (mut input, mut found) = (Input(body), Vec::new());
    while !input.is_empty() && found.len() < header.tiles.len() {
        found.push(input.u16().filter(|n| usize::from(*n) < header.tiles.len())?);
    }
    input.is_empty().then_some(found)
}

/// A rectangle within the picture.
fn rect(header: &Header, input: &mut Input<'_>) -> Option<Rect> {
    let mut side = || input.u16().map(i32::from);
    let rect = Rect { left: side()?, top: side()?, right: side()?, bottom: side()? };
    let (width, height) = (header.grid.picture.width() as i32, header.grid.picture.height() as i32);
    (rect.left <= rect.right && rect.right <= width && rect.top <= rect.bottom && rect.bottom <= height)
        .then_some(rect)
}

fn put_rect(out: &mut BytesMut, rect: Rect) {
    for side in [rect.left, rect.top, rect.right, rect.bottom] {
        out.put_u16(side as u16);
    }
}

fn figures(header: &Header, body: &[u8]) -> Option<Vec<Figure>> {
    let mut input = Input(body);
    let count = usize::from(input.u16()?);
    if count > bounds::FIGURES {
        return None;
    }
    let mut figures = Vec::with_capacity(count);
    for _ in 0..count {
        let (track, kind) = (input.u32()?, input.u8()?);
        input.u8()?;
        let rect = rect(header, &mut input)?;
        let velocity = [input.i16()?, input.i16()?];
        let kind = class_of(kind).map_or(FigureKind::Moving, FigureKind::Known);
        figures.push(Figure { track, kind, rect, velocity });
    }
    input.is_empty().then_some(figures)
}

fn figure_bytes(figures: &[Figure]) -> BytesMut {
    let mut out = BytesMut::with_capacity(2 + figures.len() * 18);
    out.put_u16(figures.len() as u16);
    for figure in figures {
        out.put_u32(figure.track);
        out.put_u8(kind_code(figure.kind));
        out.put_u8(0);
        put_rect(&mut out, figure.rect);
        out.put_i16(figure.velocity[0]);
        out.put_i16(figure.velocity[1]);
    }
    out
}

fn windows(header: &Header, body: &Bytes) -> Option<Vec<CodedWindow>> {
    let mut input = Input(body);
    let count = usize::from(input.u16()?);
    if count > bounds::WINDOWS {
        return None;
    }
    let mut windows = Vec::new();
    for _ in 0..count {
        let (track, kind) = (input.u32()?, input.u8()?);
        input.u8()?;
        let rect = rect(header, &mut input)?;
        let len = input.u32()? as usize;
        let coded = body.slice_ref(input.take(len)?);
        if len > bounds::WINDOW_BYTES || rect.size().is_none() || (rect.left | rect.top) & 1 != 0 {
            return None;
        }
        // A person, or something that may be one, is no window, whoever says so.
        if let Some(class) = class_of(kind).filter(|c| *c != Class::Person) {
            windows.push(CodedWindow { track, class, rect, body: coded });
        }
    }
    input.is_empty().then_some(windows)
}

fn window_bytes(windows: &[CodedWindow]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u16(windows.len() as u16);
    for window in windows {
        out.put_u32(window.track);
        out.put_u8(class_code(window.class));
        out.put_u8(0);
        put_rect(&mut out, window.rect);
        out.put_u32(window.body.len() as u32);
        out.put_slice(&window.body);
    }
    out
}
