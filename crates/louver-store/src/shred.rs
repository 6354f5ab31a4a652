//! Shredding: with the last original of a camera's hour the hour's secret goes, and it goes first. What was sealed then
//! opens no more, whoever kept a copy of it. docs/keys.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use louver_base::{CameraId, WallSpan, WallTime};
use louver_vault::{CameraHour, Hour, KeyRing};

use crate::files::{Files, blocking};
use crate::gone::{DeletedFor, Gone};
use crate::layout::{self, HOUR_US, HourFolder, hour_folder, hours, recording_path, recordings_in};
use crate::places::{self, DATA, Places};
use crate::retention::{AHEAD, Old};
use crate::store::Inner;
use crate::{RecordingKind, RetentionReport, StoreError};

/// So long after its end nobody begins a segment of an hour any more: a group of pictures may still be on its way to the
/// disk when its hour is over.
const LATE: WallSpan = WallSpan::from_millis(5 * 60_000);

/// Files that go, by what must be done before.
#[derive(Debug, Default)]
pub(crate) struct Going {
    /// Nothing.
    pub(crate) plain: Vec<Old>,
    /// They are all that is left of their hours: the secret is destroyed first.
    pub(crate) ending: Vec<Old>,
}

/// Originals without an hour secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unopenable {
    pub(crate) deleted: u64,
    pub(crate) kept: u64,
}

fn hour_of(old: &Old) -> CameraHour {
    (old.key.0.clone(), Hour::of(old.key.2.start()))
}

fn is_over(hour: Hour, at: WallTime) -> bool {
    hour.start() + WallSpan::from_micros(HOUR_US) <= at
}

/// Whether a clock that was wrong made it.
fn is_ahead(hour: Hour, now: WallTime) -> bool {
    hour.start() > now + AHEAD
}

/// Originals of an hour that are on disks that are there.
fn originals(
    places: &Places,
    (camera, hour): &CameraHour,
) -> Result<BTreeSet<crate::RecordingId>, StoreError> {
    let kind = RecordingKind::Sealed;
    let mut all = BTreeSet::new();
    for place in places.there() {
        let path = hour_folder(&place.dir, kind, camera, hour.start());
        let folder = HourFolder { start: hour.start(), path };
        match recordings_in(&folder, kind) {
            Ok(ids) => all.extend(ids),
            Err(e) => places.lose(place, StoreError::io("reading", &folder.path, e))?,
        }
    }
    Ok(all)
}

/// Whether there is any original. A disk besides the data directory's that cannot be read may have some.
pub(crate) fn has_originals(data: &Path) -> Result<bool, StoreError> {
    let mut there = false;
    for dir in places::folders(data)? {
        let looked = each_hour(&dir, |_, folder| {
            let ids = recordings_in(folder, RecordingKind::Sealed);
            there |= !ids.map_err(|e| StoreError::io("reading", &folder.path, e))?.is_empty();
            Ok(())
        });
        match looked {
            Err(e) if dir == data => return Err(e),
            Err(_) => there = true,
            Ok(()) => {}
        }
    }
    Ok(there)
}

fn each_hour(
    dir: &Path,
    mut each: impl FnMut(CameraHour, &HourFolder) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let reading = |e| StoreError::io("reading", dir, e);
    for camera in layout::cameras(dir, RecordingKind::Sealed).map_err(reading)? {
        for folder in hours(dir, RecordingKind::Sealed, &camera).map_err(reading)? {
            each((camera.clone(), Hour::of(folder.start)), &folder)?;
        }
    }
    Ok(())
}

/// Deletes what a crash left after its secret was destroyed: hours that were to be destroyed, and, since hours of a camera end oldest first,
/// those before its first secret that is not held. Others were sealed with another key ring (an older copy of it was put here), and opening
/// them must stay possible with the right one. That a later hour has a secret says nothing: a clock that was ahead may have made it, and
/// what is recorded after that copy was put here has one.
pub(crate) fn at_start(
    files: &Files,
    data: &Path,
    places: &Places,
    key_ring: &KeyRing,
) -> Result<(Unopenable, Gone), StoreError> {
    let listed = crate::gone::read(data).unwrap_or_default();
    let (mut found, mut without) = (Unopenable::default(), WithoutSecrets::new());
    for place in places.there() {
        match without_secrets(&place.dir, key_ring, &listed) {
            Ok((kept, on_it)) => {
                found.kept += kept;
                for (of, ids) in on_it {
                    found.deleted += ids.len() as u64;
                    without.entry(of).or_default().extend(ids);
                }
            }
            Err(e) => places.lose(place, e)?,
        }
    }
    let gone = Gone::at_start(data, key_ring, without.keys().cloned().collect());
    if !without.is_empty()
        && let Err(error) = gone.write(files, data)
    {
        tracing::warn!(%error, "should this stop now, the ledger would not be told of secrets that are destroyed");
    }
    for place in places.there() {
        match remove_unopenable(files, &place.dir, &without) {
            Err(error) if place.number != DATA => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an original that nobody can open any more stays; the next start tries again"
                );
            }
            removed => removed?,
        }
    }
    Ok((found, gone))
}

/// Originals without a secret that are to go.
type WithoutSecrets = BTreeMap<CameraHour, BTreeSet<crate::RecordingId>>;

/// Hours of originals on a disk that have no secret and whose files are to go; and how many files stay. `listed`: hours that were to be
/// destroyed.
fn without_secrets(
    dir: &Path,
    key_ring: &KeyRing,
    listed: &BTreeSet<CameraHour>,
) -> Result<(u64, WithoutSecrets), StoreError> {
    let mut first = BTreeMap::<CameraId, Hour>::new();
    for (camera, hour) in key_ring.hours() {
        if key_ring.held_until(&camera, hour).is_none() {
            // In order, so that the first of each camera stays.
            first.entry(camera).or_insert(hour);
        }
    }
    let was_destroyed =
        |of: &CameraHour| listed.contains(of) || first.get(&of.0).is_some_and(|first| of.1 < *first);
    let (mut kept, mut without) = (0, WithoutSecrets::new());
    each_hour(dir, |of, folder| {
        if key_ring.contains(&of.0, of.1) {
            return Ok(());
        }
        let ids = recordings_in(folder, RecordingKind::Sealed)
            .map_err(|e| StoreError::io("reading", &folder.path, e))?;
        if !was_destroyed(&of) {
            kept += ids.len() as u64;
        } else if !ids.is_empty() {
            without.entry(of).or_default().extend(ids);
        }
        Ok(())
    })?;
    Ok((kept, without))
}

fn remove_unopenable(files: &Files, dir: &Path, without: &WithoutSecrets) -> Result<(), StoreError> {
    for ((camera, hour), ids) in without {
        for id in ids {
            files.remove(&recording_path(dir, RecordingKind::Sealed, camera, *id))?;
        }
        let folder = hour_folder(dir, RecordingKind::Sealed, camera, hour.start());
        match files.sync_folder(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("syncing", &folder, e));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Inner {
    /// Deletes originals on a disk that came back whose secrets were destroyed while it was away.
    pub(crate) async fn shred_returned(&self, dir: &Path) -> Result<(), StoreError> {
        let (dir, key_ring, files) = (dir.to_owned(), self.key_ring()?, self.files.clone());
        // They were told of when they went.
        let listed = self.gone().listed();
        blocking(move || {
            let (_, without) = without_secrets(&dir, &key_ring, &listed)?;
            remove_unopenable(&files, &dir, &without)
        })
        .await
    }

    /// Sorts what is too old or too much. What is being written or held is left out.
    pub(crate) async fn going(&self, old: Vec<Old>, now: WallTime) -> Result<Going, StoreError> {
        let (old, places, key_ring) =
            (self.may_go(old, now).await?, Arc::clone(&self.places), self.key_ring()?);
        blocking(move || {
            let mut going = Going::default();
            let mut by_hour: BTreeMap<CameraHour, Vec<Old>> = BTreeMap::new();
            for o in old {
                match o.key.1 {
                    RecordingKind::Sealed => by_hour.entry(hour_of(&o)).or_default().push(o),
                    RecordingKind::Masked | RecordingKind::Scene => going.plain.push(o),
                }
            }
            for (of, mut files) in by_hour {
                let mut left = originals(&places, &of)?;
                left.retain(|id| !files.iter().any(|o| o.key.2 == *id));
                // What lies on a disk that is away may be of the same hour: its secret goes when the hour's time is over (`sweep`).
                if !left.is_empty() || places.any_away() {
                    going.plain.append(&mut files);
                } else if (is_over(of.1, now - LATE) || is_ahead(of.1, now))
                    && !key_ring.is_in_use(&of.0, of.1)
                {
                    going.ending.append(&mut files);
                } else {
                    // Its recorder may be between two segments, whatever the clock says: the secret must stay, and with it one
                    // file, which comes by here again.
                    let newest = files.iter().map(|o| o.key.2).max();
                    going.plain.extend(files.into_iter().filter(|o| Some(o.key.2) != newest));
                }
            }
            Ok(going)
        })
        .await
    }

    /// Destroys the secrets of hours that end, all in one rewriting of the key ring, then deletes their last files. Gives how
    /// many went.
    pub(crate) async fn shred(
        &self,
        ending: Vec<Old>,
        why: DeletedFor,
        now: WallTime,
        report: &mut RetentionReport,
    ) -> Result<u64, StoreError> {
        if ending.is_empty() {
            return Ok(0);
        }
        let hours: Vec<CameraHour> =
            ending.iter().map(hour_of).collect::<BTreeSet<_>>().into_iter().collect();
        match self.destroy(hours.clone(), now).await {
            Ok(mut gone) => {
                report.shredded.append(&mut gone);
                self.delete(self.without_secret(ending)?, why, report).await
            }
            // Not even room for the next key ring: the files make it. Until the secrets follow, whoever reads free
            // blocks of the disk and has k holders could open what was in them.
            Err(e) if e.is_disk_full() => {
                tracing::warn!("the disk is full: originals are deleted before their secrets");
                let deleted = self.delete(ending, why, report).await?;
                report.shredded.append(&mut self.destroy(hours, now).await?);
                Ok(deleted)
            }
            Err(e) => Err(e),
        }
    }

    /// Those whose secret is gone. One that was held, or taken into use again, in the meantime keeps its files.
    fn without_secret(&self, ending: Vec<Old>) -> Result<Vec<Old>, StoreError> {
        let key_ring = self.key_ring()?;
        let gone = |old: &Old| {
            let (camera, hour) = hour_of(old);
            !key_ring.contains(&camera, hour)
        };
        Ok(ending.into_iter().filter(gone).collect())
    }

    /// Destroys secrets that have no file (any more) and whose time is over: of hours in which nothing was sealed, and of
    /// files that went in another way. Once an hour, since it reads all folders. A secret whose time is not over stays
    /// whatever is missing: the files may be on a disk that is not mounted.
    pub(crate) async fn sweep(
        &self,
        retention_hours: &[(CameraId, u32)],
        now: WallTime,
        report: &mut RetentionReport,
    ) -> Result<(), StoreError> {
        let this_hour = Some(Hour::of(now));
        if *self.swept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == this_hour {
            return Ok(());
        }
        let (places, key_ring) = (Arc::clone(&self.places), self.key_ring()?);
        let kept: BTreeMap<CameraId, u32> = retention_hours.iter().cloned().collect();
        let without = blocking(move || {
            let mut without = Vec::new();
            for of in key_ring.hours() {
                let over = kept.get(&of.0).is_some_and(|h| is_over(of.1, now - WallSpan::from_hours(*h)));
                if over && originals(&places, &of)?.is_empty() {
                    without.push(of);
                }
            }
            Ok(without)
        })
        .await?;
        if !without.is_empty() {
            report.shredded.append(&mut self.destroy(without, now).await?);
        }
        *self.swept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = this_hour;
        Ok(())
    }
}
