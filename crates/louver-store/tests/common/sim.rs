//! A disk that fails, dies and forgets as disks do.
//!
//! It lies over a real folder, which always holds what a running system reads, so that whatever the store reads, the catalogue and
//! the key ring work as they are. Beside it stands what a power cut would leave: bytes and names that were synced, and any part, in
//! any order, of those that were not. What failed to sync is not written by a later sync either, though that says yes: Linux marks
//! such pages clean.
//!
//! SQLite and the key ring do their own file work. SQLite is tested against power cuts by its authors (<https://sqlite.org/testing.html>)
//! and commits with fsync here, so its files are taken over as they are at that moment; so are the key ring's, which has a simulated disk
//! of its own, and fsyncs before it returns. That is the hardest case for the files: nothing that catalogue or key ring say is ever lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use louver_store::disk::{Disk, DiskFile, Open, Space};
use tempfile::TempDir;

/// What happens at the chosen act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The process is killed and the power goes, each seen for itself: [`SimDisk::images`] has what is left.
    Cut,
    /// It is refused, and nothing was done.
    Refused(io::ErrorKind),
    /// It is refused though some of it was done: of a write the first half, of a sync nothing, and it will not be tried again by the
    /// system.
    Half(io::ErrorKind),
    /// No space is left, for this and the next so many acts that need some.
    Full(u32),
}

/// What a crash left.
pub struct Image {
    pub dir: TempDir,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The process was killed: what it wrote is there.
    Killed,
    /// The power went: this is the seed of what is there of what was not synced; 0: nothing.
    PowerCut(u64),
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Cut(u64),
}

#[derive(Clone, Debug, Default)]
struct Node {
    folder: bool,
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// Its sync failed, and another was asked for.
    doomed: bool,
    asked_again: bool,
}

#[derive(Clone, Debug)]
enum NameChange {
    Made(PathBuf, usize),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf),
}

impl NameChange {
    fn folder(&self) -> &Path {
        match self {
            Self::Made(path, _) | Self::Gone(path) | Self::Moved(_, path) => path.parent().unwrap(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Made(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Gone(path) => {
                names.remove(path);
            }
            Self::Moved(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

#[derive(Default)]
struct World {
    top: PathBuf,
    nodes: Vec<Node>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: Vec<NameChange>,
    /// Every path that went through here.
    ours: BTreeSet<PathBuf>,
    acts: u64,
    plan: Option<(u64, Trouble)>,
    dead: bool,
    full: u32,
    images: Vec<Image>,
    /// What was done at the chosen act.
    done: String,
}

/// The disk. Clones share it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<World>>);

impl std::fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimDisk")
    }
}

fn dead() -> io::Error {
    io::Error::other("the machine is off")
}

/// What an act is to the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Needs,
    Frees,
}

enum Go {
    Whole,
    Half(io::ErrorKind),
}

impl SimDisk {
    /// A disk over this folder, with trouble at the so-manyeth act (from 1).
    pub fn new(top: &Path, plan: Option<(u64, Trouble)>) -> Self {
        let folder = Node { folder: true, ..Node::default() };
        let names = BTreeMap::from([(top.to_owned(), 0)]);
        let world = World {
            top: top.to_owned(),
            nodes: vec![folder],
            durable: names.clone(),
            names,
            plan,
            ..World::default()
        };
        Self(Arc::new(Mutex::new(world)))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// Acts so far.
    pub fn acts(&self) -> u64 {
        self.world().acts
    }

    /// Whether the machine is off.
    pub fn dead(&self) -> bool {
        self.world().dead
    }

    /// What was done when the trouble came.
    pub fn done(&self) -> String {
        self.world().done.clone()
    }

    /// What the cut left, or what one would leave now.
    pub fn images(&self) -> Vec<Image> {
        let mut world = self.world();
        if !world.dead {
            world.take_images();
        }
        std::mem::take(&mut world.images)
    }

    /// Files of which a sync was asked for after one had failed.
    pub fn asked_again(&self) -> Vec<PathBuf> {
        let world = self.world();
        let again = |(_, node): &(&PathBuf, &usize)| world.nodes[**node].asked_again;
        world.names.iter().filter(again).map(|(path, _)| path.clone()).collect()
    }
}

impl World {
    fn act(&mut self, act: Act, what: &dyn std::fmt::Display) -> io::Result<Go> {
        if self.dead {
            return Err(dead());
        }
        self.acts += 1;
        let trouble = self.plan.filter(|(at, _)| *at == self.acts).map(|(_, trouble)| trouble);
        if trouble.is_some() {
            self.done = what.to_string();
        }
        match trouble {
            Some(Trouble::Cut) => {
                self.take_images();
                self.dead = true;
                return Err(dead());
            }
            Some(Trouble::Refused(kind)) => return Err(kind.into()),
            Some(Trouble::Half(kind)) => return Ok(Go::Half(kind)),
            Some(Trouble::Full(more)) => self.full = more,
            None => {}
        }
        if act == Act::Needs && self.full > 0 {
            self.full -= 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Go::Whole)
    }

    fn name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn take_images(&mut self) {
        for what in
            [What::Killed, What::PowerCut(0), What::PowerCut(self.acts + 1), What::PowerCut(self.acts + 777)]
        {
            let dir = tempfile::tempdir_in(place()).unwrap();
            match what {
                What::Killed => copy_all(&self.top, dir.path(), &|_| true),
                What::PowerCut(seed) => {
                    self.leave(dir.path(), &mut Dice(seed));
                    let ours = &self.ours;
                    copy_all(&self.top, dir.path(), &|path| !ours.contains(path));
                }
            }
            self.images.push(Image { dir, what });
        }
    }

    /// Writes what a power cut leaves of what went through here.
    fn leave(&self, to: &Path, dice: &mut Dice) {
        let mut names = self.durable.clone();
        for change in &self.pending {
            if dice.keeps() {
                change.apply(&mut names);
            }
        }
        for (path, node) in &names {
            let node = &self.nodes[*node];
            let target = to.join(path.strip_prefix(&self.top).unwrap());
            // What lies in a folder that is not there is not there either; the map has folders before what lies in them.
            if !target.parent().is_some_and(Path::is_dir) && path != &self.top {
                continue;
            }
            if node.folder {
                let _ = fs::create_dir(&target);
            } else if is_never_changed(path) && node.pending.is_empty() && !node.doomed && path.exists() {
                fs::hard_link(path, &target).unwrap();
            } else {
                fs::write(&target, left_of(node, dice)).unwrap();
            }
        }
    }
}

/// What is on the platters of a file when the power goes.
fn left_of(node: &Node, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = node.durable.clone();
    for change in &node.pending {
        if !dice.keeps() {
            continue;
        }
        match change {
            Change::Cut(len) => bytes.resize(*len as usize, 0),
            Change::Write { at, bytes: written } => {
                // Torn, at a sector or anywhere.
                let keep = match dice.roll(3) {
                    0 => written.len(),
                    1 => dice.roll(written.len() as u64 + 1) as usize,
                    _ => written.len() / 512 * 512,
                };
                write_at(&mut bytes, *at, &written[..keep]);
            }
        }
    }
    bytes
}

fn write_at(into: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let (at, end) = (at as usize, at as usize + bytes.len());
    if bytes.is_empty() {
        return;
    }
    if at == into.len() {
        // Nearly always, and much faster where nothing is optimised.
        into.extend_from_slice(bytes);
        return;
    }
    into.resize(into.len().max(end), 0);
    into[at..end].copy_from_slice(bytes);
}

/// Memory where there is some: the power never goes there, and it is fast.
pub fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A file that is replaced and deleted, but never written in its place, so that images can share it. It is by far the largest.
fn is_never_changed(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "reserve")
}

fn copy_all(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if wanted(&entry.path()) {
                fs::create_dir_all(&target).unwrap();
            }
            copy_all(&entry.path(), &target, wanted);
        } else if wanted(&entry.path()) && is_never_changed(&entry.path()) {
            fs::hard_link(entry.path(), &target).unwrap();
        } else if wanted(&entry.path()) {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// Whether something that was not synced is there; never with the seed 0.
    fn keeps(&mut self) -> bool {
        self.0 != 0 && self.roll(2) == 0
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    node: usize,
    path: PathBuf,
    file: File,
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.world();
        if let Go::Half(kind) = world.act(Act::Needs, &format!("open {how:?} {}", path.display()))? {
            return Err(kind.into());
        }
        let mut options = OpenOptions::new();
        options.append(true);
        match how {
            Open::New => options.create_new(true),
            Open::Append => options.create(true),
            Open::Replace => options.append(false).write(true).create(true).truncate(true),
            Open::There => &mut options,
        };
        let file = options.open(path)?;
        world.ours.insert(path.to_owned());
        let node = match world.names.get(path) {
            Some(node) => *node,
            None => {
                let bytes = fs::read(path)?;
                world.nodes.push(Node { durable: bytes, ..Node::default() });
                let node = world.nodes.len() - 1;
                world.name(NameChange::Made(path.to_owned(), node));
                node
            }
        };
        if how == Open::Replace {
            world.nodes[node].pending.push(Change::Cut(0));
        }
        Ok(Box::new(SimFile { disk: self.clone(), node, path: path.to_owned(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        let go = world.act(Act::Needs, &format!("rename to {}", to.display()))?;
        fs::rename(from, to)?;
        world.ours.insert(to.to_owned());
        world.name(NameChange::Moved(from.to_owned(), to.to_owned()));
        half(&go)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let go = world.act(Act::Frees, &format!("remove {}", path.display()))?;
        fs::remove_file(path)?;
        world.name(NameChange::Gone(path.to_owned()));
        half(&go)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let go = world.act(Act::Needs, &format!("make folder {}", path.display()))?;
        fs::create_dir(path)?;
        world.ours.insert(path.to_owned());
        world.nodes.push(Node { folder: true, ..Node::default() });
        let node = world.nodes.len() - 1;
        world.name(NameChange::Made(path.to_owned(), node));
        half(&go)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let go = world.act(Act::Frees, &format!("remove folder {}", path.display()))?;
        fs::remove_dir(path)?;
        world.name(NameChange::Gone(path.to_owned()));
        half(&go)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        let go = world.act(Act::Frees, &format!("sync folder {}", path.display()));
        if matches!(go, Err(_) | Ok(Go::Half(_))) {
            if !world.dead {
                // These names will not be written by a later sync either.
                world.pending.retain(|change| change.folder() != path);
            }
            return half(&go?);
        }
        if !path.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (synced, rest) = std::mem::take(&mut world.pending).into_iter().partition(|c| c.folder() == path);
        world.pending = rest;
        let synced: Vec<NameChange> = synced;
        for change in &synced {
            change.apply(&mut world.durable);
        }
        Ok(())
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space { total: 1 << 40, free: 1 << 39 })
    }
}

fn half(go: &Go) -> io::Result<()> {
    match go {
        Go::Whole => Ok(()),
        Go::Half(kind) => Err((*kind).into()),
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.disk.world();
        let go = world.act(Act::Needs, &format!("write {} to {}", bytes.len(), self.path.display()));
        if world.dead {
            // Killed in the middle of it.
            if let Some(image) = world.images.iter().find(|i| i.what == What::Killed) {
                let torn = image.dir.path().join(self.path.strip_prefix(&world.top).unwrap());
                if let Ok(mut file) = OpenOptions::new().append(true).open(torn) {
                    file.write_all(&bytes[..bytes.len() / 2]).unwrap();
                }
            }
        }
        let go = go?;
        let written = match &go {
            Go::Whole => bytes,
            Go::Half(_) => &bytes[..bytes.len() / 2],
        };
        let at = self.file.metadata()?.len();
        (&self.file).write_all(written)?;
        world.nodes[self.node].pending.push(Change::Write { at, bytes: written.to_vec() });
        half(&go)
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let go = world.act(Act::Frees, &format!("cut {} to {len}", self.path.display()))?;
        self.file.set_len(len)?;
        world.nodes[self.node].pending.push(Change::Cut(len));
        half(&go)
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        let go = world.act(Act::Frees, &format!("sync {}", self.path.display()));
        if world.dead {
            return Err(dead());
        }
        let node = &mut world.nodes[self.node];
        node.asked_again |= node.doomed;
        let pending = std::mem::take(&mut node.pending);
        if matches!(go, Err(_) | Ok(Go::Half(_))) {
            // Dropped, and no later sync writes it.
            node.doomed = true;
            return half(&go?);
        }
        for change in &pending {
            match change {
                Change::Cut(len) => node.durable.resize(*len as usize, 0),
                Change::Write { at, bytes } => write_at(&mut node.durable, *at, bytes),
            }
        }
        Ok(())
    }
}
