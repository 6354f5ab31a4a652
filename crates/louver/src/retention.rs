//! Deleting recordings when their time has come, those of cameras that left the register too.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_ledger::{Leaf, Ledger, leaf};
use louver_node::{CameraSettings, DEFAULT_RETENTION_HOURS};
use louver_store::{
    ClockReading, Deleted, DeletedFor, DiskWatermark, MoveBudget, RecordingKind, RetentionTime, Store,
    WhenFull,
};
use louver_vault::CameraHour;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::doctor::clock;
use crate::settings_file;

/// How often it is looked: a full disk must not wait long.
const EVERY: Duration = Duration::from_secs(60);
/// Deleted files are written down every so many passes: an hour.
const PASSES_PER_LEAF: u32 = 60;
/// File in the data directory that remembers how long the recordings of each camera are kept.
const MEMORY: &str = "retention.json";
/// A few bytes a camera; more is not ours.
const MEMORY_MAX: u64 = 1 << 20;

/// What retention goes by, besides each camera's hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// What stays free of disks whose settings do not say.
    pub watermark: DiskWatermark,
    /// What is done where less is free.
    pub when_full: WhenFull,
    /// How old recordings are when they go to a cold disk.
    pub move_after: WallSpan,
    /// Bytes a second at which they go.
    pub move_rate: u64,
}

/// How long the recordings of every camera are kept that has any: what the settings say, else what they said when the
/// camera was last in them, else the default, because nothing is kept for ever without a written reason.
pub(crate) fn hours(data: &Path, cameras: &[CameraSettings]) -> Vec<(CameraId, u32)> {
    let remembered = recall(&data.join(MEMORY));
    let mut hours: BTreeMap<CameraId, u32> = BTreeMap::new();
    for id in recorded(data) {
        let kept = remembered.get(&id).copied().unwrap_or(DEFAULT_RETENTION_HOURS.get());
        hours.insert(id, kept);
    }
    hours.extend(cameras.iter().map(|c| (c.id.clone(), c.retention_hours.get())));
    if remembered != hours {
        let text = serde_json::to_vec_pretty(&hours).unwrap_or_default();
        if let Err(e) = settings_file::replace(&data.join(MEMORY), &text) {
            tracing::warn!(error = %e, "how long recordings are kept cannot be remembered for cameras that leave the register");
        }
    }
    hours.into_iter().collect()
}

fn recall(file: &Path) -> BTreeMap<CameraId, u32> {
    let mut text = String::new();
    let Ok(opened) = fs::File::open(file) else { return BTreeMap::new() };
    let read = opened.take(MEMORY_MAX).read_to_string(&mut text).map_err(|e| e.to_string());
    match read.and_then(|_| serde_json::from_str(&text).map_err(|e| e.to_string())) {
        Ok(hours) => hours,
        Err(e) => {
            tracing::warn!(error = %e, "retention.json cannot be read; cameras that left the register keep 72 hours");
            BTreeMap::new()
        }
    }
}

/// Cameras that have a folder of recordings.
pub(crate) fn recorded(data: &Path) -> Vec<CameraId> {
    louver_store::recorded_cameras(data).unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "cameras that left the register are not known"
        );
        Vec::new()
    })
}

/// Makes a pass now and every minute until told to stop. What goes stands in the ledger: destroyed secrets at once, deleted files
/// every hour and at the end.
pub(crate) async fn run(
    store: Store,
    ledger: Ledger,
    hours: Vec<(CameraId, u32)>,
    rules: Rules,
    stop: CancellationToken,
) {
    let (passed, times) = watch::channel(None);
    let ending = async {
        stop.cancelled().await;
        store.end_moving();
    };
    let passes = make_passes(&store, &ledger, &hours, &rules, passed, &stop);
    tokio::join!(passes, move_old(&store, &rules, times), ending);
}

async fn make_passes(
    store: &Store,
    ledger: &Ledger,
    hours: &[(CameraId, u32)],
    rules: &Rules,
    passed: watch::Sender<Option<WallTime>>,
    stop: &CancellationToken,
) {
    let (mut low, mut doubted) = (false, false);
    for pass in 1_u32.. {
        store.look_at_disks().await;
        let Some(now) = time(store, &mut doubted).await else {
            if wait(stop).await { continue } else { break }
        };
        let mut more_to_move = false;
        match store.retention_pass_by(now, hours, rules.watermark, rules.when_full).await {
            Ok(report) => {
                if report.expired_files + report.crowded_out_files > 0 {
                    let (expired, crowded_out) = (report.expired_files, report.crowded_out_files);
                    tracing::info!(expired, crowded_out, bytes = report.bytes, "recordings deleted");
                }
                if !report.shredded.is_empty() {
                    tracing::info!(hours = report.shredded.len(), "secrets of hours destroyed");
                }
                if report.still_low && !low {
                    tracing::error!(
                        "the disk is nearly full and nothing is left that may be deleted: free some space"
                    );
                }
                low = report.still_low;
                more_to_move = report.more_to_move;
            }
            Err(e) => tracing::error!(
                error = &e as &dyn std::error::Error,
                "deleting old recordings failed; it is tried again"
            ),
        }
        passed.send_replace(Some(now));
        tell_destroyed(store, ledger).await;
        if pass.is_multiple_of(PASSES_PER_LEAF) {
            tell_deleted(store, ledger);
        }
        if more_to_move && !stop.is_cancelled() {
            continue;
        }
        if !wait(stop).await {
            break;
        }
    }
    tell_deleted(store, ledger);
}

/// Moves recordings that are old enough to cold disks, after each pass as much as may be copied until the next. Beside the passes: where
/// the disks are slower than that, deleting must not wait for it. Ends when there are no passes any more.
async fn move_old(store: &Store, rules: &Rules, mut passes: watch::Receiver<Option<WallTime>>) {
    let bytes = rules.move_rate.saturating_mul(EVERY.as_secs());
    let budget = MoveBudget { bytes, per_second: NonZeroU64::new(rules.move_rate) };
    while passes.changed().await.is_ok() {
        let Some(now) = *passes.borrow_and_update() else { continue };
        match store.move_old(now - rules.move_after, now, budget).await {
            Ok(moved) if moved.files > 0 => {
                tracing::info!(files = moved.files, bytes = moved.bytes, "recordings moved to a cold disk");
            }
            Ok(_) => {}
            Err(e) => tracing::error!(
                error = &e as &dyn std::error::Error,
                "moving old recordings failed; they are where they were, and it is tried again"
            ),
        }
    }
}

/// Waits for the next pass; `false` when there is none.
async fn wait(stop: &CancellationToken) -> bool {
    tokio::select! { biased;
        () = stop.cancelled() => false,
        () = tokio::time::sleep(EVERY) => true,
    }
}

/// The time to go by: never a clock that has just jumped. `None` where that cannot be said.
async fn time(store: &Store, doubted: &mut bool) -> Option<WallTime> {
    // Whether a time server keeps the clock is asked of another program, so only where it matters.
    let asked = if *doubted { tokio::task::spawn_blocking(clock::is_kept).await.ok() } else { None };
    let time = store.retention_time(ClockReading::now(asked == Some(true))).await;
    let time = match time {
        Ok(RetentionTime { doubt: Some(_), .. }) if asked.is_none() => {
            let kept = tokio::task::spawn_blocking(clock::is_kept).await.unwrap_or(false);
            store.retention_time(ClockReading::now(kept)).await
        }
        other => other,
    };
    match time {
        Ok(time) => {
            if let (Some(ahead), false) = (time.doubt, *doubted) {
                tracing::error!(
                    ahead_s = ahead.seconds(),
                    "the clock jumped: nothing is deleted by it until it has been steady for long"
                );
            }
            *doubted = time.doubt.is_some();
            Some(time.now)
        }
        Err(e) => {
            tracing::error!(
                error = &e as &dyn std::error::Error,
                "what time retention goes by cannot be said; it waits"
            );
            None
        }
    }
}

/// Writes down whose secrets are destroyed, of before a crash too. What cannot be written is tried again with the next pass, and by the
/// next start.
async fn tell_destroyed(store: &Store, ledger: &Ledger) {
    let hours = store.destroyed();
    if hours.is_empty() {
        return;
    }
    let tag = |(camera, hour): &CameraHour| leaf::CameraHour {
        camera: ledger.salt().camera(camera),
        hour: hour.number(),
    };
    let leaves = Leaf::keys_destroyed(&hours.iter().map(tag).collect::<Vec<_>>());
    let writer = ledger.clone();
    let failed = match tokio::task::spawn_blocking(move || writer.append_all(&leaves)).await {
        Ok(Ok(_)) => store.told(&hours).await.err().map(|e| e.to_string()),
        Ok(Err(e)) => Some(e.to_string()),
        Err(e) => Some(e.to_string()),
    };
    if let Some(error) = failed {
        tracing::error!(
            error,
            hours = hours.len(),
            "destroyed secrets do not stand in the ledger yet; it is tried again"
        );
    }
}

/// Writes down what was deleted: a leaf for each camera, kind and reason. Nothing waits for it.
fn tell_deleted(store: &Store, ledger: &Ledger) {
    let mut all: BTreeMap<_, Deleted> = BTreeMap::new();
    for ((camera, kind, why), more) in store.take_deleted() {
        let originals = kind == RecordingKind::Sealed;
        let so_far = all.entry((camera, originals, why)).or_insert(Deleted { files: 0, ..more });
        *so_far = Deleted {
            files: so_far.files + more.files,
            from: so_far.from.min(more.from),
            to: so_far.to.max(more.to),
        };
    }
    for ((camera, originals, why), Deleted { files, from, to }) in all {
        let recordings = if originals { leaf::Recordings::Originals } else { leaf::Recordings::Masked };
        let why = match why {
            DeletedFor::Age => leaf::Deletion::Age,
            DeletedFor::Room => leaf::Deletion::Full,
        };
        let (camera, from, to) = (ledger.salt().camera(&camera), from.into(), to.into());
        if let Err(e) = ledger.offer(&Leaf::Deleted { camera, recordings, from, to, files, why }) {
            tracing::warn!(error = &e as &dyn std::error::Error, "a deletion does not stand in the ledger");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(id: &str, hours: u32) -> CameraSettings {
        let text = format!(
            "data = \"d\"\n[[camera]]\nid = \"{id}\"\nmain = \"rtsp://cam/\"\npurpose = \"p\"\nowner = \"o\"\n\
             contact = \"c\"\nretention_hours = {hours}\nretention_reason = \"r\"\n"
        );
        crate::settings::Settings::parse(Path::new("/x.toml"), &text).unwrap().cameras.remove(0)
    }

    #[test]
    fn a_camera_that_left_the_register_keeps_its_time_and_an_unknown_one_gets_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        for folder in ["sealed/gate", "masked/yard", "masked/Not A Camera"] {
            fs::create_dir_all(data.join(folder)).unwrap();
        }
        let named = |hours: &[(CameraId, u32)]| {
            hours.iter().map(|(id, h)| format!("{id} {h}")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(named(&hours(data, &[camera("gate", 24)])), "gate 24, yard 72");
        assert_eq!(named(&hours(data, &[])), "gate 24, yard 72", "gate left, and keeps 24 hours");
        fs::remove_dir_all(data.join("sealed/gate")).unwrap();
        assert_eq!(named(&hours(data, &[])), "yard 72", "nothing is left of gate");
        fs::write(data.join(MEMORY), b"{nonsense").unwrap();
        assert_eq!(named(&hours(data, &[camera("yard", 200)])), "yard 200", "damage is no reason to stop");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn destroyed_secrets_and_deleted_files_stand_in_the_ledger_also_when_it_took_nothing_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) =
            Store::open(&dir.path().join("d"), louver_store::StoreOptions::default()).await.unwrap();
        let gate: CameraId = "gate".parse().unwrap();
        let hour = |n: i64| louver_vault::Hour::from_number(n);
        for n in 0..300 {
            store.hour_secret(&gate, hour(n)).await.unwrap();
        }
        let open =
            || Ledger::open(&dir.path().join("ledger"), &[7; 16], louver_ledger::Options::default()).unwrap();
        let pass = |end: i64| {
            let hours = vec![(gate.clone(), 1)];
            let store = store.clone();
            async move { store.retention_pass(hour(end).start(), &hours, DiskWatermark::Bytes(0)).await.unwrap() }
        };
        assert_eq!(pass(200).await.shredded.len(), 199);
        let ledger = open();
        ledger.close();
        tell_destroyed(&store, &ledger).await;
        assert_eq!(store.destroyed().len(), 199, "the ledger was closed");
        assert_eq!(pass(301).await.shredded.len(), 101);
        let ledger = open();
        tell_destroyed(&store, &ledger).await;
        tell_destroyed(&store, &ledger).await;
        assert_eq!(store.destroyed(), []);
        ledger.publish(3).unwrap();
        let mut told = vec![];
        for n in 0..3 {
            match Leaf::parse(&ledger.leaf(n).unwrap()).unwrap().leaf {
                Leaf::KeysDestroyed { hours } => told.extend(hours.iter().map(|of| of.hour)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((told, ledger.status().size), ((0..300).collect(), 3), "each once");
    }
}
