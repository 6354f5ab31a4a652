//! The camera's clock: what time it is in the stream, and how far key frames are apart.

use louver_base::{MediaSpan, MediaTime};

/// A picture that comes so much later than usual is an interruption of the camera, and what it missed nobody knows.
const PAUSE: MediaSpan = MediaSpan::from_millis(4000);

/// How the clock went on with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    Runs,
    /// It jumped: times before it mean nothing any more.
    Jumped,
}

/// The time, and the groups of pictures.
#[derive(Debug, Default)]
pub(super) struct Groups {
    now: Option<MediaTime>,
    key_at: Option<MediaTime>,
    span: Option<MediaSpan>,
}

impl Groups {
    /// The newest time so far.
    pub(super) fn now(&self) -> Option<MediaTime> {
        self.now
    }

    /// Takes the time of the next packet.
    pub(super) fn takes(&mut self, media: MediaTime, key: bool) -> Clock {
        // Presentation times run back and forth by some pictures (B pictures); a jump is a new clock.
        let jumps = self.now.is_some_and(|now| media - now > PAUSE || now - media > PAUSE);
        if jumps {
            self.key_at = None;
        }
        self.now = Some(if jumps { media } else { self.now.map_or(media, |n| n.max(media)) });
        if key {
            if let Some(at) = self.key_at {
                let span = media - at;
                // Cameras that send a key frame on demand shorten a group now and then: longer ones count at once.
                self.span = Some(self.span.map_or(span, |s| match span > s {
                    true => span,
                    false => MediaSpan::from_ticks((s.ticks() * 3 + span.ticks()) / 4),
                }));
            }
            self.key_at = Some(media);
        }
        if jumps { Clock::Jumped } else { Clock::Runs }
    }

    /// The usual time between key frames, or what has passed since the last if that is more.
    pub(super) fn span(&self) -> Option<MediaSpan> {
        let open = self.key_at.zip(self.now).map(|(at, now)| now - at);
        self.span.max(open)
    }

    /// The stream begins anew. What is usual stays so.
    pub(super) fn restart(&mut self) {
        (self.now, self.key_at) = (None, None);
    }
}
