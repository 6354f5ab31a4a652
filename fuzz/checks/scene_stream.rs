//! Any bytes as a scene stream (docs/format-scene.md), read box by box as a WebSocket's messages bring them.

use bytes::Bytes;
use louver_base::{Class, MediaTime, WallTime};
use louver_media::{Picture, PictureSize};
use louver_scene::stream::{PictureDecoder, SceneCut, ScenePlayer, check};
use louver_scene::{Cell, Figure, Masked, PictureEncoder, Scene, Why, Window};

/// Larger pictures take the time and tell nothing more.
const AREA_MAX: usize = 256 * 256;

/// Reads the bytes in every way that there is.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let (boxes, torn) = boxes(bytes);
    counts_no_more_than_the_bytes_have_room_for(bytes, torn);
    if boxes.iter().any(|b| b.kind() == b"lvsh" && b.area() > AREA_MAX) {
        return;
    }
    let shown = follow(&boxes);
    let rises = shown.windows(2).all(|pair| pair[0].wall <= pair[1].wall);
    if let (Some(first), Some(last), true) = (shown.first(), shown.last(), rises) {
        let middle = shown[shown.len() / 2].wall;
        for (from, to) in [(first.wall, last.wall), (middle, last.wall), (last.wall, last.wall)] {
            let Some(to) = to.micros().checked_add(1).map(WallTime::from_micros) else { continue };
            a_span_holds_the_state_at_its_start_and_what_follows(bytes, &shown, from, to);
        }
    }
}

/// One box, as docs/format-scene.md has it: read here once more, by hand.
struct Part<'a>(&'a [u8]);

impl Part<'_> {
    fn kind(&self) -> &[u8] {
        &self.0[4..8]
    }
    fn wall(&self) -> Option<i64> {
        self.0.get(8..16).map(|b| i64::from_be_bytes(b.try_into().unwrap()))
    }
    fn number(&self) -> Option<u32> {
        self.0.get(16..20).map(|b| u32::from_be_bytes(b.try_into().unwrap()))
    }
    /// Of a header's picture; 0 where it is none.
    fn area(&self) -> usize {
        let side =
            |at| self.0.get(at..at + 2).map_or(0, |b: &[u8]| usize::from(b[0]) << 8 | usize::from(b[1]));
        side(10) * side(12)
    }
    /// What a header says: without its bytes that mean nothing yet.
    fn says(&self) -> Vec<u8> {
        let tables = self.0.get(28..32).map_or(0, |b| u32::from_be_bytes(b.try_into().unwrap()) as usize);
        let end = tables.saturating_add(32).min(self.0.len());
        let meaning = |(n, _): &(usize, &u8)| *n >= 8 && ![9, 18, 19].contains(n);
        self.0[..end].iter().enumerate().filter(meaning).map(|(_, b)| *b).collect()
    }
}

fn boxes(mut rest: &[u8]) -> (Vec<Part<'_>>, bool) {
    let mut parts = Vec::new();
    while let Some(size) = rest.first_chunk().map(|size| u32::from_be_bytes(*size) as usize) {
        if !(8..=8 << 20).contains(&size) || size > rest.len() {
            return (parts, true);
        }
        parts.push(Part(&rest[..size]));
        rest = &rest[size..];
    }
    (parts, !rest.is_empty())
}

fn counts_no_more_than_the_bytes_have_room_for(bytes: &[u8], torn: bool) {
    let report = check(bytes);
    assert_eq!(report.torn, torn);
    let boxes = report.headers + report.fulls + report.deltas + report.skipped;
    assert!(boxes as usize * 8 <= bytes.len());
    assert!(report.tiles as usize * 5 + report.figures as usize * 18 <= bytes.len());
    if !torn {
        let longer = check(&[bytes, b"\0\0\0\x10lvse\0\0\0\0\0\0\0\0"].concat());
        assert_eq!((longer.fulls, longer.deltas), (report.fulls, report.deltas));
    }
}

/// Plays box by box: nothing is applied to a state that it does not follow, and whoever comes at a full record sees what the
/// others see.
fn follow(boxes: &[Part<'_>]) -> Vec<Scene> {
    let mut player = ScenePlayer::new(Plain);
    let (mut header, mut number, mut scenes): (Option<&Part<'_>>, _, _) = (None, None, Vec::new());
    for part in boxes {
        let mut shown = None;
        player.play(&believed(part.0), |scene| assert!(shown.replace(scene).is_none()));
        match (part.kind(), &shown) {
            (b"lvsh", None) => {
                if header.is_none_or(|h| h.says() != part.says()) {
                    number = None;
                }
                header = Some(part);
            }
            (b"lvsf", Some(scene)) => {
                number = part.number();
                let alone = [header.expect("nothing is shown without a header").0, part.0].concat();
                same_look(&play(&alone).pop().expect("it can start here"), scene);
            }
            (b"lvsd", Some(_)) => {
                assert_eq!(part.number(), number.map(|n: u32| n.wrapping_add(1)), "a delta on another state");
                number = part.number();
            }
            (_, None) => {}
            (kind, Some(_)) => panic!("{kind:?} shows something"),
        }
        if let Some(scene) = shown {
            assert_eq!(Some(scene.wall.micros()), part.wall());
            allowed(&scene);
            scenes.push(scene);
        }
    }
    let whole: Vec<u8> = boxes.iter().flat_map(|b| b.0).copied().collect();
    let at_once = play(&whole);
    assert!(at_once.iter().map(told).eq(scenes.iter().map(told)), "messages may be joined");
    scenes
}

fn allowed(scene: &Scene) {
    assert_eq!(scene.cells.len(), scene.grid.len());
    assert_eq!(scene.backdrop.size, scene.grid.picture);
    let (width, height) = (scene.grid.picture.width() as i32, scene.grid.picture.height() as i32);
    assert!(scene.figures.len() <= 512 && scene.windows.len() <= 64);
    for rect in scene.figures.iter().map(|f| f.rect) {
        assert!(0 <= rect.left && rect.left <= rect.right && rect.right <= width);
        assert!(0 <= rect.top && rect.top <= rect.bottom && rect.bottom <= height);
    }
    for window in &scene.windows {
        assert_ne!(window.class, Class::Person);
        assert!(usize::from(window.left) + window.picture.size.width() <= width as usize);
        assert!(usize::from(window.top) + window.picture.size.height() <= height as usize);
    }
}

/// What [`SceneCut`] promises; and taken out once more, not a byte is different.
fn a_span_holds_the_state_at_its_start_and_what_follows(
    bytes: &[u8],
    all: &[Scene],
    from: WallTime,
    to: WallTime,
) {
    let cut = |bytes: &[u8]| {
        let mut cut = SceneCut::new(from, to, 1 << 24);
        cut.part(&believed(bytes));
        cut.finish(None).into_inner()
    };
    let taken = cut(bytes);
    assert!(taken.len() <= 3 * bytes.len() + 64, "{} of {}", taken.len(), bytes.len());
    assert_eq!(
        (check(&taken).skipped, check(&taken).torn),
        (1, false),
        "of what was taken out only its end mark is unknown"
    );
    let before = all.iter().rfind(|s| s.wall <= from).filter(|s| from - s.wall <= SceneCut::BEFORE);
    let within = all.iter().filter(|s| s.wall > from && s.wall < to);
    let wanted: Vec<&Scene> = before.into_iter().chain(within).collect();
    let got = play(&taken);
    assert_eq!(got.len(), wanted.len());
    got.iter().zip(wanted).for_each(|(got, wanted)| same_look(got, wanted));
    assert_eq!(cut(&taken), taken);
}

type Told<'a> = (WallTime, Why, &'a [Cell], &'a [Figure], &'a [Window]);

fn told(scene: &Scene) -> Told<'_> {
    (scene.wall, scene.why, &scene.cells, &scene.figures, &scene.windows)
}

/// The same is said, and the same pixels are to be seen.
fn same_look(a: &Scene, b: &Scene) {
    assert_eq!((told(a), a.grid), (told(b), b.grid));
    let (width, cell, columns) = (a.grid.picture.width(), a.grid.cell, a.grid.columns());
    for at in (0..a.backdrop.y.len()).filter(|at| a.backdrop.y[*at] != b.backdrop.y[*at]) {
        let state = a.cells[at / width / cell * columns + at % width / cell];
        assert!(matches!(state, Cell::Unknown | Cell::Never), "a pixel that is shown differs");
    }
}

fn play(bytes: &[u8]) -> Vec<Scene> {
    let mut scenes = Vec::new();
    ScenePlayer::new(Plain).play(&believed(bytes), |scene| scenes.push(scene));
    scenes
}

/// The frame of a JPEG file with plain samples in it: nothing is lost, so pixels can be compared.
struct Plain;

const HEAD: &[u8] = b"\xff\xd8\xff\xdb\0\x03Q";
const OWN: &[u8] = b"\xff\xc0\0\x03F\xff\xda\0\x03S";

impl PictureDecoder for Plain {
    type Error = ();
    fn decode(&mut self, jpeg: &[u8], size: PictureSize) -> Result<Picture, ()> {
        let samples = jpeg.strip_prefix(HEAD).and_then(|j| j.strip_prefix(OWN)).ok_or(())?;
        // The size that is asked for counts: a decoder that is fooled must not put pixels elsewhere.
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
    let nothing = Scene::nothing(PictureSize::new(2, 2).expect("small"));
    nothing.encode(&mut Say(Bytes::copy_from_slice(bytes)), MediaTime::ZERO, true).expect("infallible")
}
