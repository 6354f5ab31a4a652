//! What all handlers share.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use louver_base::CameraId;
use louver_ledger::Ledger;
use louver_node::CameraHandle;
use louver_store::Store;
use secrecy::SecretString;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::archive::Codecs;
use crate::api::error::{ApiError, ApiResult};
use crate::api::system::UsageCache;
use crate::auth::attempts::Attempts;
use crate::auth::challenge::Challenges;
use crate::auth::link::Resets;
use crate::auth::password::Passwords;
use crate::exports::Exporter;
use crate::openings::Desk;
use crate::renditions::Renditions;
use crate::views::Views;

/// Live viewers at once; one more is refused with a sentence.
const VIEWERS: usize = 256;

/// What the server says about the site as a whole.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The site's name, shown to those signed in.
    pub name: String,
    /// What someone should look at, found at start, in sentences without addresses or passwords.
    pub notices: Vec<String>,
    /// The ledger, whose files are served under `/ledger/`; none in tests that need none.
    pub ledger: Option<Ledger>,
    /// Who has it may read `/metrics`, from anywhere; without one this machine alone may.
    pub metrics_token: Option<SecretString>,
}

pub(crate) type App = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) store: Store,
    /// In the order of the settings.
    pub(crate) cameras: Vec<CameraHandle>,
    pub(crate) site: Site,
    pub(crate) since: Instant,
    pub(crate) stop: CancellationToken,
    /// Live viewers, joined at the end.
    pub(crate) tasks: TaskTracker,
    pub(crate) viewers: Arc<Semaphore>,
    pub(crate) renditions: Renditions,
    /// What was looked at and does not stand in the ledger yet.
    pub(crate) views: Views,
    pub(crate) passwords: Passwords,
    pub(crate) password_attempts: Attempts,
    pub(crate) link_attempts: Attempts,
    pub(crate) holder_attempts: Attempts,
    pub(crate) challenges: Challenges,
    pub(crate) resets: Resets,
    /// Says that sessions ended, so that their live viewers end too.
    pub(crate) sessions_changed: watch::Sender<()>,
    pub(crate) codecs: Codecs,
    pub(crate) usage: UsageCache,
    /// Signs exports; none without a ledger.
    pub(crate) exporter: Option<Arc<Exporter>>,
    /// Requests for originals; none where the server was started without a key ring and a ledger.
    pub(crate) desk: OnceLock<Desk>,
}

impl Shared {
    pub(crate) fn new(store: Store, cameras: Vec<CameraHandle>, site: Site) -> App {
        let exporter = site.ledger.clone().map(|ledger| Arc::new(Exporter::new(ledger, store.site_id())));
        Arc::new(Self {
            exporter,
            store,
            cameras,
            site,
            since: Instant::now(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            renditions: Renditions::default(),
            views: Views::default(),
            passwords: Passwords::default(),
            password_attempts: Attempts::default(),
            link_attempts: Attempts::default(),
            holder_attempts: Attempts::default(),
            challenges: Challenges::default(),
            resets: Resets::default(),
            sessions_changed: watch::Sender::new(()),
            codecs: Codecs::default(),
            usage: UsageCache::default(),
            desk: OnceLock::new(),
        })
    }

    /// A camera of the register: nothing of any other is shown, recorded or not.
    pub(crate) fn camera(&self, id: &str) -> ApiResult<&CameraHandle> {
        let camera = id.parse::<CameraId>().ok().and_then(|id| self.cameras.iter().find(|c| c.id == id));
        camera.ok_or_else(|| ApiError::not_found("camera"))
    }
}
