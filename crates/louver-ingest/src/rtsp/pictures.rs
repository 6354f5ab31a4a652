//! A session that plays: its packets are read, and its silence is noticed.

use std::time::Duration;

use futures::StreamExt;
use louver_base::{CameraAddress, WallTime};
use louver_media::SoundParams;
use retina::client::{PacketItem, Playing, Session};
use tokio::time::{Instant, timeout_at};

use super::Track;
use super::assembly::{Arrived, Assembly};
use super::sound::Hearing;
use crate::tls::Relay;
use crate::{IngestError, Timing};

/// How long nothing comes before the session is asked again whether there is something: retina 0.4.21 forgets to wait for the
/// connection after the camera sent a request of its own, and would not be woken by what follows it.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A session.
pub(crate) struct Pictures {
    session: Session<Playing>,
    assembly: Assembly,
    /// Ends with the session.
    _relay: Option<Relay>,
    address: CameraAddress,
    timing: Timing,
    started: Instant,
}

impl Pictures {
    pub(super) fn new(
        session: Session<Playing>,
        track: Track,
        hearing: Option<Hearing>,
        relay: Option<Relay>,
        address: &CameraAddress,
        timing: Timing,
    ) -> Self {
        Self {
            session,
            assembly: Assembly::new(track, hearing, address),
            _relay: relay,
            address: address.clone(),
            timing,
            started: Instant::now(),
        }
    }

    /// The server named itself as one that goes on sending to closed sessions.
    pub(crate) fn leaves_stale_sessions(&self) -> bool {
        self.session.tool().is_some_and(|t| t.has_live555_tcp_bug())
    }

    /// From now on pictures are read some time after they came.
    pub(super) fn are_read_late(&mut self) {
        self.assembly.is_read_late();
    }

    /// Whether times of arrival stand in for the camera's clock.
    pub(super) fn is_by_arrival(&self) -> bool {
        self.assembly.is_by_arrival()
    }

    /// How its sound is coded, if sound is wanted and there.
    pub(crate) fn sound_params(&self) -> Option<SoundParams> {
        self.assembly.sound_params()
    }

    /// The next picture, key frame first, or sound after it. May be dropped half-way.
    pub(crate) async fn next(&mut self) -> Result<Arrived, IngestError> {
        // From being asked: the time for which a full channel held the reader back is not the camera's silence.
        let mut deadline = Instant::now() + self.timing.silence;
        loop {
            if let Some(ready) = self.assembly.pop() {
                return Ok(ready);
            }
            // Sender reports and sound go on when a camera's encoder hangs, so only pictures count.
            let item = match timeout_at(deadline.min(Instant::now() + LOOK_AGAIN), self.session.next()).await
            {
                Ok(item) => item,
                Err(_) if Instant::now() < deadline => continue,
                Err(_) => return Err(IngestError::Silent(self.timing.silence)),
            };
            let packet = match item {
                Some(Ok(PacketItem::Rtp(packet))) => packet,
                Some(Ok(_)) => continue,
                Some(Err(e)) => return Err(self.failed(&e)),
                None => return Err(IngestError::Closed),
            };
            if self.assembly.push(&packet, WallTime::now())? {
                if !self.assembly.has_begun() && self.started.elapsed() > self.timing.key_frame {
                    return Err(IngestError::NoKeyFrame(self.timing.key_frame));
                }
                deadline = Instant::now() + self.timing.silence;
            }
        }
    }

    fn failed(&self, error: &retina::Error) -> IngestError {
        match IngestError::from_retina(error, &self.address) {
            // It did speak RTSP before.
            IngestError::NotRtsp => {
                IngestError::BadStream("the connection carries something else than RTSP".into())
            }
            other => other,
        }
    }
}
