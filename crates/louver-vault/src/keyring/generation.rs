//! One generation of the key ring: `root-G` and `ring-G`, read, written and dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louver_base::{CameraId, WallTime};

use super::KeyRingError;
use super::disk::Disk;
use super::record::{
    CameraHour, HEAD_LEN, Head, RECORD_LEN, ROOT_LEN, Record, RingKey, Root, Says, is_missing,
};
use crate::Hour;
use crate::keys::fill_random;

/// Records a ring holds at most: about eight gigabytes.
pub(crate) const RECORDS_MAX: u32 = 1 << 26;
/// Records read or written at once.
const BLOCK: u32 = 512;

/// What is known of an hour: where its secret stands, and until when it is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) record: u32,
    pub(crate) held: Option<WallTime>,
}

/// Every hour that has a secret. The secrets themselves stay on the disk, sealed, until one is asked for.
pub(crate) type Index = BTreeMap<CameraId, BTreeMap<Hour, Slot>>;

/// A generation that is whole.
pub(crate) struct Generation<F> {
    pub(crate) number: u64,
    pub(crate) key: RingKey,
    pub(crate) file: F,
    /// Whole records in the file.
    pub(crate) records: u32,
    pub(crate) index: Index,
}

/// What the next generation has that this one has not.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) gone: BTreeSet<CameraHour>,
    pub(crate) new: BTreeSet<CameraHour>,
    /// `None`: no longer.
    pub(crate) held: BTreeMap<CameraHour, Option<WallTime>>,
}

pub(crate) fn root_name(number: u64) -> String {
    format!("root-{number}")
}

pub(crate) fn ring_name(number: u64) -> String {
    format!("ring-{number}")
}

/// Generations of which there is any file. Other names are not ours (`lost+found` of a volume of its own).
pub(crate) fn numbers<D: Disk>(disk: &D, place: &Path) -> Result<BTreeSet<u64>, KeyRingError> {
    let names = disk.names().map_err(|e| KeyRingError::io("reading", place, e))?;
    let number = |name: &String| -> Option<u64> {
        let digits = name.strip_prefix("root-").or_else(|| name.strip_prefix("ring-"))?;
        let number: u64 = digits.parse().ok()?;
        (number.to_string() == digits).then_some(number)
    };
    Ok(names.iter().filter_map(number).collect())
}

impl<F> Generation<F> {
    /// Reads a generation. `None`: it was never finished, or its root is gone.
    pub(crate) fn load<D: Disk<File = F>>(
        disk: &D,
        place: &Path,
        number: u64,
    ) -> Result<Option<Self>, KeyRingError> {
        let path = place.join(ring_name(number));
        let reading = |e| KeyRingError::io("reading", &path, e);
        let Some(root) = load_root(disk, place, number)? else { return Ok(None) };
        let file = match disk.open(&ring_name(number)) {
            Err(e) if is_missing(&e) => return Ok(None),
            other => other.map_err(reading)?,
        };
        let len = disk.len(&file).map_err(reading)?;
        let Some(body) = len.checked_sub(HEAD_LEN as u64) else { return Ok(None) };
        let mut head = [0; HEAD_LEN];
        disk.read_at(&file, &mut head, 0).map_err(reading)?;
        let head = match Head::parse(&head) {
            Err(version) => {
                return Err(KeyRingError::Newer { path, what: format!("version {version}") });
            }
            Ok(Some(head)) if head.generation == number => head,
            Ok(_) => return Ok(None),
        };
        let records = body / RECORD_LEN as u64;
        let records = u32::try_from(records).ok().filter(|n| *n <= RECORDS_MAX);
        let records = records.ok_or(KeyRingError::TooMany(body / RECORD_LEN as u64))?;
        if records < head.carried {
            return Ok(None);
        }
        let ends_torn = !body.is_multiple_of(RECORD_LEN as u64);
        let mut generation = Self { number, key: root.key(head)?, file, records: 0, index: Index::default() };
        Ok(generation.read_records(disk, &path, records, ends_torn)?.then_some(generation))
    }

    /// Whether all that was carried over is there.
    fn read_records<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        path: &Path,
        records: u32,
        ends_torn: bool,
    ) -> Result<bool, KeyRingError> {
        let mut block = vec![0; BLOCK as usize * RECORD_LEN];
        let mut record = Record::empty();
        for first in (0..records).step_by(BLOCK as usize) {
            let count = BLOCK.min(records - first);
            let block = &mut block[..count as usize * RECORD_LEN];
            disk.read_at(&self.file, block, Head::place(first))
                .map_err(|e| KeyRingError::io("reading", path, e))?;
            for (n, bytes) in (first..).zip(block.chunks_exact(RECORD_LEN)) {
                record.bytes_mut().copy_from_slice(bytes);
                if self.key.open(n, &mut record) {
                    self.note(n, &record, path)?;
                    self.records = n + 1;
                } else if n < self.key.head().carried {
                    return Ok(false);
                } else if n + 1 == records && !ends_torn {
                    // The last and torn: its secret was never given out.
                    return Ok(true);
                } else {
                    let what = format!("record {n} of {records}");
                    return Err(KeyRingError::Damaged { path: path.to_owned(), what });
                }
            }
        }
        Ok(true)
    }

    /// Takes an opened record into the index.
    fn note(&mut self, n: u32, record: &Record, path: &Path) -> Result<(), KeyRingError> {
        let Some(((camera, hour), says)) = record.read() else {
            let what = format!("record {n} is of a kind unknown here");
            return Err(KeyRingError::Newer { path: path.to_owned(), what });
        };
        let hours = self.index.entry(camera).or_default();
        match (says, hours.get_mut(&hour)) {
            (Says::Secret, None) => {
                hours.insert(hour, Slot { record: n, held: None });
            }
            (Says::Held(until), Some(slot)) => slot.held = Some(until),
            (Says::Released, Some(slot)) => slot.held = None,
            _ => {
                let what = format!("record {n} contradicts those before it");
                return Err(KeyRingError::Damaged { path: path.to_owned(), what });
            }
        }
        Ok(())
    }

    /// Reads the record of an hour's secret.
    pub(crate) fn record<D: Disk<File = F>>(
        &self,
        disk: &D,
        place: &Path,
        n: u32,
    ) -> Result<Record, KeyRingError> {
        let path = place.join(ring_name(self.number));
        let mut record = Record::empty();
        disk.read_at(&self.file, record.bytes_mut(), Head::place(n))
            .map_err(|e| KeyRingError::io("reading", &path, e))?;
        if !self.key.open(n, &mut record) {
            return Err(KeyRingError::Damaged { path, what: format!("record {n}") });
        }
        Ok(record)
    }

    /// Writes the next generation and makes it reach the disk, under a fresh root. It is read back before anybody relies
    /// on it: what does not open now never will.
    pub(crate) fn write<D: Disk<File = F>>(
        disk: &D,
        place: &Path,
        number: u64,
        before: Option<&Self>,
        changes: &Changes,
    ) -> Result<Self, KeyRingError> {
        let path = place.join(ring_name(number));
        let writing = |e| KeyRingError::io("writing", &path, e);
        let index = after(before.map(|g| &g.index), changes);
        let count: u64 =
            index.values().flat_map(BTreeMap::values).map(|s| 1 + u64::from(s.held.is_some())).sum();
        let carried = u32::try_from(count).ok().filter(|n| *n <= RECORDS_MAX);
        let head = Head { generation: number, carried: carried.ok_or(KeyRingError::TooMany(count))? };

        let root = Root::generate(number)?;
        let root_path = place.join(root_name(number));
        let writing_root = |e| KeyRingError::io("writing", &root_path, e);
        let mut root_file = disk.create(&root_name(number)).map_err(writing_root)?;
        // The name first: after a power cut a root without one would lie on the disk where nobody overwrites it.
        disk.sync_names().map_err(|e| KeyRingError::io("syncing", place, e))?;
        disk.write_at(&mut root_file, root.bytes(), 0).map_err(writing_root)?;
        disk.sync(&root_file).map_err(writing_root)?;

        let key = root.key(head)?;
        let mut file = disk.create(&ring_name(number)).map_err(writing)?;
        let mut out = Vec::with_capacity(BLOCK as usize * RECORD_LEN + HEAD_LEN);
        out.extend_from_slice(&head.bytes());
        let (mut n, mut at) = (0, 0);
        let mut put = |mut record: Record, out: &mut Vec<u8>| {
            key.seal(n, &mut record)?;
            n += 1;
            out.extend_from_slice(record.bytes_mut());
            Ok::<_, KeyRingError>(())
        };
        for (camera, hours) in &index {
            for (hour, slot) in hours {
                let of = (camera.clone(), *hour);
                let record = match before {
                    Some(g) if slot.record != NOT_YET => g.record(disk, place, slot.record)?,
                    _ => Record::with_new_secret(&of)?,
                };
                put(record, &mut out)?;
                if let Some(until) = slot.held {
                    put(Record::held(&of, until), &mut out)?;
                }
                if out.len() >= (BLOCK as usize - 2) * RECORD_LEN {
                    disk.write_at(&mut file, &out, at).map_err(writing)?;
                    at += out.len() as u64;
                    out.clear();
                }
            }
        }
        disk.write_at(&mut file, &out, at).map_err(writing)?;
        disk.sync(&file).map_err(writing)?;
        disk.sync_names().map_err(|e| KeyRingError::io("syncing", place, e))?;
        let damaged =
            || KeyRingError::Damaged { path: path.clone(), what: "what was written just now".into() };
        Self::load(disk, place, number)?.filter(|g| g.records == head.carried).ok_or_else(damaged)
    }
}

/// In place of the record of a secret that is yet to be drawn.
const NOT_YET: u32 = u32::MAX;

/// The index of the next generation; records still count in the one before.
fn after(before: Option<&Index>, changes: &Changes) -> Index {
    let mut index = before.cloned().unwrap_or_default();
    for (camera, hour) in &changes.gone {
        if let Some(hours) = index.get_mut(camera) {
            hours.remove(hour);
        }
    }
    for (camera, hour) in &changes.new {
        let slot = Slot { record: NOT_YET, held: None };
        index.entry(camera.clone()).or_default().entry(*hour).or_insert(slot);
    }
    for ((camera, hour), until) in &changes.held {
        if let Some(slot) = index.get_mut(camera).and_then(|hours| hours.get_mut(hour)) {
            slot.held = *until;
        }
    }
    index.retain(|_, hours| !hours.is_empty());
    index
}

fn load_root<D: Disk>(disk: &D, place: &Path, number: u64) -> Result<Option<Root>, KeyRingError> {
    let path = place.join(root_name(number));
    let reading = |e| KeyRingError::io("reading", &path, e);
    let file = match disk.open(&root_name(number)) {
        Err(e) if is_missing(&e) => return Ok(None),
        other => other.map_err(reading)?,
    };
    if disk.len(&file).map_err(reading)? != ROOT_LEN as u64 {
        return Ok(None);
    }
    let mut root = Root::empty();
    disk.read_at(&file, root.bytes_mut(), 0).map_err(reading)?;
    Ok(root.is_whole(number).then_some(root))
}

/// Makes a generation one that nobody can read: its root is overwritten where it stands and that is made to reach the disk
/// before the name goes, since a name that is gone leaves its bytes behind. The caller syncs the names.
pub(crate) fn wipe<D: Disk>(disk: &D, place: &Path, number: u64) -> Result<(), KeyRingError> {
    let (root, ring) = (root_name(number), ring_name(number));
    let overwriting = |e| KeyRingError::io("overwriting", &place.join(&root), e);
    match disk.open(&root) {
        Ok(mut file) => {
            let mut noise = [0; ROOT_LEN];
            fill_random(&mut noise)?;
            disk.write_at(&mut file, &noise, 0).map_err(overwriting)?;
            disk.sync(&file).map_err(overwriting)?;
        }
        Err(e) if is_missing(&e) => {}
        Err(e) => return Err(overwriting(e)),
    }
    for name in [root, ring] {
        match disk.remove(&name) {
            Err(e) if !is_missing(&e) => return Err(KeyRingError::io("removing", &place.join(&name), e)),
            _ => {}
        }
    }
    Ok(())
}
