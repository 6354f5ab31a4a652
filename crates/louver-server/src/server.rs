//! Listening, connections and a graceful end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use louver_base::WallTime;
use louver_node::CameraHandle;
use louver_opening::HolderSets;
use louver_store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::metrics::Peer;
use crate::app::{App, Shared, Site};
use crate::auth::OWNER;
use crate::auth::link::issue_sign_in_link;
use crate::error::ServerError;
use crate::openings::{Desk, HoldersNow};
use crate::routes::router;

/// Connections at once; further ones wait in the system's queue.
const CONNECTIONS: usize = 512;
/// A connection that sends no whole request head for so long is closed.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long requests in flight may take to end when the server stops.
const END_WITHIN: Duration = Duration::from_secs(5);

/// How often requests for originals, and looks at masked video, are looked at for what time brings.
const TICK: Duration = Duration::from_secs(5);

/// The HTTP server, listening but not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: App,
}

impl Server {
    /// Listens on `listen` (port 0: any free one). Needs a tokio runtime. Each handle stands for a camera of the register;
    /// of any other camera nothing is shown, whatever the store holds.
    ///
    /// # Errors
    /// [`ServerError::PortTaken`], [`ServerError::NotAllowed`], [`ServerError::NoSuchAddress`],
    /// [`ServerError::Listen`]: each says what to do.
    pub async fn bind(
        listen: SocketAddr,
        store: Store,
        cameras: Vec<CameraHandle>,
        site: Site,
    ) -> Result<Self, ServerError> {
        let listener = TcpListener::bind(listen).await.map_err(|e| ServerError::listen(listen, e))?;
        let address = listener.local_addr().map_err(|e| ServerError::listen(listen, e))?;
        Ok(Self { listener, address, app: Shared::new(store, cameras, site) })
    }

    /// Takes requests for originals from now on; `sets`: who the holders are; `now`: where the recorders are told when that changes. To be
    /// called once, before [`run`](Self::run). Without a ledger nothing is taken.
    ///
    /// # Errors
    /// [`ServerError::Store`] when the requests that are on the disk cannot be read.
    pub async fn open_vault(&self, sets: HolderSets, now: HoldersNow) -> Result<(), ServerError> {
        let Some(ledger) = self.app.site.ledger.clone() else { return Ok(()) };
        let desk = Desk::open(self.app.store.clone(), ledger, sets, now).await;
        let desk = desk.map_err(ServerError::store("reading the requests for originals"))?;
        desk.tick(WallTime::now(), true).await;
        // A second call changes nothing.
        let _ = self.app.desk.set(desk);
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new one-time sign-in link while no password is set, for `louver serve` to print; `None` afterwards.
    ///
    /// # Errors
    /// As [`issue_sign_in_link`].
    pub async fn first_sign_in_link(&self) -> Result<Option<String>, ServerError> {
        let account = self.app.store.password_hash(OWNER).await;
        match account.map_err(ServerError::store("looking up the account"))? {
            Some(_) => Ok(None),
            None => issue_sign_in_link(&self.app.store, self.address).await.map(Some),
        }
    }

    /// Answers until `stop`; then lets requests in flight end (5 s at most) and says goodbye to live viewers.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, app, .. } = self;
        let router = router(Arc::clone(&app));
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let tasks = TaskTracker::new();
        tasks.spawn(watch_time(Arc::clone(&app), stop.clone()));
        while let Some((stream, place)) = next(&listener, &connections, &stop).await {
            tasks.spawn(serve(stream, place, router.clone(), stop.clone()));
        }
        drop(listener);
        app.stop.cancel();
        for tracker in [&tasks, &app.tasks] {
            tracker.close();
            if timeout(END_WITHIN + Duration::from_secs(1), tracker.wait()).await.is_err() {
                tracing::warn!(open = tracker.len(), "connections did not end in time and are cut");
            }
        }
        app.tell_views(true);
    }
}

async fn watch_time(app: App, stop: CancellationToken) {
    while tokio::select! { biased; () = stop.cancelled() => false, () = tokio::time::sleep(TICK) => true } {
        if let Some(desk) = app.desk.get() {
            desk.tick(WallTime::now(), false).await;
        }
        app.tell_views(false);
    }
}

/// The next connection and its place, `None` at the end.
async fn next(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = tokio::select! { biased;
        () = stop.cancelled() => return None,
        place = Arc::clone(connections).acquire_owned() => place.ok()?,
    };
    loop {
        let accepted = tokio::select! { biased;
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Some((stream, place)),
            Err(error) => {
                // Out of file descriptors, or the other side gone already: waiting a little keeps this from spinning.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::select! { biased;
                    () = stop.cancelled() => return None,
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, place: OwnedSemaphorePermit, router: Router, stop: CancellationToken) {
    // Live fragments are small and must not wait for each other; failing to say so costs milliseconds only.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(Peer);
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        routed.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(64 * 1024);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let result = tokio::select! { biased;
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(END_WITHIN, connection).await.unwrap_or(Ok(()))
        }
        result = connection.as_mut() => result,
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}
