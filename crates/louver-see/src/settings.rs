//! Every constant of seeing, with its unit and reason.

use louver_base::MediaSpan;
use louver_scene::{DetectorTraits, Show};

/// How one camera is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The detector's traits.
    pub detector: DetectorTraits,
    /// An unknown cell must have looked the same for this long, in all, before it is shown, and without a break for `settle`.
    pub learn: MediaSpan,
    /// ... and the detector must have looked this often while it looked so and seen nobody there (more where it saw somebody).
    pub learn_sweeps: u32,
    /// An occupied cell that matches the backdrop again for this long is clear again.
    pub settle: MediaSpan,
    /// A lasting change (a parked car) enters the backdrop after it has been still for this long.
    pub absorb: MediaSpan,
    /// ... and the detector has looked this often while it looked so and seen nobody there (many more where it saw somebody).
    pub absorb_sweeps: u32,
    /// ... and this often closely, in the picture's own resolution, where the detector's input is smaller than the picture.
    pub absorb_close: u16,
    /// Between detector runs while something is there.
    pub sweep_busy: MediaSpan,
    /// Between detector runs while the place is being learned.
    pub sweep_learning: MediaSpan,
    /// Between detector runs while nothing is there: finds who came in without changing a cell.
    pub sweep_quiet: MediaSpan,
    /// Share of the known cells that must depart at once for a change of light or of the camera's view, 0 to 1.
    pub global_change: f32,
    /// A thing present for this long stays: an event of its own.
    pub stays: MediaSpan,
    /// What may be seen as it is, besides the empty place.
    pub show: Show,
    /// Where the track numbers start; from the system's random numbers in a recorder, fixed in tests.
    pub seed: u64,
}

impl Settings {
    /// Defaults for a detector.
    pub fn new(detector: DetectorTraits, seed: u64) -> Self {
        Self {
            detector,
            // A person who stops to look is still for a second or two; walkers never are.
            learn: MediaSpan::from_millis(2000),
            learn_sweeps: 3,
            // A picture at 5 a second, two at 10: what it shows too early, between two legs, is the known place.
            settle: MediaSpan::from_millis(200),
            // Longer than people wait at a crossing; and the detector has its say every time.
            absorb: MediaSpan::from_millis(60_000),
            absorb_sweeps: 40,
            // One look misses many; somebody who stands still is missed in several in a row, so that it takes more than a few.
            absorb_close: 8,
            sweep_busy: MediaSpan::from_millis(1000),
            sweep_learning: MediaSpan::from_millis(500),
            sweep_quiet: MediaSpan::from_millis(10_000),
            // A lorry in front of the lens changes most of the picture too: masking it all is right then.
            global_change: 0.45,
            stays: MediaSpan::from_millis(10_000),
            show: Show::NOTHING,
            seed,
        }
    }
}
