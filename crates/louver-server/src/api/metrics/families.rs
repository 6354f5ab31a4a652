//! Which metrics there are. Labels are camera ids, streams, reasons, queues and disks: nothing of people, no names, no addresses.

use std::fmt;

use louver_base::WallTime;
use louver_node::{CameraHandle, StreamState};
use louver_store::{DiskUsage, Usage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::app::App;

type Labels = Vec<(&'static str, String)>;

/// One metric with all its label sets.
#[derive(Debug)]
struct Family {
    /// Without unit and without `_total`: the encoder adds both.
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    samples: Vec<(Labels, f64)>,
}

/// All of them, as of now.
#[derive(Debug, Default)]
pub(super) struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for family in &self.0 {
            let mut metric =
                encoder.encode_descriptor(family.name, family.help, family.unit.as_ref(), family.kind)?;
            for (labels, value) in &family.samples {
                match (family.kind, labels.is_empty()) {
                    (MetricType::Counter, true) => {
                        metric.encode_counter::<Labels, f64, f64>(value, None)?;
                    }
                    (MetricType::Counter, false) => {
                        ConstCounter::new(*value).encode(metric.encode_family(labels)?)?;
                    }
                    (_, true) => metric.encode_gauge(value)?,
                    (_, false) => ConstGauge::new(*value).encode(metric.encode_family(labels)?)?,
                }
            }
        }
        Ok(())
    }
}

impl Families {
    fn add(
        &mut self,
        kind: MetricType,
        name: &'static str,
        unit: Option<Unit>,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let samples: Vec<_> = samples.into_iter().collect();
        // A family without samples tells nothing.
        if !samples.is_empty() {
            self.0.push(Family { name, help, unit, kind, samples });
        }
    }

    fn counter(
        &mut self,
        name: &'static str,
        unit: Option<Unit>,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        self.add(MetricType::Counter, name, unit, help, samples);
    }

    fn gauge(
        &mut self,
        name: &'static str,
        unit: Option<Unit>,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        self.add(MetricType::Gauge, name, unit, help, samples);
    }
}

/// Numbers in metrics are 64-bit floats: whole up to 2^53, which is eight petabytes.
#[allow(clippy::cast_precision_loss)]
fn number(n: u64) -> f64 {
    n as f64
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn seconds(at: WallTime) -> f64 {
    at.millis() as f64 / 1000.0
}

/// Everything, as of now.
pub(super) fn all(app: &App, usage: &Usage, disks: &[DiskUsage]) -> Families {
    let mut out = Families::default();
    server(&mut out, app);
    streams(&mut out, &app.cameras);
    saying(&mut out, &app.cameras);
    recording(&mut out, &app.cameras);
    seeing(&mut out, &app.cameras);
    storage(&mut out, app, usage, disks);
    ledger(&mut out, app);
    out
}

fn server(out: &mut Families, app: &App) {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    out.gauge("louver_build", None, "Always 1; the label says which release runs", [(version, 1.0)]);
    let up = app.since.elapsed().as_secs_f64();
    out.gauge("louver_uptime", Some(Unit::Seconds), "Time since the server began", [(vec![], up)]);
    out.gauge(
        "louver_cameras",
        None,
        "Cameras in the register",
        [(vec![], number(app.cameras.len() as u64))],
    );
}

/// One sample a camera.
fn each<'c>(
    cameras: &'c [CameraHandle],
    value: impl Fn(&CameraHandle) -> Option<f64> + 'c,
) -> impl Iterator<Item = (Labels, f64)> + 'c {
    cameras.iter().filter_map(move |c| Some((vec![("camera", c.id.to_string())], value(c)?)))
}

/// One sample a camera and word.
fn both(
    cameras: &[CameraHandle],
    key: &'static str,
    values: impl Fn(&CameraHandle) -> Vec<(&'static str, f64)>,
) -> Vec<(Labels, f64)> {
    let of = |c: &CameraHandle| {
        let id = c.id.to_string();
        values(c).into_iter().map(move |(word, v)| (vec![("camera", id.clone()), (key, word.to_owned())], v))
    };
    cameras.iter().flat_map(of).collect()
}

fn streams(out: &mut Families, cameras: &[CameraHandle]) {
    let per_stream = |value: fn(&louver_node::StreamMeters) -> u64| {
        both(cameras, "stream", move |c| {
            let meters = c.status.meters();
            let sub = c.status.get().sub != StreamState::Off;
            let sub = sub.then(|| ("sub", number(value(&meters.sub))));
            std::iter::once(("main", number(value(&meters.main)))).chain(sub).collect()
        })
    };
    let up = both(cameras, "stream", |c| {
        let status = c.status.get();
        let all = [("main", status.main), ("sub", status.sub)];
        let used = all.into_iter().filter(|(_, state)| *state != StreamState::Off);
        used.map(|(stream, state)| (stream, flag(state == StreamState::Running))).collect()
    });
    out.gauge("louver_camera_stream_up", None, "1 while pictures arrive", up);
    out.counter(
        "louver_camera_received",
        Some(Unit::Bytes),
        "Bytes of pictures that arrived, sound not counted",
        per_stream(|m| m.bytes.get()),
    );
    out.counter("louver_camera_pictures", None, "Pictures that arrived", per_stream(|m| m.pictures.get()));
    out.counter(
        "louver_camera_connections_lost",
        None,
        "How often the connection was lost or refused",
        per_stream(|m| m.lost.get()),
    );
}

fn recording(out: &mut Families, cameras: &[CameraHandle]) {
    out.counter(
        "louver_camera_sealed_groups",
        None,
        "Groups of pictures that were sealed and written",
        each(cameras, |c| Some(number(c.status.meters().sealed_groups.get()))),
    );
    out.gauge(
        "louver_camera_last_sealed_timestamp",
        Some(Unit::Seconds),
        "When the last original was sealed, since 1970; missing before the first",
        each(cameras, |c| c.status.get().last_sealed.map(seconds)),
    );
    out.gauge(
        "louver_camera_recording_fails",
        None,
        "1 while nothing is written of what arrives (disk full, disk failed, no holder)",
        each(cameras, |c| Some(flag(c.status.get().recording_problem.is_some()))),
    );
    out.counter(
        "louver_camera_gaps",
        None,
        "Gaps in the main stream that are over, by their reason",
        both(cameras, "reason", |c| {
            c.status.meters().gaps().map(|(reason, n)| (reason.as_str(), number(n))).collect()
        }),
    );
    let waits = |c: &CameraHandle| {
        let meters = c.status.meters();
        let seen = c.analysis == louver_node::Analysis::On;
        let analysis = seen.then(|| ("analysis", number(meters.analysis_waits.get())));
        std::iter::once(("sealing", number(meters.sealing_waits.get()))).chain(analysis).collect()
    };
    out.gauge(
        "louver_camera_queued_packets",
        None,
        "Packets that wait to be sealed (64 at most), and for analysis (64 at most)",
        both(cameras, "queue", waits),
    );
}

/// What cameras say of themselves, where they are asked (ONVIF).
fn saying(out: &mut Families, cameras: &[CameraHandle]) {
    let says = |value: fn(louver_node::CameraSays) -> Option<f64>| {
        each(cameras, move |c| value(c.status.get().says))
    };
    out.gauge(
        "louver_camera_tampered",
        None,
        "1 while the camera says that somebody covers, turns or blinds it; 0 also where it is not asked",
        says(|s| Some(flag(s.tampered_since.is_some()))),
    );
    out.counter(
        "louver_camera_told_motions",
        None,
        "How often the camera said that movement began",
        says(|s| Some(number(s.motions))),
    );
    out.counter(
        "louver_camera_told_restarts",
        None,
        "How often the camera began anew while it was asked",
        says(|s| Some(number(s.restarts))),
    );
    out.gauge(
        "louver_camera_clock_offset",
        Some(Unit::Seconds),
        "The camera's clock less ours, to about a second; missing where it is not told",
        says(|s| s.clock.map(|offset| offset.micros() as f64 / 1e6)),
    );
}

/// Of cameras that are seen.
fn seeing(out: &mut Families, cameras: &[CameraHandle]) {
    let seen = |value: fn(&CameraHandle) -> Option<f64>| {
        each(cameras, move |c| (c.analysis == louver_node::Analysis::On).then(|| value(c)).flatten())
    };
    out.counter(
        "louver_camera_skipped_pictures",
        None,
        "Pictures that analysis had to leave out; they are sealed all the same",
        seen(|c| Some(number(c.status.get().skipped_frames))),
    );
    out.counter(
        "louver_camera_seen_pictures",
        None,
        "Pictures that were decoded and looked at",
        seen(|c| Some(number(c.status.meters().seen.get()))),
    );
    out.counter(
        "louver_camera_decoding",
        Some(Unit::Seconds),
        "Time that analysis spent on decoding, waiting for the decoding process included",
        seen(|c| Some(c.status.meters().decoding.took().as_secs_f64())),
    );
    out.counter(
        "louver_camera_detector",
        Some(Unit::Seconds),
        "Time that the detector ran for this camera",
        seen(|c| Some(c.status.meters().detector.took().as_secs_f64())),
    );
    out.counter(
        "louver_camera_detector_runs",
        None,
        "Runs of the detector for this camera, failed ones too",
        seen(|c| Some(number(c.status.meters().detector.runs.get()))),
    );
    out.gauge(
        "louver_camera_last_masked_timestamp",
        Some(Unit::Seconds),
        "When the last masked picture was made, since 1970; missing before the first",
        seen(|c| c.status.get().last_masked.map(seconds)),
    );
}

fn storage(out: &mut Families, app: &App, usage: &Usage, disks: &[DiskUsage]) {
    let of = |value: fn(&DiskUsage) -> Option<f64>| {
        disks.iter().filter_map(move |d| Some((vec![("disk", d.path.display().to_string())], value(d)?)))
    };
    let there = |value: fn(&DiskUsage) -> u64| {
        let there = disks.iter().filter(|d| d.there);
        there.map(move |d| (vec![("disk", d.path.display().to_string())], number(value(d))))
    };
    let bytes = || Some(Unit::Bytes);
    out.gauge("louver_disk_up", None, "1 while the disk is there", of(|d| Some(flag(d.there))));
    out.gauge("louver_disk_size", bytes(), "The disk's size", there(|d| d.total_bytes));
    out.gauge("louver_disk_free", bytes(), "Free for Louver", there(|d| d.free_bytes));
    out.gauge("louver_disk_recordings", bytes(), "Recordings on it", there(|d| d.recordings_bytes));
    out.gauge(
        "louver_disk_forecast_days",
        None,
        "Days of recordings that it holds at the rate of the last day; missing before that can be told",
        of(|d| d.days),
    );
    out.gauge("louver_sealed", bytes(), "Sealed originals, in all", [(vec![], number(usage.sealed_bytes))]);
    out.gauge("louver_masked", bytes(), "Masked recordings, in all", [(vec![], number(usage.masked_bytes))]);
    let health = app.store.health();
    let age = health.flush_age.as_secs_f64();
    out.gauge(
        "louver_catalogue_flush_age",
        Some(Unit::Seconds),
        "Time since journals and catalogue were last written, which is every two seconds",
        [(vec![], age)],
    );
    let fails = flag(health.flush_fails);
    out.gauge("louver_catalogue_flush_fails", None, "1 while they cannot be written", [(vec![], fails)]);
}

fn ledger(out: &mut Families, app: &App) {
    let Some(status) = app.site.ledger.as_ref().map(louver_ledger::Ledger::status) else { return };
    let one = |n: u64| [(vec![], number(n))];
    let unpublished = status.size.saturating_sub(status.published);
    out.gauge("louver_ledger_size_leaves", None, "Leaves on the disk", one(status.size));
    out.gauge("louver_ledger_waiting_leaves", None, "Leaves that wait for the disk", one(status.waiting));
    out.gauge("louver_ledger_unpublished_leaves", None, "Leaves under no checkpoint yet", one(unpublished));
    out.counter(
        "louver_ledger_omitted_leaves",
        None,
        "What should stand in the ledger since the start and could not be written",
        one(status.omitted),
    );
    let fails = flag(status.trouble.is_some());
    out.gauge(
        "louver_ledger_fails",
        None,
        "1 while it cannot be written; nothing is opened then",
        [(vec![], fails)],
    );
}
