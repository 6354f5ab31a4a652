//! Each camera's streams, and whether the disk is large enough for what they send.

use louver_node::{Analysis, CameraSettings};

use super::{Check, disk};
use crate::camera::{Look, advice, bits, in_words, look_at};
use crate::error::Error;
use crate::settings::Settings;

/// Cameras that are asked at the same time.
const AT_ONCE: usize = 16;

/// Looks at all cameras; each check is given as soon as it and those before it are done.
pub(super) fn checks(settings: &Settings, give: &mut dyn FnMut(Check)) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::because("the cameras cannot be asked", e))?;
    let needed = runtime.block_on(async {
        let mut needed = Need::default();
        for some in settings.cameras.chunks(AT_ONCE) {
            let asked: Vec<_> = some
                .iter()
                .cloned()
                .map(|camera| tokio::spawn(async move { (look_at(&camera).await, camera) }))
                .collect();
            for look in asked {
                match look.await {
                    Ok((looks, camera)) => {
                        needed.add(&camera, &looks);
                        about(&camera, &looks).into_iter().for_each(&mut *give);
                    }
                    Err(e) => give(Check::error("camera", &e, "please report this with the log")),
                }
            }
        }
        needed
    });
    if let Some(check) = needed.judge(settings) {
        give(check);
    }
    Ok(())
}

fn about(camera: &CameraSettings, looks: &[Look]) -> Vec<Check> {
    let mut checks = Vec::new();
    for look in looks {
        let topic = format!("camera {} {}", camera.id, look.stream);
        checks.push(match &look.outcome {
            Ok(report) => {
                let advice = advice(report, look.used);
                if advice.is_empty() {
                    Check::ok(topic, in_words(report, look.audio))
                } else {
                    Check::warning(topic, in_words(report, look.audio), advice.join("; "))
                }
            }
            // The sentence of the error says what to do.
            Err(e) => Check::error(topic, e, ""),
        });
    }
    if camera.analysis == Analysis::Off {
        let says = "sealed only: nothing of it can be seen without opening it (analysis = \"off\")";
        checks.push(Check::ok(format!("camera {}", camera.id), says));
    }
    checks.extend(zones(camera));
    checks
}

/// What the zones of a camera do, and what they do not.
fn zones(camera: &CameraSettings) -> Option<Check> {
    if camera.zones.is_empty() {
        return None;
    }
    let names: Vec<String> =
        camera.zones.iter().map(|z| format!("{} ({})", z.name(), z.kind().as_str())).collect();
    let check = Check::ok(format!("camera {} zones", camera.id), names.join(", "));
    let advice = "sealed originals keep what an excluded zone hides: set the camera's own privacy mask there too, so that it is never recorded";
    Some(Check { what_to_do: camera.excludes().then(|| advice.to_owned()), ..check })
}

/// What the disk must hold.
#[derive(Default)]
struct Need {
    bytes: f64,
    bits_per_second: f64,
    unknown: usize,
}

impl Need {
    fn add(&mut self, camera: &CameraSettings, looks: &[Look]) {
        for look in looks {
            match look.outcome.as_ref().ok().and_then(|r| r.video.bits_per_second) {
                // The sub stream is not kept, but what is shown of it takes about as much.
                Some(bits) => {
                    self.bits_per_second += bits;
                    self.bytes += bits / 8.0 * 3600.0 * f64::from(camera.retention_hours.get());
                }
                None => self.unknown += 1,
            }
        }
    }

    /// Says what the cameras need; a warning where the disk cannot hold it.
    fn judge(&self, settings: &Settings) -> Option<Check> {
        if self.bytes == 0.0 {
            return None;
        }
        let room = disk::room(settings)? as f64;
        let (needed, rate) = (disk::size(self.bytes as u64), bits(self.bits_per_second));
        let but = match self.unknown {
            0 => String::new(),
            n => format!(", without {n} streams that could not be looked at"),
        };
        let days = room * 8.0 / self.bits_per_second / 86_400.0;
        let says = format!(
            "the cameras send {rate}{but}: their retention needs about {needed}, and the disks hold {days:.1} days at this rate"
        );
        let topic = "room for recordings";
        if self.bytes > room {
            let room = disk::size(room as u64);
            let todo = format!(
                "the disk holds {room} of them, so recordings go before their time: use a larger disk, lower retention_hours or the cameras' bit rates"
            );
            return Some(Check::warning(topic, says, todo));
        }
        Some(Check::ok(topic, says))
    }
}
