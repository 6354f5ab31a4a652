//! What a live viewer is sent, and in what order.

use std::sync::Arc;

use axum::extract::ws::Message;
use bytes::{BufMut, Bytes, BytesMut};
use louver_base::WallTime;
use louver_node::{CameraHandle, LiveFeed, LiveStart, SceneSubscription};
use louver_scene::Masked;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::live::LiveMessage;

/// First byte of a binary message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Init = 0,
    Fragment = 1,
    Key = 2,
}

/// A binary message. Only masked bytes become one.
fn binary(kind: Kind, wall: WallTime, bytes: &Masked<Bytes>) -> Message {
    let mut out = BytesMut::with_capacity(9 + bytes.get().len());
    out.put_u8(kind as u8);
    out.put_i64(wall.millis());
    out.extend_from_slice(bytes.get());
    Message::Binary(out.freeze())
}

/// Turns a feed into messages; after a loss it gives nothing until a player can start again. A core.
#[derive(Debug)]
pub(super) struct Order {
    waiting_for_key: bool,
    /// The start that this viewer's player was set up with.
    start: Option<Arc<LiveStart>>,
}

impl Order {
    const fn new() -> Self {
        Self { waiting_for_key: true, start: None }
    }

    /// Something was lost. Of what the feed holds now, gives what this viewer needs: all of it if it has restarted
    /// since, else nothing: the next key picture is soon enough, and older ones may have been sent before.
    fn lost(&mut self, backlog: Vec<LiveFeed>) -> Vec<LiveFeed> {
        self.waiting_for_key = true;
        let same = match (backlog.first(), &self.start) {
            (Some(LiveFeed::Start(now)), Some(known)) => Arc::ptr_eq(now, known),
            (None, None) => true,
            _ => false,
        };
        if same { Vec::new() } else { backlog }
    }

    fn messages(&mut self, feed: &LiveFeed) -> Vec<Message> {
        match feed {
            LiveFeed::Start(start) => {
                self.waiting_for_key = true;
                self.start = Some(Arc::clone(start));
                let said = text(&LiveMessage::Start { mime: start.mime.clone() });
                said.into_iter().chain([binary(Kind::Init, WallTime::from_millis(0), &start.init)]).collect()
            }
            LiveFeed::Fragment(fragment) if self.waiting_for_key && !fragment.key => Vec::new(),
            LiveFeed::Fragment(fragment) => {
                self.waiting_for_key = false;
                let kind = if fragment.key { Kind::Key } else { Kind::Fragment };
                vec![binary(kind, fragment.wall, &fragment.bytes)]
            }
        }
    }
}

pub(super) fn text(message: &LiveMessage) -> Option<Message> {
    serde_json::to_string(message).ok().map(|json| Message::Text(json.into()))
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The scene stream.
    Scenes,
    /// Video of it.
    Video,
}

/// A viewer's feed as messages.
pub(super) enum Messages {
    Scenes(broadcast::Receiver<Masked<Bytes>>),
    Video(broadcast::Receiver<LiveFeed>, Order),
}

impl Messages {
    /// The feed, and what to send at once.
    pub(super) fn begin(camera: &CameraHandle, what: Watched) -> (Self, Vec<Message>) {
        match what {
            Watched::Scenes => {
                let SceneSubscription { backlog, feed } = camera.scenes.subscribe();
                (Self::Scenes(feed), backlog.into_iter().map(boxes).collect())
            }
            Watched::Video => {
                let (subscription, mut order) = (camera.live.subscribe(), Order::new());
                let first = subscription.backlog.iter().flat_map(|feed| order.messages(feed)).collect();
                (Self::Video(subscription.feed, order), first)
            }
        }
    }

    /// What comes next; nothing is taken if the caller does not wait for it.
    pub(super) async fn next(&mut self) -> Result<Vec<Message>, RecvError> {
        match self {
            Self::Scenes(feed) => feed.recv().await.map(|record| vec![boxes(record)]),
            Self::Video(feed, order) => feed.recv().await.map(|fragment| order.messages(&fragment)),
        }
    }

    /// The viewer fell behind: what it needs to go on.
    pub(super) fn lost(&mut self, camera: &CameraHandle) -> Vec<Message> {
        match self {
            Self::Scenes(_) => {
                let (again, messages) = Self::begin(camera, Watched::Scenes);
                *self = again;
                messages
            }
            Self::Video(feed, order) => {
                let subscription = camera.live.subscribe();
                *feed = subscription.feed;
                let missed = order.lost(subscription.backlog);
                missed.iter().flat_map(|feed| order.messages(feed)).collect()
            }
        }
    }
}

/// Boxes of a scene stream as a message.
fn boxes(bytes: Masked<Bytes>) -> Message {
    Message::Binary(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use louver_base::MediaTime;
    use louver_media::{Picture, PictureSize};
    use louver_scene::{LiveFragment, PictureEncoder, Scene};

    use super::*;

    struct Empty;
    impl PictureEncoder for Empty {
        type Output = Bytes;
        type Error = std::convert::Infallible;
        fn encode(&mut self, _: &Picture, _: MediaTime, _: bool) -> Result<Bytes, Self::Error> {
            Ok(Bytes::new())
        }
    }

    fn masked() -> Masked<Bytes> {
        let picture = Scene::nothing(PictureSize::new(2, 2).unwrap());
        picture.encode(&mut Empty, MediaTime::ZERO, true).unwrap()
    }

    fn fragment(key: bool) -> LiveFeed {
        LiveFeed::Fragment(Arc::new(LiveFragment { bytes: masked(), key, wall: WallTime::from_millis(1) }))
    }

    fn start() -> LiveFeed {
        LiveFeed::Start(Arc::new(LiveStart { mime: "video/mp4".to_owned(), init: masked() }))
    }

    #[test]
    fn after_a_loss_a_viewer_gets_nothing_until_a_key_picture() {
        let mut order = Order::new();
        let sent = |order: &mut Order, key| order.messages(&fragment(key)).len();
        assert_eq!([sent(&mut order, false), sent(&mut order, true), sent(&mut order, false)], [0, 1, 1]);
        order.lost(vec![]);
        assert_eq!([sent(&mut order, false), sent(&mut order, false)], [0, 0]);
        assert_eq!([sent(&mut order, true), sent(&mut order, false)], [1, 1]);
    }

    #[test]
    fn a_loss_sets_the_player_up_anew_only_if_the_stream_restarted() {
        let (mut order, first) = (Order::new(), start());
        assert_eq!(order.messages(&first).len(), 2, "words and init");
        assert_eq!(order.lost(vec![first, fragment(true)]).len(), 0, "sent before");
        assert_eq!(order.lost(vec![start(), fragment(true), fragment(false)]).len(), 3);
    }
}
