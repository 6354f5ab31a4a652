//! What must hold of a camera's session, whatever the camera sends.

use louver_base::MediaTime;
use louver_ingest::IngestError;
use louver_media::{Codec, Continuity, Outside, Packet, SoundParams, VideoParams, fmp4};

/// The password in the camera's address.
pub(crate) const SECRET: &str = "s3cret-of-the-camera";
/// And the user.
pub(crate) const USER: &str = "adm1n-of-the-camera";
/// The longest set of parameters that a key picture is given: four sets of 64 KiB.
const SETS_MAX: usize = 256 << 10;
/// What a JPEG has that its packets lack: markers, two quantisation tables and four Huffman tables (RFC 2435).
const JPEG_HEAD_MAX: usize = 1024;

/// A session so far.
#[derive(Default)]
pub(crate) struct Session {
    params: Option<VideoParams>,
    sound: Option<SoundParams>,
    follows: Option<Continuity>,
    pictures: usize,
    /// Bytes that the camera sent.
    came: usize,
    /// Bytes that went on.
    went: usize,
}

impl Session {
    /// So many bytes came from the camera.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.came += bytes;
    }

    /// A picture came out.
    pub(crate) fn picture(&mut self, packet: &Packet, params: Option<&VideoParams>) {
        let first = self.params.is_none();
        if let Some(params) = params {
            self.told(params);
        }
        let params = self.params.as_ref().expect("parameters are told before the first picture");
        if first {
            assert!(packet.key && packet.media == MediaTime::ZERO, "a session begins with a key picture");
        }
        let codec = params.codec;
        assert!(!packet.data.is_empty());
        assert_eq!(packet.key, codec.starts_with(packet.nals()), "a key picture is one by its own bytes");
        if codec != Codec::Mjpeg {
            let whole: usize = packet.nals().map(|nal| 4 + nal.len()).sum();
            assert_eq!(whole, packet.data.len(), "NAL units stand behind their lengths, to the last byte");
            assert!(packet.nals().all(|nal| !nal.is_empty()));
            let sets = params.parameter_sets();
            assert!(
                !packet.key || sets.is_empty() || packet.nals().any(|nal| sets.iter().any(|set| set == nal)),
                "what is decoded from a key picture on has its parameters"
            );
        }
        self.pictures += 1;
        self.went += packet.data.len();
        let outside = Outside::of(packet, codec);
        assert!(outside.slices as usize + outside.padding as usize <= packet.data.len());
        if let Some(follows) = &mut self.follows {
            // What a decoder would be given.
            let _ = follows.follow(packet);
        }
        self.is_bounded();
    }

    /// The parameters changed, or were told for the first time.
    pub(crate) fn told(&mut self, params: &VideoParams) {
        assert_ne!(self.params.as_ref(), Some(params), "what is known is not told again");
        let (width, height) = (params.size.width(), params.size.height());
        assert!((2..=8192).contains(&width) && (2..=8192).contains(&height) && (width | height) & 1 == 0);
        // What is recorded can be written as a file when it is opened.
        assert!(fmp4::init_segment(params).is_ok(), "{params:?}");
        assert!(!params.rfc6381().is_empty());
        self.follows = Some(Continuity::new(params));
        self.params = Some(params.clone());
    }

    /// How sound is coded.
    pub(crate) fn sounds_like(&mut self, sound: Option<SoundParams>) {
        self.sound = sound;
    }

    /// Sound came out.
    pub(crate) fn sound(&mut self, packet: &Packet) {
        assert!(
            self.sound.is_some() && self.params.is_some(),
            "sound has parameters, and begins behind a picture"
        );
        assert!(packet.key && !packet.data.is_empty());
        self.went += packet.data.len();
        self.is_bounded();
    }

    /// The session ended so.
    pub(crate) fn failed(error: &IngestError) {
        assert!(!matches!(error, IngestError::Crashed), "a library panicked");
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(c) = cause {
            said = format!("{said}: {c}");
            cause = c.source();
        }
        assert!(said.len() > 20 && said.chars().count() < 600, "{said:?}");
        assert!(!said.chars().any(char::is_control), "{said:?}");
        assert!(!said.contains(SECRET) && !said.contains(USER), "{said:?}");
    }

    /// No byte makes many: a NAL unit in an aggregation of them has two bytes of length and gets four, and a key picture the sets in force.
    fn is_bounded(&self) {
        let room = self.pictures * self.came.clamp(JPEG_HEAD_MAX, SETS_MAX);
        assert!(self.went <= 3 * self.came + room, "{} bytes of {}", self.went, self.came);
    }
}
