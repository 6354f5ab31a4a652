//! A site with real parts: store, sealing, files or an RTSP server as cameras.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test file uses its part.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use louver_base::{CameraId, Pii, WallSpan, WallTime};
use louver_codec::detector::Detector;
use louver_codec::{Decoders, Program, VideoFile};
use louver_media::Picture;
use louver_media::mp4::read_track;
use louver_node::{Analysis, CameraHandle, CameraSettings, DEFAULT_RETENTION_HOURS, Node, NodeConfig};
use louver_store::{Gap, Recording, RecordingKind, Store, StoreOptions, sealed_segments};
use louver_vault::{HolderSet, Identity, KeyRing, OpeningKeys, SegmentHead, SegmentReader};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn deps() -> PathBuf {
    std::env::var_os("LOUVER_DEPS").map_or_else(|| root().join(".deps"), PathBuf::from)
}

fn there(path: PathBuf) -> Option<PathBuf> {
    if !path.exists() {
        println!("skipped: {} is not here; scripts/setup.sh sets it up", path.display());
        return None;
    }
    Some(path)
}

/// `examples/node_decoding_child.rs`, which stands beside the tests' own programs.
pub fn decoding_child() -> Program {
    let tests = std::env::current_exe().unwrap();
    let child = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/node_decoding_child");
    Program::at(child, [])
}

pub fn footage(name: &str) -> Option<PathBuf> {
    there(deps().join("footage").join(name))
}

pub fn detector() -> Option<Detector> {
    let library = there(deps().join("lib/libonnxruntime.so"))?;
    let model = there(deps().join("models/ssd_mobilenetv2_oidv4.onnx"))?;
    Some(Detector::load(&library, &model, None).unwrap())
}

/// Runs ffmpeg; `None`, with a line, where there is none.
pub fn ffmpeg(args: &[&str], out: &Path) -> Option<()> {
    let Ok(ran) = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).arg(out).output() else {
        println!("skipped: ffmpeg is not here; scripts/setup.sh sets it up");
        return None;
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(())
}

/// Three seconds of 10 pictures a second, a key frame each half second.
pub fn clip(folder: &Path, name: &str, size: &str) -> Option<PathBuf> {
    let out = folder.join(name);
    let source = format!("testsrc2=size={size}:rate=10:duration=3");
    let codec = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "5"];
    ffmpeg(&[&["-f", "lavfi", "-i", &source][..], &codec].concat(), &out)?;
    Some(out)
}

pub fn file(path: &Path) -> String {
    format!("file://{}", path.canonicalize().unwrap().display())
}

pub fn camera(id: &str, main: &str, sub: Option<&str>, analysis: Analysis) -> CameraSettings {
    CameraSettings {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        onvif: None,
        main: main.parse().unwrap(),
        sub: sub.map(|s| s.parse().unwrap()),
        connection: louver_node::Connection::default(),
        purpose: "deliveries".to_owned(),
        owner: Pii::new("Ada".to_owned()),
        contact: Pii::new("ada@example.org".to_owned()),
        retention_hours: DEFAULT_RETENTION_HOURS,
        retention_reason: None,
        analysis,
        gate: louver_node::GateMode::Auto,
        show: louver_scene::Show::NOTHING,
        zones: vec![],
    }
}

/// A node at work in a folder.
pub struct Site {
    pub store: Store,
    pub node: Node,
    pub handles: Vec<CameraHandle>,
    /// Who the holders are, to be changed while it records.
    pub holders: watch::Sender<Option<HolderSet>>,
    stop: CancellationToken,
}

pub async fn start(
    dir: &Path,
    identity: &Identity,
    cameras: Vec<CameraSettings>,
    detector: Option<Detector>,
) -> Site {
    start_for(dir, Some(set(1, &[identity])), cameras, detector).await
}

pub fn set(needed: usize, identities: &[&Identity]) -> HolderSet {
    HolderSet::new(needed, identities.iter().map(|i| i.public()).collect()).unwrap()
}

pub async fn start_for(
    dir: &Path,
    holders: Option<HolderSet>,
    cameras: Vec<CameraSettings>,
    detector: Option<Detector>,
) -> Site {
    let (store, _) = Store::open(dir, StoreOptions::default()).await.unwrap();
    let stop = CancellationToken::new();
    let (sender, holders) = watch::channel(holders);
    let decoders = Decoders::new(decoding_child(), None).unwrap();
    let config = NodeConfig { cameras, holders, site: store.site_id(), detector, decoders, ledger: None };
    let node = Node::start(config, &store, &stop);
    Site { handles: node.handles(), store, node, holders: sender, stop }
}

impl Site {
    /// Ends everything, which may take ten seconds at most, and gives the store back for reading.
    pub async fn end(self) -> Store {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.node.join())
            .await
            .expect("the node ends when asked");
        self.store
    }
}

/// Waits up to `seconds` for `done`.
pub async fn wait(seconds: u64, why: &str, mut done: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !done().await {
        assert!(since.elapsed() < Duration::from_secs(seconds), "{why}, within {seconds} s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub const EVER: (WallTime, WallTime) = (WallTime::from_micros(0), WallTime::from_micros(i64::MAX / 2));

pub async fn recordings(store: &Store, id: &CameraId, kind: RecordingKind) -> Vec<Recording> {
    let all = store.recordings(id, EVER.0, EVER.1).await.unwrap();
    all.into_iter().filter(|r| r.kind == kind).collect()
}

pub async fn gaps(store: &Store, id: &CameraId) -> Vec<Gap> {
    store.gaps(id, EVER.0, EVER.1).await.unwrap()
}

/// What opens a sealed file: the holder's share in its header, and the key ring's secret.
pub fn keys(dir: &Path, file: &[u8], identity: &Identity) -> OpeningKeys {
    let head = SegmentHead::read(&mut &file[..]).unwrap();
    let mut keys = OpeningKeys::new();
    keys.add_share_of(&head, identity).unwrap();
    let hour = (head.camera().clone(), head.hour());
    for ((camera, hour), secret) in KeyRing::look(&dir.join("keyring"), &[hour]).unwrap() {
        keys.add_hour_secret(camera, hour, secret);
    }
    keys
}

/// Every original packet of a camera, opened with the holder's identity.
pub fn opened(dir: &Path, id: &CameraId, identity: &Identity) -> Vec<(bool, Bytes)> {
    let mut packets = Vec::new();
    for segment in sealed_segments(dir, id, EVER.0, EVER.1).unwrap() {
        let file = std::fs::read(&segment.path).unwrap();
        let mut reader = SegmentReader::open(Cursor::new(&file), &keys(dir, &file, identity)).unwrap();
        assert!(reader.info().is_finished(), "{}", segment.path.display());
        for (n, fragment) in reader.fragments().enumerate() {
            let (_, gop) = fragment.unwrap();
            let key = gop.packets.first().is_some_and(|p| p.key);
            assert!(key || n > 0, "a segment begins with a key frame");
            assert!(gop.packets.iter().skip(1).all(|p| !p.key), "and so does every group in it");
            let (first, last) = (gop.first_wall().unwrap(), gop.last_wall().unwrap());
            assert!(
                last - first <= WallSpan::from_millis(1500),
                "a second is written at a time: {first} {last}"
            );
            packets.extend(gop.packets.into_iter().map(|p| (p.key, p.data)));
        }
    }
    packets
}

/// A file's packets as a camera that plays it would send them.
pub fn packets_of(path: &Path) -> Vec<(bool, Bytes)> {
    let bytes = std::fs::read(path).unwrap();
    let track = read_track(&mut Cursor::new(&bytes)).unwrap();
    let first = track.samples.iter().position(|s| s.key).unwrap();
    track.samples[first..]
        .iter()
        .map(|s| {
            let raw = bytes[s.offset as usize..][..s.size as usize].to_vec();
            (s.key, track.packet_data(raw))
        })
        .collect()
}

/// Decodes fragmented MP4 put together from parts.
pub fn pictures(parts: &[Bytes]) -> Vec<Picture> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masked.mp4");
    std::fs::write(&path, parts.concat()).unwrap();
    let mut file = VideoFile::open(&path).unwrap();
    let mut all = Vec::new();
    while let Some(frame) = file.next_frame().unwrap() {
        all.push(frame.picture);
    }
    all
}

/// Whether a picture shows the flat grey of cells that nobody knows, and nothing else.
pub fn is_grey(p: &Picture) -> bool {
    let near = |plane: &[u8], value: u8| plane.iter().all(|n| n.abs_diff(value) <= 6);
    near(&p.y, 52) && near(&p.u, 130) && near(&p.v, 127)
}

/// Plays a clip at one path.
pub struct Rtsp {
    child: Child,
    pub address: String,
    _dir: tempfile::TempDir,
}

impl Rtsp {
    pub fn start(mount: &str, clip: &Path) -> Option<Self> {
        Self::serving(0, &["--mount".into(), format!("{mount}={}", clip.display())])
    }

    /// Plays several clips, each at its path.
    pub fn start_all(clips: &[(&str, &Path)]) -> Option<Self> {
        let mounts = clips.iter();
        let what: Vec<String> = mounts
            .flat_map(|(mount, clip)| ["--mount".into(), format!("{mount}={}", clip.display())])
            .collect();
        Self::serving(0, &what)
    }

    /// What a GStreamer pipeline makes, at one path.
    pub fn launch(port: u16, mount: &str, pipeline: &str) -> Option<Self> {
        Self::serving(port, &["--launch".into(), format!("{mount}={pipeline}")])
    }

    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn serving(port: u16, what: &[String]) -> Option<Self> {
        let script = there(root().join("scripts/rtsp_server.py"))?;
        let gi = Command::new("/usr/bin/python3")
            .args(["-c", "import gi; gi.require_version('GstRtspServer', '1.0')"])
            .stderr(Stdio::null())
            .status();
        if !gi.is_ok_and(|s| s.success()) {
            println!("skipped: there is no RTSP server here; scripts/setup.sh sets it up");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(["--port", &port.to_string()])
            .args(what)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, address: String::new(), _dir: dir };
        let since = Instant::now();
        while server.address.is_empty() {
            assert!(since.elapsed() < Duration::from_secs(30), "the server was ready within 30 s");
            std::thread::sleep(Duration::from_millis(50));
            server.address = std::fs::read_to_string(&ready).unwrap_or_default().trim().to_owned();
        }
        Some(server)
    }
}

impl Drop for Rtsp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
