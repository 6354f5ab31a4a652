//! What seeing says to the gate: whether pictures may be left out.

use louver_base::{MediaSpan, MediaTime};
use louver_scene::Why;

use super::{LEARNING, See};

/// What goes on before the camera, as far as seeing can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stir {
    /// The place is still being learned: every picture is wanted.
    Learning,
    /// Somebody or something is there that is told of.
    Somebody,
    /// Something moves, is covered or has just gone; nobody knows what it is.
    Something,
    /// Nothing goes on: pictures may be left out.
    Nothing,
}

/// A place that looked different so lately is not at rest.
pub(super) const RESTS_AFTER: MediaSpan = MediaSpan::from_millis(1500);
/// The time from the last picture that was left out to the one that comes, for those who reckon with speeds: a tenth of a
/// second, as between pictures that are seen.
const USUAL_STEP: MediaSpan = MediaSpan::from_millis(-100);

impl See {
    /// What goes on, as of the last picture and answer.
    pub fn stir(&self) -> Stir {
        let Some(now) = self.last else { return Stir::Learning };
        let young = self.learning_since.is_none_or(|since| now - since < LEARNING);
        if self.why != Why::Fine || (young && self.backdrop.unknown_share() > 0.02) {
            return Stir::Learning;
        }
        if self.events.anybody() {
            return Stir::Somebody;
        }
        match self.tracks.stir(now, RESTS_AFTER) {
            true => Stir::Something,
            false => Stir::Nothing,
        }
    }

    /// The pictures between the last one and the one that comes at `next` were left out by the gate, because nothing went
    /// on: that is no interruption. Time that nobody looked at clears no cell by itself: every condition also counts sweeps of
    /// the detector or compares with what is known, and each of these needs a picture.
    pub fn left_out(&mut self, next: MediaTime) {
        let until = next + USUAL_STEP;
        if self.last.is_some_and(|last| until > last) {
            self.last = Some(until);
        }
    }
}
