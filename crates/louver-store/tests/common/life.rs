//! A store's whole life on a disk that may fail at any act, and what must be true of what is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use louver_base::{CameraId, Class, EventId, WallSpan, WallTime};
use louver_store::{
    DiskRole, DiskSettings, DiskWatermark, Gap, GapReason, MaskedWriter, MoveBudget, RecordingKind, Recovery,
    ScenePart, SealedWriter, Store, StoreError, StoreOptions, StreamKind, sealed_segments,
};
use louver_vault::{Hour, SegmentInfo, SegmentSealer};

use super::sim::{SimDisk, What};
use super::{NINE, at, camera, event, files, gop, masked, sealer};

const HOUR: i64 = 3_600_000;
const ALL_AT_ONCE: MoveBudget = MoveBudget { bytes: u64::MAX, per_second: None };
const EVER: (WallTime, WallTime) = (WallTime::from_micros(0), WallTime::from_micros(i64::MAX / 2));

/// Where recordings lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disks {
    /// In the data directory.
    None,
    /// On a hot disk, and moved to a cold one.
    Two,
}

impl Disks {
    fn settings(self, dir: &Path) -> Vec<DiskSettings> {
        let disk =
            |name: &str, role| DiskSettings { path: dir.join(name), role, min_free: DiskWatermark::Bytes(0) };
        match self {
            Self::None => Vec::new(),
            Self::Two => vec![disk("hot", DiskRole::Hot), disk("cold", DiskRole::Cold)],
        }
    }
}

/// A fragment that the store took.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    camera: CameraId,
    kind: RecordingKind,
    last: WallTime,
}

/// What the store said it has.
#[derive(Debug, Default)]
pub struct Said {
    /// Fragments that were taken, and whether they were said to be on the disk.
    taken: BTreeSet<(Taken, bool)>,
    gaps: Vec<(Gap, bool)>,
    stills: Vec<(EventId, WallTime)>,
    /// Until when recordings may be gone, from when on a pass began.
    cutoff: Option<WallTime>,
    /// Hours whose secrets were there.
    hours: BTreeSet<(CameraId, Hour)>,
    /// Hours that were told of.
    told: BTreeSet<(CameraId, Hour)>,
    telling: bool,
    /// Recordings that were moved.
    pub moved: u64,
    /// Errors that were met.
    pub errors: Vec<StoreError>,
}

impl Said {
    fn take(&mut self, camera: &CameraId, kind: RecordingKind, last: WallTime, synced: bool) {
        self.taken.insert((Taken { camera: camera.clone(), kind, last }, synced));
    }

    /// Everything of this writer so far is on the disk.
    fn synced(&mut self, of: &CameraId, kind: RecordingKind) {
        let all = std::mem::take(&mut self.taken);
        self.taken = all
            .into_iter()
            .map(|(taken, synced)| {
                let now = synced || (taken.camera == *of && taken.kind == kind);
                (taken, now)
            })
            .collect();
    }

    fn may_be_gone(&self, last: WallTime) -> bool {
        self.cutoff.is_some_and(|cutoff| last <= cutoff)
    }
}

/// Lives, as long as the machine is on.
pub async fn live(disk: &SimDisk, dir: &Path, sync_every: Duration, disks: Disks) -> Said {
    let mut said = Said::default();
    let options = StoreOptions { flush_every: Duration::from_secs(3600), sync_every };
    let opened =
        Store::open_on(Arc::new(disk.clone()), &dir.join("data"), options, &disks.settings(dir)).await;
    // A start that fails is tried again, as by systemd.
    let opened = match opened {
        Err(e) if !disk.dead() => {
            said.errors.push(e);
            Store::open_on(Arc::new(disk.clone()), &dir.join("data"), options, &disks.settings(dir)).await
        }
        other => other,
    };
    let Ok((store, _)) = opened else { return said };
    let mut life = Life { disk, store, said, every: sync_every.is_zero(), disks };
    life.all().await;
    let Life { store, mut said, .. } = life;
    if !disk.dead() {
        let closed = store.close().await;
        said.errors.extend(closed.err());
    }
    said
}

struct Life<'a> {
    disk: &'a SimDisk,
    store: Store,
    said: Said,
    /// Whether every write is synced.
    every: bool,
    disks: Disks,
}

/// One camera's writers, used as a recorder does: after an error with a new segment.
struct Writers {
    camera: CameraId,
    sealed: SealedWriter,
    sealer: Option<SegmentSealer>,
    scenes: MaskedWriter,
}

impl Life<'_> {
    fn note<T>(&mut self, done: Result<T, StoreError>) -> Option<T> {
        done.map_err(|e| self.said.errors.push(e)).ok()
    }

    async fn all(&mut self) {
        let mut writers: Vec<Writers> = Vec::new();
        for id in ["gate", "yard"] {
            let camera = camera(id);
            let mut scenes = self.store.scene_writer(&camera);
            let begun = scenes.begin(masked("header")).await;
            self.note(begun);
            let sealed = self.store.sealed_writer(&camera);
            writers.push(Writers { camera, sealed, sealer: None, scenes });
        }
        // Two groups in one segment, then one in the next hour, then much later one, before and after retention.
        for (n, start) in [0, 2_000, HOUR, 4 * HOUR, 4 * HOUR + 2_000].into_iter().enumerate() {
            for of in &mut writers {
                if self.disk.dead() {
                    return;
                }
                self.record(of, at(start)).await;
                if n == 1 || n == 2 {
                    self.rotate(of).await;
                }
            }
            match n {
                0 => {
                    self.commit(&writers).await;
                    self.event(0).await;
                }
                2 => self.gap(HOUR + 5_000).await,
                3 => {
                    self.moving(4 * HOUR).await;
                    self.retention(4 * HOUR + 10_000).await;
                }
                _ => {}
            }
            if self.disk.dead() {
                return;
            }
        }
        // The second camera stops cleanly, the first is open at the end.
        if let Some(of) = writers.last_mut() {
            self.rotate(of).await;
        }
        self.gap(4 * HOUR + 20_000).await;
    }

    /// All files at once, as happens every few seconds.
    async fn commit(&mut self, writers: &[Writers]) {
        let done = self.store.sync().await;
        if self.note(done).is_some() {
            for of in writers {
                self.said.synced_open(of, RecordingKind::Sealed);
                self.said.synced_open(of, RecordingKind::Scene);
            }
        }
    }

    async fn record(&mut self, of: &mut Writers, start: WallTime) {
        let last = start + WallSpan::from_millis(100);
        // As the recorder does it: a failure costs the group, the next begins a segment; here it is given once more.
        for _ in 0..2 {
            if self.disk.dead() {
                return;
            }
            let sealed = self.seal(of, start).await;
            if self.note(sealed).is_some() {
                self.said.take(&of.camera, RecordingKind::Sealed, last, self.every);
                break;
            }
            of.sealer = None;
        }
        for _ in 0..2 {
            if self.disk.dead() {
                return;
            }
            let (full, delta, rest) = (masked("full"), masked("delta"), masked("rest"));
            let part = ScenePart { full, delta, rest, first: start, last };
            let kept = of.scenes.append_scene(&part).await;
            if self.note(kept).is_some() {
                self.said.take(&of.camera, RecordingKind::Scene, last, self.every);
                break;
            }
        }
    }

    async fn seal(&mut self, of: &mut Writers, start: WallTime) -> Result<(), StoreError> {
        if of.sealer.is_none() || of.sealed.open_since().is_none() {
            let hour = Hour::of(start);
            self.store.hour_secret(&of.camera, hour).await?;
            self.said.hours.insert((of.camera.clone(), hour));
            let (made, header) = sealer(&self.store, &of.camera, start);
            of.sealed.begin(header, start).await?;
            of.sealer = Some(made);
        }
        let sealed = of.sealer.as_mut().unwrap().seal(&gop(start)).unwrap();
        of.sealed.append(sealed).await
    }

    async fn rotate(&mut self, of: &mut Writers) {
        if let Some(sealer) = of.sealer.take()
            && of.sealed.open_since().is_some()
        {
            let finished = of.sealed.finish(sealer.finish().unwrap().end).await;
            if self.note(finished).is_some() {
                self.said.synced_open(of, RecordingKind::Sealed);
            }
        }
        if self.disk.dead() {
            return;
        }
        let finished = of.scenes.finish().await;
        if self.note(finished).is_some() {
            self.said.synced_open(of, RecordingKind::Scene);
        }
    }

    async fn event(&mut self, start: i64) {
        let id = EventId::from_random(7);
        let begun = self.store.start_event(event(7, "gate", Class::Person, start)).await;
        self.note(begun);
        if self.disk.dead() {
            return;
        }
        let still = self.store.set_still(id, masked("still")).await;
        if self.note(still).is_some() {
            self.said.stills.push((id, at(start)));
        }
        if self.disk.dead() {
            return;
        }
        let ended = self.store.finish_event(id, at(start + 1000)).await;
        self.note(ended);
    }

    async fn gap(&mut self, start: i64) {
        let gap = Gap {
            camera: camera("gate"),
            stream: StreamKind::Main,
            start: at(start),
            end: at(start + 1000),
            reason: GapReason::Unreachable,
        };
        let noted = self.store.record_gap(gap.clone()).await;
        if self.note(noted).is_some() {
            self.said.gaps.push((gap, false));
        }
    }

    async fn moving(&mut self, now: i64) {
        if self.disks == Disks::Two {
            let moved = self.store.move_old(at(now), at(now), ALL_AT_ONCE).await;
            self.said.moved = self.note(moved).map_or(0, |moved| moved.files);
        }
    }

    async fn retention(&mut self, now: i64) {
        let hours = [(camera("gate"), 2), (camera("yard"), 2)];
        self.said.cutoff = Some(at(now) - WallSpan::from_hours(2));
        let pass = self.store.retention_pass(at(now), &hours, DiskWatermark::Bytes(0)).await;
        if self.disk.dead() {
            return;
        }
        if self.note(pass).is_some() {
            // The catalogue was written.
            self.said.gaps.iter_mut().for_each(|(_, flushed)| *flushed = true);
        }
        if self.disk.dead() {
            return;
        }
        let destroyed = self.store.destroyed();
        self.said.telling = true;
        let told = self.store.told(&destroyed).await;
        if self.note(told).is_some() {
            self.said.told.extend(destroyed);
        }
    }
}

impl Said {
    /// The open file of this writer is finished. Files that were closed by an error before are not.
    fn synced_open(&mut self, of: &Writers, kind: RecordingKind) {
        // Only where nothing failed: what was closed by an error has no promise.
        if self.errors.is_empty() {
            self.synced(&of.camera, kind);
        }
    }
}

/// Everything that must be true of what a crash left, found out from the files alone.
pub async fn check(dir: &Path, what: What, said: &Said, disks: Disks) -> Result<(), String> {
    let (store, first) = open(dir, disks).await?;
    agree(&store, dir, what, said, &first).await?;
    store.close().await.map_err(|e| format!("closing: {e}"))?;
    let (store, again) = open(dir, disks).await?;
    let looked = (again.scanned, again.torn, again.empty, again.missing, again.shredded, again.closed_events);
    if (looked, again.stills) != ((0, 0, 0, 0, 0, 0), 0) {
        return Err(format!("a second start finds something to do: {again:?}, after {first:?}"));
    }
    store.close().await.map_err(|e| format!("closing: {e}"))?;
    // And without the catalogue, from the files alone.
    for db in files(dir, ".db").into_iter().chain(files(dir, ".db-wal")).chain(files(dir, ".db-shm")) {
        std::fs::remove_file(db).unwrap();
    }
    let (store, rebuilt) = open(dir, disks).await?;
    agree(&store, dir, what, said, &rebuilt).await.map_err(|e| format!("rebuilt: {e}"))?;
    store.close().await.map_err(|e| format!("closing: {e}"))
}

async fn open(dir: &Path, disks: Disks) -> Result<(Store, Recovery), String> {
    let options = StoreOptions { flush_every: Duration::from_secs(3600), ..StoreOptions::default() };
    // Disks of a copy lie elsewhere; they are known by their signs.
    let opened = Store::open_with(&dir.join("data"), options, &disks.settings(dir)).await;
    opened.map_err(|e| format!("a start fails: {e}: {:?}", std::error::Error::source(&e)))
}

async fn agree(
    store: &Store,
    dir: &Path,
    what: What,
    said: &Said,
    recovery: &Recovery,
) -> Result<(), String> {
    // Where later writes reached the disk and earlier ones did not, a file has a hole, and is kept with it.
    let holes = matches!(what, What::PowerCut(seed) if seed > 0);
    if (recovery.unreadable > 0 && !holes) || recovery.without_secret > 0 {
        return Err(format!("there is something that nothing can be said of: {recovery:?}"));
    }
    let cameras = store.cameras().await.map_err(|e| e.to_string())?;
    let (mut found, mut entries) = (BTreeSet::new(), BTreeSet::new());
    for camera in &cameras {
        for r in store.recordings(camera, EVER.0, EVER.1).await.map_err(|e| e.to_string())? {
            entries.insert((camera.to_string(), r.kind, r.id.0));
            let lasts: Vec<WallTime> = match r.kind {
                RecordingKind::Sealed => fragments_of(dir, camera, r.id.0)?,
                // Nothing of a file with a hole at its start can be shown.
                _ if holes && store.scene_file(camera, r.id).await.is_err() => continue,
                _ => {
                    let file = store.scene_file(camera, r.id).await.map_err(|e| e.to_string())?;
                    if file.damaged > 0 && !holes {
                        return Err(format!("{camera} {:?} is damaged", r.id));
                    }
                    file.fragments.iter().map(|f| f.last).collect()
                }
            };
            if lasts.is_empty() && !holes {
                return Err(format!("{camera} {:?} {:?} holds nothing", r.kind, r.id));
            }
            found.extend(lasts.into_iter().map(|last| Taken { camera: camera.clone(), kind: r.kind, last }));
        }
    }
    if entries != on_disk(dir) {
        return Err(format!("entries {entries:?}, files {:?}", on_disk(dir)));
    }
    for (taken, synced) in &said.taken {
        let must = (*synced || what == What::Killed) && !said.may_be_gone(taken.last);
        if must && !found.contains(taken) {
            return Err(format!("{taken:?} was said to be kept and is lost ({recovery:?})"));
        }
    }
    let taken: BTreeSet<&Taken> = said.taken.iter().map(|(t, _)| t).collect();
    for camera in &cameras {
        for kind in [RecordingKind::Sealed, RecordingKind::Scene] {
            let more =
                found.iter().filter(|f| f.camera == *camera && f.kind == kind && !taken.contains(f)).count();
            if more > 1 {
                return Err(format!("{camera} has {more} fragments that nobody was told of"));
            }
        }
    }
    for (gap, flushed) in &said.gaps {
        let must = what == What::Killed || (*flushed && !recovery.rebuilt);
        let there = store.gaps(&gap.camera, gap.start, gap.end).await.map_err(|e| e.to_string())?;
        if must && !there.contains(gap) && !said.may_be_gone(gap.end) {
            return Err(format!("{gap:?} is lost"));
        }
    }
    for (id, start) in &said.stills {
        if let Ok(event) = store.event(*id).await
            && event.still
            // One that is being deleted goes before its event.
            && !said.may_be_gone(*start)
            && store.still(*id).await.map_err(|e| e.to_string())?.is_none()
        {
            return Err(format!("the event at {start} has lost its still"));
        }
    }
    for path in files(&dir.join("data/masked"), ".jpg") {
        let id: EventId = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        if let Ok(event) = store.event(id).await
            && store.still(id).await.map_err(|e| e.to_string())?.is_some()
            && !event.still
        {
            return Err(format!("the event at {} does not know of its still", event.start));
        }
    }
    let ring = store.key_ring().map_err(|e| e.to_string())?;
    let destroyed = store.destroyed();
    for (camera, hour) in &said.hours {
        let told = said.told.contains(&(camera.clone(), *hour)) || said.telling;
        if !ring.contains(camera, *hour) && !told && !destroyed.contains(&(camera.clone(), *hour)) {
            return Err(format!("the secret of {camera} {hour:?} is gone and nobody is told"));
        }
        if !ring.contains(camera, *hour) && !said.may_be_gone(hour.start()) {
            return Err(format!("the secret of {camera} {hour:?} is gone before its time"));
        }
    }
    Ok(())
}

fn on_disk(dir: &Path) -> BTreeSet<(String, RecordingKind, i64)> {
    let kinds = [("sealed", ".lvs", RecordingKind::Sealed), ("masked", ".lvc", RecordingKind::Scene)];
    let mut all = BTreeSet::new();
    let places = ["data", "hot", "cold"].map(|name| dir.join(name));
    for (dir, (folder, ending, kind)) in places.iter().flat_map(|dir| kinds.map(|kind| (dir, kind))) {
        for path in files(&dir.join(folder), ending) {
            let camera = path.strip_prefix(dir.join(folder)).unwrap().iter().next().unwrap();
            let id = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let new = all.insert((camera.to_str().unwrap().to_owned(), kind, id));
            assert!(new, "{} lies on two disks", path.display());
        }
    }
    all
}

fn fragments_of(dir: &Path, camera: &CameraId, id: i64) -> Result<Vec<WallTime>, String> {
    let all = sealed_segments(&dir.join("data"), camera, at(-NINE), EVER.1).map_err(|e| e.to_string())?;
    let segment = all.iter().find(|s| s.start.millis() == id);
    let path = &segment.ok_or_else(|| format!("{camera} {id} is not listed"))?.path;
    // One without a whole header was listed as unreadable.
    let Ok(info) = SegmentInfo::inspect(&mut std::fs::File::open(path).unwrap()) else {
        return Ok(Vec::new());
    };
    Ok(info.fragments.iter().map(|f| f.last).collect())
}
