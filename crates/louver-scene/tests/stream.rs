//! What a scene stream promises, with a coder that loses nothing, so that pixels can be compared.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use std::sync::Arc;

use bytes::Bytes;
use louver_base::{Class, MediaTime, WallSpan, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::stream::{PictureDecoder, SceneCut, ScenePlayer, SceneWriter, check};
use louver_scene::{Cell, Figure, FigureKind, Grid, Masked, PictureEncoder, Rect, Scene, Why, Window};
use proptest::prelude::*;
use proptest::sample::Index;

/// The frame of a JPEG file with plain samples in it.
#[derive(Clone, Copy, Debug)]
struct Plain;

const HEAD: &[u8] = b"\xff\xd8\xff\xdb\0\x03Q";
const OWN: &[u8] = b"\xff\xc0\0\x03F\xff\xda\0\x03S";

impl PictureEncoder for Plain {
    type Output = Vec<u8>;
    type Error = std::convert::Infallible;
    fn encode(&mut self, p: &Picture, _: MediaTime, _: bool) -> Result<Vec<u8>, Self::Error> {
        Ok([HEAD, OWN, &p.y, &p.u, &p.v].concat())
    }
}

impl PictureDecoder for Plain {
    type Error = ();
    fn decode(&mut self, jpeg: &[u8], size: PictureSize) -> Result<Picture, ()> {
        let samples = jpeg.strip_prefix(HEAD).and_then(|j| j.strip_prefix(OWN)).ok_or(())?;
        if samples.len() != size.area() * 3 / 2 {
            return Err(());
        }
        let (y, rest) = samples.split_at(size.area());
        let (u, v) = rest.split_at(size.area() / 4);
        Ok(Picture { size, y: y.to_vec(), u: u.to_vec(), v: v.to_vec() })
    }
}

/// Bytes as if they came from a tagged file: the tests' way around the constructor that there is not.
fn believed(bytes: &[u8]) -> Masked<Bytes> {
    struct Say(Bytes);
    impl PictureEncoder for Say {
        type Output = Bytes;
        type Error = std::convert::Infallible;
        fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Self::Error> {
            Ok(self.0.clone())
        }
    }
    let nothing = Scene::nothing(PictureSize::new(2, 2).unwrap());
    nothing.encode(&mut Say(Bytes::copy_from_slice(bytes)), MediaTime::ZERO, true).unwrap()
}

/// 150x90 with cells of 6: neither cells nor tiles end at the picture's edge, and cells lie across tiles.
fn grid() -> Grid {
    Grid { picture: PictureSize::new(150, 90).unwrap(), cell: 6 }
}

fn at(ms: i64) -> WallTime {
    WallTime::from_millis(1_700_000_000_000 + ms)
}

fn scene(ms: i64, luma: u8, cells: Vec<Cell>, figures: Vec<Figure>) -> Scene {
    Scene {
        grid: grid(),
        backdrop: Arc::new(Picture::flat(grid().picture, luma, luma / 2 + 60, 200 - luma / 2)),
        cells: cells.into(),
        figures,
        windows: vec![],
        wall: at(ms),
        why: Why::Fine,
    }
}

fn clear() -> Vec<Cell> {
    vec![Cell::Clear; grid().len()]
}

fn writer() -> SceneWriter<Plain> {
    SceneWriter::new(grid(), at(0), Plain).unwrap()
}

fn person(track: u32, left: i32) -> Figure {
    let rect = Rect { left, top: 12, right: left + 24, bottom: 60 };
    Figure { track, kind: FigureKind::Known(Class::Person), rect, velocity: [-16, 8] }
}

fn play(parts: &[Masked<Bytes>]) -> Vec<Scene> {
    let (mut player, mut scenes) = (ScenePlayer::new(Plain), Vec::new());
    parts.iter().for_each(|part| player.play(part, |scene| scenes.push(scene)));
    scenes
}

fn any_scenes() -> impl Strategy<Value = Vec<Scene>> {
    let cell = prop_oneof![
        3 => Just(Cell::Clear),
        1 => Just(Cell::Unknown),
        1 => Just(Cell::Occupied),
        1 => Just(Cell::Never)
    ];
    // Runs of cells, so that some tiles are known as a whole and some not at all.
    let cells = prop::collection::vec((cell, 1..400_usize), 1..8).prop_map(|runs| {
        let all = runs.into_iter().flat_map(|(cell, n)| std::iter::repeat_n(cell, n));
        all.chain(std::iter::repeat(Cell::Unknown)).take(grid().len()).collect::<Vec<_>>()
    });
    let kind = prop_oneof![
        Just(FigureKind::Moving),
        prop::sample::select(Class::ALL.to_vec()).prop_map(FigureKind::Known)
    ];
    let side = -300..300_i32;
    let figure = (any::<u32>(), kind, [side.clone(), side.clone(), side.clone(), side], any::<[i16; 2]>())
        .prop_map(|(track, kind, [left, top, right, bottom], velocity)| Figure {
            track,
            kind,
            rect: Rect { left, top, right, bottom },
            velocity,
        });
    let one = (-500..3000_i64, 20..220_u8, cells, prop::collection::vec(figure, 0..4));
    prop::collection::vec(one, 1..12).prop_map(|all| {
        let mut now = 0;
        let next = |(step, luma, cells, figures)| {
            now += step;
            scene(now, luma, cells, figures)
        };
        all.into_iter().map(next).collect()
    })
}

fn hidden(cell: Cell) -> bool {
    matches!(cell, Cell::Unknown | Cell::Never)
}

/// The luma of a cell's first pixel.
fn luma(scene: &Scene, n: usize) -> u8 {
    let (x, y) = (n % grid().columns() * 6, n / grid().columns() * 6);
    scene.backdrop.y[y * 150 + x]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What is drawn from the stream is what is drawn from the scene, or less; what is newly known or looks different may come
    /// some seconds late, and where figures are a fifth of a second.
    #[test]
    fn the_stream_hides_what_the_scene_hides_and_shows_the_same_place_and_figures(scenes in any_scenes()) {
        let mut writer = writer();
        let mut player = ScenePlayer::new(Plain);
        let mut last: Option<Scene> = None;
        player.play(&writer.header(), |_| ());
        // A full record of the state before anything: nothing is shown.
        player.play(&writer.full(), |_| ());
        for (n, scene) in scenes.iter().enumerate() {
            if let Some(record) = writer.picture(scene).unwrap() {
                player.play(&record.bytes, |played| last = Some(played));
            }
            // A viewer that comes now sees the same as one that was there from the start.
            if let Some(played) = &last {
                let joined = play(&[writer.header(), writer.full()]).pop().unwrap();
                prop_assert_eq!(&joined.cells, &played.cells, "picture {}", n);
                prop_assert_eq!(&joined.figures, &played.figures);
                prop_assert_eq!((joined.wall, joined.why), (played.wall, played.why));
                let recent = |ms: i64| {
                    let near = move |s: &&Scene| (s.wall - scene.wall).micros().abs() <= ms * 1000;
                    scenes[..=n].iter().filter(near)
                };
                for (c, cell) in scene.cells.iter().enumerate() {
                    prop_assert!(!hidden(*cell) || hidden(played.cells[c]), "picture {}, cell {}", n, c);
                    if !hidden(played.cells[c]) {
                        // Ten levels over 8x8 pixels, of which a cell of 36 pixels may be all that is known.
                        let like = |s: &Scene| luma(s, c).abs_diff(luma(played, c)) < 18;
                        prop_assert!(recent(10_000).any(like), "picture {}, cell {}", n, c);
                        prop_assert_eq!(luma(&joined, c), luma(played, c));
                    }
                }
                let whole = Rect { left: 0, top: 0, right: 150, bottom: 90 };
                let told = |f: &Figure| (f.track, f.kind, f.velocity, f.rect.intersection(whole).area());
                let now: Vec<_> = played.figures.iter().map(told).collect();
                prop_assert!(recent(200).any(|s| s.figures.iter().map(told).eq(now.iter().copied())), "picture {}", n);
                let named = |s: &Scene| s.figures.iter().map(|f| (f.track, f.kind)).collect::<Vec<_>>();
                prop_assert_eq!(named(scene), named(played));
            }
        }
    }

    #[test]
    fn nothing_of_a_hidden_cell_is_in_the_bytes(scenes in any_scenes()) {
        // A shade that nothing else has stands in every hidden cell and nowhere else.
        let mut writer = writer();
        for mut scene in scenes {
            let mut secret = (*scene.backdrop).clone();
            secret.y.iter_mut().for_each(|y| *y = (*y).max(40));
            for n in (0..grid().len()).filter(|n| hidden(scene.cells[*n])) {
                let (x, y) = (n % grid().columns() * 6, n / grid().columns() * 6);
                for row in y..(y + 6).min(90) {
                    secret.y[row * 150 + x..row * 150 + (x + 6).min(150)].fill(7);
                }
            }
            scene.backdrop = Arc::new(secret);
            writer.picture(&scene).unwrap();
            for played in play(&[writer.header(), writer.full()]) {
                prop_assert!(!played.backdrop.y.contains(&7));
            }
        }
    }

    #[test]
    fn after_a_lost_record_nothing_changes_until_a_full_one(lost in 1..5_usize) {
        let mut writer = writer();
        let mut parts = vec![writer.header(), writer.full()];
        for n in 0..6 {
            let scene = scene(n * 200, 100, clear(), vec![person(1, n as i32 * 12)]);
            parts.push(writer.picture(&scene).unwrap().unwrap().bytes);
        }
        let all = play(&parts).len();
        parts.remove(1 + lost);
        let before = play(&parts);
        prop_assert_eq!(before.len(), lost, "records from the lost one on are passed over");
        parts.push(writer.full());
        let after = play(&parts);
        prop_assert_eq!((after.len(), all), (lost + 1, 7));
        prop_assert_eq!(&after[lost].figures, &vec![person(1, 60)]);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>, from in -1000..9000_i64) {
        read_every_way(&bytes, from);
    }

    /// Damage of a few bytes, which fuzz/checks leaves to chance.
    #[test]
    fn no_damage_to_a_stream_makes_a_reader_panic_or_show_more(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<Index>()),
        from in -1000..9000_i64,
    ) {
        let mut bytes = sample().iter().flat_map(|p| p.get().to_vec()).collect::<Vec<_>>();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_every_way(&bytes, from);
    }

    #[test]
    fn a_span_taken_out_begins_with_the_state_at_its_start_and_holds_every_record_in_it(
        from in -2000..12_000_i64, length in 1..12_000_i64,
    ) {
        let parts = sample();
        let all = play(&parts);
        let (from, to) = (at(from), at(from + length));
        let mut cut = SceneCut::new(from, to, 1 << 20);
        parts.iter().for_each(|part| cut.part(part));
        let bytes = cut.finish(None);
        let got = play(std::slice::from_ref(&bytes));
        let before = all.iter().rfind(|s| s.wall <= from);
        let before = before.filter(|s| from - s.wall <= SceneCut::BEFORE);
        let within = all.iter().filter(|s| s.wall > from && s.wall < to);
        let wanted: Vec<_> = before.into_iter().chain(within).map(told).collect();
        prop_assert!(got.iter().map(told).eq(wanted), "{:?}", got.iter().map(|s| s.wall).collect::<Vec<_>>());
        prop_assert_eq!(&bytes.get()[bytes.get().len() - 16..], b"\0\0\0\x10lvse\0\0\0\0\0\0\0\0");
    }
}

/// What a scene says, to compare.
fn told(scene: &Scene) -> (WallTime, Why, Arc<[Cell]>, Vec<Figure>, Vec<Window>) {
    (scene.wall, scene.why, Arc::clone(&scene.cells), scene.figures.clone(), scene.windows.clone())
}

/// Ten seconds with everything in them that a stream can say; a second stream after it.
fn sample() -> Vec<Masked<Bytes>> {
    let mut parts = Vec::new();
    for began in [0, 6000] {
        let mut writer = SceneWriter::new(grid(), at(began), Plain).unwrap();
        parts.push(writer.header());
        for n in 0..20_i64 {
            let mut cells = clear();
            cells[n as usize * 3] = Cell::Occupied;
            cells[7] = if n == 0 { Cell::Unknown } else { Cell::Never };
            let mut scene = scene(began + n * 200, 80 + n as u8 * 5, cells, vec![person(5, n as i32 * 4)]);
            if n % 4 == 1 {
                let picture = Arc::new(Picture::flat(PictureSize::new(20, 10).unwrap(), 200, 90, 90));
                scene.windows = vec![Window { track: 9, class: Class::Vehicle, left: 40, top: 20, picture }];
            }
            let record = writer.picture(&scene).unwrap().unwrap();
            parts.push(if n == 0 { writer.full() } else { record.bytes });
        }
        parts.push(writer.without_pictures(Why::StreamLost).unwrap().bytes);
        parts.push(writer.unchanged(at(began + 4900)).unwrap().bytes);
    }
    parts
}

fn read_every_way(bytes: &[u8], from: i64) {
    let report = check(bytes);
    assert!(report.tiles as usize * 5 <= bytes.len() && report.figures as usize * 18 <= bytes.len());
    let bytes = believed(bytes);
    let played = play(std::slice::from_ref(&bytes));
    assert_eq!(played.len() as u32, report.fulls + report.deltas);
    for scene in &played {
        assert_eq!(scene.cells.len(), scene.grid.len());
        assert_eq!(scene.backdrop.size, scene.grid.picture);
        assert!(scene.windows.iter().all(|w| w.class != Class::Person));
    }
    let mut cut = SceneCut::new(at(from), at(from + 3000), 1 << 16);
    cut.part(&bytes);
    let cut = cut.finish(None);
    assert_eq!(
        check(cut.get()).skipped,
        1,
        "what was taken out follows from its start; the end mark is for viewers"
    );
}

#[test]
fn a_long_span_ends_at_a_record_and_goes_on_there() {
    let (parts, mut from, mut seen) = (sample(), at(-1), Vec::new());
    for _ in 0..100 {
        let mut cut = SceneCut::new(from, at(12_000), 30_000);
        for part in &parts {
            if !cut.is_full() {
                cut.part(part);
            }
        }
        let bytes = cut.finish(None);
        // Each answer begins with the state at its start, which the one before ended with.
        let scenes = play(std::slice::from_ref(&bytes));
        seen.extend(scenes.iter().map(|s| s.wall).filter(|w| !seen.contains(w)).collect::<Vec<_>>());
        let end: [u8; 8] = bytes.get()[bytes.get().len() - 8..].try_into().unwrap();
        match i64::from_be_bytes(end) {
            0 => break,
            next => from = WallTime::from_micros(next - 1),
        }
    }
    let all: Vec<_> = play(&parts).iter().map(|s| s.wall).collect();
    assert_eq!(seen, all);
}

#[test]
fn nothing_new_is_said_about_once_a_second() {
    let mut writer = writer();
    let still = |ms| scene(ms, 100, clear(), vec![]);
    let said: Vec<_> = (0..30).filter_map(|n| writer.picture(&still(n * 100)).unwrap()).collect();
    let walls: Vec<_> = said.iter().map(|r| r.wall).collect();
    assert_eq!(walls, [at(0), at(900), at(1800), at(2700)]);
    assert_eq!(said[1].bytes.get().len(), 24, "a heartbeat is small");
}

#[test]
fn a_tile_is_coded_for_newly_known_cells_ever_more_seldom_and_at_once_for_lost_ones() {
    let mut writer = writer();
    let mut cells = vec![Cell::Unknown; grid().len()];
    let mut tiles = |ms: i64, cells: &[Cell]| {
        let record = writer.picture(&scene(ms, 100, cells.to_vec(), vec![])).unwrap();
        let known = play(&[writer.header(), writer.full()]).pop().unwrap();
        let shown = known.cells.iter().filter(|c| !hidden(**c)).count();
        (record.map_or(0, |r| r.bytes.get().len()) > 6000, shown)
    };
    cells[0] = Cell::Clear;
    assert_eq!(tiles(0, &cells), (true, 1));
    cells[1] = Cell::Clear;
    assert_eq!(tiles(100, &cells), (false, 1), "not yet");
    assert_eq!(tiles(2000, &cells), (true, 2));
    cells[2] = Cell::Clear;
    assert_eq!((tiles(5900, &cells), tiles(6000, &cells)), ((false, 2), (true, 3)));
    cells[0] = Cell::Unknown;
    assert_eq!(tiles(6100, &cells), (true, 2), "what is hidden leaves the tile at once");
    cells.fill(Cell::Unknown);
    assert_eq!(tiles(6200, &cells), (false, 0));
    assert_eq!(writer.full().get().len(), 24 + 4 + 2 + 4 + 2, "no tile is left");
}

#[test]
fn slow_light_is_followed_tile_by_tile_and_what_was_taken_in_is_shown_at_once() {
    let mut writer = writer();
    let seen =
        |writer: &SceneWriter<Plain>| play(&[writer.header(), writer.full()]).pop().unwrap().backdrop.y[0];
    let show = |writer: &mut SceneWriter<Plain>, ms, luma| {
        writer.picture(&scene(ms, luma, clear(), vec![])).unwrap();
        seen(writer)
    };
    assert_eq!(show(&mut writer, 0, 100), 100);
    assert_eq!(show(&mut writer, 100, 105), 100);
    assert_eq!(show(&mut writer, 10_000, 105), 105);
    assert_eq!(show(&mut writer, 20_000, 107), 105, "less is not seen");
    assert_eq!(show(&mut writer, 20_100, 150), 150);
}

#[test]
fn a_window_is_shown_but_for_what_the_scene_hides_and_never_a_person() {
    let mut writer = writer();
    let window = |class| {
        let picture = Arc::new(Picture::flat(PictureSize::new(24, 12).unwrap(), 201, 90, 90));
        Window { track: 9, class, left: 36, top: 24, picture }
    };
    let mut scene = scene(0, 100, clear(), vec![]);
    scene.windows = vec![window(Class::Person), window(Class::Animal)];
    let mut cells = clear();
    cells[4 * grid().columns() + 6] = Cell::Unknown;
    scene.cells = cells.into();
    writer.picture(&scene).unwrap();
    let played = play(&[writer.header(), writer.full()]).pop().unwrap();
    let [Window { track: 9, class: Class::Animal, left: 36, top: 24, picture }] = &played.windows[..] else {
        panic!("{:?}", played.windows)
    };
    assert_eq!(picture.y.iter().filter(|y| **y == 201).count(), 24 * 12 - 36);
    let lost = writer.without_pictures(Why::StreamLost).unwrap();
    let played = play(&[writer.header(), writer.full(), lost.bytes]);
    assert!(played.iter().all(|s| s.windows.is_empty() && s.why == Why::StreamLost));
}

#[test]
fn a_scene_whose_cells_are_of_another_picture_shows_nothing() {
    let mut writer = writer();
    writer.picture(&scene(0, 100, clear(), vec![])).unwrap();
    writer.picture(&scene(100, 100, vec![Cell::Clear; 3], vec![])).unwrap();
    let played = play(&[writer.header(), writer.full()]).pop().unwrap();
    assert!(played.cells.iter().all(|c| *c == Cell::Unknown));
}

/// The bytes of docs/format-scene.md.
#[test]
fn the_bytes_of_the_document_say_what_the_document_says() {
    let text = include_str!("../../../docs/format-scene.md");
    let (_, example) = text.split_once("## Bytes to check against").unwrap();
    let blocks = example.split("```").skip(1).step_by(2);
    let parts: Vec<_> = blocks
        .map(|block| {
            let digits: Vec<u8> = block.bytes().filter(u8::is_ascii_hexdigit).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            believed(&digits.chunks(2).map(byte).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(parts.len(), 6);
    let scenes = play(&parts);
    assert_eq!(scenes.len(), 4, "one is passed over");
    let walls: Vec<_> = scenes.iter().map(|s| s.wall - scenes[0].wall).collect();
    assert_eq!(walls, [0, 100, 1100, 1300].map(WallSpan::from_millis));
    assert_eq!(
        scenes.iter().map(|s| s.why).collect::<Vec<_>>(),
        [Why::Starting, Why::Fine, Why::Fine, Why::StreamLost]
    );
    assert_eq!(scenes[0].figures[0].velocity, [-24, 0]);
    assert_eq!(scenes[1].figures[1].kind, FigureKind::Known(Class::Vehicle));
    assert_eq!(scenes.iter().map(|s| s.figures.len()).collect::<Vec<_>>(), [1, 2, 2, 0]);
    // There are no tiles, so nothing but the excluded zone is told from the unknown.
    assert!(scenes[3].cells[..28].iter().all(|c| *c == Cell::Unknown));
    assert!(scenes[3].cells[28..].iter().all(|c| *c == Cell::Never));
}

#[test]
fn what_looks_the_same_is_said_once_a_second_and_where_figures_are_five_times() {
    let mut writer = writer();
    let (mut cells_said, mut figures_said) = (0, 0);
    let mut last = None;
    for n in 0..30_i64 {
        let mut cells = clear();
        cells[n as usize] = Cell::Occupied;
        let record = writer.picture(&scene(n * 100, 100, cells, vec![person(1, n as i32)])).unwrap();
        let played = play(&[writer.header(), writer.full()]).pop().unwrap();
        let now = (played.cells.clone(), played.figures.clone());
        if let Some((cells, figures)) = &last {
            cells_said += i32::from(*cells != now.0);
            figures_said += i32::from(*figures != now.1);
        }
        assert!(n > 0 || record.is_some());
        last = Some(now);
    }
    assert_eq!((cells_said, figures_said), (2, 14));
    let gone = writer.picture(&scene(2901, 100, clear(), vec![])).unwrap();
    let gone = play(&[writer.header(), writer.full(), gone.unwrap().bytes]).pop().unwrap();
    assert!(gone.figures.is_empty(), "who is gone is gone at once");
}
