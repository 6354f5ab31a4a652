//! What retention must leave alone: hours of requests that are alive, and of legal holds in force. The one place where hours are held in the
//! key ring and let go, so that neither ends what the other needs.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use louver_base::{CameraId, WallTime};
use louver_opening::{Hold, Request};
use louver_vault::{CameraHour, Hour, KeyRing, KeyRingError};

use super::desk::{Desk, DeskError, Item};

/// Hours of one camera that somebody needs.
#[derive(Clone, Debug)]
pub(super) struct Need {
    camera: CameraId,
    /// The first and the last hour.
    hours: (i64, i64),
    until: WallTime,
}

impl Need {
    fn new(cameras: &[CameraId], from: WallTime, to: WallTime, until: WallTime) -> Vec<Self> {
        // A segment that began just before an hour ended reaches into the next.
        let hours = (Hour::of(from).number() - 1, Hour::of(to).number());
        cameras.iter().map(|camera| Self { camera: camera.clone(), hours, until }).collect()
    }

    pub(super) fn of_request(request: &Request) -> Vec<Self> {
        Self::new(request.cameras(), request.from(), request.to(), request.kept_until())
    }

    pub(super) fn of_hold(hold: &Hold) -> Vec<Self> {
        Self::new(hold.cameras(), hold.from(), hold.to(), hold.until())
    }

    fn meets(&self, hour: Hour) -> bool {
        (self.hours.0..=self.hours.1).contains(&hour.number())
    }
}

/// What is needed of every camera.
#[derive(Default)]
struct Needs(BTreeMap<CameraId, Vec<Need>>);

impl Needs {
    fn new(all: Vec<Need>) -> Self {
        let mut by_camera: BTreeMap<CameraId, Vec<Need>> = BTreeMap::new();
        for need in all {
            by_camera.entry(need.camera.clone()).or_default().push(need);
        }
        Self(by_camera)
    }

    /// As long as the last who needs it.
    fn until(&self, (camera, hour): &CameraHour) -> Option<WallTime> {
        self.0.get(camera)?.iter().filter(|need| need.meets(*hour)).map(|need| need.until).max()
    }
}

/// Hours that the key ring has a secret of.
pub(super) fn there(ring: &KeyRing, needs: Vec<Need>) -> Vec<CameraHour> {
    let needs = Needs::new(needs);
    ring.hours().into_iter().filter(|of| needs.until(of).is_some()).collect()
}

/// Makes the ring hold what is needed, no shorter and no longer; with `keep`, no hour is held shorter than it is.
fn settle(ring: &KeyRing, needs: &Needs, keep: bool) -> Result<(), KeyRingError> {
    let mut changes: BTreeMap<Option<WallTime>, Vec<CameraHour>> = BTreeMap::new();
    for of in ring.hours() {
        let (needed, held) = (needs.until(&of), ring.held_until(&of.0, of.1));
        if needed > held || (needed < held && !keep) {
            changes.entry(needed).or_default().push(of);
        }
    }
    for (until, hours) in changes {
        match until {
            Some(until) => ring.hold(&hours, until)?,
            None => ring.release(&hours)?,
        };
    }
    Ok(())
}

impl Desk {
    /// Makes the key ring hold what all requests and holds need, and what `more` would.
    pub(super) async fn settle(
        &self,
        items: &BTreeMap<String, Item>,
        more: Option<&Request>,
    ) -> Result<(), DeskError> {
        self.unsettle();
        let mut needs = Self::needs(items);
        needs.extend(more.into_iter().flat_map(Need::of_request));
        let keep = {
            let holds = self.holds().lock().await;
            needs.extend(holds.in_force().flat_map(|held| Need::of_hold(held.hold())));
            holds.unreadable
        };
        let ring = self.ring().clone();
        let settled = tokio::task::spawn_blocking(move || settle(&ring, &Needs::new(needs), keep));
        match settled.await {
            Ok(settled) => settled?,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
        self.unsettled().store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Something ended or begins: the key ring is to be looked at, also if what comes next fails.
    pub(super) fn unsettle(&self) {
        self.unsettled().store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unsettled(&self) -> bool {
        self.unsettled().load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use louver_vault::Absent;

    fn need(camera: &str, hours: (i64, i64), until: i64) -> Need {
        Need { camera: camera.parse().unwrap(), hours, until: WallTime::from_millis(until) }
    }

    #[test]
    fn an_hour_is_held_as_long_as_the_last_who_needs_it_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let ring = KeyRing::open(&dir.path().join("keyring"), Absent::Make).unwrap();
        let (gate, yard): (CameraId, CameraId) = ("gate".parse().unwrap(), "yard".parse().unwrap());
        for hour in 1..=4 {
            ring.secret(&gate, Hour::from_number(hour)).unwrap();
        }
        ring.secret(&yard, Hour::from_number(2)).unwrap();
        let held = |camera: &CameraId| {
            let until = |hour| ring.held_until(camera, Hour::from_number(hour)).map(WallTime::millis);
            [1, 2, 3, 4].map(until)
        };
        let both = vec![need("gate", (1, 2), 100), need("gate", (2, 3), 50)];
        settle(&ring, &Needs::new(both), false).unwrap();
        assert_eq!(held(&gate), [Some(100), Some(100), Some(50), None]);
        assert_eq!(held(&yard), [None; 4]);
        // The first ends; what the second needs stays.
        settle(&ring, &Needs::new(vec![need("gate", (2, 3), 50)]), false).unwrap();
        assert_eq!(held(&gate), [None, Some(50), Some(50), None]);
        // Where something could not be read nothing is let go.
        settle(&ring, &Needs::new(vec![need("gate", (3, 3), 60)]), true).unwrap();
        assert_eq!(held(&gate), [None, Some(50), Some(60), None]);
        settle(&ring, &Needs::default(), false).unwrap();
        assert_eq!(held(&gate), [None; 4]);
    }
}
