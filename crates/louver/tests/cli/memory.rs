//! What the system may write of the server's memory to a disk: nothing.

use std::process::Command;

use crate::serving::Server;
use crate::site::{PUBLIC, Site, free_port};

/// Kilobytes; a library locks a page or two of its own.
const MUCH: u64 = 10_000;

fn site() -> (Site, u16) {
    let port = free_port();
    let text = format!(
        "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n"
    );
    (Site::with(&text), port)
}

/// A line of a file below /proc that starts with `name`.
fn line(pid: u32, file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    text.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_owned()
}

fn number(line: &str) -> u64 {
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or_default()
}

#[test]
fn a_server_leaves_no_core_dump_and_locks_its_memory_where_it_may() {
    let (site, port) = site();
    let (server, greeting) = Server::start(&site, port);
    let core = line(server.pid(), "limits", "Max core file size");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    // Files of a process that is not dumpable belong to root, whoever runs it.
    let owner = std::os::unix::fs::MetadataExt::uid(
        &std::fs::metadata(format!("/proc/{}/maps", server.pid())).unwrap(),
    );
    assert_eq!(owner, 0);

    let locked = number(&line(server.pid(), "status", "VmLck"));
    let mut doctor = site.command(&["doctor", "--no-cameras"]);
    let told = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
    if told.contains("memory: it can be locked") {
        let resident = number(&line(server.pid(), "status", "VmRSS"));
        assert!(locked > MUCH, "{locked} kB");
        assert!(resident < 300_000, "{resident} kB: pages that nobody touched became resident");
        assert!(!greeting.contains("Unsealed pictures"), "{greeting}");
    } else {
        println!("skipped: this user may not lock memory here");
        assert!(locked < MUCH, "{locked} kB");
    }
    assert_eq!(server.end("-TERM").0, Some(0));
}

/// A shell's words that run the rest without the right to lock memory, on a machine that swaps as `swaps` in the current
/// folder says. `None` with a printed line where such a place cannot be made.
fn place_with_swap(site: &Site, swaps: &str) -> Option<[&'static str; 5]> {
    std::fs::write(site.path("swaps"), swaps).unwrap();
    let words = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        "mount --bind swaps /proc/swaps && exec setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock \
         prlimit --memlock=65536:65536 \"$@\"",
    ];
    let tried =
        Command::new(words[0]).args(&words[1..]).args(["sh", "true"]).current_dir(site.path(".")).output();
    if tried.is_ok_and(|o| o.status.success()) {
        return Some(words);
    }
    println!("skipped: this user may not make a place with another /proc/swaps (root may)");
    None
}

const HEAD: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

#[test]
fn a_machine_that_swaps_to_a_disk_and_forbids_locking_records_and_says_so_everywhere() {
    let (site, port) = site();
    let swaps = format!("{HEAD}/dev/no-such-disk partition 999420 0 -2\n");
    let Some(place) = place_with_swap(&site, &swaps) else { return };
    let (server, greeting) = Server::start_within(&site, port, &place);
    assert!(number(&line(server.pid(), "status", "VmLck")) < MUCH);
    let told = "Unsealed pictures can reach the disk: this machine swaps to /dev/no-such-disk";
    assert!(greeting.contains(told) && greeting.contains("LimitMEMLOCK=infinity"), "{greeting}");
    assert!(site.read("log").contains(told), "the log says it too");
    let page = server.ask("GET", "/api/v1/system", &server.sign_in(&greeting), "");
    assert!(page.contains(told), "{page}");
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn a_machine_without_swap_needs_no_lock() {
    let (site, port) = site();
    let Some(place) = place_with_swap(&site, HEAD) else { return };
    let (server, greeting) = Server::start_within(&site, port, &place);
    assert!(!greeting.contains("Unsealed pictures"), "{greeting}");
    assert_eq!(server.end("-TERM").0, Some(0));
}
