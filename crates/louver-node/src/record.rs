//! The main stream: groups of pictures, sealed, to disk.

use std::path::PathBuf;
use std::time::Instant;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_ingest::{Event, LateReader};
use louver_ledger::{Leaf, Ledger, leaf};
use louver_media::{Gop, GopCutter, GopLimits, Packet, SoundParams, VideoParams};
use louver_store::{
    Gap, GapReason, RecordingKind, SealedWriter, Store, StoreError, StreamKind, rotation_due,
};
use louver_vault::{
    Epoch, GROUP_SPAN, HolderSet, Hour, HourInUse, Sealed, SegmentSealer, SiteId, VaultError,
};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::feed::{Feed, FeedSender, From, gap_reason};
use crate::holes::{Hole, Holes, Told};
use crate::keep::NOTED_EVERY;
use crate::losses::Losses;
use crate::sealed_leaf;
use crate::{CameraSettings, StatusCell, StreamState};

/// Why a group could not be kept.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("it could not be sealed")]
    Seal(#[from] VaultError),
    #[error("it could not be written")]
    Store(#[from] StoreError),
}

/// The gap of a camera that is away is lengthened so often, microseconds; also where the clock was set back by as much meanwhile.
const LENGTHENED: u64 = 30_000_000;

/// A segment whose header is on the disk.
struct Begun {
    hour: Hour,
    path: PathBuf,
}

/// Seals and stores one camera's main stream.
pub(crate) struct Recorder {
    store: Store,
    camera: CameraId,
    /// Those of now.
    holders: watch::Receiver<Option<HolderSet>>,
    /// Whom `epoch` is sealed for.
    sealed_for: Option<HolderSet>,
    site: SiteId,
    status: StatusCell,
    writer: SealedWriter,
    /// What this hour's segments are sealed with; never of an hour that is over for longer than a camera can be silent. As long
    /// as it is here its hour's secret is not destroyed, whatever the clock says.
    epoch: Option<(Epoch, HourInUse)>,
    sealer: Option<SegmentSealer>,
    /// The segment that `sealer` seals.
    segment: Option<Begun>,
    params: Option<VideoParams>,
    /// How the sound is coded that is sealed with the pictures, if it is.
    sound: Option<SoundParams>,
    cutter: GopCutter,
    /// When the group began of which parts are written.
    group: Option<WallTime>,
    /// Packets taken since the last time that all cameras waited for.
    taken: usize,
    /// Arrival of the last packet.
    arrived: Option<WallTime>,
    holes: Holes,
    losses: Losses,
    /// Last moment on disk.
    recorded_until: Option<WallTime>,
    /// Whether the wall clock is set meanwhile.
    clock: Clock,
    /// Why nothing has been kept since then, if so.
    missing: Option<GapReason>,
    /// Until when the gap going on has been noted.
    noted_until: Option<WallTime>,
    /// Where gaps are written down when they are over, and segments when they end.
    pub(crate) ledger: Option<Ledger>,
    /// Who reads the stream late, if so; packets are then taken late too, those of all cameras at once.
    pub(crate) late: Option<LateReader>,
}

impl Recorder {
    pub(crate) fn new(
        store: Store,
        settings: &CameraSettings,
        holders: watch::Receiver<Option<HolderSet>>,
        site: SiteId,
        status: &StatusCell,
    ) -> Self {
        Self {
            writer: store.sealed_writer(&settings.id),
            store,
            camera: settings.id.clone(),
            holders,
            sealed_for: None,
            site,
            status: status.clone(),
            epoch: None,
            sealer: None,
            segment: None,
            params: None,
            sound: None,
            cutter: GopCutter::new(GopLimits::default()),
            group: None,
            taken: 0,
            arrived: None,
            holes: Holes::default(),
            losses: Losses::default(),
            recorded_until: None,
            clock: Clock::default(),
            missing: Some(GapReason::Restart),
            noted_until: None,
            ledger: None,
            late: None,
        }
    }

    /// Records until the source ends. `feed` is where analysis gets its pictures when it sees the main stream.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<Event>, feed: Option<FeedSender>) {
        self.status.update(|s| s.main = StreamState::Connecting);
        let mut unheld = self.holders.borrow().is_none();
        if unheld {
            let problem = "no holder, no recording: make the first key on the page Holders".to_owned();
            self.status.update(|s| s.recording_problem = Some(problem));
        }
        match self.store.accounted_until(&self.camera, RecordingKind::Sealed, WallTime::now()).await {
            Ok(until) => self.recorded_until = until,
            Err(e) => {
                tracing::warn!(camera = %self.camera, error = %e, "the gap before this start is not known")
            }
        }
        // Whether analysis has been told of the main stream's parameters.
        let mut told = false;
        while let Some(event) = self.next(&mut events, feed.as_ref()).await {
            self.status.meters().sealing_waits.set(events.len());
            // Nothing is asked of a camera before there is a holder, whatever it then answers.
            if std::mem::take(&mut unheld) {
                self.status.update(|s| s.recording_problem = None);
            }
            if let Some(feed) = &feed {
                told = self.show(feed, &event, told);
            }
            self.take(event).await;
        }
        if let Some(gop) = self.cutter.finish() {
            self.keep(gop).await;
        }
        let told = self.holes.finish();
        self.write_holes(told).await;
        self.finish().await;
        // A gap that was begun lasts until now.
        if let (Some(reason), true) = (self.missing, self.noted_until.is_some()) {
            self.note_gap(WallTime::now(), reason).await;
        }
        self.status.update(|s| s.main = StreamState::Off);
    }

    /// The next event. Where nobody waits for a picture, one that is not there yet is waited for as long as all cameras': a wake
    /// for every packet of each would cost more than sealing them.
    async fn next(&mut self, events: &mut mpsc::Receiver<Event>, feed: Option<&FeedSender>) -> Option<Event> {
        if let (Some(late), true) = (&self.late, events.is_empty()) {
            let taken = std::mem::take(&mut self.taken);
            if feed.is_some_and(|feed| feed.wants(From::Main)) {
                late.hurry();
            } else if taken < events.max_capacity() / 2 {
                tokio::time::sleep_until(late.between().into()).await;
            }
            // Else so much comes that the channel would be full by then, and the camera held back.
        }
        self.taken += 1;
        events.recv().await
    }

    /// Passes the main stream on while it is what is seen.
    fn show(&self, feed: &FeedSender, event: &Event, told: bool) -> bool {
        if !feed.wants(From::Main) {
            return false;
        }
        match event {
            Event::Connected { params, .. } => feed.send(From::Main, Feed::Start(params.clone())),
            Event::Params(params) => feed.send(From::Main, Feed::Params(params.clone())),
            Event::Packet(packet) => {
                // Seen in place of a sub stream from now on: analysis begins at a key frame.
                if let (false, Some(params)) = (told, &self.params) {
                    if !packet.key {
                        return false;
                    }
                    feed.send(From::Main, Feed::Start(params.clone()));
                }
                feed.send(From::Main, Feed::Packet(packet.clone()));
            }
            Event::Missing { .. } => feed.missing(From::Main),
            Event::Sound(_) => {}
            Event::Lost { error, .. } => feed.send(From::Main, Feed::Lost(gap_reason(error))),
        }
        true
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Connected { params, sound, .. } => {
                self.arrived = None;
                self.becomes(params, sound).await;
                if self.losses.runs(Instant::now()) {
                    tracing::info!(camera = %self.camera, "main stream is back");
                }
                self.status.update(|s| s.main = StreamState::Running);
            }
            Event::Params(params) => {
                if let Some(gop) = self.cutter.finish() {
                    self.keep(gop).await;
                }
                self.becomes(params, self.sound.clone()).await;
            }
            Event::Sound(packet) => {
                if let Some(gop) = self.cutter.hear(packet) {
                    self.keep(gop).await;
                }
            }
            Event::Packet(packet) => {
                self.status.meters().main.picture(packet.data.len());
                self.note_holes(&packet).await;
                let read = (WallTime::now(), Instant::now());
                if let Some(gop) = self.cutter.push(packet) {
                    self.keep(gop).await;
                }
                // Of the next group: this packet is its first, or within it.
                self.clock.read(read);
            }
            // What did come is kept as it came: an original with a hole is evidence, and players show what they can.
            Event::Missing { packets } => {
                tracing::warn!(camera = %self.camera, packets, "packets of the main stream are lost on the way");
                self.holes.lost();
            }
            Event::Lost { error, retry_in } => {
                self.status.meters().main.lost.add(1);
                if let Some(gop) = self.cutter.finish() {
                    self.keep(gop).await;
                }
                self.cutter.restart();
                let told = self.holes.finish();
                self.write_holes(told).await;
                self.leave_hour(WallTime::now()).await;
                let reason = *self.missing.get_or_insert(gap_reason(&error));
                // Noted while it lasts: a restart must not hide it. Not at every attempt, which may be two seconds apart for days.
                let now = WallTime::now();
                if self.noted_until.is_none_or(|noted| (now - noted).micros().unsigned_abs() >= LENGTHENED) {
                    self.noted_until = Some(now);
                    self.note_gap(now, reason).await;
                }
                if self.losses.lost(&error, Instant::now()) {
                    tracing::warn!(camera = %self.camera, reason = %error, retry_s = retry_in.as_secs(), "main stream lost");
                }
                self.status.update(|s| s.main = StreamState::Retrying { reason: error.to_string() });
            }
        }
    }

    /// From the next group on, pictures and sound are coded so. Another size or coding begins another segment: no file holds two.
    async fn becomes(&mut self, params: VideoParams, sound: Option<SoundParams>) {
        let kind = |p: &VideoParams| (p.codec, p.size);
        let other = self.params.as_ref().is_some_and(|p| kind(p) != kind(&params)) || self.sound != sound;
        if other {
            self.finish().await;
        } else if let Some(sealer) = &mut self.sealer {
            sealer.set_params(&params);
        }
        self.cutter.listen(sound.clone());
        (self.params, self.sound) = (Some(params), sound);
    }

    /// Packets lost before this one are a hole from the packet before it to this one.
    async fn note_holes(&mut self, packet: &Packet) {
        let before = self.arrived.replace(packet.wall);
        let told = self.holes.next(before, packet.wall);
        self.write_holes(told).await;
    }

    /// Times in which packets were lost go into the catalogue while they last, and into the ledger too when they are over.
    async fn write_holes(&self, Told { over, goes_on }: Told) {
        for Hole { start, end } in over.into_iter().chain(goes_on) {
            self.record(start, end, GapReason::PacketsLost).await;
        }
        if let Some(Hole { start, end }) = over {
            self.tell(start, end, GapReason::PacketsLost);
        }
    }

    /// Seals and writes one group, or a part of one. After a failure the next begins another segment, and what comes of a group of which
    /// a part is missing is kept and counts as missing: without what went before nobody can look at it.
    async fn keep(&mut self, gop: Gop) {
        let (Some(first), Some(last)) = (gop.first_wall(), gop.last_wall()) else { return };
        match self.write(&gop, first).await {
            Ok(()) => {
                if self.clock.was_set_ahead(self.recorded_until, first) {
                    self.missing.get_or_insert(GapReason::Clock);
                }
                if self.missing.is_none() || gop.starts_with_key() {
                    if let Some(reason) = self.missing.take() {
                        self.note_gap(first, reason).await;
                        self.write_down(first, reason);
                    }
                    self.noted_until = None;
                    self.recorded_until = Some(last);
                }
                self.status.meters().sealed_groups.add(1);
                self.status.update(|s| {
                    s.last_sealed = Some(last);
                    s.recording_problem = None;
                });
            }
            Err(e) => {
                self.sealer = None;
                self.write_down_cut_off().await;
                let full = matches!(&e, KeepError::Store(e) if e.is_disk_full());
                let reason = if full { GapReason::DiskFull } else { GapReason::DiskFailed };
                if self.missing.replace(reason) != Some(reason) {
                    tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "an original is lost");
                    let problem = match &e {
                        KeepError::Seal(e) => e.to_string(),
                        KeepError::Store(e) => e.to_string(),
                    };
                    self.status.update(|s| s.recording_problem = Some(problem));
                }
                if self.noted_until.is_none_or(|noted| last - noted >= NOTED_EVERY) {
                    self.noted_until = Some(last);
                    self.note_gap(last, reason).await;
                }
            }
        }
    }

    async fn write(&mut self, gop: &Gop, first: WallTime) -> Result<(), KeepError> {
        let key = gop.starts_with_key();
        if self.writer.open_since().is_some_and(|start| rotation_due(start, first, key)) {
            self.finish().await;
        }
        if key {
            self.group = Some(first);
        }
        let span = self.group.map(|began| first - began).filter(|_| !key);
        let goes_on = span.is_some_and(|span| (WallSpan::from_millis(0)..=GROUP_SPAN).contains(&span));
        // Holders were changed: not from the next hour on but from the next group on nobody who was removed gets a share. Whoever got one of
        // this group's beginning gets its rest, since those who come could not look at that.
        if self.epoch.is_some() && *self.holders.borrow() != self.sealed_for && !goes_on {
            self.epoch = None;
            self.finish().await;
        }
        let open = self.writer.open_since().is_some();
        let sealer = match self.sealer.take().filter(|sealer| open && (!key || sealer.is_in_hour(first))) {
            Some(sealer) => sealer,
            None => {
                let Some(params) = self.params.clone() else { return Ok(()) };
                let (sealer, header) = self.segment(first, &params).await?;
                self.writer.begin(header, first).await?;
                let path = self.writer.open_path().unwrap_or_default();
                self.segment = Some(Begun { hour: Hour::of(first), path });
                sealer
            }
        };
        let fragment = self.sealer.insert(sealer).seal(gop)?;
        self.writer.append(fragment).await?;
        Ok(())
    }

    /// The next segment of the hour's epoch. The hour's secret is in the key ring, on the disk, before an epoch begins.
    async fn segment(
        &mut self,
        first: WallTime,
        params: &VideoParams,
    ) -> Result<(SegmentSealer, Sealed), KeepError> {
        let hour = Hour::of(first);
        // The old hour's chain is wiped before the new one's is made.
        let epoch = match self.epoch.take().filter(|(epoch, _)| epoch.hour() == hour) {
            Some(epoch) => epoch,
            None => self.begin_epoch(hour).await?,
        };
        let (epoch, _) = self.epoch.insert(epoch);
        let heard = self.sound.is_some();
        let segment = |epoch: &mut Epoch| match heard {
            true => epoch.segment_with_sound(first, params),
            false => epoch.segment(first, params),
        };
        match segment(epoch) {
            Err(VaultError::EpochFull) => {
                let epoch = self.begin_epoch(hour).await?;
                Ok(segment(&mut self.epoch.insert(epoch).0)?)
            }
            begun => Ok(begun?),
        }
    }

    async fn begin_epoch(&mut self, hour: Hour) -> Result<(Epoch, HourInUse), KeepError> {
        let holders = self.holders.borrow().clone().ok_or(VaultError::NoHolder)?;
        let in_use = self.store.use_hour(&self.camera, hour)?;
        let secret = self.store.hour_secret(&self.camera, hour).await?;
        let epoch = Epoch::begin(self.site, &self.camera, hour, &holders, &secret)?;
        self.sealed_for = Some(holders);
        Ok((epoch, in_use))
    }

    /// Ends what belongs to an hour that is over, so that a camera that is silent leaves no keys in memory.
    async fn leave_hour(&mut self, now: WallTime) {
        if self.epoch.as_ref().is_some_and(|(epoch, _)| epoch.hour() != Hour::of(now)) {
            self.epoch = None;
            self.finish().await;
        }
    }

    async fn finish(&mut self) {
        let Some(sealer) = self.sealer.take() else { return };
        let done = match sealer.finish() {
            Ok(finished) => {
                let written = self.writer.finish(finished.end.clone()).await;
                written.map(|_| finished).map_err(KeepError::Store)
            }
            Err(e) => Err(KeepError::Seal(e)),
        };
        match done {
            Ok(finished) => {
                if let (Some(begun), Some(ledger)) = (self.segment.take(), &self.ledger) {
                    let leaf = sealed_leaf::finished(&self.camera, begun.hour, &finished, ledger.salt());
                    self.offer(ledger, &leaf, "a segment does not stand in the ledger");
                }
            }
            Err(e) => {
                tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "a segment is not finished; what was written opens");
                self.write_down_cut_off().await;
            }
        }
    }

    /// What is there of a segment that could not be ended goes into the ledger as it is in the file.
    async fn write_down_cut_off(&mut self) {
        let (Some(Begun { path, .. }), Some(ledger)) = (self.segment.take(), self.ledger.clone()) else {
            return;
        };
        let found = tokio::task::spawn_blocking(move || {
            let leaf = sealed_leaf::recovered_from(&path, ledger.salt());
            (ledger, leaf)
        });
        if let Ok((ledger, Some(leaf))) = found.await {
            self.offer(&ledger, &leaf, "a segment that was cut off does not stand in the ledger");
        }
    }

    /// Nothing waits for it: a ledger whose disk fails counts what it could not take.
    fn offer(&self, ledger: &Ledger, leaf: &Leaf, otherwise: &'static str) {
        if let Err(e) = ledger.offer(leaf) {
            tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "{otherwise}");
        }
    }

    /// A gap that is over goes into the ledger too.
    fn write_down(&self, end: WallTime, reason: GapReason) {
        let Some(start) = self.recorded_until.filter(|start| *start < end) else { return };
        self.tell(start, end, reason);
    }

    fn tell(&self, start: WallTime, end: WallTime, reason: GapReason) {
        self.status.meters().gap(reason);
        let Some(ledger) = &self.ledger else { return };
        let camera = ledger.salt().camera(&self.camera);
        let gap = Leaf::Gap { camera, from: start.into(), to: end.into(), reason: word(reason) };
        self.offer(ledger, &gap, "a gap does not stand in the ledger");
    }

    async fn note_gap(&self, end: WallTime, reason: GapReason) {
        // A camera that was never recorded has no gap.
        let Some(start) = self.recorded_until.filter(|start| *start < end) else { return };
        self.record(start, end, reason).await;
    }

    async fn record(&self, start: WallTime, end: WallTime, reason: GapReason) {
        let gap = Gap { camera: self.camera.clone(), stream: StreamKind::Main, start, end, reason };
        if let Err(e) = self.store.record_gap(gap).await {
            tracing::error!(camera = %self.camera, error = &e as &dyn std::error::Error, "a gap is not on the disk yet");
        }
    }
}

/// The ledger's word for the catalogue's.
fn word(reason: GapReason) -> leaf::GapReason {
    match reason {
        GapReason::Unreachable => leaf::GapReason::Unreachable,
        GapReason::SignInRefused => leaf::GapReason::SignInRefused,
        GapReason::NoVideo => leaf::GapReason::NoVideo,
        GapReason::BadVideo => leaf::GapReason::BadVideo,
        GapReason::Restart => leaf::GapReason::Restart,
        GapReason::DiskFull => leaf::GapReason::DiskFull,
        GapReason::DiskFailed => leaf::GapReason::DiskFailed,
        GapReason::AnalysisLate => leaf::GapReason::AnalysisLate,
        GapReason::AnalysisFailed => leaf::GapReason::AnalysisFailed,
        GapReason::Overloaded => leaf::GapReason::Overloaded,
        GapReason::Settings => leaf::GapReason::Settings,
        GapReason::PacketsLost => leaf::GapReason::PacketsLost,
        GapReason::Busy => leaf::GapReason::Busy,
        GapReason::NotTrusted => leaf::GapReason::NotTrusted,
        // `Clock`, and what is yet to come: the ledger has no word for it.
        _ => leaf::GapReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_has_the_catalogues_word_for_every_reason() {
        for reason in GapReason::ALL {
            let written = serde_json::to_string(&word(reason)).unwrap();
            let known = if reason == GapReason::Clock { "other" } else { reason.as_str() };
            assert_eq!(written, format!("\"{known}\""));
        }
    }
}
