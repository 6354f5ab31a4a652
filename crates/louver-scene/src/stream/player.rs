//! Records to scenes.

use std::sync::Arc;

use bytes::Bytes;
use louver_media::{Picture, PictureSize};

use super::codes::why_of;
use super::follow::{Follower, Step};
use super::state::State;
use super::tiles::Tiles;
use super::wire::boxes;
use crate::{Cell, Masked, Rect, Scene, Window};

/// Turns JPEG files into pictures.
pub trait PictureDecoder {
    /// Why decoding failed.
    type Error;

    /// Decodes a picture that must be of this size.
    fn decode(&mut self, jpeg: &[u8], size: PictureSize) -> Result<Picture, Self::Error>;
}

/// Plays a scene stream. Only masked bytes go in, so what comes out may be shown.
#[derive(Debug)]
pub struct ScenePlayer<D> {
    decoder: D,
    follower: Follower,
    backdrop: Option<Arc<Picture>>,
    /// Tiles that are in the backdrop.
    there: Vec<bool>,
}

impl<D: PictureDecoder> ScenePlayer<D> {
    /// A player that waits for a stream's header.
    pub fn new(decoder: D) -> Self {
        Self { decoder, follower: Follower::default(), backdrop: None, there: Vec::new() }
    }

    /// Plays some whole boxes; calls `show` with the scene after each record. What is damaged or does not follow is passed
    /// over.
    pub fn play(&mut self, bytes: &Masked<Bytes>, mut show: impl FnMut(Scene)) {
        // Cut-off ends are no records; what follows them is in another part.
        for part in boxes(bytes.get()).flatten() {
            match self.follower.take(&part) {
                Step::Began => self.backdrop = None,
                Step::Applied(record) => {
                    let tiles: Vec<u16> = record.tiles.iter().map(|(n, _)| *n).collect();
                    if let Some(scene) = self.scene(record.full, &tiles) {
                        show(scene);
                    }
                }
                Step::Skipped => {}
            }
        }
    }

    fn scene(&mut self, full: bool, tiles: &[u16]) -> Option<Scene> {
        let state = self.follower.state()?;
        let (header, size) = (&state.header, state.header.grid.picture);
        if self.backdrop.as_ref().is_none_or(|b| b.size != size) || self.there.len() != header.tiles.len() {
            self.backdrop = Some(Arc::new(Scene::nothing(size).into_inner()));
            self.there = vec![false; header.tiles.len()];
        }
        let backdrop = self.backdrop.as_mut()?;
        if full {
            self.there.fill(false);
        }
        for n in tiles.iter().map(|n| usize::from(*n)) {
            let rect = header.tiles.rect(n);
            let decoded = state.tiles[n].as_ref().zip(rect.size()).and_then(|(body, size)| {
                let jpeg = [&header.tables[..], body].concat();
                self.decoder.decode(&jpeg, size).ok().filter(|p| p.size == size)
            });
            self.there[n] = decoded.is_some();
            if let Some(tile) = decoded {
                put(Arc::make_mut(backdrop), &tile, rect);
            }
        }
        let cells = drawable(state, &header.tiles, &self.there);
        let windows = state.windows.iter().filter_map(|w| {
            let jpeg = [&header.tables[..], &w.body].concat();
            let size = w.rect.size()?;
            let picture = self.decoder.decode(&jpeg, size).ok().filter(|p| p.size == size)?;
            let (left, top) = (w.rect.left as u16, w.rect.top as u16);
            Some(Window { track: w.track, class: w.class, left, top, picture: Arc::new(picture) })
        });
        Some(Scene {
            grid: header.grid,
            backdrop: Arc::clone(backdrop),
            cells,
            figures: state.figures.clone(),
            windows: windows.collect(),
            wall: state.wall,
            why: why_of(state.why),
        })
    }
}

/// The cells, of which those with a tile that is not there are unknown.
fn drawable(state: &State, tiles: &Tiles, there: &[bool]) -> Arc<[Cell]> {
    let known = |t: usize| there[t] && state.tiles[t].is_some();
    let all = (0..there.len()).all(known);
    let one = |(n, cell): (usize, &Cell)| match cell {
        Cell::Clear | Cell::Occupied if !all && !tiles.of_cell(state.header.grid, n).all(known) => {
            Cell::Unknown
        }
        cell => *cell,
    };
    state.cells.iter().enumerate().map(one).collect()
}

fn put(to: &mut Picture, tile: &Picture, rect: Rect) {
    let planes = [(&mut to.y, &tile.y, 1), (&mut to.u, &tile.u, 2), (&mut to.v, &tile.v, 2)];
    for (to_plane, from, by) in planes {
        let (wide, width) = (tile.size.width() / by, to.size.width() / by);
        for (row, pixels) in from.chunks_exact(wide).enumerate() {
            let at = (rect.top as usize / by + row) * width + rect.left as usize / by;
            to_plane[at..at + wide].copy_from_slice(pixels);
        }
    }
}
