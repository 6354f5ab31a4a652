//! What can be written into the ledger. Pure.
//!
//! No field can hold a name, a text or an address: each is a number, a word from a list, a hash, or an opaque id that only [`Salt`](crate::Salt)
//! makes. What people wrote appears as [`Digest::commitment`], whose salt and text are kept elsewhere.

use std::fmt;
use std::str::FromStr;

use louver_base::WallTime;
use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::hash::sha256;

/// Longest leaf, bytes.
pub const MAX_LEAF: usize = 8 * 1024;
/// Hours that one `keys-destroyed` leaf lists.
const HOURS_A_LEAF: usize = 128;

/// A text that is not so many hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} lower-case hexadecimal digits are expected")]
pub struct HexError(usize);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $len]);

        impl $name {
            /// From its bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = HexError;
            fn from_str(text: &str) -> Result<Self, HexError> {
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| HexError(2 * $len))?;
                if text.bytes().any(|b| b.is_ascii_uppercase()) { Err(HexError(2 * $len)) } else { Ok(Self(bytes)) }
            }
        }
        impl TryFrom<String> for $name {
            type Error = HexError;
            fn try_from(text: String) -> Result<Self, HexError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                hex::encode(id.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex_id!(
    /// A camera, opaque: made by [`Salt::camera`](crate::Salt::camera).
    CameraTag, 8
);
hex_id!(
    /// A user, opaque: made by [`Salt::user`](crate::Salt::user).
    UserTag, 8
);
hex_id!(
    /// A holder or an observer: the id that is made from the public key.
    HolderTag, 8
);
hex_id!(
    /// SHA-256 of a document, a header, or a salted text.
    Digest, 32
);

impl Digest {
    /// SHA-256 of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*sha256(&[bytes]).as_bytes())
    }

    /// Commitment to a text: SHA-256(salt ‖ text). Salt and text are kept beside the request.
    pub fn commitment(salt: &[u8; 32], text: &str) -> Self {
        Self(*sha256(&[salt, text.as_bytes()]).as_bytes())
    }
}

/// A version number such as `0.1.0`: three numbers and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub u16, pub u16, pub u16);

impl TryFrom<String> for Version {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(a)), Some(Ok(b)), Some(Ok(c)), None) => Ok(Self(a, b, c)),
            _ => Err("a version is three numbers with points between them"),
        }
    }
}

impl From<Version> for String {
    fn from(v: Version) -> Self {
        format!("{}.{}.{}", v.0, v.1, v.2)
    }
}

/// Milliseconds since 1970, wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl From<WallTime> for Millis {
    fn from(at: WallTime) -> Self {
        Self(at.millis())
    }
}

/// Why nothing was recorded; the words are those of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum GapReason {
    Unreachable,
    SignInRefused,
    NoVideo,
    BadVideo,
    Restart,
    DiskFull,
    DiskFailed,
    AnalysisLate,
    AnalysisFailed,
    Overloaded,
    Settings,
    PacketsLost,
    Busy,
    NotTrusted,
    /// One that the catalogue has and the ledger has no word for yet.
    Other,
}

/// Why somebody asks for an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum OpeningReason {
    Accident,
    Theft,
    Violence,
    Damage,
    Authority,
    SubjectAccess,
    MissingPerson,
    Technical,
    Test,
    Other,
}

/// What of a camera's policy was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Policy {
    Show,
    Retention,
    Zones,
    Analysis,
    Audio,
    Streams,
}

/// How masked video was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Viewing {
    Live,
    Recorded,
    /// What there was and when, without a picture.
    Events,
}

/// Which recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Recordings {
    Originals,
    Masked,
}

/// Why recordings were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// Their retention ended.
    Age,
    /// The disk was too full, before it ended.
    Full,
}

/// One camera and hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CameraHour {
    /// The camera.
    pub camera: CameraTag,
    /// Hours since 1970.
    pub hour: i64,
}

/// Who of the site's holders or observers, or which user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Who {
    Observer(HolderTag),
    User(UserTag),
}

/// Everything that can stand in the ledger, and the one place that says so. The order of fields is the order in the leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Leaf {
    /// The recorder started; `clean`: whether the stop before was one.
    Start {
        version: Version,
        clean: bool,
    },
    /// The recorder ends, asked to.
    Stop {
        version: Version,
        clean: bool,
    },
    /// A holder set is in force.
    Holders {
        number: u32,
        document: Digest,
        needed: u8,
        holders: Vec<HolderTag>,
        observers: Vec<HolderTag>,
    },
    /// The key that signs exports from now on.
    ExportKey {
        key: Digest,
    },
    CameraRegistered {
        camera: CameraTag,
        document: Digest,
    },
    CameraChanged {
        camera: CameraTag,
        document: Digest,
    },
    CameraRemoved {
        camera: CameraTag,
        document: Digest,
    },
    PolicyChanged {
        camera: CameraTag,
        changed: Vec<Policy>,
        document: Digest,
    },
    /// A segment ended; `hour` in hours since 1970.
    Sealed {
        camera: CameraTag,
        hour: i64,
        header: Digest,
        fragments: u32,
        digest: Digest,
        recovered: bool,
    },
    Gap {
        camera: CameraTag,
        from: Millis,
        to: Millis,
        reason: GapReason,
    },
    OpeningRequested {
        request: Digest,
        cameras: Vec<CameraTag>,
        from: Millis,
        to: Millis,
        reason: OpeningReason,
        text: Digest,
        user: UserTag,
    },
    OpeningApproved {
        request: Digest,
        holder: HolderTag,
        document: Digest,
        cameras: Vec<CameraTag>,
        from: Millis,
        to: Millis,
    },
    OpeningDenied {
        request: Digest,
        holder: HolderTag,
        document: Digest,
    },
    OpeningVetoed {
        request: Digest,
        by: Who,
    },
    OpeningExpired {
        request: Digest,
    },
    OpeningWithdrawn {
        request: Digest,
        by: Who,
    },
    OpeningReleased {
        request: Digest,
        approvals: Vec<Digest>,
        cameras: Vec<CameraTag>,
        from: Millis,
        to: Millis,
        until: Millis,
    },
    /// Fragments were handed out.
    OpeningRead {
        request: Digest,
        camera: CameraTag,
        from: Millis,
        to: Millis,
    },
    /// `request`: none for masked video.
    Exported {
        request: Option<Digest>,
        manifest: Digest,
    },
    /// Masked video, or what happened, was looked at; two leaves at most for each session, camera, kind and hour.
    Viewed {
        user: UserTag,
        camera: CameraTag,
        from: Millis,
        to: Millis,
        how: Viewing,
    },
    KeysDestroyed {
        hours: Vec<CameraHour>,
    },
    /// Files are gone; one leaf for all that went of a camera in an hour.
    Deleted {
        camera: CameraTag,
        recordings: Recordings,
        from: Millis,
        to: Millis,
        files: u64,
        why: Deletion,
    },
    Hold {
        document: Digest,
        cameras: Vec<CameraTag>,
        from: Millis,
        to: Millis,
        until: Millis,
    },
    /// `document`: the hold's; `agreed`: what holders signed to end it before its date.
    HoldEnded {
        document: Digest,
        agreed: Option<Digest>,
        cameras: Vec<CameraTag>,
        from: Millis,
        to: Millis,
        until: Millis,
    },
    /// So many leaves that nothing waited for could not be written, because the ledger's disk failed or was too slow.
    Omitted {
        leaves: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    v: u8,
    t: i64,
    #[serde(flatten)]
    leaf: T,
}

/// What a leaf's bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was written, the recorder's wall clock.
    pub at: WallTime,
    /// What.
    pub leaf: Leaf,
}

impl Leaf {
    /// The leaf's bytes: one line of JSON without spaces, the same for the same leaf and time.
    ///
    /// # Errors
    /// [`LedgerError::LeafTooLong`] above 8 KiB.
    pub fn to_bytes(&self, at: WallTime) -> Result<Vec<u8>, LedgerError> {
        let line = Line { v: 1, t: at.millis(), leaf: self };
        let bytes = serde_json::to_vec(&line).expect("numbers, words and hex always make JSON");
        if bytes.len() > MAX_LEAF { Err(LedgerError::LeafTooLong(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads a leaf of this version; `None` for anything that [`Leaf::to_bytes`] would not have written: it may be of a later version.
    pub fn parse(bytes: &[u8]) -> Option<Entry> {
        if bytes.len() > MAX_LEAF {
            return None;
        }
        let line: Line<Self> = serde_json::from_slice(bytes).ok()?;
        let at = WallTime::from_millis(line.t);
        let same = line.v == 1 && line.leaf.to_bytes(at).is_ok_and(|again| again == bytes);
        same.then_some(Entry { at, leaf: line.leaf })
    }

    /// Leaves that say that these hours' keys are destroyed, as many as they take.
    pub fn keys_destroyed(hours: &[CameraHour]) -> Vec<Self> {
        hours.chunks(HOURS_A_LEAF).map(|hours| Self::KeysDestroyed { hours: hours.to_vec() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::Salt;

    fn camera() -> CameraTag {
        Salt::new(&[7; 32]).camera(&"front-door".parse().unwrap())
    }

    /// One of each kind, as large as they come.
    pub(crate) fn samples() -> Vec<Leaf> {
        let (camera, document, request) = (camera(), Digest::of(b"d"), Digest::of(b"r"));
        let (from, to, until) = (Millis(1), Millis(2), Millis(i64::MAX));
        let (holder, user) = (HolderTag::from_bytes([9; 8]), Salt::new(&[7; 32]).user("anna"));
        let (cameras, changed) = (vec![camera; 32], vec![Policy::Show, Policy::Retention]);
        let mut all = vec![
            Leaf::Start { version: Version(0, 1, 0), clean: true },
            Leaf::Stop { version: Version(0, 1, 0), clean: true },
            Leaf::Holders {
                number: 1,
                document,
                needed: 5,
                holders: vec![holder; 32],
                observers: vec![holder; 32],
            },
            Leaf::ExportKey { key: document },
            Leaf::CameraRegistered { camera, document },
            Leaf::CameraChanged { camera, document },
            Leaf::CameraRemoved { camera, document },
            Leaf::PolicyChanged { camera, changed, document },
            Leaf::Sealed {
                camera,
                hour: 493_000,
                header: document,
                fragments: 150,
                digest: document,
                recovered: false,
            },
            Leaf::Gap { camera, from, to, reason: GapReason::SignInRefused },
            Leaf::OpeningRequested {
                request,
                cameras: cameras.clone(),
                from,
                to,
                reason: OpeningReason::SubjectAccess,
                text: Digest::commitment(&[3; 32], "the bicycle at the gate"),
                user,
            },
            Leaf::OpeningApproved { request, holder, document, cameras: cameras.clone(), from, to },
            Leaf::OpeningDenied { request, holder, document },
            Leaf::OpeningVetoed { request, by: Who::Observer(holder) },
            Leaf::OpeningExpired { request },
            Leaf::OpeningWithdrawn { request, by: Who::User(user) },
            Leaf::OpeningReleased {
                request,
                approvals: vec![document; 32],
                cameras: cameras.clone(),
                from,
                to,
                until,
            },
            Leaf::OpeningRead { request, camera, from, to },
            Leaf::Exported { request: None, manifest: document },
            Leaf::Exported { request: Some(request), manifest: document },
            Leaf::Viewed { user, camera, from, to, how: Viewing::Recorded },
            Leaf::Viewed { user, camera, from, to, how: Viewing::Events },
            Leaf::Deleted {
                camera,
                recordings: Recordings::Originals,
                from,
                to,
                files: 12,
                why: Deletion::Full,
            },
            Leaf::Hold { document, cameras: cameras.clone(), from, to, until },
            Leaf::HoldEnded { document, agreed: None, cameras: cameras.clone(), from, to, until },
            Leaf::HoldEnded { document, agreed: Some(document), cameras, from, to, until },
            Leaf::Omitted { leaves: 3 },
        ];
        all.extend(Leaf::keys_destroyed(&vec![CameraHour { camera, hour: i64::MIN }; 200]));
        all
    }

    #[test]
    fn every_leaf_fits_and_reads_back_as_it_was_written() {
        let at = WallTime::from_millis(1_772_355_599_999);
        for leaf in samples() {
            let bytes = leaf.to_bytes(at).unwrap();
            assert_eq!(Leaf::parse(&bytes), Some(Entry { at, leaf }), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_leaf_is_written_in_one_way() {
        let at = WallTime::from_millis(5);
        let gap = Leaf::Gap { camera: camera(), from: Millis(1), to: Millis(2), reason: GapReason::NoVideo };
        let text = String::from_utf8(gap.to_bytes(at).unwrap()).unwrap();
        let tag = camera().to_string();
        assert_eq!(
            text,
            format!(r#"{{"v":1,"t":5,"what":"gap","camera":"{tag}","from":1,"to":2,"reason":"no-video"}}"#)
        );
        for other in
            [text.replace(':', ": "), text.replace("\"t\":5,", ""), text.replace("\"v\":1", "\"v\":2")]
        {
            assert_eq!(Leaf::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(
            Leaf::parse(text.replace("}", ",\"name\":\"anna\"}").as_bytes()),
            None,
            "an unknown field"
        );
    }

    #[test]
    fn no_leaf_holds_a_name_or_a_text() {
        for leaf in samples() {
            let text = String::from_utf8(leaf.to_bytes(WallTime::from_millis(5)).unwrap()).unwrap();
            assert!(!["anna", "front-door", "bicycle"].iter().any(|name| text.contains(name)), "{text}");
        }
    }

    #[test]
    fn a_camera_and_a_user_of_the_same_name_are_told_apart_and_so_are_two_sites() {
        let (one, two) = (Salt::new(&[7; 32]), Salt::new(&[8; 32]));
        let id = "anna".parse().unwrap();
        assert_ne!(one.camera(&id).as_bytes(), one.user("anna").as_bytes());
        assert_ne!(one.camera(&id), two.camera(&id));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Leaf::parse(&bytes);
        }
    }
}
