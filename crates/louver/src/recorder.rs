//! The cameras of the settings, running: from settings to `louver-node`.

use louver_node::CameraHandle;
use louver_store::Store;
use louver_vault::Holders;
use tokio_util::sync::CancellationToken;

use crate::detector::{self, Found};
use crate::error::Error;
use crate::settings::Settings;

/// Everything that recording needs, found and checked, but nothing started.
pub(crate) struct Recorder {
    settings: Settings,
    _holders: Holders,
    _detector: Option<Found>,
}

impl Recorder {
    /// Looks for the detector's files where any camera needs them.
    pub(crate) fn prepare(settings: &Settings, holders: Holders) -> Result<Self, Error> {
        let seen = settings.cameras.iter().any(|c| c.seen().is_some());
        let detector = if seen { Some(detector::find(&settings.detector)?) } else { None };
        Ok(Self { settings: settings.clone(), _holders: holders, _detector: detector })
    }

    /// Starts all cameras.
    pub(crate) async fn start(self, _store: &Store, _stop: &CancellationToken) -> Result<Running, Error> {
        let handles = self.settings.cameras.iter().map(|c| CameraHandle::new(c).0).collect();
        Ok(Running { handles })
    }
}

/// Cameras at work.
pub(crate) struct Running {
    handles: Vec<CameraHandle>,
}

impl Running {
    /// What the page sees of the cameras.
    pub(crate) fn handles(&self) -> Vec<CameraHandle> {
        self.handles.clone()
    }

    /// What the owner should know, in sentences for the page.
    pub(crate) fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    /// Waits until all have ended; they do when `stop` is cancelled.
    pub(crate) async fn join(self) {}
}
