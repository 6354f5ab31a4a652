//! Masked live video, for players that take no scene stream: drawn and coded only while somebody watches.

use louver_base::{MediaSpan, MediaTime, WallTime};
use louver_codec::{CodecError, EncoderSettings, H264Encoder};
use louver_media::{Picture, PictureSize};
use louver_scene::{LiveFragment, Masked, MaskedMuxer};

use crate::{LiveHub, LiveStart};

/// A key frame that often: a new viewer sees a picture at once.
const KEY_EVERY: MediaSpan = MediaSpan::from_millis(2000);
/// Pictures a second that the encoder plans for.
const FPS: f32 = 10.0;
/// How long the last picture before an interruption is shown.
const LAST: MediaSpan = MediaSpan::from_millis(100);

/// One camera's masked live video.
pub(crate) struct Video {
    live: LiveHub,
    running: Option<Running>,
}

/// What lives as long as the picture's size and somebody watches.
struct Running {
    size: PictureSize,
    encoder: H264Encoder,
    began: WallTime,
    muxer: Option<MaskedMuxer>,
    /// The newest packet: only with the next is known how long it is shown.
    open: Option<Masked<louver_media::Packet>>,
    key_at: Option<MediaTime>,
    broken_off: bool,
}

impl Video {
    pub(crate) fn new(live: LiveHub) -> Self {
        Self { live, running: None }
    }

    /// Whether somebody watches. If nobody does, the encoder and what it left are gone.
    pub(crate) fn wanted(&mut self) -> bool {
        let wanted = self.live.viewers() > 0;
        if !wanted && self.running.take().is_some() {
            self.live.clear();
        }
        wanted
    }

    pub(crate) fn picture(&mut self, picture: &Masked<Picture>, wall: WallTime) {
        if self.running.as_ref().is_none_or(|r| r.size != picture.get().size) {
            self.running = Running::new(picture.get().size, wall);
        }
        let Some(running) = &mut self.running else { return };
        if let Err(e) = running.push(picture, wall, &self.live) {
            let error = &e as &dyn std::error::Error;
            tracing::error!(error, "masked video cannot be made; starting again");
            self.running = None;
        }
    }

    /// The stream broke off: the next picture is a key frame.
    pub(crate) fn interrupt(&mut self) {
        if let Some(running) = &mut self.running {
            running.send(LAST, &self.live);
            running.broken_off = true;
        }
    }
}

impl Running {
    fn new(size: PictureSize, began: WallTime) -> Option<Self> {
        let encoder = H264Encoder::new(EncoderSettings::for_size(size, FPS));
        let encoder = encoder.inspect_err(|e| tracing::error!(error = %e, "no encoder")).ok()?;
        Some(Self { size, encoder, began, muxer: None, open: None, key_at: None, broken_off: false })
    }

    fn push(&mut self, picture: &Masked<Picture>, wall: WallTime, live: &LiveHub) -> Result<(), CodecError> {
        // The recorder's clock, not the camera's: it goes on over a reconnect. Never backwards: players stop at that.
        let ticks = (wall - self.began).micros().saturating_mul(9) / 100;
        let last = self.open.as_ref().map(|p| p.get().media);
        let at = last.map_or(MediaTime::from_ticks(ticks.max(0)), |l| {
            MediaTime::from_ticks(ticks.max(l.ticks() + 90))
        });
        let key = self.broken_off || self.key_at.is_none_or(|k| at - k >= KEY_EVERY);
        let (packet, params) = picture.encode(&mut self.encoder, at, key)?.split();
        if !self.broken_off {
            self.send(last.map_or(LAST, |l| at - l), live);
        }
        if packet.get().key {
            self.key_at = Some(at);
        }
        if let (None, Some(params)) = (&self.muxer, params) {
            let muxer = MaskedMuxer::new(params, at);
            match muxer.init() {
                Ok(init) => {
                    let mime = format!("video/mp4; codecs=\"{}\"", muxer.rfc6381());
                    live.start(LiveStart { mime, init });
                    self.muxer = Some(muxer);
                }
                Err(e) => {
                    let error = &e as &dyn std::error::Error;
                    tracing::error!(error, "masked video cannot be put into MP4");
                }
            }
        }
        self.broken_off = false;
        self.open = Some(packet.at(wall));
        Ok(())
    }

    /// Sends the newest packet, which is shown for `step`.
    fn send(&mut self, step: MediaSpan, live: &LiveHub) {
        if let (Some(packet), Some(muxer)) = (&self.open, &mut self.muxer) {
            let bytes = muxer.fragment(std::slice::from_ref(packet), step);
            live.send(LiveFragment { bytes, key: packet.get().key, wall: packet.get().wall });
        }
    }
}
