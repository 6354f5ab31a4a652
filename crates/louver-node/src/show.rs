//! Masked pictures to live viewers and to the archive.

use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_codec::{EncoderSettings, H264Encoder};
use louver_media::{Packet, Picture, PictureSize};
use louver_scene::{LiveFragment, Masked, MaskedMuxer};
use louver_store::GapReason;

use crate::keep::{Keep, Keeper};
use crate::{LiveHub, LiveStart, StatusCell};

/// A key frame that often: a new viewer sees a picture at once, and `kill -9` costs no more of the masked archive.
const KEY_EVERY: MediaSpan = MediaSpan::from_millis(2000);
/// Pictures a second that the encoder plans for.
const FPS: f32 = 10.0;
/// How long the last picture before an interruption is shown.
const LAST: MediaSpan = MediaSpan::from_millis(100);

/// One camera's masked video.
pub(crate) struct Show {
    live: LiveHub,
    keeper: Keeper,
    status: StatusCell,
    running: Option<Running>,
    rate: Rate,
}

/// What lives as long as the picture's size.
struct Running {
    size: PictureSize,
    encoder: H264Encoder,
    began: WallTime,
    muxers: Option<Muxers>,
    /// Packets of the open archive fragment.
    open: Vec<Masked<Packet>>,
    last: Option<MediaTime>,
    broken_off: bool,
}

struct Muxers {
    live: MaskedMuxer,
    archive: MaskedMuxer,
}

impl Show {
    pub(crate) fn new(live: LiveHub, keeper: Keeper, status: StatusCell) -> Self {
        Self { live, keeper, status, running: None, rate: Rate::default() }
    }

    /// Shows one picture.
    pub(crate) fn picture(&mut self, picture: &Masked<Picture>, wall: WallTime, notice: Option<&str>) {
        let fps_x10 = self.rate.count(wall);
        self.status.update(|s| {
            s.last_masked = Some(wall);
            s.fps_x10 = fps_x10;
            if s.notice.as_deref() != notice {
                s.notice = notice.map(str::to_owned);
            }
        });
        if self.running.as_ref().is_none_or(|r| r.size != picture.get().size) {
            self.interrupt(GapReason::NoVideo);
            self.running = Running::new(picture.get().size, wall);
        }
        let Some(running) = &mut self.running else { return };
        if let Err(e) = running.push(picture, wall, &self.live, &mut self.keeper) {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "masked video cannot be made; starting again"
            );
            self.running = None;
        }
    }

    /// The stream broke off: what is there is kept, and the next picture is a key frame.
    pub(crate) fn interrupt(&mut self, reason: GapReason) {
        if let Some(running) = &mut self.running {
            running.send_live(LAST, &self.live);
            running.keep(LAST, &mut self.keeper);
            running.broken_off = true;
            self.keeper.keep(Keep::End(reason));
        }
    }
}

impl Running {
    fn new(size: PictureSize, began: WallTime) -> Option<Self> {
        let encoder = H264Encoder::new(EncoderSettings::for_size(size, FPS));
        let encoder = encoder.inspect_err(|e| tracing::error!(error = %e, "no encoder")).ok()?;
        Some(Self { size, encoder, began, muxers: None, open: Vec::new(), last: None, broken_off: false })
    }

    fn push(
        &mut self,
        picture: &Masked<Picture>,
        wall: WallTime,
        live: &LiveHub,
        keeper: &mut Keeper,
    ) -> Result<(), louver_codec::CodecError> {
        // The recorder's clock, not the camera's: it goes on over a reconnect. Never backwards: players stop at that.
        let ticks = (wall - self.began).micros().saturating_mul(9) / 100;
        let at = self.last.map_or(MediaTime::ZERO, |l| MediaTime::from_ticks(ticks.max(l.ticks() + 90)));
        let step = self.last.map_or(LAST, |l| at - l);
        let key =
            self.broken_off || self.open.first().is_none_or(|first| at - first.get().media >= KEY_EVERY);
        let (packet, params) = picture.encode(&mut self.encoder, at, key)?.split();
        let packet = packet.at(wall);
        if !self.broken_off {
            // Only now is it known how long the last picture was shown; a player needs that exactly.
            self.send_live(step, live);
        }
        if packet.get().key {
            self.keep(step, keeper);
        }
        if let (None, Some(params)) = (&self.muxers, params) {
            self.begin(params, at, live, keeper);
        }
        self.broken_off = false;
        self.last = Some(at);
        self.open.push(packet);
        Ok(())
    }

    fn begin(
        &mut self,
        params: Masked<louver_media::VideoParams>,
        at: MediaTime,
        live: &LiveHub,
        keeper: &mut Keeper,
    ) {
        let muxer = MaskedMuxer::new(params.clone(), at);
        match muxer.init() {
            Ok(init) => {
                let mime = format!("video/mp4; codecs=\"{}\"", muxer.rfc6381());
                live.start(LiveStart { mime, init: init.clone() });
                keeper.keep(Keep::Begin(init));
                self.muxers = Some(Muxers { live: muxer, archive: MaskedMuxer::new(params, at) });
            }
            Err(e) => {
                tracing::error!(error = &e as &dyn std::error::Error, "masked video cannot be put into MP4")
            }
        }
    }

    /// Sends the newest packet, which is shown for `step`.
    fn send_live(&mut self, step: MediaSpan, live: &LiveHub) {
        if let (Some(packet), Some(muxers)) = (self.open.last(), &mut self.muxers) {
            let bytes = muxers.live.fragment(std::slice::from_ref(packet), step);
            live.send(LiveFragment { bytes, key: packet.get().key, wall: packet.get().wall });
        }
    }

    /// Gives the open fragment to the archive; its last picture is shown for `step`.
    fn keep(&mut self, step: MediaSpan, keeper: &mut Keeper) {
        if let (Some(first), Some(last), Some(muxers)) =
            (self.open.first(), self.open.last(), &mut self.muxers)
        {
            let (from, to) = (first.get().wall, last.get().wall);
            keeper.keep(Keep::Fragment(muxers.archive.fragment(&self.open, step), from, to));
        }
        self.open.clear();
    }
}

/// Counts pictures a second.
#[derive(Default)]
struct Rate {
    since: Option<WallTime>,
    pictures: u32,
    last: u32,
}

impl Rate {
    /// Pictures a second times 10, over the last five seconds or so.
    fn count(&mut self, now: WallTime) -> u32 {
        self.pictures += 1;
        let since = *self.since.get_or_insert(now);
        let seconds = (now - since).seconds();
        if !(0.0..5.0).contains(&seconds) {
            self.last = (f64::from(self.pictures) / seconds.max(1.0) * 10.0) as u32;
            (self.since, self.pictures) = (Some(now), 0);
        }
        self.last
    }
}
