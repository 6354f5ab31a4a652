//! The key ring against trouble of every kind, at every step.

mod sim;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use louver_base::WallTime;
use proptest::prelude::*;

use super::record::{CameraHour, HEAD_LEN, Head, RECORD_LEN, ROOT_LEN, Record, Root, Says};
use super::ring::Ring;
use super::{Absent, KeyRing, KeyRingError};
use crate::Hour;
use sim::{SimDisk, Trouble, World};

const PLACE: &str = "keyring";

fn hour(camera: u8, number: i64) -> CameraHour {
    (
        ["gate", "yard", "a-camera-with-thirty-two-letters"][usize::from(camera % 3)].parse().unwrap(),
        Hour::from_number(number),
    )
}

fn at(hours: i64) -> WallTime {
    Hour::from_number(hours).start()
}

/// What somebody with the raw disk, and with a copy of every ring there ever was, can open: secrets by hour.
fn alive(world: &World) -> BTreeMap<CameraHour, BTreeSet<[u8; 32]>> {
    let mut found: BTreeMap<CameraHour, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for raw in world.raw().filter(|raw| raw.len() == ROOT_LEN) {
        let mut root = Root::empty();
        root.bytes_mut().copy_from_slice(raw);
        let generation = u64::from_be_bytes(raw[8..16].try_into().unwrap());
        if !root.is_whole(generation) {
            continue;
        }
        for (_, ring) in world.copies.values().filter(|(name, _)| *name == format!("ring-{generation}")) {
            let Some(head) = ring.first_chunk::<HEAD_LEN>().and_then(|h| Head::parse(h).ok().flatten())
            else {
                continue;
            };
            let key = root.key(head).unwrap();
            for (n, bytes) in (0..).zip(ring[HEAD_LEN..].chunks_exact(RECORD_LEN)) {
                let mut record = Record::empty();
                record.bytes_mut().copy_from_slice(bytes);
                if key.open(n, &mut record)
                    && let Some((of, Says::Secret)) = record.read()
                {
                    found.entry(of).or_default().insert(*record.secret().expose());
                }
            }
        }
    }
    found
}

/// A key ring on a simulated disk beside a plain map of what it has said.
struct Pair {
    disk: SimDisk,
    ring: Option<Ring<SimDisk>>,
    /// Given out, and not asked to be destroyed since.
    given: BTreeMap<CameraHour, [u8; 32]>,
    /// Asked to be destroyed without an answer: there or not.
    asked: BTreeMap<CameraHour, [u8; 32]>,
    /// Reported destroyed, ever.
    gone: Vec<(CameraHour, [u8; 32])>,
    /// Held until, as far as was confirmed; `Err`: one or the other.
    held: BTreeMap<CameraHour, Result<Option<WallTime>, ()>>,
}

#[derive(Clone, Debug)]
enum Act {
    Open,
    Add(Vec<CameraHour>),
    Destroy(Vec<CameraHour>, i64),
    Hold(Vec<CameraHour>, Option<i64>),
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            disk: SimDisk::default(),
            ring: None,
            given: BTreeMap::new(),
            asked: BTreeMap::new(),
            gone: Vec::new(),
            held: BTreeMap::new(),
        };
        pair.act(&Act::Open);
        pair
    }

    /// Does one thing, if the process lives; whether it worked.
    fn act(&mut self, act: &Act) -> bool {
        if let Act::Open = act {
            self.ring = None;
            self.ring = Ring::open(self.disk.clone(), Path::new(PLACE), Absent::Make).ok();
            return self.ring.is_some();
        }
        let Some(ring) = &mut self.ring else { return false };
        match act {
            Act::Open => unreachable!(),
            Act::Add(hours) => {
                if ring.add(&hours.iter().cloned().collect()).is_err() {
                    return false;
                }
                for of in hours {
                    let Ok(secret) = ring.get_added(of) else { return false };
                    let secret = *secret.expose();
                    if let Some(before) = self.given.insert(of.clone(), secret) {
                        assert_eq!(before, secret, "the same for the same hour");
                    }
                    self.asked.remove(of);
                    self.held.entry(of.clone()).or_insert(Ok(None));
                    assert!(!self.gone.contains(&(of.clone(), secret)), "a destroyed secret came back");
                }
                true
            }
            Act::Destroy(hours, now) => {
                let now = at(*now);
                let known = self.held.clone();
                let held = |of: &CameraHour| known.get(of).copied().unwrap_or(Ok(None));
                let going = hours.iter().filter(|of| !matches!(held(of), Ok(Some(until)) if until > now));
                let going: Vec<_> = going.cloned().collect();
                for of in &going {
                    if let Some(secret) = self.given.remove(of) {
                        self.asked.insert(of.clone(), secret);
                    }
                }
                if ring.destroy(hours, now).is_err() {
                    // Gone with its hold, or neither.
                    self.held.extend(going.into_iter().map(|of| (of, Err(()))));
                    return false;
                }
                for of in going {
                    // A hold that was not confirmed may keep it.
                    if held(&of).is_ok() || !ring.contains(&of) {
                        assert!(!ring.contains(&of), "{of:?}");
                        self.gone.extend(self.asked.remove(&of).map(|secret| (of.clone(), secret)));
                        self.held.remove(&of);
                    }
                }
                self.check_gone();
                true
            }
            Act::Hold(hours, until) => {
                let until = until.map(at);
                let done = ring.hold(hours, until);
                // A secret that an attempt left behind and nobody was given is held like any other.
                for of in hours.iter().filter(|of| done.is_err() || ring.contains(of)) {
                    self.held.insert(of.clone(), if done.is_ok() { Ok(until) } else { Err(()) });
                }
                done.is_ok()
            }
        }
    }

    fn check_gone(&self) {
        let alive = alive(&self.disk.0.borrow());
        for (of, secret) in &self.gone {
            assert!(
                alive.get(of).is_none_or(|secrets| !secrets.contains(secret)),
                "{of:?} was reported destroyed and opens"
            );
        }
    }

    /// Everything that was ever said is true.
    fn check(&self) {
        self.check_gone();
        let ring = self.ring.as_ref().expect("it opens without trouble");
        for (of, secret) in &self.given {
            let there = ring.get(of).unwrap_or_else(|e| panic!("{of:?}: {e}"));
            assert!(there.is_some_and(|s| s.expose() == secret), "{of:?} was given out and is lost");
        }
        for (of, held) in &self.held {
            if let (Ok(until), true) = (held, self.given.contains_key(of)) {
                assert_eq!(ring.held_until(of), *until, "{of:?}");
            }
        }
    }

    /// The process ends as `how` says, and another starts without trouble.
    fn restart(&mut self, power_cut: bool, dice: u64) {
        self.ring = None;
        {
            let mut world = self.disk.0.borrow_mut();
            world.restart(dice);
            if power_cut {
                world.power_comes_back();
            }
        }
        assert!(self.act(&Act::Open), "it opens after trouble");
    }
}

const ALL_TROUBLE: [Trouble; 7] = [
    Trouble::Refused,
    Trouble::HalfDone,
    Trouble::Full,
    Trouble::Killed,
    Trouble::KilledAfter,
    Trouble::PowerCut,
    Trouble::PowerCutAfter,
];

fn script() -> Vec<Act> {
    let (a, b) = (|n| hour(0, n), |n| hour(1, n));
    vec![
        Act::Add(vec![a(1)]),
        Act::Add(vec![b(1), hour(2, 1)]),
        Act::Hold(vec![b(1)], Some(9)),
        Act::Destroy(vec![a(1), b(1)], 5),
        Act::Add(vec![a(2)]),
        Act::Add(vec![a(1)]),
        Act::Open,
        Act::Hold(vec![b(1)], None),
        Act::Hold(vec![a(2), hour(2, 1)], Some(7)),
        Act::Destroy(vec![b(1), a(2)], 8),
    ]
}

#[test]
fn whatever_fails_or_dies_at_whatever_step_nothing_given_out_is_lost_and_nothing_destroyed_lives() {
    let mut calm = Pair::new();
    let first = calm.disk.0.borrow().step;
    for act in script() {
        assert!(calm.act(&act), "{act:?}");
        calm.check();
    }
    let steps = calm.disk.0.borrow().step;
    assert!(steps > 150, "only {steps} steps");
    assert_eq!((calm.gone.len(), calm.given.len()), (3, 2));
    let mut runs = 0;
    for step in 1..=steps {
        for trouble in ALL_TROUBLE {
            for dice in 0..3 {
                // What comes after the trouble: the same process goes on and the power is cut at the end, or a new one.
                let mut pair = if step <= first {
                    let disk = SimDisk::default();
                    disk.0.borrow_mut().restart(dice);
                    disk.0.borrow_mut().plan = Some((step, trouble));
                    let ring = Ring::open(disk.clone(), Path::new(PLACE), Absent::Make).ok();
                    Pair {
                        disk,
                        ring,
                        given: BTreeMap::new(),
                        asked: BTreeMap::new(),
                        gone: Vec::new(),
                        held: BTreeMap::new(),
                    }
                } else {
                    let pair = Pair::new();
                    pair.disk.0.borrow_mut().restart(dice);
                    pair.disk.0.borrow_mut().plan = Some((step, trouble));
                    pair
                };
                for act in script() {
                    pair.act(&act);
                    pair.check_gone();
                    if dice % 3 == 1 && pair.disk.0.borrow().step > step {
                        // The system lives on, and only Louver starts again.
                        pair.restart(false, dice);
                    }
                }
                pair.restart(dice % 3 == 0, dice);
                pair.check();
                for act in script() {
                    assert!(pair.act(&act), "{act:?} after {trouble:?} at {step}");
                }
                pair.restart(true, dice);
                pair.check();
                runs += 1;
            }
        }
    }
    println!("{runs} runs over {steps} steps");
}

fn acts() -> impl Strategy<Value = Vec<(Act, Option<(usize, usize)>)>> {
    let of = || (0..3_u8, 0..4_i64).prop_map(|(camera, number)| hour(camera, number));
    let hours = || prop::collection::vec(of(), 1..4);
    let act = prop_oneof![
        4 => hours().prop_map(Act::Add),
        2 => (hours(), 0..6_i64).prop_map(|(h, now)| Act::Destroy(h, now)),
        1 => (hours(), prop::option::of(0..6_i64)).prop_map(|(h, until)| Act::Hold(h, until)),
        1 => Just(Act::Open),
    ];
    let trouble = prop::option::weighted(0.3, (1..80_usize, 0..ALL_TROUBLE.len()));
    prop::collection::vec((act, trouble), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_plain_map_does_whatever_happens_in_between(acts in acts(), dice: u64, cut: bool) {
        let mut pair = Pair::new();
        for (n, (act, trouble)) in acts.iter().enumerate() {
            {
                let mut world = pair.disk.0.borrow_mut();
                let step = world.step;
                world.restart(dice ^ n as u64);
                world.plan = trouble.map(|(after, which)| (step + after, ALL_TROUBLE[which]));
            }
            let done = pair.act(act);
            prop_assert!(done || trouble.is_some(), "{:?}", act);
            if pair.disk.0.borrow().dead || pair.ring.is_none() {
                pair.restart(false, dice);
                pair.check();
            } else if !done && trouble.is_some() {
                // Asked again, it is done.
                pair.disk.0.borrow_mut().restart(dice);
                prop_assert!(pair.act(act), "{:?}", act);
                pair.check();
            }
        }
        pair.restart(cut, dice);
        pair.check();
    }
}

#[test]
fn no_number_is_used_twice_under_one_root_even_after_a_torn_record() {
    let pair = Pair::new();
    let Pair { disk, mut ring, .. } = pair;
    let ring_of = |disk: &SimDisk| disk.0.borrow().copies.last_key_value().unwrap().1.0.clone();
    let before = ring_of(&disk);
    disk.0.borrow_mut().full = true;
    let added = ring.as_mut().unwrap().add(&BTreeSet::from([hour(0, 1)]));
    assert!(added.unwrap_err().is_disk_full());
    disk.0.borrow_mut().full = false;
    ring.as_mut().unwrap().add(&BTreeSet::from([hour(0, 2)])).unwrap();
    assert_ne!(ring_of(&disk), before, "another generation has another root");
}

#[test]
fn on_a_full_disk_it_opens_reads_and_destroys_as_soon_as_there_is_room() {
    let mut pair = Pair::new();
    pair.act(&Act::Add(vec![hour(0, 1), hour(0, 2)]));
    pair.disk.0.borrow_mut().full = true;
    assert!(pair.act(&Act::Open), "retention must be able to make room");
    pair.check();
    assert!(!pair.act(&Act::Destroy(vec![hour(0, 1)], 0)));
    for _ in 0..20 {
        assert!(!pair.act(&Act::Add(vec![hour(0, 3)])));
    }
    let files = pair.disk.0.borrow().copies.len();
    assert!(files < 50, "attempts leave no heap of files: {files}");
    pair.disk.0.borrow_mut().full = false;
    assert!(pair.act(&Act::Destroy(vec![hour(0, 1)], 0)));
    pair.check();
    assert_eq!(pair.gone.len(), 1);
}

#[test]
fn one_key_ring_has_one_owner_and_is_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("keyring");
    let ring = KeyRing::open(&folder, Absent::Make).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    ring.secret(&hour(0, 1).0, Hour::from_number(1)).unwrap();
    assert_eq!(mode(&folder), 0o700);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.iter().all(|path| mode(path) == 0o600));
    let second = KeyRing::open(&folder, Absent::Make).unwrap_err();
    assert!(matches!(second, KeyRingError::InUse(_)), "{second}");
    drop(ring);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    KeyRing::open(&folder, Absent::Refuse).unwrap();
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn many_cameras_whose_hour_turns_at_once_each_get_a_secret_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let ring = KeyRing::open(&dir.path().join("keyring"), Absent::Make).unwrap();
    let secrets: BTreeSet<[u8; 32]> = std::thread::scope(|scope| {
        let one = |n: i64| {
            scope.spawn({
                let ring = &ring;
                move || *ring.secret(&hour(0, n).0, Hour::from_number(n)).unwrap().expose()
            })
        };
        let all: Vec<_> = (0..40).map(one).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(secrets.len(), 40);
    assert_eq!(ring.hours().len(), 40);
    let none: KeyRingError = KeyRing::open(&dir.path().join("other"), Absent::Refuse).unwrap_err();
    assert!(none.to_string().contains("is its disk mounted?"), "{none}");
}

fn ring_file(folder: &Path) -> std::path::PathBuf {
    let mut names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    names.find(|p| p.file_name().unwrap().to_str().unwrap().starts_with("ring-")).unwrap()
}

#[test]
fn a_changed_byte_is_refused_with_its_place_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("keyring");
    {
        let ring = KeyRing::open(&folder, Absent::Make).unwrap();
        for n in 0..3 {
            ring.secret(&hour(0, n).0, Hour::from_number(n)).unwrap();
        }
    }
    let file = ring_file(&folder);
    let whole = std::fs::read(&file).unwrap();
    assert_eq!(whole.len(), HEAD_LEN + 3 * RECORD_LEN);
    for at in [0, 8, 10, 13, 20, HEAD_LEN + 5, HEAD_LEN + RECORD_LEN + 60] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let refused = KeyRing::open(&folder, Absent::Make).unwrap_err();
        let fits = match &refused {
            KeyRingError::Newer { .. } => at == 8,
            KeyRingError::Damaged { .. } => at != 8,
            _ => false,
        };
        assert!(fits, "byte {at}: {refused}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
    }
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(KeyRing::open(&folder, Absent::Refuse).unwrap().hours().len(), 3);
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("keyring");
    drop(KeyRing::open(&folder, Absent::Make).unwrap());
    let root = folder.join(ring_file(&folder).file_name().unwrap().to_str().unwrap().replace("ring", "root"));
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&root, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &root).unwrap();
    let before = std::fs::read(&elsewhere).unwrap();
    assert!(KeyRing::open(&folder, Absent::Make).is_err());
    assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
}
