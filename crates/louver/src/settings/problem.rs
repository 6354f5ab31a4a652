//! What can be wrong with a settings file, one sentence each.

use std::fmt;
use std::path::PathBuf;

use louver_base::{AddressError, IdError};
use louver_onvif::OnvifAddressError;
use louver_scene::{PeopleAreNeverShown, Zone, ZoneError};

/// A settings file that cannot be used, with everything that is wrong with it.
#[derive(Debug)]
pub(crate) struct SettingsError {
    /// The file.
    pub file: PathBuf,
    /// Line (from 1) and problem; at least one.
    pub problems: Vec<(usize, Problem)>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (line, problem)) in self.problems.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{line}: {problem}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// One thing wrong with a settings file. No sentence repeats an address: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// Not TOML.
    #[error("this is not valid TOML: {0}")]
    Syntax(String),
    /// A witness that cannot be asked.
    #[error(
        "\"{0}\" is no witness: an address, a space and a verifier key for cosignatures are expected, for example \"https://witness.example witness.example/w1+…+BA…\""
    )]
    Witness(String),
    /// Asking so many would take too long.
    #[error("{0} witnesses are too many: 8 at most")]
    TooManyWitnesses(usize),
    /// A key that looks like a typing error.
    #[error("unknown key \"{key}\"{}; did you mean \"{nearest}\"?", within(table))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it stands; empty at the top.
        table: &'static str,
        /// The key that was probably meant.
        nearest: &'static str,
    },
    /// A key of another table.
    #[error("unknown key \"{key}\"{}; it belongs {}", within(table), to(home))]
    MisplacedKey {
        /// The key as written.
        key: String,
        /// Where it stands; empty at the top.
        table: &'static str,
        /// Where it belongs; empty for the top.
        home: &'static str,
    },
    /// A key like none that there is.
    #[error("unknown key \"{key}\"{}; the keys there are {}", within(table), keys.join(", "))]
    StrangeKey {
        /// The key as written.
        key: String,
        /// Where it stands; empty at the top.
        table: &'static str,
        /// The keys of that table.
        keys: &'static [&'static str],
    },
    /// A text where a number belongs and the like.
    #[error("\"{key}\" has the wrong kind of value: {expected} is expected")]
    WrongKind {
        /// Dotted key.
        key: String,
        /// What belongs there.
        expected: String,
    },
    /// No data folder.
    #[error("no \"data\": say in which folder recordings are kept, for instance data = \"/var/lib/louver\"")]
    NoData,
    /// Not `address:port`.
    #[error("listen = \"{0}\" is not an address and port; expected for instance \"127.0.0.1:8470\"")]
    Listen(String),
    /// A camera without an id.
    #[error("camera number {0} has no id: add for instance id = \"front-door\"")]
    NoId(usize),
    /// An id that cannot name a folder.
    #[error("{0}")]
    BadId(#[source] IdError),
    /// The same id twice.
    #[error(
        "two cameras have the id \"{id}\" (the other stands in line {other}): an id names one camera's recordings, so give one of them another id"
    )]
    DoubleId {
        /// The id.
        id: String,
        /// Line of the first.
        other: usize,
    },
    /// A camera without address.
    #[error("camera \"{0}\" has no address: add main = \"rtsp://…\"")]
    NoMain(String),
    /// Half told by the camera, half not.
    #[error(
        "camera \"{0}\" has a sub stream and no main stream: add main = \"rtsp://…\", or leave out both, and the camera is asked for them"
    )]
    SubWithoutMain(String),
    /// An ONVIF address that is none.
    #[error("camera \"{camera}\": \"onvif\" cannot be used: {why}")]
    BadOnvif {
        /// The camera.
        camera: String,
        /// What is wrong, without the address.
        #[source]
        why: OnvifAddressError,
    },
    /// An address that is none.
    #[error("camera \"{camera}\": \"{key}\" cannot be used: {why}")]
    BadAddress {
        /// The camera.
        camera: String,
        /// `main` or `sub`.
        key: &'static str,
        /// What is wrong, without the address.
        #[source]
        why: AddressError,
    },
    /// The register entry is not complete.
    #[error(
        "camera \"{camera}\" has no {}: Louver records no camera without a purpose, an owner and a contact. Add {}",
        missing.join(", no "),
        missing.iter().map(|key| format!("{key} = \"…\"")).collect::<Vec<_>>().join(" and ")
    )]
    NotInRegister {
        /// The camera.
        camera: String,
        /// The keys that are missing or empty.
        missing: Vec<&'static str>,
    },
    /// Zero or more than ten years.
    #[error("camera \"{camera}\": retention_hours = {hours} is out of range; 1 to 87600 hours are possible")]
    RetentionRange {
        /// The camera.
        camera: String,
        /// As written.
        hours: u32,
    },
    /// Kept long without a reason.
    #[error(
        "camera \"{camera}\" keeps recordings for {hours} hours, and more than 72 need a written reason: add retention_reason = \"…\" or keep them for 72 hours or less"
    )]
    NoRetentionReason {
        /// The camera.
        camera: String,
        /// As written.
        hours: u32,
    },
    /// Neither on nor off.
    #[error(
        "camera \"{camera}\": analysis = \"{value}\" is unknown; \"on\" (seen, masked and shown) or \"off\" (sealed only) are possible"
    )]
    Analysis {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// Neither TCP nor UDP.
    #[error("camera \"{camera}\": transport = \"{value}\" is unknown; \"tcp\" or \"udp\" are possible")]
    Transport {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// Neither off nor sealed.
    #[error(
        "camera \"{camera}\": audio = \"{value}\" is unknown; \"off\" (not even asked for) or \"sealed\" (beside the main stream) are possible"
    )]
    Audio {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// No fingerprint.
    #[error(
        "camera \"{camera}\": certificate must be sha256: and 64 hexadecimal digits; `louver camera probe {camera}` prints that of the certificate which the camera shows"
    )]
    Certificate {
        /// The camera.
        camera: String,
    },
    /// Requests encrypted, pictures not.
    #[error(
        "camera \"{camera}\": transport = \"udp\" and an rtsps:// address do not go together, because the pictures would travel in clear: take transport out"
    )]
    UdpInClear {
        /// The camera.
        camera: String,
    },
    /// A certificate, and nothing that is encrypted.
    #[error(
        "camera \"{camera}\": certificate says whom to trust, and no address of it is encrypted: write rtsps:// in place of rtsp://, or take certificate out"
    )]
    CertificateForNothing {
        /// The camera.
        camera: String,
    },
    /// Neither "auto" nor "off".
    #[error(
        "camera \"{camera}\": gate = \"{value}\" is unknown; \"auto\" (quiet pictures are not decoded) or \"off\" (all are) are possible"
    )]
    Gate {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// People stand in `show`.
    #[error("camera \"{camera}\": show cannot have \"person\" in it: {why}")]
    ShowPeople {
        /// The camera.
        camera: String,
        /// The reason.
        #[source]
        why: PeopleAreNeverShown,
    },
    /// Something unknown stands in `show`.
    #[error(
        "camera \"{camera}\": \"{value}\" in show is unknown; \"vehicle\", \"animal\" and \"parcel\" are possible"
    )]
    Show {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// More zones than a camera can have.
    #[error("camera \"{camera}\" has {count} zones, which is too many: {most} at most", most = Zone::MOST)]
    TooManyZones {
        /// The camera.
        camera: String,
        /// As many as there are.
        count: usize,
    },
    /// A zone without something it needs.
    #[error(
        "camera \"{camera}\": zone number {number} has no {}: for instance name = \"Neighbour\", kind = \"exclude\", polygon = [[0, 0], [30, 0], [30, 45]]",
        missing.join(", no ")
    )]
    ZoneIncomplete {
        /// The camera.
        camera: String,
        /// Which zone, from 1.
        number: usize,
        /// The keys that are missing.
        missing: Vec<&'static str>,
    },
    /// Neither excluded nor masked.
    #[error(
        "camera \"{camera}\": kind = \"{value}\" of a zone is unknown; \"exclude\" (never analysed, never shown) or \"mask\" (analysed and counted, never shown) are possible"
    )]
    ZoneKind {
        /// The camera.
        camera: String,
        /// As written.
        value: String,
    },
    /// A point that is not two numbers.
    #[error("camera \"{camera}\": zone number {number}: point {point} is not [x, y]")]
    ZonePoint {
        /// The camera.
        camera: String,
        /// Which zone, from 1.
        number: usize,
        /// Which point, from 1.
        point: usize,
    },
    /// A zone that cannot be.
    #[error("camera \"{camera}\": zone number {number}: {why}")]
    BadZone {
        /// The camera.
        camera: String,
        /// Which zone, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        why: ZoneError,
    },
    /// Not a public half, or a secret where its public half belongs; the text is not repeated.
    #[error("holder number {number}: {why}")]
    BadHolder {
        /// Which of the list, from 1.
        number: usize,
        /// What is wrong.
        why: louver_vault::HolderPublicError,
    },
    /// Without a name nobody knows who is asked.
    #[error("holder number {0} needs a name of 1 to 64 letters")]
    HolderName(usize),
    /// Without a public half nothing can be sealed for him.
    #[error(
        "holder number {0} has no \"public\": the line starting with holder1 that `louver holder new` prints"
    )]
    NoPublic(usize),
    /// Headers take no more.
    #[error("{0} holders are too many: 32 at most")]
    TooManyHolders(usize),
    /// One person with two voices.
    #[error("holder number {0} stands twice")]
    DoubleHolder(usize),
    /// How many are needed is a decision, and has no default.
    #[error(
        "[holders] does not say how many of its {count} are needed to open anything: needed = 1 to {count}"
    )]
    NoNeeded {
        /// Holders in the list.
        count: usize,
    },
    /// More than there are, or none.
    #[error("needed = {needed} is out of range: there are {count} holders, so 1 to {count}")]
    Needed {
        /// As written.
        needed: u32,
        /// Holders in the list.
        count: usize,
    },
    /// A number without anybody.
    #[error("[holders] names no holder: add one with `louver holder new -o holder.txt --add`")]
    NeededNobody,
    /// Not a kind of model.
    #[error("detector kind \"{0}\" is unknown; \"ssd-mobilenet-v2\", \"yolox\" and \"deimv2\" are possible")]
    DetectorKind(String),
    /// The file's name does not say what kind of model it is.
    #[error(
        "the name of the detector model does not say what kind it is: add kind = \"ssd-mobilenet-v2\", \"yolox\" or \"deimv2\""
    )]
    NoDetectorKind,
    /// Too little or too much.
    #[error("min_free_percent = {0} is out of range; 1 to 50 percent are possible")]
    MinFree(u8),
    /// Neither "delete-oldest" nor "stop".
    #[error(
        "when_full = \"{0}\" is unknown; \"delete-oldest\" (before its time, if need be) or \"stop\" (recording stops with an alarm) are possible"
    )]
    WhenFull(String),
    /// Too little or too much.
    #[error("{key} = {value} is out of range; 1 to {most} is possible")]
    StorageRange {
        /// Which key of `[storage]`.
        key: &'static str,
        /// As written.
        value: u32,
        /// The most.
        most: u32,
    },
    /// A disk without folder or role.
    #[error(
        "disk {0} in [[storage.disk]] needs a path, and a role: \"hot\" (new recordings) or \"cold\" (old ones)"
    )]
    Disk(usize),
    /// Two of the same folder.
    #[error("disk {0} in [[storage.disk]] has the folder of one before it; each disk stands there once")]
    DoubleDisk(usize),
    /// More than are looked at.
    #[error("{0} disks in [[storage.disk]] are too many; 16 are possible")]
    TooManyDisks(usize),
}

/// What is repeated of a text that stands where another belongs: 100 characters at most, and nothing that may be an address, because of
/// its password.
pub(super) fn repeated(text: &str) -> String {
    let address = text.contains('@') || (text.contains("://") && text.contains('?'));
    if address { "…".to_owned() } else { text.chars().take(100).collect() }
}

fn within(table: &str) -> String {
    if table.is_empty() { " at the top of the file".to_owned() } else { format!(" in [{table}]") }
}

fn to(home: &str) -> String {
    if home.is_empty() {
        "at the top of the file, before the first [table]".to_owned()
    } else {
        format!("in [{home}]")
    }
}
