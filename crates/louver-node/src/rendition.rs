//! Recorded scenes drawn and coded as video, on demand.

use bytes::Bytes;
use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_codec::{CodecError, EncoderSettings, H264Encoder, JpegDecoder};
use louver_media::{Packet, PictureSize};
use louver_scene::stream::{STATE_HOLDS, ScenePlayer};
use louver_scene::{Masked, MaskedMuxer, Scene, Style};

/// A key frame, and a fragment, that often.
const KEY_EVERY: MediaSpan = MediaSpan::from_millis(2000);
/// Pictures a second that the encoder plans for.
const FPS: f32 = 10.0;
/// How long the very last picture is shown at the least.
const LAST: MediaSpan = MediaSpan::from_millis(100);

/// A picture of a recorded scene could not be coded as video: nothing follows.
#[derive(Debug, thiserror::Error)]
#[error("a recorded scene cannot be drawn as video")]
pub struct RenditionError(#[source] CodecError);

/// Turns a span of a recorded scene stream into fragmented MP4 (H.264). Give it the span's parts in order, and the ones before
/// from the file's start on.
pub struct Rendition {
    origin: WallTime,
    from: WallTime,
    to: WallTime,
    player: ScenePlayer<JpegDecoder>,
    drawing: Drawing,
}

impl std::fmt::Debug for Rendition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendition {{ {} to {} }}", self.from, self.to)
    }
}

/// What is drawn so far.
struct Drawing {
    /// The newest scene, which stands until the next.
    standing: Option<Scene>,
    running: Option<Running>,
    /// Fragments that were not taken yet.
    out: Vec<Masked<Bytes>>,
    /// Why nothing follows.
    ended: Option<Result<(), CodecError>>,
}

struct Running {
    size: PictureSize,
    encoder: H264Encoder,
    muxer: Option<MaskedMuxer>,
    open: Vec<Masked<Packet>>,
}

impl Rendition {
    /// Of `from..to`; `origin` is time 0 of the video.
    pub fn new(origin: WallTime, from: WallTime, to: WallTime) -> Self {
        let drawing = Drawing { standing: None, running: None, out: Vec::new(), ended: None };
        Self { origin, from, to, player: ScenePlayer::new(JpegDecoder), drawing }
    }

    /// Draws a part and gives the fragments that are whole by then, the first of them with the start (`ftyp`, `moov`).
    ///
    /// # Errors
    /// When a picture cannot be coded: nothing follows.
    pub fn part(&mut self, bytes: &Masked<Bytes>) -> Result<Vec<Masked<Bytes>>, RenditionError> {
        let (origin, from, to) = (self.origin, self.from, self.to);
        let drawing = &mut self.drawing;
        self.player.play(bytes, |scene| drawing.take(scene, origin, from, to));
        drawing.given().map_err(RenditionError)
    }

    /// Draws what still stands, up to the end.
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub fn finish(mut self) -> Result<Vec<Masked<Bytes>>, RenditionError> {
        let (origin, from, to) = (self.origin, self.from, self.to);
        let drawing = &mut self.drawing;
        drawing.hold_until(to, origin, from);
        if let Some(running) = &mut drawing.running {
            drawing.out.extend(running.fragment(LAST));
        }
        drawing.given().map_err(RenditionError)
    }

    /// Whether nothing follows: the span is over, or the picture's size changed, which one MP4 cannot say.
    pub fn ended(&self) -> bool {
        self.drawing.ended.is_some()
    }

    /// The codec of video of this size, as players name it (RFC 6381).
    ///
    /// # Errors
    /// When OpenH264 takes no picture of this size.
    pub fn codec(size: PictureSize) -> Result<String, RenditionError> {
        let coded = H264Encoder::new(EncoderSettings::for_size(size, FPS))
            .and_then(|mut encoder| Scene::nothing(size).encode(&mut encoder, MediaTime::ZERO, true));
        let (_, params) = coded.map_err(RenditionError)?.split();
        Ok(params.map_or_else(|| "avc1.42c01e".to_owned(), |p| p.get().rfc6381()))
    }
}

impl Drawing {
    fn given(&mut self) -> Result<Vec<Masked<Bytes>>, CodecError> {
        if let Some(Err(_)) = &self.ended
            && let Some(ended) = self.ended.replace(Ok(()))
        {
            ended?;
        }
        Ok(std::mem::take(&mut self.out))
    }

    fn take(&mut self, scene: Scene, origin: WallTime, from: WallTime, to: WallTime) {
        if self.ended.is_some() {
            return;
        }
        if self.standing.as_ref().is_some_and(|s| scene.wall < s.wall) {
            // The recorder's clock was set back: what follows would stand over what was drawn.
            if scene.wall <= from {
                self.standing = Some(scene);
            }
            return;
        }
        self.hold_until(scene.wall.min(to), origin, from);
        if scene.wall >= to {
            self.ended = Some(Ok(()));
            return;
        }
        if scene.wall > from {
            self.draw(&scene, scene.wall, origin);
        }
        self.standing = Some(scene);
    }

    /// Draws what `standing` still stands for up to a time: itself at the span's start, and nothing once it stands no more.
    fn hold_until(&mut self, until: WallTime, origin: WallTime, from: WallTime) {
        let Some(standing) = self.standing.take() else { return };
        let ends = standing.wall + STATE_HOLDS;
        if standing.wall <= from && from < until && from < ends {
            self.draw(&standing, from, origin);
        }
        if ends > from && ends < until && self.running.is_some() {
            let nothing =
                Scene { cells: [].into(), figures: Vec::new(), windows: Vec::new(), ..standing.clone() };
            self.draw(&nothing, ends, origin);
        }
        self.standing = Some(standing);
    }

    fn draw(&mut self, scene: &Scene, wall: WallTime, origin: WallTime) {
        let size = scene.grid.picture;
        if self.ended.is_some() || self.running.as_ref().is_some_and(|r| r.size != size) {
            self.ended.get_or_insert(Ok(()));
            return;
        }
        let ticks = (wall - origin).micros().max(0).saturating_mul(9) / 100;
        let drawn = Running::of(&mut self.running, size).and_then(|running| {
            running.push(&scene.render(Style::Boxes), MediaTime::from_ticks(ticks), wall)
        });
        match drawn {
            Ok(parts) => self.out.extend(parts),
            Err(e) => self.ended = Some(Err(e)),
        }
    }
}

impl Running {
    fn of(running: &mut Option<Self>, size: PictureSize) -> Result<&mut Self, CodecError> {
        if let Some(running) = running {
            return Ok(running);
        }
        let encoder = H264Encoder::new(EncoderSettings::for_size(size, FPS))?;
        Ok(running.insert(Self { size, encoder, muxer: None, open: Vec::new() }))
    }

    fn push(
        &mut self,
        picture: &Masked<louver_media::Picture>,
        at: MediaTime,
        wall: WallTime,
    ) -> Result<Vec<Masked<Bytes>>, CodecError> {
        let last = self.open.last().map(|p| p.get().media);
        if last.is_some_and(|last| at <= last) {
            return Ok(Vec::new());
        }
        let key = self.open.first().is_none_or(|first| at - first.get().media >= KEY_EVERY);
        let (packet, params) = picture.encode(&mut self.encoder, at, key)?.split();
        let mut parts = Vec::new();
        if packet.get().key {
            parts.extend(self.fragment(last.map_or(LAST, |l| at - l)));
        }
        if let (None, Some(params)) = (&self.muxer, params) {
            let muxer = MaskedMuxer::new(params, MediaTime::ZERO);
            parts.extend(muxer.init().ok());
            self.muxer = Some(muxer);
        }
        self.open.push(packet.at(wall));
        Ok(parts)
    }

    /// The open packets, of which the last is shown for `step`.
    fn fragment(&mut self, step: MediaSpan) -> Option<Masked<Bytes>> {
        let packets = std::mem::take(&mut self.open);
        let muxer = self.muxer.as_mut()?;
        (!packets.is_empty()).then(|| muxer.fragment(&packets, step))
    }
}
