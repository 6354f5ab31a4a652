//! From a camera with a password to the page, with everything logged: the password reaches the camera alone.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::serving::Server;
use crate::site::{PASSWORD, PUBLIC, Site, camera, deps, free_port, repository};

/// GStreamer's RTSP server playing clips behind digest sign-in.
pub(crate) struct Cameras {
    child: Child,
    pub(crate) port: u16,
}

impl Cameras {
    /// `None`, with a printed line, where it is not set up.
    pub(crate) fn start(site: &Site) -> Option<Self> {
        let clips = [
            ("/gate/main", deps("footage/forecourt_main.mp4")?),
            ("/gate/sub", deps("footage/forecourt_sub.mp4")?),
            ("/yard/main", deps("footage/forecourt_sub_h265.mp4")?),
        ];
        let gi = Command::new("/usr/bin/python3")
            .args(["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"])
            .stderr(Stdio::null())
            .status();
        if !gi.is_ok_and(|s| s.success()) {
            println!("skipped: no GStreamer RTSP server here (scripts/setup.sh gets it)");
            return None;
        }
        let (ready, port) = (site.path("cameras.ready"), free_port());
        let mut command = Command::new("/usr/bin/python3");
        command.arg(repository().join("scripts/rtsp_server.py")).arg("--ready-file").arg(&ready);
        command.args(["--port", &port.to_string(), "--user", "admin", "--password", PASSWORD]);
        for (mount, clip) in clips {
            command.args(["--mount", &format!("{mount}={}", clip.canonicalize().unwrap().display())]);
        }
        let cameras = Self { child: command.stdout(Stdio::null()).spawn().unwrap(), port };
        let start = Instant::now();
        while !ready.exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "the cameras play within 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(cameras)
    }

    fn address(&self, sign_in: &str, path: &str) -> String {
        format!("rtsp://{sign_in}@127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        // Asked, so that it ends the programs that it started.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn a_cameras_password_stands_in_no_log_no_answer_and_no_file_but_the_settings() {
    let site = Site::new();
    let Some(cameras) = Cameras::start(&site) else { return };
    let (Some(library), Some(model)) =
        (deps("lib/libonnxruntime.so"), deps("models/ssd_mobilenetv2_oidv4.onnx"))
    else {
        return;
    };
    let port = free_port();
    let full = |path| cameras.address(&format!("admin:{PASSWORD}"), path);
    std::fs::write(
        site.path("louver.toml"),
        format!(
            "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n[detector]\n\
             library = \"{}\"\nmodel = \"{}\"\n",
            library.canonicalize().unwrap().display(),
            model.canonicalize().unwrap().display()
        ),
    )
    .unwrap();
    let mut add = site.command(&["--log", "trace", "camera", "add", "--id", "gate", "--password-stdin"]);
    add.args([
        "--main",
        &cameras.address("admin", "/gate/main"),
        "--sub",
        &cameras.address("admin", "/gate/sub"),
    ]);
    add.args(["--purpose", "break-ins", "--owner", "Ada", "--contact", "ada@example.org"]);
    site.finish(add, PASSWORD).must(0, &["main: H.264 1920x1080", "sub: H.264 640x360", "now stands in"]);
    site.run(&["--log", "trace", "doctor"]).must(0, &["✓ camera gate main:", "✓ room for recordings:"]);

    for (address, wanted) in [
        (full("/gate/none"), "the camera has no stream at this path"),
        (
            cameras.address(&format!("admin:wrong-{PASSWORD}"), "/gate/sub"),
            "refuses the user name or password",
        ),
    ] {
        site.run(&["--log", "trace", "camera", "probe", &address]).must(1, &[wanted]);
    }

    let h265 = site.run(&["--log", "trace", "camera", "probe", &full("/yard/main")]);
    h265.must(0, &["H.265 640x360"]);

    // One more, which refuses its password while the server runs.
    let refused = camera("yard", &cameras.address(&format!("admin:wrong-{PASSWORD}"), "/gate/sub"));
    std::fs::write(site.path("louver.toml"), site.read("louver.toml") + &refused).unwrap();
    let (server, greeting) = Server::start(&site, port);
    site.wait_for_sealed("gate");
    let cookie = server.sign_in(&greeting);
    let mut shown = greeting.clone();
    for path in ["/api/v1/cameras", "/api/v1/cameras/gate", "/api/v1/system", "/api/v1/session"] {
        let answer = server.ask("GET", path, &cookie, "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        shown.push_str(&answer);
    }
    assert!(shown.contains("break-ins"), "the register is shown to those signed in");
    assert_eq!(server.end("-TERM").0, Some(0));

    let log = site.read("log");
    assert!(log.contains("DEBUG") && log.contains("main stream lost"), "everything is logged");
    for (what, text) in [("answers", shown), ("the log", log)] {
        assert!(!text.contains(PASSWORD), "a camera password stands in {what}");
        assert!(!text.contains(&format!(":{}/gate", cameras.port)), "a camera's address stands in {what}");
    }
    for file in site.files("d") {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes.windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes()),
            "it stands in {}",
            file.display()
        );
    }
}
