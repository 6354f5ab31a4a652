//! Scenes to live viewers and to the archive.

use louver_base::{WallSpan, WallTime};
use louver_codec::JpegEncoder;
use louver_scene::stream::{SceneRecord, SceneWriter, StreamError};
use louver_scene::{Grid, Masked, Scene, Style, Why};
use louver_store::{GapReason, ScenePart};

use crate::keep::{Keep, Keeper};
use crate::video::Video;
use crate::{CameraHandle, SceneHub, StatusCell};

/// The archive is written at least that often: `kill -9` costs no more of it.
const KEEP_EVERY: WallSpan = WallSpan::from_millis(2000);

/// What is shown and kept of one camera.
pub(crate) struct Show {
    live: SceneHub,
    /// Drawn and coded only while somebody watches it.
    video: Video,
    keeper: Keeper,
    status: StatusCell,
    stream: Option<Stream>,
    rate: Rate,
}

/// What lives as long as the picture's size.
struct Stream {
    writer: SceneWriter<JpegEncoder>,
    /// Records that are not on disk yet.
    open: Option<Open>,
    /// When the last record's picture was taken.
    last: Option<WallTime>,
    /// ... and the last one's that was given to the archive.
    kept_until: Option<WallTime>,
    /// No picture since the last interruption: what is said is for viewers, the archive has its gap.
    broken_off: bool,
}

struct Open {
    full: Masked<bytes::Bytes>,
    records: Vec<SceneRecord>,
}

impl Show {
    pub(crate) fn new(handle: &CameraHandle, keeper: Keeper) -> Self {
        Self {
            live: handle.scenes.clone(),
            video: Video::new(handle.live.clone()),
            keeper,
            status: handle.status.clone(),
            stream: None,
            rate: Rate::default(),
        }
    }

    /// Shows one picture.
    pub(crate) fn picture(&mut self, scene: &Scene, notice: Option<&str>) {
        let fps_x10 = self.rate.count(scene.wall);
        self.status.update(|s| {
            s.last_masked = Some(scene.wall);
            s.fps_x10 = fps_x10;
            if s.notice.as_deref() != notice {
                s.notice = notice.map(str::to_owned);
            }
        });
        if self.stream.as_ref().is_none_or(|s| !s.writer.fits(scene.grid)) {
            self.interrupt(GapReason::NoVideo);
            self.begin(scene.grid, scene.wall);
        }
        let said = self.stream.as_mut().map(|s| {
            s.broken_off = false;
            s.writer.picture(scene)
        });
        match said {
            Some(Ok(record)) => self.send(record),
            Some(Err(e)) => failed(&e),
            None => {}
        }
        if self.video.wanted() {
            self.video.picture(&scene.render(Style::Boxes), scene.wall);
        }
    }

    /// Says that nothing has changed up to now, for pictures that were not looked at because nothing moves.
    pub(crate) fn unchanged(&mut self, wall: WallTime) {
        self.status.update(|s| s.last_masked = Some(wall));
        let said = self.stream.as_mut().and_then(|s| s.writer.unchanged(wall));
        self.send(said);
    }

    /// The stream broke off: what is there is kept, and figures are shown no more.
    pub(crate) fn interrupt(&mut self, reason: GapReason) {
        self.video.interrupt();
        let why = match reason {
            GapReason::AnalysisLate | GapReason::AnalysisFailed | GapReason::Overloaded => Why::AnalysisLate,
            _ => Why::StreamLost,
        };
        let said = self.stream.as_mut().and_then(|s| s.writer.without_pictures(why));
        self.send(said);
        if let Some(stream) = &mut self.stream {
            stream.keep(&mut self.keeper);
            stream.broken_off = true;
            self.keeper.keep(Keep::End(reason));
        }
    }

    fn begin(&mut self, grid: Grid, wall: WallTime) {
        self.stream = match SceneWriter::new(grid, wall, JpegEncoder::for_tiles()) {
            Ok(writer) => {
                self.live.start(&writer.header(), &writer.full());
                self.keeper.keep(Keep::Begin(writer.header()));
                Some(Stream { writer, open: None, last: None, kept_until: None, broken_off: false })
            }
            Err(e) => {
                failed(&e);
                None
            }
        };
    }

    fn send(&mut self, record: Option<SceneRecord>) {
        let (Some(record), Some(stream)) = (record, &mut self.stream) else { return };
        let writer = &stream.writer;
        self.live.send(record.bytes.clone(), || Masked::joined([&writer.header(), &writer.full()]));
        if stream.broken_off {
            return;
        }
        if stream.take(record) {
            stream.keep(&mut self.keeper);
        }
    }
}

impl Stream {
    /// Takes a record for the archive, and says whether it must be written now: the next one, as far as can be told, would be
    /// too late.
    fn take(&mut self, record: SceneRecord) -> bool {
        let now = record.wall;
        let step = self.last.replace(now).map_or(WallSpan::from_micros(0), |last| now - last);
        let since = *self.kept_until.get_or_insert(now);
        match &mut self.open {
            Some(open) => open.records.push(record),
            None => self.open = Some(Open { full: self.writer.full(), records: vec![record] }),
        }
        // Also when the clock was set back.
        now < since || now + step - since > KEEP_EVERY
    }

    /// Gives the open records to the archive.
    fn keep(&mut self, keeper: &mut Keeper) {
        let Some(Open { full, records }) = self.open.take() else { return };
        if let (Some(first), Some(last)) = (records.first(), records.last()) {
            self.kept_until = Some(last.wall);
            let rest = Masked::joined(records[1..].iter().map(|r| &r.bytes));
            let delta = first.bytes.clone();
            keeper.keep(Keep::Part(Box::new(ScenePart {
                full,
                delta,
                rest,
                first: first.wall,
                last: last.wall,
            })));
        }
    }
}

fn failed(e: &StreamError) {
    tracing::error!(error = e as &dyn std::error::Error, "a scene cannot be shown");
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

#[cfg(test)]
mod tests {
    use louver_media::PictureSize;

    use super::*;

    #[test]
    fn a_kill_at_any_moment_costs_two_seconds_of_the_archive_at_most() {
        // The last is that of heartbeats.
        for step in [40, 100, 200, 333, 900] {
            let grid = Grid::of(PictureSize::new(64, 64).unwrap());
            let at = |ms: i64| WallTime::from_millis(1_700_000_000_000 + ms);
            let writer = SceneWriter::new(grid, at(0), JpegEncoder::for_tiles()).unwrap();
            let (last, kept_until) = (None, None);
            let mut stream = Stream { writer, open: None, last, kept_until, broken_off: false };
            let (mut kept, mut writes) = (0, 0);
            for ms in (0..20_000).step_by(step) {
                assert!(ms - kept <= 2000, "{step} ms apart: at {ms} ms what came after {kept} ms was lost");
                let record = SceneRecord { bytes: stream.writer.full(), wall: at(ms) };
                if stream.take(record) {
                    (stream.open, stream.kept_until) = (None, Some(at(ms)));
                    (kept, writes) = (ms, writes + 1);
                }
            }
            assert!((9..=13).contains(&writes), "{step} ms apart: {writes} writes in 20 s");
        }
    }
}
