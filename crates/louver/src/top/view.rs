//! What is shown: two readings of the metrics, some time apart, made into lines.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::page::Sample;
use crate::terminal::plain;

/// One camera, as of the last reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CameraLine {
    /// Its id.
    pub(super) camera: String,
    /// `recording`, `away` (no pictures), `failing` (pictures, and nothing is written) or `waiting` (nothing came yet).
    pub(super) state: &'static str,
    /// Of all its streams together.
    pub(super) mbit_per_s: f64,
    /// Of the main stream.
    pub(super) pictures_per_s: f64,
    /// Packets that wait, for sealing and analysis together.
    pub(super) behind: u64,
    /// Gaps that are over, since the server began.
    pub(super) gaps: u64,
    /// Pictures that analysis left out, since the server began.
    pub(super) skipped: u64,
    /// Seconds since the last original was sealed; `null` before the first.
    pub(super) sealed_s_ago: Option<f64>,
}

/// One disk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DiskLine {
    /// Its folder.
    pub(super) disk: String,
    /// Whether it is there.
    pub(super) there: bool,
    /// Its size.
    pub(super) size_bytes: u64,
    /// Free for Louver.
    pub(super) free_bytes: u64,
    /// Days of recordings that it holds; `null` while that cannot be told.
    pub(super) forecast_days: Option<f64>,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct View {
    /// The server's release.
    pub(super) version: String,
    /// Seconds since it began.
    pub(super) uptime_s: u64,
    /// The register, in its order.
    pub(super) cameras: Vec<CameraLine>,
    /// The data directory's first.
    pub(super) disks: Vec<DiskLine>,
    /// Leaves of the ledger that wait for the disk.
    pub(super) ledger_waiting: u64,
    /// Whether the ledger cannot be written.
    pub(super) ledger_fails: bool,
}

/// One reading.
#[derive(Clone, Copy)]
struct Reading<'r>(&'r [Sample]);

impl<'r> Reading<'r> {
    fn of(self, name: &'r str, label: &'r str, is: &'r str) -> impl Iterator<Item = &'r Sample> {
        self.0.iter().filter(move |s| s.name == name && (label.is_empty() || s.label(label) == is))
    }

    fn sum(self, name: &'r str, label: &'r str, is: &'r str) -> f64 {
        self.of(name, label, is).map(|s| s.value).sum()
    }

    fn one(self, name: &'r str, label: &'r str, is: &'r str) -> Option<f64> {
        self.of(name, label, is).next().map(|s| s.value)
    }
}

impl View {
    /// From a reading and the one before it; `now`: seconds since 1970.
    pub(super) fn of(before: &[Sample], after: &[Sample], passed: Duration, now: f64) -> Self {
        let (before, after) = (Reading(before), Reading(after));
        // A server that began anew meanwhile counts from nothing.
        let rate = |count: fn(Reading<'_>, &str) -> f64, id: &str| {
            (count(after, id) - count(before, id)).max(0.0) / passed.as_secs_f64().max(0.001)
        };
        let bytes = |r: Reading<'_>, id: &str| sum_of(r, "louver_camera_received_bytes_total", id);
        let pictures = |r: Reading<'_>, id: &str| main_of(r, "louver_camera_pictures_total", id);
        let camera = |sealed: &Sample| {
            let id = sealed.label("camera");
            let up = main_of(after, "louver_camera_stream_up", id) > 0.0;
            let fails = sum_of(after, "louver_camera_recording_fails", id) > 0.0;
            let lost = main_of(after, "louver_camera_connections_lost_total", id) > 0.0;
            let state = match (up, fails, lost || pictures(after, id) > 0.0) {
                (_, true, _) => "failing",
                (true, false, _) => "recording",
                (false, false, true) => "away",
                (false, false, false) => "waiting",
            };
            let sealed_at = after.one("louver_camera_last_sealed_timestamp_seconds", "camera", id);
            CameraLine {
                camera: plain(id),
                state,
                mbit_per_s: tenth(rate(bytes, id) * 8.0 / 1e5) / 10.0,
                pictures_per_s: tenth(rate(pictures, id)),
                behind: whole(sum_of(after, "louver_camera_queued_packets", id)),
                gaps: whole(sum_of(after, "louver_camera_gaps_total", id)),
                skipped: whole(sum_of(after, "louver_camera_skipped_pictures_total", id)),
                sealed_s_ago: sealed_at.map(|at| tenth((now - at).max(0.0))),
            }
        };
        let disk = |up: &Sample| {
            let path = up.label("disk");
            let bytes = |name| whole(after.sum(name, "disk", path));
            DiskLine {
                disk: plain(path),
                there: up.value > 0.0,
                size_bytes: bytes("louver_disk_size_bytes"),
                free_bytes: bytes("louver_disk_free_bytes"),
                forecast_days: after.one("louver_disk_forecast_days", "disk", path).map(tenth),
            }
        };
        let version = after.of("louver_build", "", "").next();
        Self {
            version: plain(version.map_or("?", |v| v.label("version"))),
            uptime_s: whole(after.sum("louver_uptime_seconds", "", "")),
            cameras: after.of("louver_camera_sealed_groups_total", "", "").map(camera).collect(),
            disks: after.of("louver_disk_up", "", "").map(disk).collect(),
            ledger_waiting: whole(after.sum("louver_ledger_waiting_leaves", "", "")),
            ledger_fails: after.sum("louver_ledger_fails", "", "") > 0.0,
        }
    }

    /// For people, without anything that a terminal acts upon.
    pub(super) fn lines(&self) -> String {
        let mut out = String::new();
        let hours = self.uptime_s / 3600;
        let _ = writeln!(
            out,
            "Louver {}   {} cameras   up {hours} h {:02} min   ledger {}",
            self.version,
            self.cameras.len(),
            self.uptime_s / 60 % 60,
            if self.ledger_fails {
                "CANNOT BE WRITTEN".to_owned()
            } else if self.ledger_waiting > 0 {
                format!("{} leaves waiting", self.ledger_waiting)
            } else {
                "written".to_owned()
            }
        );
        let wide = self.cameras.iter().map(|c| c.camera.len()).max().unwrap_or(0).max("camera".len());
        let _ = writeln!(
            out,
            "\n{:wide$}  {:9}  {:>7}  {:>6}  {:>6}  {:>6}  {:>7}  {:>7}",
            "camera", "state", "Mbit/s", "pict/s", "behind", "gaps", "skipped", "sealed"
        );
        for c in &self.cameras {
            let sealed = c.sealed_s_ago.map_or_else(|| "never".to_owned(), |s| format!("{s:.0} s"));
            let _ = writeln!(
                out,
                "{:wide$}  {:9}  {:7.2}  {:6.1}  {:6}  {:6}  {:7}  {sealed:>7}",
                c.camera, c.state, c.mbit_per_s, c.pictures_per_s, c.behind, c.gaps, c.skipped
            );
        }
        out.push('\n');
        for d in &self.disks {
            let gb = |bytes: u64| bytes as f64 / 1e9;
            let days = d
                .forecast_days
                .map_or_else(|| "days not known yet".to_owned(), |days| format!("holds {days:.1} days"));
            let _ = match d.there {
                true => writeln!(
                    out,
                    "disk {}  {:.1} of {:.1} GB free  {days}",
                    d.disk,
                    gb(d.free_bytes),
                    gb(d.size_bytes)
                ),
                false => writeln!(out, "disk {}  IS NOT THERE", d.disk),
            };
        }
        out
    }
}

fn sum_of(reading: Reading<'_>, name: &str, camera: &str) -> f64 {
    reading.0.iter().filter(|s| s.name == name && s.label("camera") == camera).map(|s| s.value).sum()
}

/// Of the main stream.
fn main_of(reading: Reading<'_>, name: &str, camera: &str) -> f64 {
    let is = |s: &&Sample| s.name == name && s.label("camera") == camera && s.label("stream") == "main";
    reading.0.iter().filter(is).map(|s| s.value).sum()
}

fn tenth(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// What a server says is a number of things; anything else is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(x: f64) -> u64 {
    x.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::page::read;

    fn reading(bytes: u64, pictures: u64) -> Vec<Sample> {
        read(&format!(
            "louver_build{{version=\"1.2.3\"}} 1\nlouver_uptime_seconds 7384.2\n\
             louver_camera_sealed_groups_total{{camera=\"gate\"}} 4\n\
             louver_camera_sealed_groups_total{{camera=\"yard\"}} 0\n\
             louver_camera_stream_up{{camera=\"gate\",stream=\"main\"}} 1\n\
             louver_camera_stream_up{{camera=\"yard\",stream=\"main\"}} 0\n\
             louver_camera_connections_lost_total{{camera=\"yard\",stream=\"main\"}} 3\n\
             louver_camera_received_bytes_total{{camera=\"gate\",stream=\"main\"}} {bytes}\n\
             louver_camera_received_bytes_total{{camera=\"gate\",stream=\"sub\"}} 0\n\
             louver_camera_pictures_total{{camera=\"gate\",stream=\"main\"}} {pictures}\n\
             louver_camera_pictures_total{{camera=\"gate\",stream=\"sub\"}} 999\n\
             louver_camera_queued_packets{{camera=\"gate\",queue=\"sealing\"}} 1\n\
             louver_camera_queued_packets{{camera=\"gate\",queue=\"analysis\"}} 2\n\
             louver_camera_gaps_total{{camera=\"gate\",reason=\"restart\"}} 1\n\
             louver_camera_gaps_total{{camera=\"gate\",reason=\"busy\"}} 2\n\
             louver_camera_last_sealed_timestamp_seconds{{camera=\"gate\"}} 1000.5\n\
             louver_disk_up{{disk=\"/srv\"}} 1\nlouver_disk_up{{disk=\"/old\"}} 0\n\
             louver_disk_size_bytes{{disk=\"/srv\"}} 2e12\nlouver_disk_free_bytes{{disk=\"/srv\"}} 5e11\n\
             louver_disk_forecast_days{{disk=\"/srv\"}} 12.34\nlouver_ledger_waiting_leaves 0\n# EOF\n"
        ))
    }

    #[test]
    fn two_readings_make_a_line_for_each_camera_and_disk() {
        let view = View::of(&reading(1_000_000, 10), &reading(2_000_000, 60), Duration::from_secs(2), 1002.0);
        let gate = &view.cameras[0];
        assert_eq!((gate.mbit_per_s, gate.pictures_per_s, gate.state), (4.0, 25.0, "recording"));
        assert_eq!((gate.behind, gate.gaps, gate.sealed_s_ago), (3, 3, Some(1.5)));
        assert_eq!((view.cameras[1].state, view.cameras[1].sealed_s_ago), ("away", None));
        let text = view.lines();
        assert!(text.starts_with("Louver 1.2.3   2 cameras   up 2 h 03 min   ledger written\n"), "{text}");
        assert!(
            text.contains("gate    recording     4.00    25.0       3       3        0      2 s"),
            "{text}"
        );
        assert!(text.contains("disk /srv  500.0 of 2000.0 GB free  holds 12.3 days"), "{text}");
        assert!(text.contains("disk /old  IS NOT THERE"), "{text}");
    }

    #[test]
    fn a_server_that_began_anew_in_between_has_no_rate_below_nothing() {
        let view = View::of(&reading(2_000_000, 60), &reading(1000, 1), Duration::from_secs(1), 0.0);
        assert_eq!((view.cameras[0].mbit_per_s, view.cameras[0].pictures_per_s), (0.0, 0.0));
    }
}
