//! Scenes to records.

use std::sync::Arc;

use bytes::Bytes;
use louver_base::{Class, MediaTime, WallSpan, WallTime};
use louver_media::{Picture, PictureSize};

use super::codes::why_code;
use super::header::Header;
use super::pace::{CELLS_EVERY, Coded, Due, FIGURES_EVERY, past};
use super::pixels::{departures, take_pixels};
use super::record::{CodedWindow, Record};
use super::state::{State, put_cells};
use super::tiles::Tiles;
use super::{StreamError, bounds, jpeg};
use crate::{Cell, Figure, Grid, Masked, PictureEncoder, Rect, Scene, Style, Why, Window};

/// Side of a tile, pixels. What is new in the backdrop is mostly smaller, and below it the headers of the tiles weigh more.
const TILE: usize = 64;
/// Without news a record says so that often: two of them within the two seconds that an archive may lose.
const HEARTBEAT: WallSpan = WallSpan::from_millis(900);

/// One record on its way to viewers and to the archive.
#[derive(Clone, Debug)]
pub struct SceneRecord {
    /// A box: what is different from the record before.
    pub bytes: Masked<Bytes>,
    /// When its picture was taken, on the recorder's clock.
    pub wall: WallTime,
}

/// Makes a scene stream of one camera's scenes, all of one size.
#[derive(Debug)]
pub struct SceneWriter<E> {
    encoder: E,
    state: State,
    /// The backdrop as it was coded, tile by tile; flat where nothing is known.
    coded: Picture,
    tiles: Vec<Coded>,
    said: Option<WallTime>,
    cells_said: Option<WallTime>,
    figures_said: Option<WallTime>,
}

impl<E> SceneWriter<E>
where
    E: PictureEncoder<Output = Vec<u8>>,
    E::Error: std::error::Error + Send + Sync + 'static,
{
    /// A writer for scenes of this grid. `encoder` makes baseline JPEG with the same tables each time.
    ///
    /// # Errors
    /// [`StreamError::Grid`], [`StreamError::NoTile`], [`StreamError::Coder`].
    pub fn new(grid: Grid, began: WallTime, mut encoder: E) -> Result<Self, StreamError> {
        let size = PictureSize::new(16, 16).ok_or(StreamError::OtherSize)?;
        let (tables, _) = code(&mut encoder, &Scene::nothing(size))?;
        let header = Header::new(grid, TILE, began, tables.into())?;
        let tiles = vec![Coded::NEVER; header.tiles.len()];
        let coded = Scene::nothing(grid.picture).into_inner();
        let (said, cells_said, figures_said) = (None, None, None);
        Ok(Self {
            encoder,
            state: State::new(Arc::new(header)),
            coded,
            tiles,
            said,
            cells_said,
            figures_said,
        })
    }

    /// Whether scenes of this grid go into this stream.
    pub fn fits(&self, grid: Grid) -> bool {
        self.state.header.grid == grid
    }

    /// The stream's header.
    pub fn header(&self) -> Masked<Bytes> {
        Masked::vouch(self.state.header.to_bytes())
    }

    /// The full record of what has been said so far.
    pub fn full(&self) -> Masked<Bytes> {
        Masked::vouch(self.state.full())
    }

    /// What is new in this scene; `None` when nothing is and that was said a moment ago.
    ///
    /// Of what the scene hides, nothing is coded. A cell that became known may stay unknown here for half a minute, one whose
    /// look changed may look as before for two.
    ///
    /// # Errors
    /// [`StreamError::OtherSize`], [`StreamError::Coder`], [`StreamError::NoTile`]: nothing was said, and the next scene makes up for
    /// it.
    pub fn picture(&mut self, scene: &Scene) -> Result<Option<SceneRecord>, StreamError> {
        if !self.fits(scene.grid) {
            return Err(StreamError::OtherSize);
        }
        let mut record = self.next(scene.wall, scene.why);
        let mut cells = states(scene);
        let mut due = self.admit(&mut cells, scene.wall);
        let cells_due = self.cells_said.is_none_or(|at| past(at, scene.wall, CELLS_EVERY));
        if !cells_due {
            self.keep_looks(&mut cells);
        }
        let shown = Scene { cells: cells.as_slice().into(), figures: Vec::new(), ..scene.clone() };
        let place = shown.render(Style::Empty);
        self.find_changed(&place, scene.wall, &mut due);
        put_cells(&mut record, &self.state.cells, &cells);
        self.put_tiles(&mut record, &place, &cells, &due)?;
        let figures = figures(scene);
        let same = same_figures(&figures, &self.state.figures);
        let figures_due = self.figures_said.is_none_or(|at| past(at, scene.wall, FIGURES_EVERY));
        record.figures = (figures != self.state.figures && (figures_due || !same)).then_some(figures);
        let windows = self.windows(&shown)?;
        record.windows = (windows != self.state.windows).then_some(windows);
        // From here on nothing fails: what is said and what is remembered stay one.
        for (n, due) in due.iter().enumerate().filter(|(_, due)| **due != Due::No) {
            take_pixels(&mut self.coded, place.get(), self.state.header.tiles.rect(n));
            self.tiles[n].coded(scene.wall, *due);
        }
        for n in &record.forgotten {
            self.tiles[usize::from(*n)] = Coded::NEVER;
        }
        if cells_due {
            self.cells_said = Some(scene.wall);
        }
        if record.figures.is_some() {
            self.figures_said = Some(scene.wall);
        }
        Ok(self.say(&record))
    }

    /// From the last picture on they are missing or late, for this reason: figures are taken away, the known place stays.
    pub fn without_pictures(&mut self, why: Why) -> Option<SceneRecord> {
        let mut record = self.next(self.state.wall, why);
        record.figures = (!self.state.figures.is_empty()).then(Vec::new);
        record.windows = (!self.state.windows.is_empty()).then(Vec::new);
        self.say(&record)
    }

    /// Nothing has changed up to this time: for pictures that were not looked at because nothing moves.
    pub fn unchanged(&mut self, wall: WallTime) -> Option<SceneRecord> {
        let record = Record { why: self.state.why, ..self.next(wall, Why::Fine) };
        self.say(&record)
    }

    fn next(&self, wall: WallTime, why: Why) -> Record {
        Record::nothing(wall, self.state.number.wrapping_add(1), why_code(why))
    }

    fn say(&mut self, record: &Record) -> Option<SceneRecord> {
        let news =
            *record != Record { why: self.state.why, ..Record::nothing(record.wall, record.number, 0) };
        let due = self.said.is_none_or(|said| past(said, record.wall, HEARTBEAT));
        if !news && !due {
            return None;
        }
        self.said = Some(record.wall);
        self.state.apply(record);
        Some(SceneRecord { bytes: Masked::vouch(record.to_bytes()), wall: record.wall })
    }

    /// Decides which newly known cells are shown now, makes the others unknown, and says which tiles must be coded for it.
    fn admit(&self, cells: &mut [Cell], now: WallTime) -> Vec<Due> {
        let header = &self.state.header;
        let mut due = vec![Due::No; header.tiles.len()];
        for (n, cell) in cells.iter_mut().enumerate() {
            let (was, is) = (shown(self.state.cells[n]), shown(*cell));
            if was == is {
                continue;
            }
            let tiles = header.tiles.of_cell(header.grid, n);
            let free = |t: usize| self.tiles[t].may_learn(now);
            if is && !tiles.clone().all(free) {
                *cell = Cell::Unknown;
            } else {
                tiles.for_each(|t| due[t] = Due::Cells);
            }
        }
        due
    }

    /// Leaves clear cells clear and occupied ones occupied.
    fn keep_looks(&self, cells: &mut [Cell]) {
        for (cell, was) in cells.iter_mut().zip(&self.state.cells) {
            if shown(*cell) && shown(*was) {
                *cell = *was;
            }
        }
    }

    /// Adds the tiles that look different from what was coded.
    fn find_changed(&self, place: &Masked<Picture>, now: WallTime, due: &mut [Due]) {
        let most = departures(&self.coded, place.get(), self.state.header.tiles);
        for (n, due) in due.iter_mut().enumerate().filter(|(_, due)| **due == Due::No) {
            if self.tiles[n].may_change(now, most[n]) {
                *due = Due::Pixels;
            }
        }
    }

    fn put_tiles(
        &mut self,
        record: &mut Record,
        place: &Masked<Picture>,
        cells: &[Cell],
        due: &[Due],
    ) -> Result<(), StreamError> {
        if due.iter().all(|due| *due == Due::No) {
            return Ok(());
        }
        let header = Arc::clone(&self.state.header);
        let known = known_tiles(&header.tiles, header.grid, cells);
        for n in (0..due.len()).filter(|n| due[*n] != Due::No) {
            if known[n] {
                let tile = place.cut(header.tiles.rect(n)).ok_or(StreamError::OtherSize)?;
                let body = self.body(&tile, usize::from(u16::MAX))?;
                record.tiles.push((n as u16, body));
            } else if self.state.tiles[n].is_some() {
                record.forgotten.push(n as u16);
            }
        }
        Ok(())
    }

    /// A JPEG file without what all share.
    fn body(&mut self, picture: &Masked<Picture>, most: usize) -> Result<Bytes, StreamError> {
        let (tables, body) = code(&mut self.encoder, picture)?;
        if tables != self.state.header.tables {
            return Err(StreamError::NoTile("other tables than before"));
        }
        if body.len() > most {
            return Err(StreamError::NoTile("more bytes than a tile may have"));
        }
        Ok(body.into())
    }

    /// Codes the windows out of the drawn picture, in which nothing shows through that the scene hides.
    fn windows(&mut self, shown: &Scene) -> Result<Vec<CodedWindow>, StreamError> {
        let windows = shown.windows.iter().take(Scene::WINDOWS).filter(|w| w.class != Class::Person);
        let drawn = if shown.windows.is_empty() { None } else { Some(shown.render(Style::Boxes)) };
        let mut coded = Vec::new();
        for window in windows {
            let rect = within(shown.grid, rect_of(window));
            let Some(pixels) = drawn.as_ref().and_then(|d| d.cut(rect)) else { continue };
            let body = self.body(&pixels, bounds::WINDOW_BYTES)?;
            coded.push(CodedWindow { track: window.track, class: window.class, rect, body });
        }
        Ok(coded)
    }
}

/// Whether these are the same figures, wherever they are.
fn same_figures(a: &[Figure], b: &[Figure]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a.track, a.kind) == (b.track, b.kind))
}

fn code<E>(encoder: &mut E, picture: &Masked<Picture>) -> Result<(Vec<u8>, Vec<u8>), StreamError>
where
    E: PictureEncoder<Output = Vec<u8>>,
    E::Error: std::error::Error + Send + Sync + 'static,
{
    let coded = picture.encode(encoder, MediaTime::ZERO, true);
    let coded = coded.map_err(|e| StreamError::Coder(Box::new(e)))?;
    jpeg::split(coded.get()).ok_or(StreamError::NoTile("no baseline JPEG"))
}

const fn shown(cell: Cell) -> bool {
    match cell {
        Cell::Clear | Cell::Occupied => true,
        Cell::Unknown | Cell::Never => false,
    }
}

/// The cells' states; all unknown when they are not those of the picture, as in drawing.
fn states(scene: &Scene) -> Vec<Cell> {
    if scene.cells.len() == scene.grid.len() && scene.backdrop.size == scene.grid.picture {
        scene.cells.to_vec()
    } else {
        vec![Cell::Unknown; scene.grid.len()]
    }
}

fn within(grid: Grid, rect: Rect) -> Rect {
    let (width, height) = (grid.picture.width() as i32, grid.picture.height() as i32);
    let (left, top) = (rect.left.clamp(0, width), rect.top.clamp(0, height));
    Rect { left, top, right: rect.right.clamp(left, width), bottom: rect.bottom.clamp(top, height) }
}

fn figures(scene: &Scene) -> Vec<Figure> {
    // Beyond the bound the farthest are left out: what is near is what matters.
    let left_out = scene.figures.len().saturating_sub(bounds::FIGURES);
    let figures = scene.figures.iter().skip(left_out);
    figures.map(|f| Figure { rect: within(scene.grid, f.rect), ..*f }).collect()
}

fn rect_of(window: &Window) -> Rect {
    let (left, top) = (i32::from(window.left & !1), i32::from(window.top & !1));
    let size = window.picture.size;
    Rect { left, top, right: left + size.width() as i32, bottom: top + size.height() as i32 }
}

/// Tiles with a cell that is shown.
fn known_tiles(tiles: &Tiles, grid: Grid, cells: &[Cell]) -> Vec<bool> {
    let mut known = vec![false; tiles.len()];
    for n in (0..cells.len()).filter(|n| shown(cells[*n])) {
        tiles.of_cell(grid, n).for_each(|t| known[t] = true);
    }
    known
}
