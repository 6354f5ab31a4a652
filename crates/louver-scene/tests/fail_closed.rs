//! Whatever stands in a scene, nothing of an unknown cell is drawn: neither its light nor its colour.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::sync::Arc;

use louver_base::{Class, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::{Cell, Figure, FigureKind, Grid, Rect, Scene, Style, Why};
use proptest::collection::vec;
use proptest::prelude::*;

/// Values that no fill and no figure has: whatever shows one shows the camera's picture.
const ORIGINAL: [u8; 3] = [235, 17, 239];

fn any_rect() -> impl Strategy<Value = Rect> {
    (-40..140_i32, -40..140_i32, -5..90_i32, -5..90_i32).prop_map(|(left, top, w, h)| Rect {
        left,
        top,
        right: left + w,
        bottom: top + h,
    })
}

fn any_kind() -> impl Strategy<Value = FigureKind> {
    prop_oneof![
        Just(FigureKind::Moving),
        Just(FigureKind::Known(Class::Person)),
        Just(FigureKind::Known(Class::Vehicle)),
        Just(FigureKind::Known(Class::Animal)),
    ]
}

/// Thousands of states, from a seed: a strategy for each would take seconds.
fn cells(mut seed: u64, len: usize) -> Arc<[Cell]> {
    let states = [Cell::Unknown, Cell::Clear, Cell::Occupied];
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    (0..len).map(|_| states[next() % states.len()]).collect()
}

prop_compose! {
    /// Sizes that are no multiple of the cell, cells of any size (odd ones too), too few and too many states.
    fn any_scene()(
        width in 2_u32..100,
        height in 2_u32..80,
        cell in 1_usize..9,
        seed: u64,
        len in 0_usize..2600,
        figures in vec((any_kind(), any_rect()), 0..5),
    ) -> Scene {
        let size = PictureSize::new(width, height).unwrap();
        let [y, u, v] = ORIGINAL;
        Scene {
            grid: Grid { picture: size, cell },
            backdrop: Arc::new(Picture::flat(size, y, u, v)),
            cells: cells(seed, len),
            figures: figures.into_iter().map(|(kind, rect)| Figure { track: 1, kind, rect, velocity: [0; 2] }).collect(),
            windows: vec![],
            wall: WallTime::from_micros(0),
            why: Why::Fine,
        }
    }
}

fn is_known(scene: &Scene, x: usize, y: usize) -> bool {
    let n = y / scene.grid.cell * scene.grid.columns() + x / scene.grid.cell;
    matches!(scene.cells.get(n), Some(Cell::Clear | Cell::Occupied))
}

/// Whether nothing of the camera's picture shows in cells that nobody knows.
fn check(scene: &Scene, drawn: &Picture) -> Result<(), TestCaseError> {
    let (w, h) = (drawn.size.width(), drawn.size.height());
    for y in 0..h {
        for x in 0..w {
            if !is_known(scene, x, y) {
                let c = y / 2 * (w / 2) + x / 2;
                prop_assert_ne!(drawn.y[y * w + x], ORIGINAL[0], "luma at {},{}", x, y);
                prop_assert_ne!(drawn.u[c], ORIGINAL[1], "blue at {},{}", x, y);
                prop_assert_ne!(drawn.v[c], ORIGINAL[2], "red at {},{}", x, y);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_style_draws_anything_of_an_unknown_cell(scene in any_scene()) {
        for style in [Style::Boxes, Style::Empty, Style::FiguresOnly] {
            let drawn = scene.render(style).into_inner();
            prop_assert_eq!(drawn.size, scene.backdrop.size);
            check(&scene, &drawn)?;
            if style == Style::FiguresOnly {
                prop_assert!(!drawn.y.contains(&ORIGINAL[0]) && !drawn.u.contains(&ORIGINAL[1]));
            }
        }
    }

    #[test]
    fn a_known_cell_shows_the_backdrop_where_no_figure_lies(scene in any_scene()) {
        let mut scene = scene;
        // With even cells, as cameras have them, light and colour end at the same edge.
        scene.grid.cell = scene.grid.cell.next_multiple_of(2);
        let drawn = scene.render(Style::Empty).into_inner();
        let w = drawn.size.width();
        for (n, luma) in drawn.y.iter().enumerate() {
            let c = n / w / 2 * (w / 2) + n % w / 2;
            let known = is_known(&scene, n % w, n / w);
            prop_assert_eq!(*luma == ORIGINAL[0] && drawn.u[c] == ORIGINAL[1], known, "pixel {}", n);
        }
    }

    #[test]
    fn a_figure_shows_one_flat_colour_and_its_edge_and_nothing_behind_it(rect in any_rect(), kind in any_kind()) {
        let size = PictureSize::new(96, 64).unwrap();
        let mut backdrop = Picture::flat(size, 0, 0, 0);
        backdrop.y.iter_mut().enumerate().for_each(|(n, y)| *y = (n % 251) as u8);
        let grid = Grid::of(size);
        let scene = |backdrop| Scene {
            grid,
            backdrop: Arc::new(backdrop),
            cells: vec![Cell::Clear; grid.len()].into(),
            figures: vec![Figure { track: 1, kind, rect, velocity: [0; 2] }],
            windows: vec![],
            wall: WallTime::from_micros(0),
            why: Why::Fine,
        };
        let (a, b) = (scene(backdrop).render(Style::Boxes), scene(Picture::flat(size, 99, 1, 2)).render(Style::Boxes));
        for y in rect.top.max(0)..rect.bottom.min(64) {
            for x in rect.left.max(0)..rect.right.min(96) {
                let (n, c) = ((y * 96 + x) as usize, (y / 2 * 48 + x / 2) as usize);
                prop_assert_eq!(a.get().y[n], b.get().y[n], "what is behind shows at {},{}", x, y);
                prop_assert_eq!((a.get().u[c], a.get().v[c]), (b.get().u[c], b.get().v[c]));
            }
        }
    }

    #[test]
    fn a_scene_whose_cells_are_of_another_picture_shows_nothing(width in 2_u32..100, height in 2_u32..100) {
        let size = PictureSize::new(64, 48).unwrap();
        let other = PictureSize::new(width, height).unwrap();
        prop_assume!(size != other);
        let grid = Grid::of(other);
        let [y, u, v] = ORIGINAL;
        let scene = Scene {
            grid,
            backdrop: Arc::new(Picture::flat(size, y, u, v)),
            cells: vec![Cell::Clear; grid.len()].into(),
            figures: vec![],
            windows: vec![],
            wall: WallTime::from_micros(0),
            why: Why::Fine,
        };
        prop_assert_eq!(scene.render(Style::Boxes), Scene::nothing(size));
    }
}
