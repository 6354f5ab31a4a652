//! One camera's seeing: packets in, masked pictures out. Runs on a thread of its own.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc as answers_queue;

use bytes::Bytes;
use louver_base::{CameraId, EventId, MediaSpan, MediaTime, WallSpan, WallTime};
use louver_codec::detector::ModelKind;
use louver_codec::{CodecError, Decoded, Decoder, JpegEncoder};
use louver_media::{Packet, Picture, PictureSize, VideoParams};
use louver_scene::{Masked, Scene, Style, Why};
use louver_see::{Act, See, Settings, Sighting};
use louver_store::{EventBox, EventChange, EventRecord, GapReason};
use tokio::sync::{mpsc, watch};

use crate::feed::{Feed, PACKETS_LOST};
use crate::keep::{Keep, Keeper};
use crate::look::{Answer, Looker, answers};
use crate::show::Show;
use crate::{CameraHandle, LatestStill, StatusCell};

/// Pictures are seen at most so often: ten a second show a runner at every step.
const LEAST_STEP: MediaSpan = MediaSpan::from_millis(95);
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
    show: Show,
    events: HashMap<u32, EventId>,
    seeing: Option<Seeing>,
    /// Of the stream that is seen.
    params: Option<VideoParams>,
    /// Panics where a test wants it.
    #[cfg(test)]
    fault: fn(&Packet),
}

/// What lives as long as a stream's parameters.
struct Seeing {
    decoder: Decoder,
    see: See,
    to: answers_queue::Sender<Answer>,
    answers: answers_queue::Receiver<Answer>,
    /// After damage: pictures mean nothing until the next key frame.
    wait_for_key: bool,
    last: Option<MediaTime>,
}

impl Sight {
    pub(crate) fn new(
        handle: &CameraHandle,
        still: watch::Sender<LatestStill>,
        keeper: Keeper,
        looker: Option<Looker>,
    ) -> Self {
        Self {
            camera: handle.id.clone(),
            status: handle.status.clone(),
            still,
            still_at: None,
            show: Show::new(handle, keeper.clone()),
            keeper,
            looker,
            events: HashMap::new(),
            seeing: None,
            params: None,
            #[cfg(test)]
            fault: |_| (),
        }
    }

    /// Sees until the feed ends.
    pub(crate) fn run(mut self, mut feed: mpsc::Receiver<Feed>) {
        let span = tracing::info_span!("sight", camera = %self.camera);
        let _entered = span.enter();
        if self.looker.is_none() {
            self.status.update(|s| s.notice = Some(NO_DETECTOR.to_owned()));
        }
        while let Some(next) = feed.blocking_recv() {
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
            seeing.wait_for_key = true;
            let now = WallTime::now();
            self.tell(&acts, None, now);
        }
        self.show.interrupt(reason);
    }

    fn start(&mut self, params: VideoParams) {
        let size = seen_size(params.size);
        match Decoder::new(&params, Some(size)) {
            Ok(decoder) => {
                let kind = self.looker.as_ref().map_or(ModelKind::SsdMobileNetV2, Looker::kind);
                let (to, answers) = answers();
                let see = See::new(size, Settings::new(kind.traits(), rand::random()));
                self.seeing = Some(Seeing { decoder, see, to, answers, wait_for_key: true, last: None });
            }
            Err(e) => {
                tracing::error!(error = &e as &dyn std::error::Error, "no decoder");
                self.seeing = None;
                self.status.update(|s| s.notice = Some(e.to_string()));
            }
        }
        self.params = Some(params);
    }

    fn packet(&mut self, packet: &Packet) {
        #[cfg(test)]
        (self.fault)(packet);
        let Some(seeing) = &mut self.seeing else { return };
        if seeing.wait_for_key && !packet.key {
            self.status.update(|s| s.skipped_frames += 1);
            return;
        }
        match seeing.decode(packet) {
            Ok(pictures) => {
                for decoded in pictures {
                    self.picture(decoded);
                }
            }
            Err(e) => {
                tracing::debug!(error = &e as &dyn std::error::Error, "a picture is damaged");
                self.status.update(|s| {
                    s.skipped_frames += 1;
                    if matches!(e, CodecError::Broken(_)) {
                        s.notice = Some(PACKETS_LOST.to_owned());
                    }
                });
            }
        }
    }

    fn picture(&mut self, decoded: Decoded) {
        let Some(seeing) = &mut self.seeing else { return };
        if seeing.last.is_some_and(|l| decoded.media > l && decoded.media - l < LEAST_STEP) {
            return;
        }
        seeing.last = Some(decoded.media);
        seeing.take_answers();
        let (scene, acts) = seeing.see.picture(&decoded.picture, decoded.media, decoded.wall);
        if let Some(looker) = &self.looker {
            seeing.ask(looker, &decoded.picture);
        }
        let notice = match (scene.why, &self.looker) {
            (_, None) => Some(NO_DETECTOR),
            (Why::Fine, _) => None,
            (Why::Starting, _) => Some("learning the place: only what is surely empty is shown"),
            (Why::LightChanged, _) => Some("the light changed: learning the place anew"),
            (Why::CameraMoved, _) => Some("the camera's view changed: learning the place anew"),
            (Why::LensCovered, _) => Some("the lens is covered"),
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

    /// Events and their stills go to the store.
    fn tell(&mut self, acts: &[Act], shown: Option<&Scene>, now: WallTime) {
        for act in acts {
            match *act {
                Act::Enters(sighting, _) => {
                    let id = EventId::from_random(rand::random());
                    self.events.insert(sighting.track, id);
                    let boxes = shown.map(|s| event_box(&sighting, s, now)).into_iter().collect();
                    self.keeper.keep(Keep::Event(Box::new(EventRecord {
                        id,
                        camera: self.camera.clone(),
                        class: sighting.class,
                        start: now,
                        end: None,
                        stays: None,
                        leaves: None,
                        confidence: sighting.score,
                        still: false,
                        boxes,
                    })));
                }
                Act::Update(sighting, best) => {
                    let (Some(&id), Some(scene)) = (self.events.get(&sighting.track), shown) else {
                        continue;
                    };
                    let change = EventChange {
                        seen: Some(event_box(&sighting, scene, now)),
                        class: Some(sighting.class),
                        confidence: Some(sighting.score),
                        ..EventChange::default()
                    };
                    self.keeper.keep(Keep::Change(id, change));
                    if let Some(jpeg) = best.then(|| jpeg(scene)).flatten() {
                        self.keeper.keep(Keep::Still(id, jpeg));
                    }
                }
                Act::Stays(sighting) => {
                    if let Some(&id) = self.events.get(&sighting.track) {
                        let change = EventChange { stays: Some(now), ..EventChange::default() };
                        self.keeper.keep(Keep::Change(id, change));
                    }
                }
                Act::Leaves(track) => {
                    if let Some(id) = self.events.remove(&track) {
                        let change = EventChange { leaves: Some(now), ..EventChange::default() };
                        self.keeper.keep(Keep::Change(id, change));
                        self.keeper.keep(Keep::Finish(id, now));
                    }
                }
            }
        }
    }
}

const NO_DETECTOR: &str =
    "the detector is missing, so nothing can be shown; originals are sealed. `louver doctor` says what to do";

impl Seeing {
    fn decode(&mut self, packet: &Packet) -> Result<Vec<Decoded>, CodecError> {
        if self.wait_for_key {
            self.decoder.restart();
        }
        let pictures = self.decoder.decode(packet);
        self.wait_for_key = pictures.is_err();
        pictures
    }

    fn take_answers(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            match answer.found {
                Some(found) => self.see.sweep_done(answer.taken, &found),
                None => self.see.sweep_failed(),
            }
        }
    }

    fn ask(&mut self, looker: &Looker, picture: &Picture) {
        if let Some(sweep) = self.see.wants() {
            self.see.sweep_begun(sweep.taken);
            if !looker.ask(picture, sweep, &self.to) {
                self.see.sweep_failed();
            }
        }
    }
}

fn jpeg(scene: &Scene) -> Option<Masked<Bytes>> {
    let coded = scene.render(Style::Boxes).encode(&mut JpegEncoder::default(), MediaTime::ZERO, true);
    coded.inspect_err(|e| tracing::error!(error = %e, "no still")).ok().map(Masked::<Vec<u8>>::into_bytes)
}

fn event_box(sighting: &Sighting, scene: &Scene, wall: WallTime) -> EventBox {
    let size = scene.grid.picture;
    let part = |n: i32, of: usize| (i64::from(n.max(0)) * 10_000 / of as i64).min(10_000) as u16;
    EventBox {
        wall,
        left: part(sighting.rect.left, size.width()),
        top: part(sighting.rect.top, size.height()),
        right: part(sighting.rect.right, size.width()),
        bottom: part(sighting.rect.bottom, size.height()),
    }
}

#[cfg(test)]
mod tests;
