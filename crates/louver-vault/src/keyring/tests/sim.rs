//! A disk that fails, dies and forgets as disks do.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use crate::keyring::disk::Disk;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is refused, and nothing was done.
    Refused,
    /// It is refused, though it was done: of a write the first half, of a sync nothing, but it will not be tried again.
    HalfDone,
    /// No space is left, for this and every later write until there is.
    Full,
    /// The process is killed before it.
    Killed,
    /// The process is killed after it; of a write after its first half.
    KilledAfter,
    /// The power goes before it: the disk keeps what was synced, and any part of what was not.
    PowerCut,
    /// The power goes after it.
    PowerCutAfter,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    /// What a running system reads.
    seen: Vec<u8>,
    /// What is on the platters.
    durable: Vec<u8>,
    /// Writes that no sync has confirmed.
    pending: Vec<(usize, Vec<u8>)>,
    /// Writes whose sync failed: the system takes them for written. They may be, or not.
    unsure: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Made(String, usize),
    Gone(String),
}

/// The whole disk, and all that ever was on it.
#[derive(Debug, Default)]
pub(super) struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    changes: Vec<NameChange>,
    /// Every ring file that there ever was, at its longest: what snapshots and careless backups may have kept.
    pub(super) copies: BTreeMap<usize, (String, Vec<u8>)>,
    pub(super) step: usize,
    pub(super) plan: Option<(usize, Trouble)>,
    pub(super) dead: bool,
    pub(super) full: bool,
    dice: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SimDisk(pub(super) Rc<RefCell<World>>);

fn apply(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if to.len() < at + bytes.len() {
        to.resize(at + bytes.len(), 0);
    }
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

impl World {
    /// Splitmix64: dice that a test can throw again.
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// What is found when the machine starts again.
    pub(super) fn power_comes_back(&mut self) {
        let mut names = std::mem::take(&mut self.durable_names);
        for change in std::mem::take(&mut self.changes) {
            if self.roll(2) == 0 {
                match change {
                    NameChange::Made(name, inode) => drop(names.insert(name, inode)),
                    NameChange::Gone(name) => drop(names.remove(&name)),
                }
            }
        }
        self.durable_names.clone_from(&names);
        self.names = names;
        for n in 0..self.inodes.len() {
            let mut inode = std::mem::take(&mut self.inodes[n]);
            let mut writes = std::mem::take(&mut inode.unsure);
            writes.append(&mut inode.pending);
            for (at, bytes) in writes {
                let mut durable = std::mem::take(&mut inode.durable);
                match self.roll(4) {
                    0 => {}
                    1 => apply(&mut durable, at, &bytes),
                    2 => apply(&mut durable, at, &bytes[..self.roll(bytes.len() as u64) as usize]),
                    // The length reached the disk, the bytes did not.
                    _ => apply(&mut durable, at, &vec![0; bytes.len()]),
                }
                inode.durable = durable;
            }
            inode.seen.clone_from(&inode.durable);
            self.inodes[n] = inode;
        }
    }

    /// All bytes of all files that are there or were: a name that is gone leaves its bytes behind. Both what a running
    /// system reads and what is on the platters.
    pub(super) fn raw(&self) -> impl Iterator<Item = &[u8]> {
        self.inodes.iter().flat_map(|i| [i.seen.as_slice(), i.durable.as_slice()])
    }

    /// Begins again with the same disk, without trouble ahead.
    pub(super) fn restart(&mut self, dice: u64) {
        self.dead = false;
        self.full = false;
        self.plan = None;
        self.dice = dice;
    }

    fn keep_copy(&mut self, n: usize) {
        let bytes = self.inodes[n].seen.clone();
        if let Some(kept) = self.copies.get_mut(&n)
            && kept.1.len() <= bytes.len()
        {
            kept.1 = bytes;
        }
    }
}

fn refused(what: &'static str) -> io::Error {
    io::Error::other(what)
}

impl SimDisk {
    /// Does one step, with whatever trouble is planned for it. `whole` does all of it, `half` what a failure half-way leaves.
    fn step<T>(
        &self,
        whole: impl FnOnce(&mut World) -> io::Result<T>,
        half: impl FnOnce(&mut World),
        takes_room: bool,
    ) -> io::Result<T> {
        let world = &mut *self.0.borrow_mut();
        if world.dead {
            return Err(refused("dead"));
        }
        world.step += 1;
        let trouble = world.plan.filter(|(step, _)| *step == world.step).map(|(_, trouble)| trouble);
        if trouble == Some(Trouble::Full) {
            world.full = true;
        }
        if world.full && takes_room {
            half(world);
            return Err(io::ErrorKind::StorageFull.into());
        }
        match trouble {
            None | Some(Trouble::Full) => whole(world),
            Some(Trouble::Refused) => Err(refused("refused")),
            Some(Trouble::HalfDone) => {
                half(world);
                Err(refused("half done"))
            }
            Some(deadly) => {
                world.dead = true;
                if matches!(deadly, Trouble::KilledAfter | Trouble::PowerCutAfter) {
                    if takes_room {
                        half(world);
                    } else {
                        let _ = whole(world);
                    }
                }
                if matches!(deadly, Trouble::PowerCut | Trouble::PowerCutAfter) {
                    world.power_comes_back();
                }
                Err(refused("killed"))
            }
        }
    }
}

impl Disk for SimDisk {
    type File = usize;

    fn names(&self) -> io::Result<Vec<String>> {
        self.step(|w| Ok(w.names.keys().cloned().collect()), |_| {}, false)
    }

    fn open(&self, name: &str) -> io::Result<usize> {
        let open = |w: &mut World| w.names.get(name).copied().ok_or(io::ErrorKind::NotFound.into());
        self.step(open, |_| {}, false)
    }

    fn create(&self, name: &str) -> io::Result<usize> {
        let make = |w: &mut World| {
            if w.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            w.inodes.push(Inode::default());
            let n = w.inodes.len() - 1;
            w.names.insert(name.to_owned(), n);
            w.changes.push(NameChange::Made(name.to_owned(), n));
            if name.starts_with("ring-") {
                w.copies.insert(n, (name.to_owned(), Vec::new()));
            }
            Ok(n)
        };
        self.step(make, |w| drop(make(w)), false)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let remove = |w: &mut World| {
            w.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            w.changes.push(NameChange::Gone(name.to_owned()));
            Ok(())
        };
        self.step(remove, |w| drop(remove(w)), false)
    }

    fn sync_names(&self) -> io::Result<()> {
        let sync = |w: &mut World| {
            w.durable_names = w.names.clone();
            w.changes.clear();
            Ok(())
        };
        self.step(sync, |_| {}, false)
    }

    fn len(&self, file: &usize) -> io::Result<u64> {
        self.step(|w| Ok(w.inodes[*file].seen.len() as u64), |_| {}, false)
    }

    fn read_at(&self, file: &usize, out: &mut [u8], at: u64) -> io::Result<()> {
        let read = |w: &mut World| {
            let at = at as usize;
            let there = w.inodes[*file].seen.get(at..at + out.len());
            out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        };
        self.step(read, |_| {}, false)
    }

    fn write_at(&self, file: &mut usize, bytes: &[u8], at: u64) -> io::Result<()> {
        let n = *file;
        let write = |w: &mut World, bytes: &[u8]| {
            let inode = &mut w.inodes[n];
            apply(&mut inode.seen, at as usize, bytes);
            inode.pending.push((at as usize, bytes.to_vec()));
            w.keep_copy(n);
        };
        // Overwriting takes no room.
        let takes_room = self.0.borrow().inodes[n].seen.len() < at as usize + bytes.len();
        let half = &bytes[..bytes.len() / 2];
        self.step(
            |w| {
                write(w, bytes);
                Ok(())
            },
            |w| write(w, half),
            takes_room,
        )
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        let sync = |w: &mut World| {
            let inode = &mut w.inodes[*file];
            for (at, bytes) in std::mem::take(&mut inode.pending) {
                apply(&mut inode.durable, at, &bytes);
                // What was written over cannot come later.
                inode.unsure.retain(|(a, b)| *a < at || at + bytes.len() < a + b.len());
            }
            Ok(())
        };
        let lost = |w: &mut World| {
            let inode = &mut w.inodes[*file];
            let pending = std::mem::take(&mut inode.pending);
            inode.unsure.extend(pending);
        };
        self.step(sync, lost, false)
    }
}
