//! A scratch folder with settings, and a way to run the binary in it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Stands in camera addresses, and must never stand in anything that is printed.
pub(crate) const PASSWORD: &str = "hunter2-s3cret";

/// The holder of the test vectors.
pub(crate) const PUBLIC: &str = "holder15gfye0hn67hsp3fflajnr2dnjre4gswyeunqtcl6fu7zh0u77au27yellvv2mvq59vdrn49j654peqjdxvdyt27tffezhuj2ft4u7pqysz6up";

/// A folder that is gone when the test ends.
pub(crate) struct Site {
    dir: tempfile::TempDir,
}

/// What a run of the binary gave.
pub(crate) struct Said {
    /// Exit code; -1 after a signal.
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl Said {
    /// Checks exit code and words.
    #[track_caller]
    pub(crate) fn must(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        for wanted in words {
            assert!(self.text.contains(wanted), "{}\n does not contain\n{wanted}", self.text);
        }
        self
    }
}

impl From<Output> for Said {
    fn from(out: Output) -> Self {
        let text =
            format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!text.contains(PASSWORD), "a camera password was printed:\n{text}");
        assert!(!text.contains("panicked"), "{text}");
        Self { code: out.status.code().unwrap_or(-1), text }
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With a `louver.toml` of this text.
    pub(crate) fn with(settings: &str) -> Self {
        let site = Self::new();
        std::fs::write(site.path("louver.toml"), settings).unwrap();
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The binary in this folder, without the caller's LOUVER_… variables.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_within(&[], args)
    }

    /// The same, run by another program; the binary's path follows its words and, for a shell, a name for the script.
    pub(crate) fn command_within(&self, runner: &[&str], args: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_louver");
        let mut command = match runner {
            [] => Command::new(binary),
            [program, words @ ..] => {
                let mut command = Command::new(program);
                command.args(words).args(["sh", binary]);
                command
            }
        };
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["LOUVER_SETTINGS", "LOUVER_LOG", "LOUVER_MODEL", "LOUVER_DEPS", "ORT_DYLIB_PATH"] {
            command.env_remove(name);
        }
        command.env("TZ", "UTC");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    /// Sealed files of a camera in the data directory `d`.
    pub(crate) fn sealed_files(&self, camera: &str) -> Vec<PathBuf> {
        self.recorded_files("sealed", camera)
    }

    /// Files of a camera in the data directory `d`: `sealed` or `masked`.
    pub(crate) fn recorded_files(&self, kind: &str, camera: &str) -> Vec<PathBuf> {
        self.files(&format!("d/{kind}/{camera}"))
    }

    /// All files below a folder.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Waits until so much is sealed that there must be a whole fragment.
    pub(crate) fn wait_for_sealed(&self, camera: &str) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let bytes = |p: &PathBuf| std::fs::metadata(p).map_or(0, |m| m.len());
            if self.sealed_files(camera).iter().map(bytes).sum::<u64>() > 100_000 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("nothing is recorded");
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Said {
        self.finish(self.command(args), input)
    }

    /// Runs a command that was made by [`command`](Self::command) with this standard input.
    pub(crate) fn finish(&self, mut command: Command, input: &str) -> Said {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that ends without reading is no fault of the test.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

/// Waits until something is so, for a minute.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come about that {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A camera's table; `main` is an address.
pub(crate) fn camera(id: &str, main: &str) -> String {
    format!(
        "\n[[camera]]\nid = \"{id}\"\nmain = \"{main}\"\npurpose = \"break-ins\"\nowner = \"Ada\"\ncontact = \"ada@example.org\"\n"
    )
}

/// A port that nobody listens on (any more).
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file below the repository's `.deps`, or `None` with a printed line.
pub(crate) fn deps(name: &str) -> Option<PathBuf> {
    let path = repository().join(".deps").join(name);
    if !path.exists() {
        println!("skipped: .deps/{name} is missing (scripts/setup.sh gets it)");
        return None;
    }
    Some(path)
}

/// A camera that refuses every request with this status line ("404 Not Found") and headers. Gives its address with the
/// password in it.
pub(crate) fn refusing_camera(status: &'static str, headers: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut some = [0; 2048];
            while let Ok(n @ 1..) = stream.read(&mut some) {
                seen.extend_from_slice(&some[..n]);
                let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&seen[..end]).into_owned();
                seen.drain(..end + 4);
                let cseq = head.lines().find(|l| l.to_lowercase().starts_with("cseq")).unwrap_or("CSeq: 1");
                let _ = write!(stream, "RTSP/1.0 {status}\r\n{cseq}\r\n{headers}\r\n");
            }
        }
    });
    format!("rtsp://admin:{PASSWORD}@127.0.0.1:{port}/live")
}
