//! Scene streams with real tiles: the committed one is read as it was written.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use louver_base::{Class, MediaTime, WallTime};
use louver_codec::{JpegDecoder, JpegEncoder};
use louver_media::{Picture, PictureSize};
use louver_scene::stream::{ScenePlayer, SceneWriter, check};
use louver_scene::{Cell, Figure, FigureKind, Grid, Masked, PictureEncoder, Rect, Scene, Style, Why};

/// A ramp to the right in luma and downwards in chroma, 150x90 in cells of 2.
fn place() -> Picture {
    let size = PictureSize::new(150, 90).unwrap();
    let mut picture = Picture::flat(size, 0, 0, 0);
    picture.y = (0..size.area()).map(|n| 40 + (n % 150) as u8).collect();
    picture.u = (0..size.area() / 4).map(|n| 90 + (n / 75) as u8).collect();
    picture.v = picture.u.iter().map(|u| 255 - u).collect();
    picture
}

/// Three scenes: a part is unknown and a part excluded; somebody comes; the unknown part is learned.
fn scenes() -> [Scene; 3] {
    let grid = Grid::of(place().size);
    let mut cells = vec![Cell::Clear; grid.len()];
    for row in 10..20 {
        cells[row * grid.columns() + 5..row * grid.columns() + 40].fill(Cell::Unknown);
        cells[row * grid.columns() + 60..(row + 1) * grid.columns()].fill(Cell::Never);
    }
    let rect = Rect { left: 32, top: 16, right: 64, bottom: 80 };
    let person = Figure { track: 0xC0FFEE, kind: FigureKind::Known(Class::Person), rect, velocity: [24, -8] };
    let scene = |ms: i64, cells: &[Cell], figures| Scene {
        grid,
        backdrop: Arc::new(place()),
        cells: cells.into(),
        figures,
        windows: vec![],
        wall: WallTime::from_millis(1_767_225_600_000 + ms),
        why: Why::Fine,
    };
    let first = scene(0, &cells, vec![]);
    let second = scene(500, &cells, vec![person]);
    for cell in cells.iter_mut().filter(|c| **c == Cell::Unknown) {
        *cell = Cell::Clear;
    }
    [first, second, scene(4000, &cells, vec![person])]
}

fn written() -> Vec<u8> {
    let [first, second, third] = scenes();
    let mut writer = SceneWriter::new(first.grid, first.wall, JpegEncoder::for_tiles()).unwrap();
    writer.picture(&first).unwrap();
    let mut parts = vec![writer.header(), writer.full()];
    parts.push(writer.picture(&second).unwrap().unwrap().bytes);
    parts.push(writer.picture(&third).unwrap().unwrap().bytes);
    Masked::joined(&parts).into_inner().to_vec()
}

/// Bytes as if they came from a tagged file.
fn believed(bytes: Vec<u8>) -> Masked<Bytes> {
    struct Say(Bytes);
    impl PictureEncoder for Say {
        type Output = Bytes;
        type Error = std::convert::Infallible;
        fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Self::Error> {
            Ok(self.0.clone())
        }
    }
    let nothing = Scene::nothing(PictureSize::new(2, 2).unwrap());
    nothing.encode(&mut Say(bytes.into()), MediaTime::ZERO, true).unwrap()
}

fn says_the_scenes(bytes: Vec<u8>) {
    assert_eq!((check(&bytes).fulls, check(&bytes).deltas, check(&bytes).skipped), (1, 2, 0));
    let mut played = Vec::new();
    ScenePlayer::new(JpegDecoder).play(&believed(bytes), |scene| played.push(scene));
    assert_eq!(played.len(), 3);
    for (was, is) in scenes().iter().zip(&played) {
        assert_eq!((&was.cells, &was.figures, was.wall, was.why), (&is.cells, &is.figures, is.wall, is.why));
        let (a, b) = (was.render(Style::Empty).into_inner(), is.render(Style::Empty).into_inner());
        for (a, b) in [(&a.y, &b.y), (&a.u, &b.u), (&a.v, &b.v)] {
            let worst = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // Flat ground beside a ramp is what JPEG likes least.
            assert!(worst < 40, "{worst}");
            let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(sum < 3 * a.len() as u64, "{}", sum as f64 / a.len() as f64);
        }
    }
}

#[test]
fn what_is_written_is_what_is_played() {
    says_the_scenes(written());
}

/// docs/format-scene.md names it. JPEG encoders may change their bytes; what was written once must stay readable.
#[test]
fn the_committed_stream_is_read_as_it_was_written() {
    let text = include_str!("vectors/scene-v1.hex");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    says_the_scenes(digits.chunks(2).map(byte).collect());
}

#[test]
#[ignore = "writes the committed stream anew"]
fn write_the_committed_stream() {
    let hex: Vec<String> =
        written().chunks(60).map(|line| line.iter().map(|b| format!("{b:02x}")).collect()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/scene-v1.hex");
    std::fs::write(path, hex.join("\n") + "\n").unwrap();
}
