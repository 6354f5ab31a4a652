//! `louver backup`: what is in it, and what never is.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use louver_base::CameraId;
use louver_ledger::{Leaf, Ledger, Options};
use louver_store::{Store, StoreOptions};
use louver_vault::Hour;

use crate::site::Site;

const SETTINGS: &str = "data = \"d\"\n# a comment\n";

/// A data directory with a key ring that holds ten secrets, and a file of every kind.
fn site() -> Site {
    let site = Site::with(SETTINGS);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, _) = Store::open(&site.path("d"), StoreOptions::default()).await.unwrap();
        let gate: CameraId = "gate".parse().unwrap();
        for hour in 0..10 {
            store.hour_secret(&gate, Hour::from_number(hour)).await.unwrap();
        }
        store.close().await.unwrap();
    });
    for (name, text) in [
        ("holders/0001.json", "set"),
        ("openings/0f/0001.json", "request"),
        ("ledger/checkpoint", "checkpoint"),
        ("ledger/site.key", "signing"),
        ("ledger/tile/0/x001/000.p/3", "tile"),
        ("ledger/tile/entries/000", "entries"),
        ("sealed/gate/2026-03-01/09/1772355600000.lvs", "sealed"),
        ("masked/gate/2026-03-01/09/1772355600000.lvc", "scenes"),
        ("masked/gate/2026-03-01/09/events.jsonl", "events"),
        ("louver.db.corrupt-1", "old"),
        ("something", "else"),
    ] {
        let path = site.path("d").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    site
}

fn names(site: &Site, folder: &str) -> Vec<String> {
    let top = site.path(folder);
    let name = |p: &PathBuf| p.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = site.files(folder).iter().map(name).collect();
    names.sort();
    names
}

fn key_ring(site: &Site, kind: &str) -> PathBuf {
    let mut files = site.files("d/keyring").into_iter();
    files.find(|p| p.file_name().unwrap().to_str().unwrap().starts_with(kind)).unwrap()
}

/// Whether any of the file's bytes, sixteen in a row that are not all zeros, stand in any file of the folder.
fn leaks(site: &Site, folder: &str, file: &Path) -> bool {
    let secret = fs::read(file).unwrap();
    let pieces: Vec<&[u8]> = secret[8..].chunks_exact(16).filter(|c| c.iter().any(|b| *b != 0)).collect();
    assert!(pieces.len() >= 3);
    site.files(folder).iter().any(|p| {
        let bytes = fs::read(p).unwrap();
        bytes.windows(16).any(|w| pieces.contains(&w))
    })
}

#[test]
fn it_holds_what_is_on_its_list_for_its_owner_alone_and_says_what_it_leaves_out() {
    let site = site();
    site.run(&["backup", "b"]).must(0, &["Copied 9 files", "key ring is not in it", "docs/backup.md"]);
    let always = [
        "holders/0001.json",
        "ledger/checkpoint",
        "ledger/tile/0/x001/000.p/3",
        "ledger/tile/entries/000",
        "louver.db",
        "louver.toml",
        "mask.key",
        "openings/0f/0001.json",
        "site.id",
    ];
    let found = names(&site, "b");
    assert_eq!(found, always);
    site.run(&["backup", "c", "--recordings"]).must(0, &["Copied"]);
    let more = names(&site, "c");
    assert_eq!(more.len(), always.len() + 3, "{more:?}");
    for path in site.files("c") {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(site.path("c")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(site.read("b/louver.toml"), SETTINGS);
    for kind in ["root-", "ring-"] {
        assert!(!leaks(&site, "b", &key_ring(&site, kind)) && !leaks(&site, "c", &key_ring(&site, kind)));
        assert!(leaks(&site, "d", &key_ring(&site, kind)), "the search finds what is there");
    }
}

#[test]
fn nothing_of_the_key_ring_is_copied_whatever_it_is_called_and_wherever_a_link_leads() {
    let site = site();
    let (d, ring, root) = (site.path("d"), key_ring(&site, "ring-"), key_ring(&site, "root-"));
    // Names that would be copied elsewhere.
    for name in ["site.id", "0002.json", "checkpoint", "1772355600000.lvs"] {
        fs::copy(&ring, d.join("keyring").join(name)).unwrap();
    }
    // Links to its files, to itself, from below and in the place of a folder; hard links; copies.
    symlink("../keyring/0002.json", d.join("holders/0002.json")).unwrap();
    symlink("../keyring", d.join("openings/ab")).unwrap();
    symlink("../../keyring", d.join("ledger/tile/7")).unwrap();
    symlink("../keyring", d.join("sealed/yard")).unwrap();
    fs::create_dir_all(d.join("sealed/side/2026-03-01")).unwrap();
    symlink("../../../keyring", d.join("sealed/side/2026-03-01/09")).unwrap();
    fs::hard_link(&root, d.join("openings/0f/0002.json")).unwrap();
    fs::hard_link(&ring, d.join("ledger/journal")).unwrap();
    fs::copy(&root, d.join("holders/0003.json")).unwrap();
    fs::copy(&ring, d.join("masked/gate/2026-03-01/09/1.lvc")).unwrap();
    fs::remove_file(d.join("site.id")).unwrap();
    symlink("keyring/site.id", d.join("site.id")).unwrap();
    site.run(&["backup", "b", "--recordings"]).must(0, &["Copied"]);
    for file in [&ring, &root] {
        assert!(!leaks(&site, "b", file));
    }
    let copied = names(&site, "b");
    assert!(
        copied.iter().all(|n| !n.contains("keyring") && !n.contains("0002") && !n.contains("0003")),
        "{copied:?}"
    );
    assert!(copied.contains(&"holders/0001.json".to_owned()));

    // The whole folder by another name.
    fs::rename(d.join("holders"), d.join("away")).unwrap();
    symlink("keyring", d.join("holders")).unwrap();
    fs::rename(d.join("keyring"), d.join("elsewhere")).unwrap();
    symlink("elsewhere", d.join("keyring")).unwrap();
    site.run(&["backup", "c", "--recordings"]).must(0, &["Copied"]);
    assert!(names(&site, "c").iter().all(|n| !n.starts_with("holders") && !n.starts_with("elsewhere")));
    let moved = |p: &Path| d.join("elsewhere").join(p.file_name().unwrap());
    assert!(!leaks(&site, "c", &moved(&ring)) && !leaks(&site, "c", &moved(&root)));
}

#[test]
fn what_cannot_be_done_is_said_and_leaves_nothing_behind() {
    let site = site();
    fs::create_dir(site.path("there")).unwrap();
    site.run(&["backup", "there"]).must(1, &["exists already and is left as it is", "what to do:"]);
    site.run(&["backup", "d/inside"]).must(1, &["lies in the data directory itself"]);
    site.run(&["backup", "no/such/folder"]).must(1, &["cannot be written"]);
    fs::create_dir(site.path("cut.partial")).unwrap();
    site.run(&["backup", "cut"]).must(1, &["an earlier backup was cut off"]);
    fs::write(site.path("d/louver.db"), b"no database, no database, no database").unwrap();
    site.run(&["backup", "b"]).must(1, &["the catalogue cannot be copied"]);
    assert!(!site.path("b").exists() && !site.path("b.partial").exists());
    let empty = Site::with(SETTINGS);
    empty.run(&["backup", "b"]).must(1, &["there is no data directory"]);
    assert!(!empty.path("b").exists() && !empty.path("b.partial").exists());
}

#[test]
fn a_restored_backup_starts_with_the_same_site_and_refuses_originals_without_their_key_ring() {
    let site = site();
    site.run(&["backup", "b", "--recordings"]).must(0, &["Copied"]);
    let before = site.read("d/site.id");
    fs::remove_dir_all(site.path("d")).unwrap();
    fs::rename(site.path("b"), site.path("d")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let refused = Store::open(&site.path("d"), StoreOptions::default()).await.unwrap_err();
        assert!(refused.to_string().contains("move the folder sealed/ away"), "{refused}");
        fs::rename(site.path("d/sealed"), site.path("sealed")).unwrap();
        let (store, _) = Store::open(&site.path("d"), StoreOptions::default()).await.unwrap();
        assert_eq!(format!("{}\n", store.site_id()), before);
    });
}

#[test]
fn a_ledger_that_is_being_written_to_opens_from_each_backup() {
    let site = Site::with(SETTINGS);
    fs::create_dir_all(site.path("d")).unwrap();
    let open = |folder: &str| Ledger::open(&site.path(folder), &[7; 16], Options::default());
    let ledger = open("d/ledger").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    // So fast that the journal begins anew several times a second.
    let writer = std::thread::spawn({
        let (ledger, stop) = (ledger.clone(), Arc::clone(&stop));
        move || {
            let leaves: Vec<Leaf> = (0..1000).map(|leaves| Leaf::Omitted { leaves }).collect();
            while !stop.load(Ordering::Relaxed) {
                ledger.append_all(&leaves).unwrap();
            }
        }
    });
    let mut sizes = vec![];
    for n in 0..2 {
        let (name, before) = (format!("b{n}"), ledger.status().published);
        site.run(&["backup", &name]).must(0, &["Copied"]);
        assert!(!site.path(&format!("{name}/ledger/site.key")).exists());
        let refused = open(&format!("{name}/ledger")).unwrap_err().to_string();
        assert!(refused.contains("site.key is missing") && refused.contains("docs/backup.md"), "{refused}");
        fs::copy(site.path("d/ledger/site.key"), site.path(&format!("{name}/ledger/site.key"))).unwrap();
        let restored = open(&format!("{name}/ledger")).unwrap();
        assert!(restored.opened().size >= before, "{} of {before}", restored.opened().size);
        restored.close();
        site.run(&["ledger", "verify", &name]).must(0, &["The ledger holds"]);
        sizes.push(restored.opened().size);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    println!("restored with {sizes:?} leaves");
    assert!(sizes.is_sorted());
}

#[test]
fn an_older_ledger_is_told_from_a_pinned_checkpoint_and_another_begins_where_it_was_moved_away() {
    let site = Site::with(SETTINGS);
    let open = || Ledger::open(&site.path("d/ledger"), &[7; 16], Options::default());
    let grow = |leaves| {
        let ledger = open().unwrap();
        ledger.append_all(&vec![Leaf::Omitted { leaves }; 40]).unwrap();
        ledger.close();
    };
    grow(1);
    let key = fs::read(site.path("d/ledger/site.key")).unwrap();
    site.run(&["backup", "b"]).must(0, &["Copied"]);
    grow(2);
    let pin = site.run(&["ledger", "pin"]).must(0, &["80 leaves are pinned"]);
    fs::write(site.path("pin"), pin.text.split("80 leaves are pinned").next().unwrap()).unwrap();
    // The checkpoint of the backup alone, and a checkpoint without its leaves.
    let today = fs::read(site.path("d/ledger/checkpoint")).unwrap();
    fs::rename(site.path("d/ledger"), site.path("later")).unwrap();
    fs::rename(site.path("b/ledger"), site.path("d/ledger")).unwrap();
    fs::write(site.path("d/ledger/site.key"), &key).unwrap();
    let old = fs::read(site.path("d/ledger/checkpoint")).unwrap();
    fs::write(site.path("d/ledger/checkpoint"), &today).unwrap();
    let refused = open().unwrap_err().to_string();
    assert!(
        refused.contains("80 leaves were signed, 40 are here") && refused.contains("docs/backup.md"),
        "{refused}"
    );
    fs::write(site.path("d/ledger/checkpoint"), &old).unwrap();
    // The whole older ledger goes on, and is found out by whoever kept a checkpoint, before and after it has as many leaves.
    site.run(&["ledger", "verify"]).must(0, &["The ledger holds: 40 leaves"]);
    site.run(&["ledger", "verify", "--since", "pin"])
        .must(1, &["replayed: the checkpoint has 40 leaves, the pinned one 80"]);
    grow(3);
    grow(3);
    site.run(&["ledger", "verify", "--since", "pin"])
        .must(1, &["forked", "the site has signed two histories"]);
    // The way on: it is moved away, stays evidence, and another begins under another key.
    fs::rename(site.path("d/ledger"), site.path("old")).unwrap();
    grow(4);
    site.run(&["ledger", "verify", "old"]).must(0, &["The ledger holds: 120 leaves"]);
    site.run(&["ledger", "verify"]).must(0, &["The ledger holds: 40 leaves"]);
    assert_ne!(fs::read(site.path("d/ledger/site.key")).unwrap(), key);
    site.run(&["ledger", "verify", "--since", "pin"]).must(1, &["the pinned checkpoint cannot be used"]);
}
