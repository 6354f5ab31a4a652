//! One camera's seeing: packets in, masked pictures out. Runs on a thread of its own.

mod seeing;
mod tell;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use louver_base::{CameraId, Class, EventId, MediaSpan, WallSpan, WallTime};
use louver_codec::detector::ModelKind;
use louver_codec::{CodecError, Decoded, Decoder, Seat};
use louver_media::{Packet, PictureSize, VideoParams};
use louver_scene::{Scene, Show as Shown, Why, Zone};
use louver_see::{Gate, GateMode, GateReport, Settings};
use louver_store::GapReason;
use tokio::sync::{mpsc, watch};

use crate::feed::{Feed, PACKETS_LOST};
use crate::keep::Keeper;
use crate::look::Looker;
use crate::show::Show;
use crate::{CameraHandle, LatestStill, StatusCell};
use seeing::Seeing;
use tell::jpeg;

/// Pictures are seen at most so often: ten a second show a runner at every step.
const LEAST_STEP: MediaSpan = MediaSpan::from_millis(95);
/// So many pictures wait: analysis is behind. It then sees fewer of them, which costs less than a place that is not looked at until
/// the next key frame, and decodes all.
const BEHIND: usize = 6;
/// Even then pictures are seen so often.
const SEEN_AT_LEAST: MediaSpan = MediaSpan::from_millis(900);
/// A latest still that often.
const STILL_EVERY: WallSpan = WallSpan::from_millis(5000);
/// Streams wider than this are scaled to [`SEEN_WIDTH`]: the masked picture needs no more, and cost grows with area.
const WIDEST: usize = 800;
const SEEN_WIDTH: usize = 640;

/// The size at which a stream is seen.
fn seen_size(size: PictureSize) -> PictureSize {
    if size.width() <= WIDEST {
        return size;
    }
    let height = (size.height() * SEEN_WIDTH / size.width()) as u32;
    PictureSize::new(SEEN_WIDTH as u32, height.max(2)).unwrap_or(size)
}

/// One camera's analysis.
pub(crate) struct Sight {
    camera: CameraId,
    status: StatusCell,
    still: watch::Sender<LatestStill>,
    still_at: Option<WallTime>,
    keeper: Keeper,
    looker: Option<Looker>,
    /// Where it is decoded.
    seat: Seat,
    show: Show,
    policy: Policy,
    events: HashMap<u32, EventId>,
    seeing: Option<Seeing>,
    /// Of the stream that is seen.
    params: Option<VideoParams>,
    /// Whether more pictures wait than should.
    behind: bool,
    /// Whether quiet pictures are left out.
    gate: GateMode,
    gate_told: Option<GateReport>,
    /// Panics where a test wants it.
    #[cfg(test)]
    fault: fn(&Packet),
}

/// What the camera's entry says about what may be seen.
struct Policy {
    show: Shown,
    zones: Vec<Zone>,
}

impl Sight {
    pub(crate) fn new(
        handle: &CameraHandle,
        still: watch::Sender<LatestStill>,
        keeper: Keeper,
        looker: Option<Looker>,
        seat: Seat,
    ) -> Self {
        Self {
            camera: handle.id.clone(),
            status: handle.status.clone(),
            still,
            still_at: None,
            show: Show::new(handle, keeper.clone()),
            keeper,
            looker,
            seat,
            policy: Policy { show: handle.show, zones: handle.zones.clone() },
            events: HashMap::new(),
            seeing: None,
            params: None,
            behind: false,
            gate: handle.gate,
            gate_told: None,
            #[cfg(test)]
            fault: |_| (),
        }
    }

    /// Sees until the feed ends.
    pub(crate) fn run(mut self, mut feed: mpsc::Receiver<Feed>) {
        let span = tracing::info_span!("sight", camera = %self.camera);
        let _entered = span.enter();
        if let Some(looker) = self.looker.as_ref().filter(|_| self.policy.show.allows(Class::Parcel)) {
            tracing::warn!(model_finds = looker.kind().parcels(), "parcels may be shown");
        }
        if self.looker.is_none() {
            self.status.update(|s| s.notice = Some(NO_DETECTOR.to_owned()));
        }
        while let Some(next) = feed.blocking_recv() {
            self.status.meters().analysis_waits.lower();
            self.behind = feed.len() > BEHIND;
            // A fault of ours, or of the decoder's bindings, costs the pictures until the next key frame, not the camera.
            if catch_unwind(AssertUnwindSafe(|| self.take(next))).is_err() {
                tracing::error!("analysis failed and starts again");
                self.status.update(|s| s.notice = Some("analysis failed and starts again".to_owned()));
                let again = catch_unwind(AssertUnwindSafe(|| {
                    self.interrupt(GapReason::AnalysisFailed);
                    if let Some(params) = self.params.take() {
                        self.start(params);
                    }
                }));
                if again.is_err() {
                    // What was being done is in pieces; the camera's next session begins anew.
                    self.seeing = None;
                }
            }
        }
        self.interrupt(GapReason::Restart);
    }

    fn take(&mut self, next: Feed) {
        match next {
            Feed::Start(params) => {
                self.interrupt(GapReason::NoVideo);
                self.start(params);
            }
            Feed::Params(params) => {
                // Another size, perhaps another view: whoever was followed is followed no more.
                self.interrupt(GapReason::NoVideo);
                self.start(params);
            }
            Feed::Packet(packet) => self.packet(&packet),
            Feed::Lost(reason) => {
                self.interrupt(reason);
                self.status.update(|s| s.notice = Some("no pictures from the camera".to_owned()));
            }
        }
    }

    /// What is followed has left; masked video up to here is kept.
    fn interrupt(&mut self, reason: GapReason) {
        if let Some(seeing) = &mut self.seeing {
            let acts = seeing.see.interrupted();
            seeing.broke_off();
            let now = WallTime::now();
            self.tell(&acts, None, now);
        }
        self.show.interrupt(reason);
    }

    fn start(&mut self, params: VideoParams) {
        let size = seen_size(params.size);
        let kind = self.looker.as_ref().map_or(ModelKind::SsdMobileNetV2, Looker::kind);
        let settings = Settings { show: self.policy.show, ..Settings::new(kind.traits(), rand::random()) };
        // A camera that connects anew sends the same pictures: what is usual for it need not be learned again.
        let known =
            self.seeing.take().filter(|_| self.params.as_ref() == Some(&params)).map(Seeing::into_gate);
        let gate = known.unwrap_or_else(|| Gate::new(params.size, params.codec, self.gate));
        let decoder = Decoder::apart(&self.seat, &params, size);
        self.seeing = Some(Seeing::new(decoder, size, settings, &self.policy.zones, gate));
        self.params = Some(params);
    }

    fn packet(&mut self, packet: &Packet) {
        #[cfg(test)]
        (self.fault)(packet);
        let Some(seeing) = &mut self.seeing else { return };
        if seeing.waits_for_key && !packet.key {
            self.status.update(|s| s.skipped_frames += 1);
            return;
        }
        let begun = Instant::now();
        let decoded = seeing.packet(packet);
        self.status.meters().decoding.add(begun.elapsed());
        match decoded {
            Ok(pictures) if pictures.is_empty() => {
                // What is on screen still holds: viewers and the archive are told so.
                if seeing.gate().open.is_none() {
                    self.show.unchanged(packet.wall);
                }
            }
            Ok(pictures) => {
                for decoded in pictures {
                    self.picture(decoded);
                }
            }
            Err(e) => {
                tracing::debug!(error = &e as &dyn std::error::Error, "a picture is not decoded");
                self.status.update(|s| {
                    s.skipped_frames += 1;
                    match e {
                        CodecError::Broken(_) => s.notice = Some(PACKETS_LOST.to_owned()),
                        // One that is damaged is nothing to tell: the next key frame mends it.
                        CodecError::Decode(_) => {}
                        _ => s.notice = Some(e.to_string()),
                    }
                });
            }
        }
        self.stirs();
    }

    /// The gate is told what goes on; the status, what the gate does.
    fn stirs(&mut self) {
        let Some(seeing) = &mut self.seeing else { return };
        seeing.stirs();
        let gate = seeing.gate();
        if self.gate_told != Some(gate) {
            self.gate_told = Some(gate);
            self.status.update(|s| s.gate = Some(gate));
        }
    }

    fn picture(&mut self, mut decoded: Decoded) {
        let Some(seeing) = &mut self.seeing else { return };
        let after = |step| seeing.last.is_some_and(|l| decoded.media > l && decoded.media - l < step);
        if after(LEAST_STEP) {
            return;
        }
        if self.behind && after(SEEN_AT_LEAST) {
            // Seeing reckons with the time that passed: unlike what the gate leaves out, something goes on.
            self.status.update(|s| s.skipped_frames += 1);
            return;
        }
        seeing.last = Some(decoded.media);
        self.status.meters().seen.add(1);
        // Before anything else looks at it.
        seeing.see.blank(&mut decoded.picture);
        seeing.take_answers();
        let (scene, acts) = seeing.see.picture(&decoded.picture, decoded.media, decoded.wall);
        if let Some(looker) = &self.looker {
            seeing.ask(looker, &decoded.picture, self.status.meters());
        }
        let notice = match (scene.why, &self.looker) {
            (_, None) => Some(NO_DETECTOR),
            (Why::Fine, _) => None,
            (Why::Starting, _) => Some("learning the place: only what is surely empty is shown"),
            (Why::LightChanged, _) => Some("the light changed: learning the place anew"),
            (Why::CameraMoved, _) => Some("the camera's view changed: learning the place anew"),
            (Why::LensCovered, _) => Some("the lens is covered, or there is no light: nothing to see"),
            (Why::AnalysisLate, _) => Some("analysis is late: what is shown is older"),
            (Why::StreamLost, _) => Some("no pictures from the camera"),
        };
        self.show.picture(&scene, notice);
        self.keep_still(&scene, decoded.wall);
        self.tell(&acts, Some(&scene), decoded.wall);
    }

    fn keep_still(&mut self, scene: &Scene, now: WallTime) {
        if self.still_at.is_some_and(|t| now >= t && now - t < STILL_EVERY) {
            return;
        }
        self.still_at = Some(now);
        if let Some(jpeg) = jpeg(scene) {
            // Nobody may be looking.
            let _ = self.still.send(Some(jpeg));
        }
    }
}

const NO_DETECTOR: &str =
    "the detector is missing, so nothing can be shown; originals are sealed. `louver doctor` says what to do";

#[cfg(test)]
mod tests;
