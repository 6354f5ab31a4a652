//! What the catalogue knows: recordings, events, gaps.

use bytes::Bytes;
use louver_base::{CameraId, Class, EventId, WallTime};
use louver_scene::Masked;
use serde::{Deserialize, Serialize};

/// Which of the two stores a recording lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingKind {
    /// An original; opened by its holders alone.
    Sealed,
    /// What people see, as video (fMP4): what Louver wrote before there were scene streams.
    Masked,
    /// What people see, as a scene stream.
    Scene,
}

impl RecordingKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sealed, Self::Masked, Self::Scene];

    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Masked | Self::Scene => "masked",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Sealed => "lvs",
            Self::Masked => "mp4",
            Self::Scene => "lvc",
        }
    }

    pub(crate) const fn code(self) -> i64 {
        match self {
            Self::Sealed => 0,
            Self::Masked => 1,
            Self::Scene => 2,
        }
    }
}

/// Names a recording among those of its camera and kind: the milliseconds since 1970 that its file is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordingId(pub i64);

impl RecordingId {
    /// When the recording starts, to the millisecond.
    pub const fn start(self) -> WallTime {
        WallTime::from_millis(self.0)
    }
}

/// One file of a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Sealed or masked.
    pub kind: RecordingKind,
    /// Its name.
    pub id: RecordingId,
    /// Arrival of its first picture, to the millisecond.
    pub start: WallTime,
    /// Arrival of its last picture so far.
    pub end: WallTime,
    /// Bytes of its whole fragments so far.
    pub bytes: u64,
    /// `false` while it is being written.
    pub finished: bool,
}

/// About two seconds of a scene stream, to be kept.
#[derive(Clone, Debug)]
pub struct ScenePart {
    /// The full record of the state after the first record: where a file begins.
    pub full: Masked<Bytes>,
    /// The first record, where a file goes on.
    pub delta: Masked<Bytes>,
    /// The records that follow.
    pub rest: Masked<Bytes>,
    /// When the first record's picture was taken.
    pub first: WallTime,
    /// When the last record's was.
    pub last: WallTime,
}

/// A part of a masked recording that a player can take.
#[derive(Clone, Debug)]
pub struct MaskedFragment {
    /// `moof` and `mdat`, or records of a scene stream, with their tag, checked.
    pub bytes: Masked<Bytes>,
    /// Arrival of its first picture.
    pub first: WallTime,
    /// Arrival of its last picture.
    pub last: WallTime,
}

/// A masked recording as read back: what can be shown of it.
#[derive(Clone, Debug)]
pub struct MaskedFile {
    /// `ftyp` and `moov`, or a scene stream's header: what a player needs first.
    pub init: Masked<Bytes>,
    /// Fragments in order.
    pub fragments: Vec<MaskedFragment>,
    /// Places where bytes were damaged and left out.
    pub damaged: u32,
}

impl MaskedFile {
    /// Bytes of init and fragments together: the length of what is sent.
    pub fn len(&self) -> usize {
        self.init.get().len() + self.fragments.iter().map(|f| f.bytes.get().len()).sum::<usize>()
    }

    /// Whether no fragment could be read.
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// Init and fragments in the order a player takes them.
    pub fn parts(&self) -> impl Iterator<Item = &Masked<Bytes>> {
        std::iter::once(&self.init).chain(self.fragments.iter().map(|f| &f.bytes))
    }
}

/// Where a thing was at a moment, in 1/10 000 of the picture's width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBox {
    /// When.
    pub wall: WallTime,
    /// Left edge, 0 to 10 000 of the width.
    pub left: u16,
    /// Top edge, 0 to 10 000 of the height.
    pub top: u16,
    /// Right edge, 0 to 10 000 of the width.
    pub right: u16,
    /// Bottom edge, 0 to 10 000 of the height.
    pub bottom: u16,
}

/// Something came, perhaps stayed, and went. No field could hold who it was.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// Random id.
    pub id: EventId,
    /// Where.
    pub camera: CameraId,
    /// What kind of thing.
    pub class: Class,
    /// When it was first seen: it enters.
    pub start: WallTime,
    /// When it was last seen; `None` while it goes on.
    pub end: Option<WallTime>,
    /// Since when it has stayed in one place; `None` if it has not.
    pub stays: Option<WallTime>,
    /// When it was seen to leave the picture; `None` if it has not, or if it was lost otherwise.
    pub leaves: Option<WallTime>,
    /// The detector's best confidence, 0 to 1.
    pub confidence: f32,
    /// Whether a masked still is kept.
    pub still: bool,
    /// Where it was over time, at most one a second and [`EventRecord::BOXES`] in all; longer events keep fewer a second.
    pub boxes: Vec<EventBox>,
}

impl EventRecord {
    /// Boxes kept of one event at most.
    pub const BOXES: usize = 600;
}

/// What changed about an open event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventChange {
    /// Where it is now; kept if the last kept one is at least a second old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<EventBox>,
    /// A surer class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// It has stayed in one place since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<WallTime>,
    /// It left the picture then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaves: Option<WallTime>,
    /// Confidence, kept if it is the best so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// Which events to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Of this camera alone.
    pub camera: Option<CameraId>,
    /// Of this class alone.
    pub class: Option<Class>,
    /// Events that had not ended before then.
    pub from: Option<WallTime>,
    /// Events that had begun before then.
    pub to: Option<WallTime>,
    /// For the next page: the last event of the page before.
    pub before: Option<(WallTime, EventId)>,
    /// At most so many; 0 means 100, more than 1000 means 1000.
    pub limit: u32,
}

/// Which of a camera's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// The one that is sealed.
    Main,
    /// The one that is seen and masked.
    Sub,
}

/// Why nothing was recorded for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GapReason {
    /// The camera did not answer.
    Unreachable,
    /// The camera refused the sign-in.
    SignInRefused,
    /// The camera answered but sent no (more) video.
    NoVideo,
    /// What it sent was not video that Louver can record.
    BadVideo,
    /// Louver was not running.
    Restart,
    /// The disk was full.
    DiskFull,
    /// Writing failed.
    DiskFailed,
    /// Analysis fell behind, so that pictures were skipped.
    AnalysisLate,
    /// Analysis stopped and was started again.
    AnalysisFailed,
    /// Packets came faster than they could be written.
    Overloaded,
    /// Someone changed the settings.
    Settings,
    /// Packets were lost on the way from the camera: pictures in this time are missing or damaged.
    PacketsLost,
    /// The camera served as many as it can, or was just starting.
    Busy,
    /// No encrypted connection came about, or the camera's certificate was not the one that is trusted.
    NotTrusted,
    /// The machine's clock was set ahead: nothing is missing, but no recording has that time.
    Clock,
}

impl GapReason {
    /// Every reason.
    pub const ALL: [Self; 15] = [
        Self::Unreachable,
        Self::SignInRefused,
        Self::NoVideo,
        Self::BadVideo,
        Self::Restart,
        Self::DiskFull,
        Self::DiskFailed,
        Self::AnalysisLate,
        Self::AnalysisFailed,
        Self::Overloaded,
        Self::Settings,
        Self::PacketsLost,
        Self::Busy,
        Self::NotTrusted,
        Self::Clock,
    ];

    /// The word used in files, the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::SignInRefused => "sign-in-refused",
            Self::NoVideo => "no-video",
            Self::BadVideo => "bad-video",
            Self::Restart => "restart",
            Self::DiskFull => "disk-full",
            Self::DiskFailed => "disk-failed",
            Self::AnalysisLate => "analysis-late",
            Self::AnalysisFailed => "analysis-failed",
            Self::Overloaded => "overloaded",
            Self::Settings => "settings",
            Self::PacketsLost => "packets-lost",
            Self::Busy => "busy",
            Self::NotTrusted => "not-trusted",
            Self::Clock => "clock",
        }
    }

    /// What a person reads on the page.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unreachable => "the camera did not answer",
            Self::SignInRefused => "the camera refused the user name or password",
            Self::NoVideo => "the camera sent no video",
            Self::BadVideo => "the camera sent something that is not video",
            Self::Restart => "Louver was not running",
            Self::DiskFull => "the disk was full",
            Self::DiskFailed => "the disk failed",
            Self::AnalysisLate => "analysis fell behind and skipped pictures",
            Self::AnalysisFailed => "analysis failed and was started again",
            Self::Overloaded => "this machine was too slow to write everything",
            Self::Settings => "the settings were changed",
            Self::PacketsLost => "packets were lost on the way from the camera",
            Self::Busy => "the camera was busy",
            Self::NotTrusted => "no trusted encrypted connection to the camera came about",
            Self::Clock => "the clock was set ahead",
        }
    }
}

impl std::str::FromStr for GapReason {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a reason for a gap"))
    }
}

/// A time of which nothing is recorded, and why. Camera, stream and start name it: recording it again with a later
/// end lengthens it, so that a long one can be noted while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The camera.
    pub camera: CameraId,
    /// The stream.
    pub stream: StreamKind,
    /// Last moment recorded before it.
    pub start: WallTime,
    /// First moment recorded after it, or the latest known while it lasts.
    pub end: WallTime,
    /// Why.
    pub reason: GapReason,
}
