//! Packets on their way to analysis: the one queue where pictures may be dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use louver_ingest::{Event, IngestError, Reading};
use louver_media::{Packet, VideoParams};
use louver_store::GapReason;
use tokio::sync::{mpsc, watch};

use crate::losses::Losses;
use crate::{StatusCell, StreamState};

/// What analysis is told.
#[derive(Debug)]
pub(crate) enum Feed {
    /// A stream begins (again) with these parameters: what was seen before says nothing about what follows.
    Start(VideoParams),
    /// Parameters changed within a stream.
    Params(VideoParams),
    /// One picture.
    Packet(Packet),
    /// The stream broke off, for this reason.
    Lost(GapReason),
}

/// Which stream is analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The main stream, because there is no (usable) sub stream.
    Main,
    /// The sub stream.
    Sub,
}

/// Pictures that wait for analysis. Beyond it they are dropped up to the next key frame: what is shown then is the known
/// backdrop, older by that much.
const WAITING: usize = 48;
/// Room beyond it for what is no picture: an analysis that missed a start would decode with another stream's parameters
/// until the camera connects anew. Attempts are a second and more apart, so this is a quarter of a minute at the least.
const NOTICES: usize = 16;

/// What the page says then.
pub(crate) const PACKETS_LOST: &str =
    "packets are lost on the way from the camera: nothing new is shown until its next key frame";

/// The sending end.
#[derive(Clone, Debug)]
pub(crate) struct FeedSender {
    queue: mpsc::Sender<Feed>,
    status: StatusCell,
    /// How the main stream is read: as it comes while it is what is seen.
    main_is_read: watch::Sender<Reading>,
    skipping: Arc<AtomicBool>,
}

impl Feed {
    /// A queue that starts with the main stream or with the sub stream.
    pub(crate) fn channel(status: StatusCell, main_is_seen: bool) -> (FeedSender, mpsc::Receiver<Self>) {
        let (queue, receiver) = mpsc::channel(WAITING + NOTICES);
        let main_is_read = watch::Sender::new(reading(main_is_seen));
        (FeedSender { queue, status, main_is_read, skipping: Arc::default() }, receiver)
    }
}

impl FeedSender {
    /// Whether packets of this stream are wanted.
    pub(crate) fn wants(&self, from: From) -> bool {
        *self.main_is_read.borrow() == reading(from == From::Main)
    }

    /// Changes the stream that is seen; the new one must begin with [`Feed::Start`].
    fn switch(&self, to: From) {
        self.main_is_read.send_replace(reading(to == From::Main));
    }

    /// How the main stream is to be read, as of now.
    pub(crate) fn main_is_read(&self) -> watch::Receiver<Reading> {
        self.main_is_read.subscribe()
    }

    /// Passes something on, or drops it if analysis is behind.
    pub(crate) fn send(&self, from: From, feed: Feed) {
        if !self.wants(from) {
            return;
        }
        let picture = match &feed {
            Feed::Packet(packet) => {
                let skips = self.skipping.load(Ordering::Relaxed) && !packet.key;
                if skips || self.queue.capacity() <= NOTICES {
                    self.skip();
                    return;
                }
                true
            }
            Feed::Start(_) | Feed::Params(_) | Feed::Lost(_) => false,
        };
        // Raised first: whoever takes it out lowers it.
        let waits = &self.status.meters().analysis_waits;
        waits.raise();
        let sent = self.queue.try_send(feed).inspect_err(|_| waits.lower());
        match sent {
            Ok(()) if picture => self.skipping.store(false, Ordering::Relaxed),
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.skip(),
            // Analysis has ended: so does the camera.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    /// Packets of this stream were lost on the way from the camera: nothing is passed on up to the next key frame.
    pub(crate) fn missing(&self, from: From) {
        if self.wants(from) {
            self.skipping.store(true, Ordering::Relaxed);
            self.status.update(|s| s.notice = Some(PACKETS_LOST.to_owned()));
        }
    }

    /// Something was dropped: pictures mean nothing until the next key frame.
    fn skip(&self) {
        self.skipping.store(true, Ordering::Relaxed);
        self.status.update(|s| s.skipped_frames += 1);
    }
}

/// How the main stream is read.
fn reading(main_is_seen: bool) -> Reading {
    if main_is_seen { Reading::AtOnce } else { Reading::Late }
}

/// Passes a sub stream on to analysis, and the main stream in its place where the camera has none at that path.
pub(crate) async fn follow_sub(mut events: mpsc::Receiver<Event>, feed: FeedSender, status: StatusCell) {
    status.update(|s| s.sub = StreamState::Connecting);
    let mut losses = Losses::default();
    while let Some(event) = events.recv().await {
        match event {
            Event::Connected { params, .. } => {
                feed.switch(From::Sub);
                if losses.runs(Instant::now()) {
                    tracing::info!("sub stream is back");
                }
                status.update(|s| s.sub = StreamState::Running);
                feed.send(From::Sub, Feed::Start(params));
            }
            Event::Params(params) => feed.send(From::Sub, Feed::Params(params)),
            Event::Packet(packet) => {
                status.meters().sub.picture(packet.data.len());
                feed.send(From::Sub, Feed::Packet(packet));
            }
            // Nothing listens: sound is sealed with the main stream or not taken at all.
            Event::Sound(_) => {}
            Event::Missing { packets } => {
                tracing::debug!(packets, "packets of the sub stream are lost on the way");
                feed.missing(From::Sub);
            }
            Event::Lost { error, .. } => {
                status.meters().sub.lost.add(1);
                feed.send(From::Sub, Feed::Lost(gap_reason(&error)));
                let mut reason = error.to_string();
                if no_such_stream(&error) {
                    feed.switch(From::Main);
                    reason.push_str("; the main stream is seen in its place, which costs more");
                }
                if losses.lost(&error, Instant::now()) {
                    tracing::warn!(reason, "sub stream lost");
                }
                status.update(|s| s.sub = StreamState::Retrying { reason });
            }
        }
    }
    status.update(|s| s.sub = StreamState::Off);
}

/// What the gap that an error begins is put down to.
pub(crate) fn gap_reason(error: &IngestError) -> GapReason {
    match error {
        IngestError::PasswordNeeded | IngestError::WrongPassword | IngestError::Forbidden => {
            GapReason::SignInRefused
        }
        IngestError::UntrustedCertificate(_)
        | IngestError::OtherCertificate(_)
        | IngestError::Encryption(_)
        | IngestError::UdpInClear
        | IngestError::OtherSender => GapReason::NotTrusted,
        IngestError::Busy(_) => GapReason::Busy,
        IngestError::NoVideo
        | IngestError::NoSuchPath
        | IngestError::Refused(_)
        | IngestError::Silent(_)
        | IngestError::NoKeyFrame(_) => GapReason::NoVideo,
        IngestError::Codec(_)
        | IngestError::Parameters(_)
        | IngestError::PictureTooLarge
        | IngestError::BadStream(_) => GapReason::BadVideo,
        _ => GapReason::Unreachable,
    }
}

/// Whether trying again will hardly help, so that the main stream must do.
fn no_such_stream(error: &IngestError) -> bool {
    matches!(error, IngestError::NoSuchPath | IngestError::NoVideo | IngestError::Codec(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use louver_base::{MediaTime, WallTime};

    fn packet(key: bool) -> Feed {
        let wall = WallTime::from_micros(0);
        Feed::Packet(Packet { media: MediaTime::ZERO, wall, key, data: Bytes::new() })
    }

    #[test]
    fn an_analysis_that_is_behind_skips_to_the_next_key_frame_and_says_so() {
        let status = StatusCell::default();
        let (sender, mut queue) = Feed::channel(status.clone(), false);
        for _ in 0..WAITING + 3 {
            sender.send(From::Sub, packet(false));
        }
        assert_eq!(status.get().skipped_frames, 3);
        assert_eq!(status.meters().analysis_waits.get(), WAITING as u64, "what is dropped does not wait");
        for _ in 0..10 {
            queue.try_recv().unwrap();
        }
        sender.send(From::Sub, packet(false));
        assert_eq!(status.get().skipped_frames, 4, "a picture that depends on dropped ones is dropped too");
        sender.send(From::Sub, packet(true));
        sender.send(From::Sub, packet(false));
        assert_eq!(status.get().skipped_frames, 4);
        sender.send(From::Main, packet(true));
        let mut left = 0;
        while queue.try_recv().is_ok() {
            left += 1;
        }
        assert_eq!(left, WAITING - 10 + 2, "the stream that is not seen is not passed on");
    }

    #[tokio::test]
    async fn the_main_stream_is_read_as_it_comes_while_it_is_seen_and_late_otherwise() {
        let status = StatusCell::default();
        let (alone, _queue) = Feed::channel(status.clone(), true);
        assert_eq!(*alone.main_is_read().borrow(), Reading::AtOnce, "a camera without a sub stream");
        let (sender, _queue) = Feed::channel(status.clone(), false);
        let mut read = sender.main_is_read();
        assert_eq!(*read.borrow(), Reading::Late);
        let (events, received) = mpsc::channel(1);
        let following = tokio::spawn(follow_sub(received, sender, status));
        // Of a camera that says itself where its streams are, it is known only now that there is no small one.
        let retry_in = std::time::Duration::ZERO;
        events.send(Event::Lost { error: IngestError::NoSuchPath, retry_in }).await.unwrap();
        read.wait_for(|reading| *reading == Reading::AtOnce).await.unwrap();
        let params = VideoParams {
            codec: louver_media::Codec::H264,
            size: louver_media::PictureSize::new(64, 64).unwrap(),
            config: Bytes::new(),
        };
        events.send(Event::Connected { session: 1, params, sound: None }).await.unwrap();
        read.wait_for(|reading| *reading == Reading::Late).await.unwrap();
        drop(events);
        following.await.unwrap();
    }

    #[test]
    fn what_follows_lost_packets_is_passed_on_from_the_next_key_frame_only() {
        let status = StatusCell::default();
        let (sender, mut queue) = Feed::channel(status.clone(), false);
        sender.send(From::Sub, packet(true));
        sender.missing(From::Main);
        assert!(status.get().notice.is_none(), "that stream is not seen");
        sender.missing(From::Sub);
        sender.send(From::Sub, packet(false));
        assert_eq!((status.get().skipped_frames, status.get().notice.as_deref()), (1, Some(PACKETS_LOST)));
        sender.send(From::Sub, packet(true));
        sender.send(From::Sub, packet(false));
        assert_eq!(std::iter::from_fn(|| queue.try_recv().ok()).count(), 3);
    }

    #[test]
    fn an_analysis_that_is_behind_is_still_told_that_the_stream_was_lost_and_starts_anew() {
        let status = StatusCell::default();
        let (sender, mut queue) = Feed::channel(status.clone(), false);
        for n in 0..2 * WAITING {
            sender.send(From::Sub, packet(n == 0));
        }
        let params = VideoParams {
            codec: louver_media::Codec::H264,
            size: louver_media::PictureSize::new(64, 64).unwrap(),
            config: Bytes::new(),
        };
        sender.send(From::Sub, Feed::Lost(GapReason::Unreachable));
        sender.send(From::Sub, Feed::Start(params));
        sender.send(From::Sub, packet(true));
        let mut got = Vec::new();
        while let Ok(feed) = queue.try_recv() {
            got.push(feed);
        }
        assert_eq!(got.len(), WAITING + 2, "no room is left for pictures");
        assert!(matches!(got[WAITING..], [Feed::Lost(GapReason::Unreachable), Feed::Start(_)]), "{got:?}");
        sender.send(From::Sub, packet(false));
        assert!(queue.try_recv().is_err(), "the new stream too begins at a key frame");
        sender.send(From::Sub, packet(true));
        assert!(queue.try_recv().is_ok());
    }
}
