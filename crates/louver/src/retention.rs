//! Deleting recordings when their time has come, those of cameras that left the register too.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use louver_base::{CameraId, WallTime};
use louver_node::{CameraSettings, DEFAULT_RETENTION_HOURS};
use louver_store::{DiskWatermark, Store};
use tokio_util::sync::CancellationToken;

use crate::settings_file;

/// How often it is looked: a full disk must not wait long.
const EVERY: Duration = Duration::from_secs(60);
/// File in the data directory that remembers how long the recordings of each camera are kept.
const MEMORY: &str = "retention.json";
/// A few bytes a camera; more is not ours.
const MEMORY_MAX: u64 = 1 << 20;

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
    let mut ids: Vec<CameraId> = ["sealed", "masked"]
        .iter()
        .filter_map(|kind| fs::read_dir(data.join(kind)).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Makes a pass now and every minute until told to stop.
pub(crate) async fn run(
    store: Store,
    hours: Vec<(CameraId, u32)>,
    watermark: DiskWatermark,
    stop: CancellationToken,
) {
    let mut low = false;
    loop {
        match store.retention_pass(WallTime::now(), &hours, watermark).await {
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
            }
            Err(e) => tracing::error!(
                error = &e as &dyn std::error::Error,
                "deleting old recordings failed; it is tried again"
            ),
        }
        tokio::select! { biased;
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
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
}
