//! The processes in which a server decodes, as the system sees them.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::serving::Server;
use crate::site::{PUBLIC, Site, camera, deps, free_port, until};

/// A site with two cameras; `None`, with a printed line, without footage.
fn site() -> Option<(Site, u16)> {
    let port = free_port();
    let mut text = format!(
        "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n"
    );
    for (id, file) in [("gate", "footage/forecourt_sub.mp4"), ("yard", "footage/yard_sub.mp4")] {
        text += &camera(id, &format!("file://{}", deps(file)?.canonicalize().unwrap().display()));
    }
    Some((Site::with(&text), port))
}

fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The decoding processes of a server that are alive.
fn children(server: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    let decodes = |pid: &u32| {
        let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words == "louver\0decode-child\0"
    };
    let alive = |pid: &u32| stat(*pid).is_some_and(|(state, parent)| parent == server && state != 'Z');
    all.filter(alive).filter(decodes).collect()
}

fn line(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// When each camera's last masked picture was taken, as the page is told; nothing of one that has none.
fn masked(server: &Server, session: &str) -> Vec<i64> {
    let answer = server.ask("GET", "/api/v1/cameras", session, "");
    let parts = answer.split("\"last_masked_ms\":").skip(1);
    parts.filter_map(|text| text.split([',', '}']).next()?.parse().ok()).collect()
}

#[test]
fn a_server_decodes_in_processes_without_rights_replaces_one_that_dies_and_takes_them_with_it() {
    let Some((site, port)) = site() else { return };
    let (server, greeting) = Server::start(&site, port);
    let session = server.sign_in(&greeting);
    until("both cameras are decoded", || {
        !children(server.pid()).is_empty() && masked(&server, &session).len() == 2
    });
    let before = children(server.pid());
    for pid in &before {
        assert_eq!((line(*pid, "Seccomp:").as_str(), line(*pid, "NoNewPrivs:").as_str()), ("2", "1"));
        assert_eq!(line(*pid, "Threads:"), "1");
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&environment).contains("LOUVER"), "nothing is told to it");
        if line(server.pid(), "VmLck:").parse::<u64>().unwrap() > 10_000 {
            assert!(line(*pid, "VmLck:").parse::<u64>().unwrap() > 1_000, "frames are originals");
        }
    }
    let killed = before[0];
    kill("-KILL", killed);
    let since = Instant::now();
    // The next packet of either camera, a tenth of a second later at the most, finds it gone.
    until("another one is there", || {
        let now = children(server.pid());
        now.len() == before.len() && !now.contains(&killed)
    });
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let then = masked(&server, &session);
    until("both cameras go on", || masked(&server, &session).iter().zip(&then).all(|(a, b)| a > b));

    let last = children(server.pid());
    drop(server); // By SIGKILL.
    until("none outlives the server", || last.iter().all(|pid| stat(*pid).is_none_or(|(s, _)| s == 'Z')));
}

#[test]
fn by_hand_the_decoding_process_says_who_starts_it() {
    Site::new().run(&["decode-child"]).must(1, &["this is started by Louver itself"]);
    Site::new().run(&["doctor", "--no-cameras"]).must(1, &["✓ decoder:", "shut in"]);
    let help = Site::new().run(&["--help"]).must(0, &["redact"]);
    assert!(!help.text.contains("decode-child"), "nobody needs it");
}
