//! Every camera of a site at work.

use std::time::Duration;

use louver_codec::Decoders;
use louver_codec::detector::Detector;
use louver_ingest::{Event, LateReader, Reading, Role, Source};
use louver_ledger::Ledger;
use louver_store::Store;
use louver_vault::{HolderSet, SiteId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::contact::{Contact, play};
use crate::feed::{Feed, FeedSender, follow_sub};
use crate::keep::Keeper;
use crate::look::Looker;
use crate::record::Recorder;
use crate::sight::Sight;
use crate::{CameraHandle, CameraSettings, thread};

/// What a node needs to know.
#[derive(Debug)]
pub struct NodeConfig {
    /// The cameras of the register.
    pub cameras: Vec<CameraSettings>,
    /// Who can open what is sealed, and how many of them it takes, as of now; as long as there is nobody no camera is asked for pictures.
    pub holders: watch::Receiver<Option<HolderSet>>,
    /// The site, part of every key's context.
    pub site: SiteId,
    /// The detector; without one nothing is ever shown, and everything is sealed.
    pub detector: Option<Detector>,
    /// The processes that decode.
    pub decoders: Decoders,
    /// Where gaps are written down, besides the catalogue.
    pub ledger: Option<Ledger>,
}

/// Cameras at work. They end when the token they were started with is cancelled; [`join`](Self::join) waits for it.
#[derive(Debug)]
pub struct Node {
    handles: Vec<CameraHandle>,
    tasks: TaskTracker,
}

impl Node {
    /// Starts every camera. Needs a tokio runtime.
    pub fn start(config: NodeConfig, store: &Store, stop: &CancellationToken) -> Self {
        let tasks = TaskTracker::new();
        let looker = config.detector.map(|d| Looker::start(d, &tasks)).and_then(|started| {
            started
                .inspect_err(|e| tracing::error!(error = %e, "the detector gets no thread: nothing is shown"))
                .ok()
        });
        let (mut handles, mut late) = (Vec::with_capacity(config.cameras.len()), LateReaders::default());
        for settings in &config.cameras {
            let (handle, still) = CameraHandle::new(settings);
            let feed = match settings.seen() {
                Some(_) => {
                    let keeper = Keeper::start(store.clone(), settings.id.clone(), &handle.status, &tasks);
                    let seat = config.decoders.seat(settings.id.as_str());
                    let sight = Sight::new(&handle, still, keeper, looker.clone(), seat);
                    let (sender, feed) = Feed::channel(handle.status.clone(), settings.sub.is_none());
                    let started =
                        thread::start(format!("see-{}", settings.id), &tasks, move || sight.run(feed));
                    if let Err(e) = started {
                        // Recording goes on: the feed's other end is gone, and what is sent there is dropped.
                        tracing::error!(camera = %settings.id, error = %e, "analysis gets no thread");
                        handle.status.update(|s| s.notice = Some(format!("analysis gets no thread: {e}")));
                    }
                    Some(sender)
                }
                None => None,
            };
            let mut recorder =
                Recorder::new(store.clone(), settings, config.holders.clone(), config.site, &handle.status);
            recorder.ledger.clone_from(&config.ledger);
            let contact = Contact::start(settings, &handle.status, config.holders.clone(), &tasks, stop);
            let (events, received) = mpsc::channel(PACKETS_WAITING);
            let mut source = Source::new(settings.id.clone(), Role::Main, settings.main.clone());
            source.connection = settings.connection;
            source.reading =
                feed.as_ref().map_or_else(|| watch::channel(Reading::Late).1, FeedSender::main_is_read);
            if settings.sub.is_some() || feed.is_none() {
                recorder.late = late.next();
                source.late.clone_from(&recorder.late);
            }
            tasks.spawn(when_held(config.holders.clone(), source, contact.clone(), events, stop.clone()));
            if let (Some(sub), Some(feed)) = (&settings.sub, &feed) {
                let (events, received) = mpsc::channel(PACKETS_WAITING);
                let mut source = Source::new(settings.id.clone(), Role::Sub, sub.clone());
                source.connection = settings.sub_connection();
                tasks.spawn(when_held(config.holders.clone(), source, contact, events, stop.clone()));
                let camera = tracing::info_span!("sub", camera = %settings.id);
                tasks.spawn(follow_sub(received, feed.clone(), handle.status.clone()).instrument(camera));
            }
            tasks.spawn(recorder.run(received, feed));
            handles.push(handle);
        }
        tasks.close();
        Self { handles, tasks }
    }

    /// What may be seen of the cameras.
    pub fn handles(&self) -> Vec<CameraHandle> {
        self.handles.clone()
    }

    /// Waits until every camera has written what it had and ended.
    pub async fn join(self) {
        self.tasks.wait().await;
    }
}

/// Readers for streams that are read late; so many streams have one.
#[derive(Default)]
struct LateReaders {
    last: Option<LateReader>,
    given: usize,
}

impl LateReaders {
    fn next(&mut self) -> Option<LateReader> {
        if self.given.is_multiple_of(CAMERAS_A_READER) {
            self.last = None;
        }
        self.given += 1;
        if self.last.is_none() {
            let started = LateReader::start(SEALED_LATE);
            self.last = started
                .inspect_err(
                    |e| tracing::error!(error = %e, "streams are read as they arrive, which costs more"),
                )
                .ok();
        }
        self.last.clone()
    }
}

/// Takes a stream in, once there is a holder: without one there is no recording, and nothing is looked at either.
async fn when_held(
    mut holders: watch::Receiver<Option<HolderSet>>,
    source: Source,
    contact: Contact,
    events: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    if held(&mut holders, &stop).await {
        play(source, contact, events, stop).await;
    }
}

/// Waits for a holder; `false` if it is to stop before there is one.
pub(crate) async fn held(holders: &mut watch::Receiver<Option<HolderSet>>, stop: &CancellationToken) -> bool {
    tokio::select! { biased;
        () = stop.cancelled() => false,
        there = holders.wait_for(Option::is_some) => there.is_ok(),
    }
}

/// A stream that is only sealed is read five times a second: nobody sees it live, and each look costs the same whether it finds a packet
/// or a hundred (`bench/many.sh`). What a kill costs is counted in groups of pictures, seconds long.
const SEALED_LATE: Duration = Duration::from_millis(200);

/// Cameras whose main streams one thread reads; a core does several times as many.
const CAMERAS_A_READER: usize = 128;

/// Packets of one stream that wait for their task. When it is full the camera is held back, so nothing of an original is
/// dropped: about six seconds at 10 pictures a second.
const PACKETS_WAITING: usize = 64;
