//! `louver.toml` as people write it.
//!
//! The comments on these fields are the reference: docs/settings.md and louver.toml.example are made from them
//! (`reference.rs`). `Example:` and `Default:` start a line of their own. No `Debug`: addresses hold passwords.

use serde::Deserialize;
use toml::Spanned;

/// The top of the file. These keys stand before the first `[table]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Folder of everything that Louver keeps: sealed originals, masked recordings, the catalogue. A relative
    /// path counts from the settings file. There is no default: where recordings lie is a decision.
    /// Example: "data"
    pub data: Option<Spanned<String>>,
    /// Address and port of the page and the API. With any other address than 127.0.0.1 or ::1, put a reverse proxy
    /// with TLS in front: Louver itself speaks plain HTTP.
    /// Default: "127.0.0.1:8470"
    pub listen: Option<Spanned<String>>,
    /// Name of the place, shown on the page.
    /// Default: "Louver"
    pub site_name: Option<Spanned<String>>,
    #[doc(hidden)]
    pub holders: Option<Holders>,
    #[doc(hidden)]
    pub detector: Option<Detector>,
    #[doc(hidden)]
    pub storage: Option<Storage>,
    #[doc(hidden)]
    pub ledger: Option<Ledger>,
    #[doc(hidden)]
    pub metrics: Option<Metrics>,
    #[doc(hidden)]
    pub camera: Option<Vec<Spanned<Camera>>>,
}

/// Who can open originals, together. Without a holder nothing is recorded.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holders {
    /// How many holders are needed to open anything: from 1 to as many as there are. Required where there is a holder.
    /// One more than are needed should exist, so that a holder who loses the words costs nothing.
    /// Example: 1
    pub needed: Option<Spanned<u32>>,
    #[doc(hidden)]
    pub list: Option<Spanned<Vec<Spanned<Holder>>>>,
}

/// One holder: somebody who agrees to openings. At most 32.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holder {
    /// Who it is, for those who are asked to agree. Required.
    /// Example: "Ada"
    pub name: Option<Spanned<String>>,
    /// The holder's public half, which `louver holder new` prints. Required. The words that belong to it never stand
    /// on the recorder.
    /// Example: "holder1…"
    pub public: Option<Spanned<String>>,
}

/// What finds people, vehicles and animals in the picture. Everything here can be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detector {
    /// Model file (ONNX). Without it: the environment's LOUVER_MODEL, then `models/ssd_mobilenetv2_oidv4.onnx` in
    /// $LOUVER_DEPS, in `.deps` beside the settings file or in the current folder, then in /usr/lib/louver.
    /// Example: ".deps/models/ssd_mobilenetv2_oidv4.onnx"
    pub model: Option<Spanned<String>>,
    /// How the model is read: "ssd-mobilenet-v2", "yolox" or "deimv2". Can be left out where the file's name
    /// says so.
    /// Example: "ssd-mobilenet-v2"
    pub kind: Option<Spanned<String>>,
    /// The ONNX Runtime library. Without it: the environment's ORT_DYLIB_PATH, then `lib/libonnxruntime.so` in the
    /// same folders as the model.
    /// Example: ".deps/lib/libonnxruntime.so"
    pub library: Option<Spanned<String>>,
}

/// How full the disk may become.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Storage {
    /// Percent of the disk that stay free, 1 to 50: where less is free, the oldest recordings go first, even when
    /// their retention has not ended.
    /// Default: 10
    pub min_free_percent: Option<Spanned<u8>>,
    /// What is done where less is free: "delete-oldest", or "stop": nothing is deleted before its time, and recording stops with an
    /// alarm until there is room. Masking and events go on.
    /// Default: "delete-oldest"
    pub when_full: Option<Spanned<String>>,
    /// Hours after which recordings go from hot disks to cold ones, 1 to 87600. Held evidence stays where it is.
    /// Default: 24
    pub move_after_hours: Option<Spanned<u32>>,
    /// Megabytes a second at which they go, 1 to 1000, so that new recordings have the disk to themselves.
    /// Default: 20
    pub move_megabytes_per_second: Option<Spanned<u32>>,
    #[doc(hidden)]
    pub disk: Option<Vec<Spanned<StorageDisk>>>,
}

/// A disk for recordings, besides the data directory's own; the table may stand up to 16 times. Catalogue, key ring and ledger stay in
/// the data directory. When a disk goes away nothing that lies on it is forgotten, and recording goes on on the others; where no other takes
/// new recordings (one hot disk and no cold one) it stops until the disk is back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageDisk {
    /// Folder on the disk, Louver's alone. Required. A relative path counts from the settings file.
    /// Example: "/mnt/recordings"
    pub path: Option<Spanned<String>>,
    /// Required. "hot": new recordings go here, and none into the data directory any more. "cold": recordings go here when they
    /// have grown old, and new ones where no hot disk takes any.
    /// Example: "hot"
    pub role: Option<Spanned<String>>,
    /// Percent of this disk that stay free, 1 to 50.
    /// Default: as in `[storage]`
    /// Example: 5
    pub min_free_percent: Option<Spanned<u8>>,
}

/// The append-only log of everything that matters; it is always written. Everything here can be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// Witnesses (tlog-witness), each as its address, a space and its verifier key: they are asked to sign each new checkpoint, so
    /// that the site cannot show two people two histories. Recording never waits for them.
    /// Default: []
    /// Example: ["https://witness.example witness.example/w1+…+BA…"]
    pub witnesses: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What monitoring reads at `/metrics`. Without this table programs on this machine may, and nobody else.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    /// File with a token, one word of 16 letters and more: whoever sends it (`Authorization: Bearer …`) may read `/metrics`, from
    /// anywhere, and nobody without it. A relative path counts from the settings file.
    /// Example: "metrics.token"
    pub token_file: Option<Spanned<String>>,
}

/// One camera of the register; the table may stand any number of times.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Camera {
    /// Short name, 1 to 32 of a-z, 0-9 and '-'. Required. It names the camera's folder: a camera with a new id is
    /// a new camera.
    /// Example: "front-door"
    pub id: Option<Spanned<String>>,
    /// Name on the page.
    /// Default: the id
    /// Example: "Front door"
    pub name: Option<Spanned<String>>,
    /// Address of the camera's ONVIF service, `http://`. With it Louver asks the camera for its clock and its streams, and
    /// hears when it begins anew or says that somebody meddles with it. User name and password are those of `main` where
    /// none stand in it and `main` is not encrypted: a digest of the password is sent, in clear. Recording does not depend
    /// on it unless `main` is left out.
    /// Example: "http://192.0.2.10/onvif/device_service"
    pub onvif: Option<Spanned<String>>,
    /// Address of the best stream, `rtsp://`, `rtsps://` (encrypted) or `file://`. Required, unless there is `onvif`: without it the camera is asked
    /// where its streams are and followed when that changes. It is sealed as it comes. A user name and password in it are
    /// never shown or logged.
    /// Example: "rtsp://louver:password@192.0.2.10/stream1"
    pub main: Option<Spanned<String>>,
    /// Address of the small stream (about 640x360) that is seen and masked. Without it the main stream is
    /// decoded and scaled, which costs several times the work. Stands beside `main` or not at all.
    /// Example: "rtsp://louver:password@192.0.2.10/stream2"
    pub sub: Option<Spanned<String>>,
    /// How pictures travel: "tcp", or "udp" for cameras whose TCP stalls. Over UDP packets may be lost; each loss is written down
    /// as a gap. Not with `rtsps://`: pictures would travel in clear.
    /// Default: "tcp"
    pub transport: Option<Spanned<String>>,
    /// SHA-256 fingerprint of the certificate that a camera with `rtsps://` shows, where it made that certificate itself: this one
    /// and no other is taken. `louver camera probe` prints it; compare it with the camera's own page. Without it the certificate
    /// must be one that this machine trusts. Not without an `rtsps://` address.
    /// Example: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    pub certificate: Option<Spanned<String>>,
    /// "off": no sound is even asked for. "sealed": sound (AAC, G.711, Opus) is sealed beside the main stream and can be heard in
    /// an opening alone. It is part of the register: in many places recording speech needs more of a reason than pictures do.
    /// Default: "off"
    pub audio: Option<Spanned<String>>,
    /// What the camera is for. Required: no purpose, no recording.
    /// Example: "Deliveries and break-ins at the front door"
    pub purpose: Option<Spanned<String>>,
    /// Who answers for the camera. Required.
    /// Example: "Ada Example"
    pub owner: Option<Spanned<String>>,
    /// How people who are recorded reach the owner. Required.
    /// Example: "ada@example.org"
    pub contact: Option<Spanned<String>>,
    /// Hours that recordings are kept, 1 to 87600; more than 72 need a `retention_reason`.
    /// Default: 72
    pub retention_hours: Option<Spanned<u32>>,
    /// Why recordings are kept longer than 72 hours.
    /// Example: "The insurance asks for seven days"
    pub retention_reason: Option<Spanned<String>>,
    /// "on": seen, masked and shown. "off": sealed only; nothing of the camera can be seen without opening it.
    /// Default: "on"
    pub analysis: Option<Spanned<String>>,
    /// "auto": pictures in which nothing happens are not decoded, as far as the sizes of this camera's pictures tell (see
    /// `louver doctor`). "off": every picture is decoded, which costs several times the work on a quiet camera.
    /// Default: "auto"
    pub gate: Option<Spanned<String>>,
    /// Things that may be seen as they are, where the detector is sure of them and no person is near: "vehicle",
    /// "animal", "parcel". People never can. Without it everything that moves is drawn as a box.
    /// Default: []
    /// Example: ["vehicle"]
    pub show: Option<Spanned<Vec<Spanned<String>>>>,
    #[doc(hidden)]
    pub zone: Option<Vec<Spanned<Zone>>>,
}

/// A part of the camera's picture that is never looked at or never shown; stands below its camera, up to 32 times. Cells
/// (about 4x4 pixels at 640x360) that it touches belong to it whole.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zone {
    /// Its name, for people. Required.
    /// Example: "Neighbour's garden"
    pub name: Option<Spanned<String>>,
    /// Required. "exclude": never analysed, never shown. Sealed originals keep what the camera sends: use the camera's own
    /// privacy mask too, if it has one. "mask": analysed and counted, never shown.
    /// Example: "exclude"
    pub kind: Option<Spanned<String>>,
    /// Its corners as [x, y], per cent of the picture's width and height from the upper left, 3 to 64 of them; the
    /// last is joined to the first. Required.
    /// Example: [[0, 0], [30, 0], [30, 45.5], [0, 45.5]]
    pub polygon: Option<Spanned<Vec<Vec<f32>>>>,
}
