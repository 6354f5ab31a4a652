//! Video and scene stream come out of one decision: both are drawn from one run over real pixels, and what each shows is
//! compared.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_codec::{Decoder, EncoderSettings, H264Encoder, JpegDecoder, JpegEncoder, VideoFile};
use louver_file::Pass;
use louver_media::Picture;
use louver_scene::stream::{ScenePlayer, SceneWriter};
use louver_scene::{Cell, Figure, Rect, Scene, Style};
use support::*;

/// Pictures of the clip that are compared: the place is learned, and people walk through it.
const PICTURES: usize = 250;

/// Video as a player decodes it.
struct Video {
    encoder: H264Encoder,
    decoder: Option<Decoder>,
}

impl Video {
    fn show(&mut self, scene: &Scene, n: usize) -> Picture {
        let at = louver_base::MediaTime::from_ticks(n as i64 * 9000);
        let coded = scene.render(Style::Boxes).encode(&mut self.encoder, at, n.is_multiple_of(20)).unwrap();
        let (packet, params) = coded.split();
        if let (None, Some(params)) = (&self.decoder, params) {
            self.decoder = Some(Decoder::new(params.get(), None).unwrap());
        }
        self.decoder.as_mut().unwrap().decode(packet.get()).unwrap().pop().unwrap().picture
    }
}

/// What is compared, summed over all pictures.
#[derive(Debug, Default)]
struct Sums {
    cells: usize,
    /// Cells that the scene hides.
    hidden: usize,
    /// ... that the stream shows.
    leaked: usize,
    /// Cells that only the stream hides: it is told of newly known ones a little later.
    later: usize,
    /// Cells that both show and no figure covers.
    compared: usize,
    /// Those whose mean differs by more than coding explains.
    different: usize,
    figures: usize,
    /// Figures that stand where they stood up to a fifth of a second ago.
    lagging: usize,
}

fn hidden(cell: Cell) -> bool {
    match cell {
        Cell::Unknown | Cell::Never => true,
        Cell::Clear | Cell::Occupied => false,
    }
}

fn cell_rect(scene: &Scene, n: usize) -> Rect {
    let cell = scene.grid.cell as i32;
    let (left, top) = ((n % scene.grid.columns()) as i32 * cell, (n / scene.grid.columns()) as i32 * cell);
    let size = scene.grid.picture;
    let (right, bottom) = ((left + cell).min(size.width() as i32), (top + cell).min(size.height() as i32));
    Rect { left, top, right, bottom }
}

fn mean(picture: &Picture, rect: Rect) -> i64 {
    let width = picture.size.width();
    let rows = rect.top as usize..rect.bottom as usize;
    let row = |y: usize| &picture.y[y * width + rect.left as usize..y * width + rect.right as usize];
    rows.flat_map(row).map(|y| i64::from(*y)).sum::<i64>() / rect.area()
}

impl Sums {
    fn compare(&mut self, decided: &Scene, played: &Scene, video: &Picture, recent: &[Vec<Figure>]) {
        let stream = played.render(Style::Boxes).into_inner();
        let boxes: Vec<Rect> = decided.figures.iter().chain(&played.figures).map(|f| f.rect).collect();
        for (n, (a, b)) in decided.cells.iter().zip(played.cells.iter()).enumerate() {
            self.cells += 1;
            self.hidden += usize::from(hidden(*a));
            self.leaked += usize::from(hidden(*a) && !hidden(*b));
            self.later += usize::from(!hidden(*a) && hidden(*b));
            let rect = cell_rect(decided, n);
            if hidden(*a) != hidden(*b)
                || boxes.iter().any(|r| r.intersection(rect).area() > 0 && !inside(rect, *r))
            {
                continue;
            }
            self.compared += 1;
            let by = (mean(video, rect) - mean(&stream, rect)).abs();
            self.different += usize::from(by > 16);
        }
        assert_eq!(
            decided.figures.iter().map(|f| (f.track, f.kind)).collect::<Vec<_>>(),
            played.figures.iter().map(|f| (f.track, f.kind)).collect::<Vec<_>>(),
            "the same figures"
        );
        for (now, shown) in decided.figures.iter().zip(&played.figures) {
            self.figures += 1;
            self.lagging += usize::from(now.rect != shown.rect);
            let stood = recent.iter().flatten().any(|f| f.track == shown.track && f.rect == shown.rect);
            assert!(now.rect == shown.rect || stood, "{shown:?} was never there");
        }
    }
}

/// Wholly covered cells show a figure in both.
fn inside(cell: Rect, figure: Rect) -> bool {
    cell.intersection(figure).area() == cell.area()
}

#[test]
fn video_and_scene_stream_show_and_hide_the_same() {
    let (Some(clip), Some(detector)) = (vtest(), detector(None)) else { return };
    let mut pass = Pass::new(VideoFile::open(&clip).unwrap(), detector);
    let mut player = ScenePlayer::new(JpegDecoder);
    let (mut writer, mut video, mut played) = (None, None, None);
    let (mut sums, mut recent) = (Sums::default(), Vec::<Vec<Figure>>::new());
    for n in 0..PICTURES {
        let scene = pass.step().unwrap().expect("the clip is longer").scene;
        let writer = writer.get_or_insert_with(|| {
            let writer = SceneWriter::new(scene.grid, scene.wall, JpegEncoder::for_tiles()).unwrap();
            player.play(&writer.header(), |_| ());
            player.play(&writer.full(), |_| ());
            writer
        });
        let settings = EncoderSettings::for_size(scene.grid.picture, 10.0);
        let video = video
            .get_or_insert_with(|| Video { encoder: H264Encoder::new(settings).unwrap(), decoder: None });
        if let Some(record) = writer.picture(&scene).unwrap() {
            player.play(&record.bytes, |scene| played = Some(scene));
        }
        let shown = video.show(&scene, n);
        sums.compare(&scene, played.as_ref().unwrap(), &shown, &recent);
        recent.insert(0, scene.figures.clone());
        recent.truncate(2);
    }
    println!("{sums:?}");
    assert_eq!(sums.leaked, 0, "nothing is shown in the stream that the scene hides");
    assert!(sums.hidden > 0 && sums.hidden < sums.cells && sums.figures > 100, "{sums:?}");
    assert!(sums.later * 20 < sums.cells, "what is known is shown before long: {sums:?}");
    assert!(sums.compared * 2 > sums.cells, "{sums:?}");
    // What was taken into the backdrop in between comes to the stream some seconds later.
    assert!(sums.different * 100 < sums.compared, "{sums:?}");
    assert!(sums.lagging * 2 < sums.figures, "{sums:?}");
}
