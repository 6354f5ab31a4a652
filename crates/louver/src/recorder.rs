//! The cameras of the settings, running: from settings to `louver-node`.

use louver_codec::Decoders;
use louver_codec::detector::Detector;
use louver_ledger::Ledger;
use louver_node::{Node, NodeConfig};
use louver_store::Store;
use louver_vault::HolderSet;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::settings::Settings;
use crate::{decoding, detector};

/// Everything that recording needs, found and tried, but nothing started.
pub(crate) struct Recorder {
    settings: Settings,
    detector: Option<Detector>,
    decoders: Decoders,
    /// What the owner should know, in sentences for the terminal and the page.
    pub notices: Vec<String>,
}

impl Recorder {
    /// Loads the detector where any camera needs it. Without one, originals are sealed all the same and nothing is
    /// shown: a model that an update lost must not cost evidence.
    pub(crate) fn prepare(settings: &Settings) -> Result<Self, Error> {
        let mut notices: Vec<String> = Vec::new();
        for (about, says, todo) in settings.concerns() {
            tracing::warn!(about, says, todo, "the settings are unwise");
            notices.push(sentence(&format!("{says}: {todo}.")));
        }
        let seen = settings.cameras.iter().any(|c| c.seen().is_some());
        let detector = match seen.then(|| load(settings)) {
            None => None,
            Some(Ok(detector)) => Some(detector),
            Some(Err(why)) => {
                tracing::error!(%why, "no detector: cameras are recorded and sealed, but nothing can be shown");
                notices.push(format!(
                    "Nothing can be shown, because there is no detector ({why}); originals are recorded and sealed. \
                     `louver doctor` says more."
                ));
                None
            }
        };
        let decoders = decoding::decoders()?;
        if seen {
            notices.extend(decoding::try_out(&decoders).notice());
        }
        Ok(Self { settings: settings.clone(), detector, decoders, notices })
    }

    /// Starts all cameras; they end when `stop` is cancelled.
    pub(crate) fn start(
        self,
        holders: watch::Receiver<Option<HolderSet>>,
        store: &Store,
        ledger: &Ledger,
        stop: &CancellationToken,
    ) -> Node {
        let site = store.site_id();
        let Self { settings, detector, decoders, .. } = self;
        let ledger = Some(ledger.clone());
        let cameras = settings.cameras;
        Node::start(NodeConfig { cameras, holders, site, detector, decoders, ledger }, store, stop)
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn load(settings: &Settings) -> Result<Detector, String> {
    let found = detector::find(&settings.detector).map_err(|e| e.to_string())?;
    Detector::load(&found.library, &found.model, found.kind).map_err(|e| e.to_string())
}
