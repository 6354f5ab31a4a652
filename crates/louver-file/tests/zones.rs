//! What lies in an always-masked zone is seen and counted, so it lies in the scene's backdrop; none of it goes out in anything
//! that is shown, stored or sent.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

use louver_base::{Class, MediaSpan, MediaTime, WallTime};
use louver_codec::{EncoderSettings, H264Encoder, JpegDecoder, JpegEncoder, VideoFile};
use louver_media::{Picture, PictureSize};
use louver_scene::stream::{PictureDecoder, ScenePlayer, SceneWriter};
use louver_scene::{
    Detection, DetectorTraits, Figure, Masked, MaskedMuxer, Rect, Scene, Style, Zone, ZoneKind,
};
use louver_see::{See, Settings};

const TRAITS: DetectorTraits =
    DetectorTraits { mask_score: 0.2, event_score: 0.45, halves: false, side: 416 };
/// Pictures at ten a second: the place is learned, then somebody walks through the zone and out of it.
const PICTURES: usize = 400;
/// Blue-difference of everything in the zone; nothing else has it, figures neither (the bluest has 173).
const ZONE: u8 = 235;
/// More blue than anything that may go out, with room for coding on either side.
const TELLING: u8 = 195;

fn size() -> PictureSize {
    PictureSize::new(320, 180).unwrap()
}

/// A zone with slanting edges, so that it crosses cells, tiles and macroblocks.
fn zone() -> Zone {
    Zone::new("desk", ZoneKind::Mask, vec![[9.0, 11.0], [38.0, 4.0], [46.0, 83.0], [17.0, 71.0]]).unwrap()
}

/// Whether a pixel lies in the zone, by its corners (per cent of the picture).
fn inside(x: usize, y: usize) -> bool {
    let zone = zone();
    let corners = zone.polygon();
    let (x, y) = ((x as f32 + 0.5) / 3.2, (y as f32 + 0.5) / 1.8);
    corners.iter().enumerate().all(|(n, [ax, ay])| {
        let [bx, by] = corners[(n + 1) % corners.len()];
        (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0.0
    })
}

/// The camera's picture: a textured place, the zone in its colour, and perhaps somebody.
fn taken(n: usize, walker: Option<Rect>) -> Picture {
    let mut picture = Picture::flat(size(), 0, 120, 134);
    for (at, y) in picture.y.iter_mut().enumerate() {
        let (x, row) = (at % 320, at / 320);
        let noise = (at * 31 + n * 17) % 5;
        *y = (90 + (x / 9 * 7 + row / 9 * 5) % 40 + noise) as u8;
        let somebody = walker.is_some_and(|r| {
            (r.left..r.right).contains(&(x as i32)) && (r.top..r.bottom).contains(&(row as i32))
        });
        if somebody {
            *y = 200;
        }
    }
    for (at, u) in picture.u.iter_mut().enumerate() {
        let (x, row) = (at % 160 * 2, at / 160 * 2);
        // Whoever walks in it has its colour too.
        if inside(x, row) && inside(x + 1, row + 1) {
            *u = ZONE;
        }
    }
    picture
}

fn bluest(picture: &Picture) -> u8 {
    picture.u.iter().copied().max().unwrap()
}

/// Decodes tiles and looks at each, whether or not a player would show it.
struct Spy {
    tiles: usize,
    bluest: u8,
}

impl PictureDecoder for &mut Spy {
    type Error = <JpegDecoder as PictureDecoder>::Error;

    fn decode(&mut self, jpeg: &[u8], size: PictureSize) -> Result<Picture, Self::Error> {
        let tile = JpegDecoder.decode(jpeg, size)?;
        self.tiles += 1;
        self.bluest = self.bluest.max(bluest(&tile));
        Ok(tile)
    }
}

/// What a camera's seeing says of every picture, and where figures were in the zone.
fn scenes() -> Vec<Scene> {
    let mut see = See::with_zones(size(), Settings::new(TRAITS, 5), &[zone()]);
    let mut scenes = Vec::new();
    for n in 0..PICTURES {
        let walker = (n >= 200).then(|| {
            let left = 40 + (n as i32 - 200);
            Rect { left, top: 60, right: left + 22, bottom: 116 }
        });
        let mut picture = taken(n, walker);
        see.blank(&mut picture);
        let at = MediaTime::from_ticks(n as i64 * 9000);
        scenes.push(see.picture(&picture, at, WallTime::from_millis(n as i64 * 100)).0);
        if let Some(sweep) = see.wants() {
            see.sweep_begun(sweep.taken);
            let person = |rect| Detection { class: Class::Person, rect, score: 0.9, ridden: false };
            let found: Vec<Detection> = walker.map(person).into_iter().collect();
            see.sweep_done(sweep.taken, &found);
        }
    }
    scenes
}

#[test]
fn no_pixel_of_an_always_masked_zone_goes_out_in_tiles_pictures_or_video() {
    let scenes = scenes();
    let blue_in_backdrop = scenes.iter().filter(|s| bluest(&s.backdrop) > TELLING).count();
    assert!(blue_in_backdrop > PICTURES / 2, "the zone's pixels lie in the scene: {blue_in_backdrop}");
    let touches = |f: &Figure| (f.rect.left..f.rect.right).any(|x| inside(x as usize, 90));
    assert!(scenes.iter().any(|s| s.figures.iter().any(touches)), "who is in it is drawn as a box");

    // The scene stream: every tile that was ever written, and what a player draws of them.
    let mut writer = SceneWriter::new(scenes[0].grid, scenes[0].wall, JpegEncoder::for_tiles()).unwrap();
    let mut spy = Spy { tiles: 0, bluest: 0 };
    let mut played = 0;
    let mut look = |scene: Scene| {
        played += 1;
        assert!(bluest(&scene.backdrop) <= TELLING, "record {played}");
        for style in [Style::Boxes, Style::Empty] {
            assert!(bluest(scene.render(style).get()) <= TELLING, "record {played}");
        }
    };
    let mut player = ScenePlayer::new(&mut spy);
    player.play(&writer.header(), &mut look);
    player.play(&writer.full(), &mut look);
    for scene in &scenes {
        if let Some(record) = writer.picture(scene).unwrap() {
            player.play(&record.bytes, &mut look);
        }
    }
    // Who comes late is told everything at once.
    player.play(&writer.header(), &mut look);
    player.play(&writer.full(), &mut look);
    drop(player);
    assert!(played > 20 && spy.tiles > 4, "{played} records, {} tiles", spy.tiles);
    assert!(spy.bluest <= TELLING, "tiles show up to {}", spy.bluest);

    // Pictures, and the stills that are made of them.
    for (n, scene) in scenes.iter().enumerate() {
        for style in [Style::Boxes, Style::Empty, Style::FiguresOnly] {
            let drawn = scene.render(style);
            assert!(bluest(drawn.get()) <= TELLING, "picture {n}, {style:?}");
            if n % 50 == 0 {
                let still = drawn.encode(&mut JpegEncoder::default(), MediaTime::ZERO, true).unwrap();
                let read = JpegDecoder.decode(still.get(), size()).unwrap();
                assert!(bluest(&read) <= TELLING, "still {n}, {style:?}");
            }
        }
    }
}

#[test]
fn no_pixel_of_an_always_masked_zone_goes_out_in_an_mp4() {
    let scenes = scenes();
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size(), 10.0)).unwrap();
    let (mut params, mut packets) = (None, Vec::new());
    for (n, scene) in scenes.iter().enumerate() {
        let at = MediaTime::from_ticks(n as i64 * 9000);
        let coded = scene.render(Style::Boxes).encode(&mut encoder, at, n % 20 == 0).unwrap();
        let (packet, said) = coded.split();
        params = params.or(said);
        packets.push(packet);
    }
    let mut muxer = MaskedMuxer::new(params.unwrap(), MediaTime::ZERO);
    let parts = [muxer.init().unwrap(), muxer.fragment(&packets, MediaSpan::from_ticks(9000))];
    let file = tempfile::NamedTempFile::with_suffix(".mp4").unwrap();
    std::fs::write(file.path(), Masked::joined(&parts).into_inner()).unwrap();

    let mut video = VideoFile::open(file.path()).unwrap();
    let mut read = 0;
    while let Some(frame) = video.next_frame().unwrap() {
        read += 1;
        assert!(bluest(&frame.picture) <= TELLING, "picture {read}: {}", bluest(&frame.picture));
    }
    assert_eq!(read, PICTURES);
}

#[test]
fn the_zones_colour_would_be_noticed_if_it_went_out() {
    let picture = taken(0, None);
    assert!(bluest(&picture) > TELLING);
    let shown = Scene {
        cells: vec![louver_scene::Cell::Clear; scenes()[0].cells.len()].into(),
        ..scenes().remove(300)
    };
    let still =
        shown.render(Style::Boxes).encode(&mut JpegEncoder::for_tiles(), MediaTime::ZERO, true).unwrap();
    assert!(bluest(&JpegDecoder.decode(still.get(), size()).unwrap()) > TELLING, "in a tile's JPEG");
    let mut encoder = H264Encoder::new(EncoderSettings::for_size(size(), 10.0)).unwrap();
    let (packet, params) =
        shown.render(Style::Boxes).encode(&mut encoder, MediaTime::ZERO, true).unwrap().split();
    let mut decoder = louver_codec::Decoder::new(params.unwrap().get(), None).unwrap();
    let read = decoder.decode(packet.get()).unwrap().pop().unwrap().picture;
    assert!(bluest(&read) > TELLING, "in video");
}
