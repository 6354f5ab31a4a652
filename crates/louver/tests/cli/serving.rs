//! `louver serve` and `louver link`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use crate::site::{PASSWORD, PUBLIC, Said, Site, camera, free_port};

fn settings(port: u16, more: &str) -> String {
    format!(
        "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n{more}"
    )
}

/// A server that was started and is ended with the test.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    /// Starts with everything logged and waits for the greeting's last line.
    pub(crate) fn start(site: &Site, port: u16) -> (Self, String) {
        Self::start_within(site, port, &[])
    }

    /// The same, run by another program (its words; it must end up being the server).
    pub(crate) fn start_within(site: &Site, port: u16, runner: &[&str]) -> (Self, String) {
        let log = std::fs::File::create(site.path("log")).unwrap();
        let mut command = site.command_within(runner, &["serve", "--log", "trace"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, out, port };
        let greeting = server.read_until("Ctrl-C ends it.");
        (server, greeting)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn read_until(&mut self, last: &str) -> String {
        let mut text = String::new();
        // Ends with the process at the latest.
        while !text.contains(last) {
            let n = self.out.read_line(&mut text).unwrap();
            assert!(n > 0, "the server ended early:\n{text}");
        }
        text
    }

    fn get(&self, path: &str) -> String {
        self.ask("GET", path, "", "")
    }

    /// One request with further header lines and a JSON body; gives the whole answer.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Uses the greeting's link and sets a password; gives the header line of the session.
    pub(crate) fn sign_in(&self, greeting: &str) -> String {
        let token = greeting.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();
        let answer = self.ask("POST", "/api/v1/session/link", "", &format!("{{\"token\":\"{token}\"}}"));
        let own = "{\"password\":\"correct horse battery staple\"}";
        cookie(&self.ask("PUT", "/api/v1/session/password", &cookie(&answer), own))
    }

    /// Asks it to end and gives exit code and seconds.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, Duration) {
        let start = Instant::now();
        let kill = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The header line that carries the session which an answer began.
fn cookie(answer: &str) -> String {
    let set = answer.lines().find_map(|l| l.to_lowercase().starts_with("set-cookie: ").then(|| &l[12..]));
    let set = set.unwrap_or_else(|| panic!("no session was begun:\n{answer}"));
    format!("Cookie: {}\r\n", set.split(';').next().unwrap())
}

#[test]
fn a_server_greets_answers_gives_links_and_ends_when_asked() {
    let port = free_port();
    let site = Site::with(&settings(port, ""));
    let (server, greeting) = Server::start(&site, port);
    assert!(greeting.contains(&format!("http://127.0.0.1:{port}/sign-in#token=")), "{greeting}");
    assert!(
        greeting.contains("sealed for 1 holder") && greeting.contains("No camera is registered yet"),
        "{greeting}"
    );
    assert!(server.get("/healthz").ends_with("ok"));

    // Another server finds the port taken; on another port, the data directory.
    site.run(&["serve"])
        .must(4, &[&format!("127.0.0.1:{port} is taken"), "what to do: stop the other program"]);
    std::fs::write(site.path("second.toml"), settings(free_port(), "")).unwrap();
    site.run(&["serve", "--settings", "second.toml"])
        .must(4, &["is in use by another Louver server", "what to do: stop that server first"]);

    // A link is to be had beside the server, and the log keeps none of them.
    let link = site.run(&["link"]).must(0, &[&format!("http://127.0.0.1:{port}/sign-in#token=")]);
    site.run(&["doctor", "--no-cameras"]).must_contain("a Louver server answers on");
    let (code, took) = server.end("-TERM");
    assert_eq!(code, Some(0), "{}", site.read("log"));
    assert!(took < Duration::from_secs(8), "{took:?}");
    let log = site.read("log");
    for text in [&greeting, &link.text] {
        let token = text.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();
        assert!(!log.contains(token), "a link stands in the log");
    }
    assert!(!site.path("d/control.sock").exists());

    // Without a server too.
    site.run(&["link"]).must(0, &["/sign-in#token="]);
}

#[test]
fn ctrl_c_ends_a_server_whose_camera_does_not_answer_and_its_log_shows_no_password() {
    let Some((library, model)) = detector() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("rtsp://admin:{PASSWORD}@{}/x?password={PASSWORD}", silent.local_addr().unwrap());
    let port = free_port();
    let detector = format!("[detector]\nlibrary = \"{library}\"\nmodel = \"{model}\"\n");
    let site = Site::with(&settings(port, &format!("{detector}{}", camera("gate", &address))));
    let (server, greeting) = Server::start(&site, port);
    let open = "holds camera passwords and every user of this machine can read it: chmod 640";
    assert!(greeting.contains("1 camera") && greeting.contains(open), "{greeting}");
    let page = server.get("/api/v1/cameras") + &server.get("/api/v1/system") + &server.get("/");
    let (code, took) = server.end("-INT");
    assert_eq!(code, Some(0), "{}", site.read("log"));
    assert!(took < Duration::from_secs(8), "{took:?}");
    for text in [page, greeting, site.read("log")] {
        assert!(!text.contains(PASSWORD), "a camera password was shown");
    }
}

#[test]
fn a_server_says_what_it_lacks_before_it_starts_anything() {
    let port = free_port();
    let site = Site::with(&settings(port, "").replace("127.0.0.1", "192.0.2.1"));
    site.run(&["serve"])
        .must(1, &["Louver cannot listen on 192.0.2.1", "must be an address of this machine"]);

    let site = Site::with(&settings(port, "").replace("data = \"d\"", "data = \"file/below\""));
    std::fs::write(site.path("file"), b"x").unwrap();
    site.run(&["serve"]).must(1, &["the data directory cannot be used", "file/below"]);
}

#[test]
fn without_a_detector_originals_are_sealed_and_the_owner_is_told_that_nothing_can_be_shown() {
    let Some(file) = crate::site::deps("footage/forecourt_sub.mp4") else { return };
    let port = free_port();
    let gate = camera("gate", &format!("file://{}", file.canonicalize().unwrap().display()));
    let detector = "[detector]\nmodel = \"none-ssd.onnx\"\nlibrary = \"none.so\"\n";
    let site = Site::with(&settings(port, &format!("{detector}{gate}")));
    let (server, greeting) = Server::start(&site, port);
    assert!(greeting.contains("Nothing can be shown, because there is no detector"), "{greeting}");
    let open = "holds camera passwords and every user of this machine can read it";
    assert!(!greeting.contains(open), "this camera has no password: {greeting}");
    assert!(greeting.contains("none-ssd.onnx (named by the settings) does not exist"), "{greeting}");
    site.wait_for_sealed("gate");
    assert_eq!(server.end("-TERM").0, Some(0));
    // A masked recording is made, so that the page has something to play. Not one tile of the place is in it: each
    // would have a JPEG scan of three components (docs/format-scene.md).
    let masked = site.recorded_files("masked", "gate");
    assert!(!masked.is_empty());
    for path in masked {
        let bytes = std::fs::read(&path).unwrap();
        let tags = bytes.windows(15).filter(|w| w == b"louver-masked-1").count();
        assert!(tags > 0, "{}: nothing was recorded", path.display());
        let tiles = bytes.windows(5).filter(|w| *w == [0xff, 0xda, 0, 12, 3]).count();
        assert_eq!(tiles, 0, "{}: something of the place is kept", path.display());
    }
}

#[test]
fn a_link_needs_a_data_directory() {
    let site = Site::with(&settings(free_port(), ""));
    site.run(&["link"]).must(1, &["there is no data directory", "`louver serve` makes it"]);
}

fn detector() -> Option<(String, String)> {
    let path = |name| Some(crate::site::deps(name)?.canonicalize().unwrap().display().to_string());
    Some((path("lib/libonnxruntime.so")?, path("models/ssd_mobilenetv2_oidv4.onnx")?))
}

trait Contains {
    fn must_contain(&self, words: &str);
}

impl Contains for Said {
    /// Whatever the exit code.
    #[track_caller]
    fn must_contain(&self, words: &str) {
        assert!(self.text.contains(words), "{}\n does not contain\n{words}", self.text);
    }
}
