//! What stands at the start of a stream.

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::WallTime;
use louver_media::PictureSize;

use super::tiles::Tiles;
use super::wire::{Input, boxed, boxes};
use super::{StreamError, bounds};
use crate::{Grid, Masked};

pub(super) const HEADER: [u8; 4] = *b"lvsh";
const VERSION: u8 = 1;

/// The size of the pictures of a stream that begins so; `None` if no header stands there.
pub fn picture_size(stream: &Masked<Bytes>) -> Option<PictureSize> {
    let first = boxes(stream.get()).next()??;
    (first.kind == HEADER).then(|| Header::parse(first.body()))?.map(|h| h.grid.picture)
}

/// A stream's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) grid: Grid,
    pub(super) tiles: Tiles,
    pub(super) began: WallTime,
    /// What all tiles' JPEG files begin with.
    pub(super) tables: Bytes,
}

impl Header {
    pub(super) fn new(grid: Grid, tile: usize, began: WallTime, tables: Bytes) -> Result<Self, StreamError> {
        let tiles = Tiles::new(grid.picture, tile);
        let fits = (2..=256).contains(&grid.cell)
            && grid.cell.is_multiple_of(2)
            && grid.len() <= bounds::CELLS
            && (16..=256).contains(&tile)
            && tile.is_multiple_of(16)
            && tiles.len() <= bounds::TILES;
        if !fits {
            return Err(StreamError::Grid(grid.picture, grid.cell));
        }
        if !(2..=bounds::TABLES).contains(&tables.len()) {
            return Err(StreamError::NoTile("tables of another length"));
        }
        Ok(Self { grid, tiles, began, tables })
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(24 + self.tables.len());
        out.put_u8(VERSION);
        out.put_u8(0);
        for side in [self.grid.picture.width(), self.grid.picture.height(), self.grid.cell, self.tiles.side()]
        {
            out.put_u16(side as u16);
        }
        out.put_u16(0);
        out.put_i64(self.began.micros());
        out.put_u32(self.tables.len() as u32);
        out.put_slice(&self.tables);
        boxed(HEADER, &out)
    }

    /// `None` for another version, or what cannot be a header.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut input = Input(body);
        if input.u8()? != VERSION {
            return None;
        }
        input.u8()?;
        let (width, height) = (input.u16()?, input.u16()?);
        let (cell, tile) = (input.u16()?, input.u16()?);
        input.u16()?;
        let began = WallTime::from_micros(input.i64()?);
        let tables = input.u32()? as usize;
        let odd = width % 2 + height % 2 + cell % 2 + tile % 16 != 0 || cell == 0 || tile == 0;
        if odd || tables > bounds::TABLES {
            return None;
        }
        let tables = Bytes::copy_from_slice(input.take(tables)?);
        let picture = PictureSize::new(width.into(), height.into())?;
        let grid = Grid { picture, cell: cell.into() };
        Self::new(grid, tile.into(), began, tables).ok()
    }
}
