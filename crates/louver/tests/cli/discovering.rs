//! `louver camera discover`, against ipycam, a virtual camera from PyPI (scripts/setup.sh --test gets it).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use crate::secrets::Cameras;
use crate::site::{PASSWORD, Said, Site, camera, free_port, repository};

const ENTRY: [&str; 6] = ["--purpose", "break-ins", "--owner", "Ada", "--contact", "ada@example.org"];

struct Virtual {
    child: Child,
    /// Host and port.
    at: String,
}

impl Virtual {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(repository().join("scripts/virtual_camera.py"))
            .args(["--user", "admin", "--password-env", "P", "--name", "Front%20door"])
            .args(more)
            .env("P", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let at = said.strip_prefix("ready http://").expect("scripts/setup.sh --test sets it up");
        Self { child, at: at.split('/').next().unwrap().to_owned() }
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        // It ends with its standard input, and takes its folder with it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn signed(site: &Site, args: &[&str], password: &str) -> Said {
    let mut command = site.command(&[&["camera", "discover"], args].concat());
    command.env("LOUVER_CAMERA_USER", "admin").env("LOUVER_CAMERA_PASSWORD", password);
    command.output().unwrap().into()
}

#[test]
fn a_camera_is_found_described_and_entered_with_both_streams() {
    let site = Site::with("# mine\ndata = \"d\" # big disk\n");
    let played = Cameras::start(&site).expect("scripts/setup.sh sets the RTSP server and its footage up");
    let port = played.port.to_string();
    let found = Virtual::start(&["--stream-port", &port, "--main", "/gate/main", "--sub", "/gate/sub"]);

    // Whoever else is there on the loopback network may be listed too.
    let listed =
        signed(&site, &["--network", "127.0.0.1", "--json"], PASSWORD).must(0, &["\"name\": \"Front door\""]);
    let json = listed.text.lines().filter(|l| !l.starts_with("Searching")).collect::<Vec<_>>().join("\n");
    let cameras: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |c: &&serde_json::Value| c["address"].as_str().unwrap().contains(&format!("{}/", found.at));
    let listed = cameras.as_array().unwrap().iter().find(of).unwrap();
    assert_eq!(listed["sources"][0]["sub"]["width"], 640, "{listed:#}");
    assert_eq!(listed["sources"][0]["main"]["address"], format!("rtsp://127.0.0.1:{port}/gate/main"));

    signed(&site, &["--address", &found.at], PASSWORD).must(
        0,
        &["virtualcam-1  127.0.0.1", "ipycam VirtualCam-1", "H.264 1920x1080", "H.264 640x360", "right"],
    );
    let write = ["--address", &found.at, "--write", "--id", "front-door", "--name", "Front door"];
    signed(&site, &[&write[..], &ENTRY].concat(), PASSWORD).must(
        0,
        &[
            "main: H.264 1920x1080",
            "sub: H.264 640x360",
            "Camera \"front-door\" now stands in",
            "before there is a holder",
        ],
    );
    let written = site.read("louver.toml");
    assert!(written.starts_with("# mine\ndata = \"d\" # big disk\n"), "{written}");
    for line in [
        format!("main = \"rtsp://admin:{PASSWORD}@127.0.0.1:{port}/gate/main\""),
        format!("sub = \"rtsp://admin:{PASSWORD}@127.0.0.1:{port}/gate/sub\""),
        "purpose = \"break-ins\"".to_owned(),
    ] {
        assert!(written.contains(&line), "{written}");
    }
    let mode = std::fs::metadata(site.path("louver.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "the file holds a password now");
    signed(&site, &[&["--address", &found.at, "--write"][..], &ENTRY].concat(), PASSWORD)
        .must(0, &["is in the register: front-door", "All of them stand in the register already"]);
    assert_eq!(site.read("louver.toml"), written);
}

#[test]
fn a_first_camera_that_is_found_begins_a_settings_file() {
    let site = Site::new();
    let found = Virtual::start(&[]);
    let file = site.path("sign-in");
    std::fs::write(&file, format!("admin\n{PASSWORD}\n")).unwrap();
    let args =
        ["camera", "discover", "--address", &found.at, "--sign-in", "sign-in", "--write", "--no-probe"];
    site.run(&[&args[..], &ENTRY].concat())
        .must(0, &["Made louver.toml", "Camera \"virtualcam-1\" now stands in"]);
    site.run(&["camera", "list"]).must(0, &["virtualcam-1", "break-ins"]);
}

#[test]
fn what_keeps_a_camera_from_being_asked_is_told_with_what_to_do() {
    let settings = format!("data = \"d\"\n{}", camera("gate", "rtsp://127.0.0.1:1/"));
    let site = Site::with(&settings);
    let found = Virtual::start(&[]);
    let at = ["camera", "discover", "--address", &found.at];
    site.run(&at).must(
        1,
        &[
            "the camera wants a user name and password",
            "what to do: run this in a terminal",
            "LOUVER_CAMERA_USER",
        ],
    );
    site.run(&[&at[..], &["--no-sign-in"]].concat()).must(0, &["the camera wants a user name and password"]);
    signed(&site, &["--address", &found.at], "wrong").must(
        1,
        &[
            "the camera refuses the user name or password",
            "look on the camera's own page for its ONVIF users",
        ],
    );
    let nobody = format!("127.0.0.1:{}", free_port());
    signed(&site, &["--address", &nobody], PASSWORD)
        .must(1, &["nothing listens for ONVIF there", "`louver camera probe rtsp://…`"]);
    signed(&site, &["--address", &found.at, "--write"], PASSWORD)
        .must(1, &["say --purpose, --owner and --contact"]);
    // The stream's server is not there, so the camera is not entered.
    let write = [&["--address", &found.at, "--write"][..], &ENTRY].concat();
    signed(&site, &write, PASSWORD).must(1, &["the main stream gives no video, so nothing was changed"]);
    signed(&site, &[&write[..], &["--id", "gate"]].concat(), PASSWORD)
        .must(1, &["there is a camera \"gate\" already"]);
    signed(&site, &[&write[..], &["--id", "No such id"]].concat(), PASSWORD)
        .must(1, &["the camera is not added"]);
    assert_eq!(site.read("louver.toml"), settings);
    let typed = format!("https://admin:{PASSWORD}@127.0.0.1/");
    site.run(&["camera", "discover", "--address", &typed]).must(1, &["https:// is not spoken yet"]);
    let typed = format!("admin:{PASSWORD}@127.0.0.1");
    site.run(&["camera", "discover", "--address", &typed])
        .must(1, &["others on this machine can read the command line"]);
    let mut half = site.command(&at);
    half.env("LOUVER_CAMERA_USER", "admin");
    Said::from(half.output().unwrap()).must(1, &["LOUVER_CAMERA_PASSWORD is not"]);
}

/// Runs the binary at a terminal and gives each answer when its question stands there.
fn asked_at_a_terminal(site: &Site, args: &str, answers: &[(&str, &str)]) -> Said {
    let line = format!("{} {args}", env!("CARGO_BIN_EXE_louver"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(site.path(""));
    for name in ["LOUVER_SETTINGS", "LOUVER_LOG", "LOUVER_CAMERA_USER", "LOUVER_CAMERA_PASSWORD"] {
        command.env_remove(name);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut text, mut since, mut left, mut some) = (String::new(), 0, answers.iter(), [0; 4096]);
    let mut next = left.next();
    while let Ok(n @ 1..) = output.read(&mut some) {
        text.push_str(&String::from_utf8_lossy(&some[..n]));
        while let Some((question, answer)) = next.filter(|(question, _)| text[since..].contains(question)) {
            since += text[since..].find(question).unwrap() + question.len();
            writeln!(input, "{answer}").unwrap();
            next = left.next();
        }
    }
    assert_eq!(next, None, "{text}");
    let status = child.wait().unwrap();
    Said::from(std::process::Output { status, stdout: text.into_bytes(), stderr: Vec::new() })
}

#[test]
fn at_a_terminal_everything_that_is_missing_is_asked_for() {
    let site = Site::with("data = \"d\"\n");
    let found = Virtual::start(&[]);
    let args = format!("camera discover --address {} --write --no-probe", found.at);
    let answers = [
        ("User name for all of them", "admin"),
        ("Password: ", PASSWORD),
        ("into the register? [y/N]", "y"),
        ("Short name", "gate"),
        ("Name on the page [", ""),
        ("What is the camera for: ", "break-ins"),
        ("Who answers for it: ", "Ada"),
        ("reach them: ", "ada@example.org"),
    ];
    asked_at_a_terminal(&site, &args, &answers).must(0, &["Camera \"gate\" now stands in louver.toml"]);
    let written = site.read("louver.toml");
    for line in [
        "id = \"gate\"",
        "name = \"VirtualCam-1\"",
        "purpose = \"break-ins\"",
        "owner = \"Ada\"",
        "contact = \"ada@example.org\"",
    ] {
        assert!(written.contains(line), "{written}");
    }
    // Who does not want it gets nothing.
    let site = Site::with("data = \"d\"\n");
    let refused = [("User name", "admin"), ("Password: ", PASSWORD), ("into the register? [y/N]", "n")];
    asked_at_a_terminal(&site, &args, &refused).must(0, &["Nothing was changed"]);
    assert_eq!(site.read("louver.toml"), "data = \"d\"\n");
}

/// Two networks, and in each a camera that is a machine of its own: namespaces joined by cables. `$0` is a name, `$1` the
/// binary. A camera begins when it is told to and ends when its input does.
const TWO_NETWORKS: &str = r#"
    ip link set lo up
    camera() {
        # What an earlier run left behind says nothing about this one.
        rm -f "$1.hold" "$1.pid" "$1.ready"
        mkfifo "$1.hold"
        unshare --net sh -c 'echo $$ >"$0.pid"; read begin; ip link set lo up; ip addr add "$1/24" dev "$0-end"
            ip link set "$0-end" up; exec "$PYTHON" "$CAMERA" --address "$1" --name "$0" >"$0.ready"' "$1" "$3" <"$1.hold" &
        eval "exec $4>$1.hold"
        while [ ! -s "$1.pid" ]; do sleep 0.05; done
        ip link add "$1" type veth peer name "$1-end" && ip link set "$1-end" netns "$(cat "$1.pid")"
        ip addr add "$2/24" dev "$1" && ip link set "$1" up && eval "echo begin >&$4"
    }
    camera one 192.0.2.5 192.0.2.10 3
    camera two 198.51.100.5 198.51.100.10 4
    for n in $(seq 300); do [ -s one.ready ] && [ -s two.ready ] && break; sleep 0.1; done
    "$@"; code=$?
    exec 3>&- 4>&-; wait; exit $code
"#;

#[test]
fn all_networks_are_searched_and_silence_is_explained() {
    let site = Site::with("data = \"d\"\n");
    let runner = |script| ["unshare", "--map-root-user", "--net", "sh", "-c", script];
    let within = |script: &'static str, args: &[&str]| {
        let mut command = site.command_within(&runner(script), args);
        command
            .env("PYTHON", "/usr/bin/python3")
            .env("CAMERA", repository().join("scripts/virtual_camera.py"));
        command.env("LOUVER_DEPS", repository().join(".deps").canonicalize().unwrap());
        Said::from(command.output().unwrap())
    };
    if within("exit 0", &[]).code != 0 {
        println!("skipped: network namespaces cannot be made here");
        return;
    }
    let quick = ["camera", "discover", "--wait", "2"];
    within(TWO_NETWORKS, &quick).must(0, &["one  192.0.2.10     ipycam", "two  198.51.100.10  ipycam"]);
    let only = [&quick[..], &["--network", "198.51.100.5"]].concat();
    let text = within(TWO_NETWORKS, &only).must(0, &["198.51.100.10"]).text;
    assert!(!text.contains("192.0.2.10"), "{text}");
    let lonely = "ip link add one type veth peer name end && ip addr add 192.0.2.5/24 dev one && ip link set one up \
         && ip link set end up && exec \"$@\"";
    within(lonely, &quick).must(
        1,
        &[
            "no camera answered in the networks of 192.0.2.5",
            "no firewall drops UDP port 3702",
            "--address HOST",
        ],
    );
    within("exec \"$@\"", &quick)
        .must(1, &["no network can be searched for cameras", "this machine has no network but itself"]);
}
