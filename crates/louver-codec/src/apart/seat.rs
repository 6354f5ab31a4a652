//! One camera's place in the processes that decode.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use louver_jail::Ended;

use super::conduct::{Conduct, Verdict};
use super::decoders::{Decoders, Place};

/// Where one camera's streams are decoded, and how they behaved: it outlives each of its decoders.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    decoders: Decoders,
    camera: String,
    /// The process that it shares with others.
    shared: Arc<Place>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    conduct: Conduct,
    /// A process of its own, when it was set aside.
    own: Option<Arc<Place>>,
}

/// A camera that is not decoded for so long, after so many ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rests {
    pub(super) ends: u32,
    pub(super) left: Duration,
}

impl Seat {
    pub(super) fn new(decoders: Decoders, camera: &str, shared: Arc<Place>) -> Self {
        shared.seats.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inner { decoders, camera: camera.to_owned(), shared, state: Mutex::default() }))
    }

    pub(super) fn decoders(&self) -> &Decoders {
        &self.0.decoders
    }

    /// The process to use now.
    pub(super) fn place(&self, now: Instant) -> Result<Arc<Place>, Rests> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.conduct.verdict(now) {
            Verdict::WithOthers => {
                // Its process ends with the last reference.
                state.own = None;
                Ok(self.0.shared.clone())
            }
            Verdict::Alone => Ok(state.own.get_or_insert_default().clone()),
            Verdict::Rests(left) => Err(Rests { ends: state.conduct.ends(), left }),
        }
    }

    /// Its process ended over what this camera sent.
    pub(super) fn ended(&self, how: &Ended, now: Instant) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.conduct.ended(now);
        let (camera, times) = (&self.0.camera, state.conduct.ends());
        tracing::error!(camera, times, how = how as &dyn std::error::Error, "decoding ended its process");
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.seats.fetch_sub(1, Ordering::Relaxed);
    }
}
