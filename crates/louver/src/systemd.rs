//! What systemd is told (packaging/louver.service): that the server is ready, that it goes on, that it ends. Elsewhere nothing is told.

use std::time::Duration;

use louver_store::{Health, Store};
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Journals and catalogue are written every two seconds. A disk that hangs that long will not come back by itself; looking a disk through that
/// was mounted again takes its turn too, and may take minutes.
const FLUSH_WITHIN: Duration = Duration::from_secs(600);

/// The server answers, and cameras are asked for pictures.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The server ends because it was asked to.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending: what is in memory is written")]);
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::warn!(%error, "systemd cannot be told how it goes");
    }
}

/// Feeds systemd's watchdog, where there is one, as long as the runtime gives this task its turn and the store writes. systemd ends and
/// restarts a server that does not.
pub(crate) async fn feed_watchdog(store: Store, stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    tracing::info!(within_s = within.as_secs_f64(), "systemd watches over this server");
    let mut hungry = false;
    loop {
        let health = store.health();
        match goes_on(&health) {
            true => tell(&[NotifyState::Watchdog]),
            false if !hungry => {
                tracing::error!(
                    flush_age_s = health.flush_age.as_secs(),
                    "journals and catalogue are not written any more: systemd will restart this server"
                );
            }
            false => {}
        }
        hungry = !goes_on(&health);
        tokio::select! { biased;
            () = stop.cancelled() => return,
            // A third of the time: one that comes late is no reason for a restart.
            () = tokio::time::sleep(within / 3) => {}
        }
    }
}

/// A disk that says no is no reason to restart: that would mend nothing, and cost recordings on the others. One that does not answer is.
fn goes_on(health: &Health) -> bool {
    health.flush_age < FLUSH_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_goes_hungry_when_the_disk_hangs_and_not_when_it_is_full_or_away() {
        let well = Health {
            flush_age: Duration::from_secs(2),
            flush_fails: false,
            disks_away: 0,
            disks_failing: 0,
            disks_full: 0,
        };
        assert!(goes_on(&well));
        assert!(goes_on(&Health {
            flush_fails: true,
            disks_away: 1,
            disks_failing: 2,
            disks_full: 1,
            ..well
        }));
        assert!(!goes_on(&Health { flush_age: FLUSH_WITHIN, ..well }));
    }
}
