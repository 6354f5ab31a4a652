//! What a camera is doing, for the page, `louver doctor` and metrics.

use std::sync::{Arc, PoisonError, RwLock};

use louver_base::{WallSpan, WallTime};
use louver_see::GateReport;
use serde::Serialize;

use crate::Meters;

/// One stream's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum StreamState {
    /// Not used: a camera with `analysis = "off"` has no sub stream.
    #[default]
    Off,
    /// Connecting for the first time.
    Connecting,
    /// Packets arrive.
    Running,
    /// Connection lost or refused; trying again.
    Retrying {
        /// What happened and what to do, without addresses or passwords.
        reason: String,
    },
}

/// What a camera says of itself (ONVIF); all of it may be wrong, and nothing of it can hold who was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CameraSays {
    /// Why it cannot be asked; `None` when it can, or is not to be.
    pub silent: Option<String>,
    /// Its clock less ours, to about a second.
    pub clock: Option<WallSpan>,
    /// How often it said that movement began.
    pub motions: u64,
    /// Since when, by our clock, it has been saying that somebody covers, turns or blinds it.
    pub tampered_since: Option<WallTime>,
    /// How often it began anew while it was asked.
    pub restarts: u64,
}

/// One camera's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CameraStatus {
    /// The stream that is sealed.
    pub main: StreamState,
    /// The stream that is seen and masked.
    pub sub: StreamState,
    /// Last sealed fragment on disk.
    pub last_sealed: Option<WallTime>,
    /// Last masked picture sent.
    pub last_masked: Option<WallTime>,
    /// Why the masked picture shows little or nothing, in words for the page; `None` when all is well.
    pub notice: Option<String>,
    /// Why nothing is written (disk full, store failed), in words for the page; `None` when all is well.
    pub recording_problem: Option<String>,
    /// Masked pictures a second, over the last few seconds, times 10.
    pub fps_x10: u32,
    /// Pictures that analysis had to skip since start.
    pub skipped_frames: u64,
    /// What the gate does: how much is decoded, and why it is open; `None` before the first picture.
    #[serde(skip)]
    pub gate: Option<GateReport>,
    /// What the camera says of itself, where it is asked.
    #[serde(skip)]
    pub says: CameraSays,
}

/// A status that one writer changes and anyone reads.
#[derive(Clone, Debug, Default)]
pub struct StatusCell(Arc<RwLock<CameraStatus>>, Arc<Meters>);

impl StatusCell {
    /// A copy of the state now.
    pub fn get(&self) -> CameraStatus {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is counted since the start.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.1
    }

    /// Changes it.
    pub fn update(&self, change: impl FnOnce(&mut CameraStatus)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
