//! What the key ring does, over any disk: one generation in use, and how the next takes its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use louver_base::{CameraId, WallTime};

use super::disk::Disk;
use super::generation::{Changes, Generation, RECORDS_MAX, Slot, numbers, ring_name, wipe};
use super::record::{CameraHour, HEAD_LEN, Head, Record, is_missing};
use super::{Absent, KeyRingError};
use crate::{Hour, HourSecret};

/// A key ring that is open.
///
/// After anything failed it is *in doubt*: what the disk holds of the last step is unknown. Then nothing is added or
/// destroyed before everything was read anew, as at a start, and written into a new generation that the disk confirmed. That
/// also makes it true that no number is used twice under one root, as nothing is ever written over a torn record.
pub(crate) struct Ring<D: Disk> {
    disk: D,
    place: PathBuf,
    now: Generation<D::File>,
    doubt: bool,
    /// What attempts that failed were to destroy: told when it is certain.
    owed: BTreeSet<CameraHour>,
}

impl<D: Disk> Ring<D> {
    /// Opens the key ring or makes the first one. `place`: for error texts.
    ///
    /// Every start begins a new generation: what a killed process wrote may be torn, or may be in the system's memory alone
    /// (also after an fsync that failed and was seen by nobody).
    pub(crate) fn open(disk: D, place: &Path, absent: Absent) -> Result<Self, KeyRingError> {
        let place = place.to_owned();
        if let Some(now) = newest(&disk, &place)? {
            let mut ring = Self { disk, place, now, doubt: true, owed: BTreeSet::new() };
            return match ring.rewrite(&Changes::default()) {
                // Retention needs to read it to make room; adding and destroying wait until there is some.
                Err(e) if e.is_disk_full() => Ok(ring),
                done => done.map(|()| ring),
            };
        }
        let there = numbers(&disk, &place)?;
        if absent == Absent::Refuse && there.is_empty() {
            return Err(KeyRingError::Missing(place));
        }
        for number in &there {
            if may_hold_secrets(&disk, &place, *number)? {
                return Err(KeyRingError::Damaged { path: place, what: "no generation is whole".into() });
            }
        }
        if absent == Absent::Refuse {
            return Err(KeyRingError::Missing(place));
        }
        let number = following(&there)?;
        let now = Generation::write(&disk, &place, number, None, &Changes::default())?;
        for number in there {
            wipe(&disk, &place, number)?;
        }
        disk.sync_names().map_err(|e| KeyRingError::io("syncing", &place, e))?;
        Ok(Self { disk, place, now, doubt: false, owed: BTreeSet::new() })
    }

    fn slot(&self, (camera, hour): &CameraHour) -> Option<&Slot> {
        self.now.index.get(camera)?.get(hour)
    }

    pub(crate) fn contains(&self, of: &CameraHour) -> bool {
        self.slot(of).is_some()
    }

    pub(crate) fn held_until(&self, of: &CameraHour) -> Option<WallTime> {
        self.slot(of)?.held
    }

    pub(crate) fn hours(&self) -> impl Iterator<Item = (&CameraId, Hour)> {
        self.now.index.iter().flat_map(|(camera, hours)| hours.keys().map(move |hour| (camera, *hour)))
    }

    /// Reads a secret. What is in doubt may be read: it opens what was sealed with it or nothing at all.
    pub(crate) fn get(&self, of: &CameraHour) -> Result<Option<HourSecret>, KeyRingError> {
        let Some(slot) = self.slot(of) else { return Ok(None) };
        Ok(Some(self.now.record(&self.disk, &self.place, slot.record)?.secret()))
    }

    /// Reads a secret that was added.
    pub(crate) fn get_added(&self, of: &CameraHour) -> Result<HourSecret, KeyRingError> {
        self.get(of)?.ok_or_else(|| KeyRingError::Damaged {
            path: self.place.clone(),
            what: format!("the hour {} of {} that was added is not there", of.1, of.0),
        })
    }

    /// Draws secrets for those hours that have none. They are on the disk when this returns.
    pub(crate) fn add(&mut self, hours: &BTreeSet<CameraHour>) -> Result<(), KeyRingError> {
        self.settle()?;
        let new: BTreeSet<_> = hours.iter().filter(|of| !self.contains(of)).cloned().collect();
        match new.first() {
            None => Ok(()),
            Some(of) if new.len() == 1 => self.append(of, Record::with_new_secret(of)?, |record, slot| {
                slot.get_or_insert(Slot { record, held: None });
            }),
            // One write for all cameras whose hour turns at the same moment.
            Some(_) => self.rewrite(&Changes { new, ..Changes::default() }),
        }
    }

    /// Destroys the secrets of those hours that are not held at `now`; gives those that are gone by it, or by an earlier
    /// attempt that failed.
    pub(crate) fn destroy(
        &mut self,
        hours: &[CameraHour],
        now: WallTime,
    ) -> Result<Vec<CameraHour>, KeyRingError> {
        // Also with nothing to destroy here: an earlier attempt may have left the old root behind.
        self.settle()?;
        let may_go =
            |of: &&CameraHour| self.slot(of).is_some_and(|slot| slot.held.is_none_or(|until| until <= now));
        let gone: BTreeSet<_> = hours.iter().filter(may_go).cloned().collect();
        if !gone.is_empty() {
            self.owed.extend(gone.iter().cloned());
            self.rewrite(&Changes { gone, ..Changes::default() })?;
        }
        let owed = std::mem::take(&mut self.owed);
        Ok(owed.into_iter().filter(|of| !self.contains(of)).collect())
    }

    /// Holds those hours that have a secret, until then, or (`None`) no longer; gives how many there are.
    pub(crate) fn hold(
        &mut self,
        hours: &[CameraHour],
        until: Option<WallTime>,
    ) -> Result<usize, KeyRingError> {
        self.settle()?;
        let there: BTreeSet<_> = hours.iter().filter(|of| self.contains(of)).cloned().collect();
        let changed: Vec<_> = there.iter().filter(|of| self.held_until(of) != until).collect();
        match changed.as_slice() {
            [] => {}
            [of] => {
                let record = until.map_or_else(|| Record::released(of), |until| Record::held(of, until));
                self.append(of, record, |_, slot| {
                    if let Some(slot) = slot {
                        slot.held = until;
                    }
                })?;
            }
            many => {
                let held = many.iter().map(|of| ((*of).clone(), until)).collect();
                self.rewrite(&Changes { held, ..Changes::default() })?;
            }
        }
        Ok(there.len())
    }

    /// Appends one record and makes it reach the disk; `noted` tells the index.
    fn append(
        &mut self,
        (camera, hour): &CameraHour,
        mut record: Record,
        noted: impl FnOnce(u32, &mut Option<Slot>),
    ) -> Result<(), KeyRingError> {
        let n = self.now.records;
        if n >= RECORDS_MAX {
            return Err(KeyRingError::TooMany(u64::from(n)));
        }
        let path = self.place.join(ring_name(self.now.number));
        let writing = |e| KeyRingError::io("writing", &path, e);
        self.now.key.seal(n, &mut record)?;
        self.doubt = true;
        self.disk.write_at(&mut self.now.file, record.bytes_mut(), Head::place(n)).map_err(writing)?;
        // An fsync that fails is not tried again: the system may have dropped the bytes and say yes the second time.
        self.disk.sync(&self.now.file).map_err(writing)?;
        self.now.records = n + 1;
        let hours = self.now.index.entry(camera.clone()).or_default();
        let mut slot = hours.get(hour).copied();
        noted(n, &mut slot);
        if let Some(slot) = slot {
            hours.insert(*hour, slot);
        }
        self.doubt = false;
        Ok(())
    }

    /// Ends a doubt: reads what is on the disk and writes it anew.
    fn settle(&mut self) -> Result<(), KeyRingError> {
        if !self.doubt {
            return Ok(());
        }
        self.now = newest(&self.disk, &self.place)?.ok_or_else(|| KeyRingError::Damaged {
            path: self.place.clone(),
            what: "no generation is whole".into(),
        })?;
        self.rewrite(&Changes::default())
    }

    /// Puts a new generation in the place of all there are. When this returns the roots of those before are overwritten.
    fn rewrite(&mut self, changes: &Changes) -> Result<(), KeyRingError> {
        self.doubt = true;
        let (disk, place) = (&self.disk, &self.place);
        let others: Vec<u64> =
            numbers(disk, place)?.into_iter().filter(|number| *number != self.now.number).collect();
        for number in &others {
            // What was never finished only takes up room. Whole ones stay until the new one is on the disk: which of them
            // the disk has confirmed is not known.
            if Generation::load(disk, place, *number)?.is_none() {
                wipe(disk, place, *number)?;
            }
        }
        let there = numbers(disk, place)?;
        let next = Generation::write(disk, place, following(&there)?, Some(&self.now), changes)?;
        for number in there {
            wipe(disk, place, number)?;
        }
        disk.sync_names().map_err(|e| KeyRingError::io("syncing", place, e))?;
        self.now = next;
        self.doubt = false;
        Ok(())
    }
}

/// The newest generation that is whole.
fn newest<D: Disk>(disk: &D, place: &Path) -> Result<Option<Generation<D::File>>, KeyRingError> {
    for number in numbers(disk, place)?.into_iter().rev() {
        if let Some(generation) = Generation::load(disk, place, number)? {
            return Ok(Some(generation));
        }
    }
    Ok(None)
}

/// Whether a generation that is not whole may have been in use: the first one, cut off while it was made, has no records.
fn may_hold_secrets<D: Disk>(disk: &D, place: &Path, number: u64) -> Result<bool, KeyRingError> {
    let reading = |e| KeyRingError::io("reading", &place.join(ring_name(number)), e);
    match disk.open(&ring_name(number)) {
        Err(e) if is_missing(&e) => Ok(false),
        Ok(file) => Ok(disk.len(&file).map_err(reading)? > HEAD_LEN as u64),
        Err(e) => Err(reading(e)),
    }
}

fn following(there: &BTreeSet<u64>) -> Result<u64, KeyRingError> {
    let last = there.last().copied().unwrap_or(0);
    last.checked_add(1).ok_or(KeyRingError::TooMany(last))
}
