//! Drawing a scene.

use louver_base::Class;
use louver_media::{Picture, PictureSize};

use crate::{Cell, Figure, FigureKind, Grid, Masked, Rect, Scene, Window};

/// How figures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// Flat boxes in the colour of their class with a dark edge.
    #[default]
    Boxes,
    /// No figures: the empty place.
    Empty,
    /// Boxes on flat ground: the place is hidden too.
    FiguresOnly,
}

/// Y, Cb, Cr of a cell nobody knows: a dark neutral grey.
const UNKNOWN: [u8; 3] = [52, 130, 127];

impl FigureKind {
    /// Y, Cb, Cr (BT.601 limited range). Blue, orange, bluish green, reddish purple and grey of the Okabe-Ito set: told apart
    /// by colour-blind eyes, and by brightness alone.
    const fn colour(self) -> [u8; 3] {
        match self {
            Self::Known(Class::Person) => [91, 173, 73],
            Self::Known(Class::Vehicle) => [155, 48, 170],
            Self::Known(Class::Animal) => [107, 132, 62],
            Self::Known(Class::Parcel) => [122, 136, 161],
            Self::Moving => [136, 128, 128],
        }
    }
}

impl Scene {
    /// Draws the scene at its own size.
    pub fn render(&self, style: Style) -> Masked<Picture> {
        if self.grid.picture != self.backdrop.size {
            // Which pixels a cell is about cannot be told.
            return Self::nothing(self.backdrop.size);
        }
        let mut out = match style {
            Style::Boxes | Style::Empty => (*self.backdrop).clone(),
            Style::FiguresOnly => Self::nothing(self.backdrop.size).into_inner(),
        };
        let windows = match style {
            Style::Boxes => &self.windows[..self.windows.len().min(Self::WINDOWS)],
            Style::Empty | Style::FiguresOnly => &[],
        };
        for window in windows.iter().filter(|w| w.class != Class::Person) {
            copy(&mut out, window);
        }
        self.fill_unknown(&mut out);
        match style {
            Style::Boxes | Style::FiguresOnly => {
                for figure in &self.figures {
                    let seen = windows.iter().any(|w| w.track == figure.track && w.class != Class::Person);
                    draw(&mut out, figure, self.grid, if seen { Fill::Edge } else { Fill::Whole });
                }
            }
            Style::Empty => {}
        }
        Masked::vouch(out)
    }

    /// A picture that shows nothing at all: analysis is late, crashed, or has not begun.
    pub fn nothing(size: PictureSize) -> Masked<Picture> {
        Masked::vouch(blank(size))
    }

    fn fill_unknown(&self, out: &mut Picture) {
        let columns = self.grid.columns();
        let cell = self.grid.cell as i32;
        for row in 0..self.grid.rows() {
            let mut from = None;
            for column in 0..=columns {
                // A missing state is an unknown one.
                let unknown = column < columns
                    && !matches!(self.cells.get(row * columns + column), Some(Cell::Clear | Cell::Occupied));
                match (unknown, from) {
                    (true, None) => from = Some(column),
                    (false, Some(first)) => {
                        let top = row as i32 * cell;
                        let rect = Rect {
                            left: first as i32 * cell,
                            top,
                            right: column as i32 * cell,
                            bottom: top + cell,
                        };
                        fill(out, rect, UNKNOWN);
                        from = None;
                    }
                    (true, Some(_)) | (false, None) => {}
                }
            }
        }
    }
}

/// A picture in which nothing is to be seen.
pub(crate) fn blank(size: PictureSize) -> Picture {
    Picture::flat(size, UNKNOWN[0], UNKNOWN[1], UNKNOWN[2])
}

/// Makes a part of a picture flat, luma and chroma.
pub(crate) fn flatten(out: &mut Picture, rect: Rect) {
    fill(out, rect, UNKNOWN);
}

/// How much of a figure's box is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    Whole,
    /// It may be seen: only the edge.
    Edge,
}

fn draw(out: &mut Picture, figure: &Figure, grid: Grid, how: Fill) {
    let [y, u, v] = figure.kind.colour();
    let dark = [16 + (y - 16) / 2, u, v];
    // An edge about 1/300 of the width keeps neighbours apart at any size.
    let edge = (grid.picture.width() / 300).max(1).next_multiple_of(2) as i32;
    let Rect { left, top, right, bottom } = figure.rect;
    match how {
        Fill::Whole => {
            fill(out, figure.rect, dark);
            let inner =
                Rect { left: left + edge, top: top + edge, right: right - edge, bottom: bottom - edge };
            fill(out, inner, [y, u, v]);
        }
        Fill::Edge => {
            fill(out, Rect { bottom: top + edge, ..figure.rect }, dark);
            fill(out, Rect { top: bottom - edge, ..figure.rect }, dark);
            fill(out, Rect { right: left + edge, ..figure.rect }, dark);
            fill(out, Rect { left: right - edge, ..figure.rect }, dark);
        }
    }
}

/// Puts a window's pixels into the picture, as far as they fit.
fn copy(out: &mut Picture, window: &Window) {
    let from = &window.picture;
    let (w, h) = (out.size.width(), out.size.height());
    let (left, top) = (usize::from(window.left) & !1, usize::from(window.top) & !1);
    let (wide, high) =
        (from.size.width().min(w.saturating_sub(left)), from.size.height().min(h.saturating_sub(top)));
    if wide == 0 {
        return;
    }
    for row in 0..high {
        let at = (top + row) * w + left;
        out.y[at..at + wide].copy_from_slice(&from.y[row * from.size.width()..][..wide]);
    }
    for row in 0..high / 2 {
        let (at, of) = ((top / 2 + row) * (w / 2) + left / 2, row * (from.size.width() / 2));
        out.u[at..at + wide / 2].copy_from_slice(&from.u[of..][..wide / 2]);
        out.v[at..at + wide / 2].copy_from_slice(&from.v[of..][..wide / 2]);
    }
}

/// Fills luma and chroma. Chroma is widened to whole samples, so that no colour of what was there shows at an odd edge.
fn fill(out: &mut Picture, rect: Rect, [y, u, v]: [u8; 3]) {
    let (width, height) = (out.size.width(), out.size.height());
    let clip = |n: i32, most: usize| (n.max(0) as usize).min(most);
    let (left, right) = (clip(rect.left, width), clip(rect.right, width));
    let (top, bottom) = (clip(rect.top, height), clip(rect.bottom, height));
    if left >= right || top >= bottom {
        return;
    }
    for row in out.y.chunks_exact_mut(width).take(bottom).skip(top) {
        row[left..right].fill(y);
    }
    let (half, c_left, c_right) = (width / 2, left / 2, right.div_ceil(2).min(width / 2));
    for (plane, value) in [(&mut out.u, u), (&mut out.v, v)] {
        for row in plane.chunks_exact_mut(half).take(bottom.div_ceil(2)).skip(top / 2) {
            row[c_left..c_right].fill(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use louver_base::WallTime;

    use super::*;
    use crate::Why;

    fn scene(cells: Vec<Cell>, figures: Vec<Figure>) -> Scene {
        let size = PictureSize::new(32, 16).unwrap();
        let mut grid = Grid::of(size);
        grid.cell = 4;
        Scene {
            grid,
            backdrop: Arc::new(Picture::flat(size, 200, 30, 220)),
            cells: cells.into(),
            figures,
            windows: vec![],
            wall: WallTime::from_micros(0),
            why: Why::Fine,
        }
    }

    #[test]
    fn an_unknown_cell_shows_neither_luma_nor_colour() {
        let mut cells = vec![Cell::Clear; 32];
        cells[9] = Cell::Unknown;
        let drawn = scene(cells, vec![]).render(Style::Boxes).into_inner();
        for y in 0..16 {
            for x in 0..32 {
                let hidden = (4..8).contains(&x) && (4..8).contains(&y);
                assert_eq!(drawn.y[y * 32 + x] == 200, !hidden, "luma {x},{y}");
                let c = (y / 2) * 16 + x / 2;
                assert_eq!(drawn.u[c] == 30 && drawn.v[c] == 220, !hidden, "chroma {x},{y}");
            }
        }
    }

    #[test]
    fn cells_that_nobody_described_are_not_shown() {
        let drawn = scene(vec![], vec![]).render(Style::Boxes);
        assert_eq!(drawn, Scene::nothing(PictureSize::new(32, 16).unwrap()));
    }

    #[test]
    fn a_figure_hides_what_is_behind_it_wherever_its_box_lies() {
        for rect in [
            Rect { left: -5, top: -5, right: 3, bottom: 3 },
            Rect { left: 29, top: 11, right: 99, bottom: 99 },
            Rect { left: 8, top: 8, right: 8, bottom: 12 },
            Rect { left: i32::MIN / 2, top: 0, right: i32::MAX / 2, bottom: 16 },
        ] {
            let figure = Figure { track: 1, kind: FigureKind::Known(Class::Person), rect, velocity: [0; 2] };
            let drawn = scene(vec![Cell::Clear; 32], vec![figure]).render(Style::Boxes).into_inner();
            for y in 0..16i32 {
                for x in 0..32i32 {
                    let inside = x >= rect.left && x < rect.right && y >= rect.top && y < rect.bottom;
                    let (l, c) = ((y * 32 + x) as usize, ((y / 2) * 16 + x / 2) as usize);
                    assert!(!inside || (drawn.y[l] != 200 && drawn.u[c] != 30), "{rect:?} {x},{y}");
                }
            }
        }
    }

    #[test]
    fn a_window_shows_a_vehicle_but_neither_a_person_nor_an_unknown_cell() {
        let car = |class| Window {
            track: 3,
            class,
            left: 8,
            top: 4,
            picture: Arc::new(Picture::flat(PictureSize::new(40, 8).unwrap(), 77, 60, 60)),
        };
        let drawn = |class, hidden| {
            let mut cells = vec![Cell::Clear; 32];
            cells[11] = hidden;
            let mut scene = scene(cells, vec![]);
            scene.windows = vec![car(class)];
            scene.render(Style::Boxes).into_inner()
        };
        let count = |p: &Picture| {
            (p.y.iter().filter(|y| **y == 77).count(), p.u.iter().filter(|u| **u == 60).count())
        };
        assert_eq!(count(&drawn(Class::Vehicle, Cell::Clear)), (24 * 8, 24 * 2));
        for hidden in [Cell::Unknown, Cell::Never] {
            assert_eq!(count(&drawn(Class::Vehicle, hidden)), (24 * 8 - 16, 24 * 2 - 4));
        }
        assert_eq!(count(&drawn(Class::Person, Cell::Clear)), (0, 0));
    }
}
