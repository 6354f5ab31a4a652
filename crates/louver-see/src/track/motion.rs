//! Where a thing is and how fast it goes, from what was measured of it.
//!
//! Lengths are in *sides*: the square root of the area of a thing's box, so that near and far things are treated alike. An
//! upright person's side is about 0.65 of his height, 1.1 m.

/// Pixels a second of change of speed that may happen in a second, in sides: someone stops or sets off within about two
/// seconds (0.7 m/s²).
const UNREST: f32 = 0.6;
/// Speed of something just seen for the first time, sides a second: a brisk walk.
const FIRST_SPEED: f32 = 1.5;
/// Nothing is followed faster than this, sides a second: a bicycle at 30 km/h, a car at 80.
const MOST_SPEED: f32 = 8.0;
/// Uncertainty beyond which a place means nothing any more, sides.
const MOST_DOUBT: f32 = 6.0;

/// Place and speed along one axis, with their covariance: a Kalman filter of constant velocity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Pixels.
    pub(super) at: f32,
    /// Pixels a second.
    pub(super) speed: f32,
    at_var: f32,
    both: f32,
    speed_var: f32,
}

impl Axis {
    /// Measured for the first time, with an error of about `error` pixels.
    pub(super) fn new(at: f32, error: f32, side: f32) -> Self {
        let speed_var = (FIRST_SPEED * side).powi(2);
        Self { at, speed: 0.0, at_var: error * error, both: 0.0, speed_var }
    }

    /// `step` seconds go by.
    pub(super) fn advance(&mut self, step: f32, side: f32) {
        let unrest = (UNREST * side).powi(2);
        self.at += self.speed * step;
        self.at_var += 2.0 * self.both * step + self.speed_var * step * step + unrest * step.powi(3) / 3.0;
        self.both += self.speed_var * step + unrest * step * step / 2.0;
        self.speed_var += unrest * step;
        self.bound(side);
    }

    /// The place was measured `by` pixels from where it was believed to be, with an error of about `error` pixels.
    pub(super) fn measured(&mut self, by: f32, error: f32, side: f32) {
        let sum = self.at_var + error * error;
        let (to_at, to_speed) = (self.at_var / sum, self.both / sum);
        self.at += to_at * by;
        self.speed += to_speed * by;
        self.speed_var -= to_speed * self.both;
        self.both -= to_at * self.both;
        self.at_var -= to_at * self.at_var;
        self.bound(side);
    }

    /// Keeps a share of the speed: nothing was measured, and nobody walks on for ever.
    pub(super) fn slow(&mut self, keep: f32) {
        self.speed *= keep;
    }

    /// Forgets what was believed in between: it went from one measured place to another at an even speed (the re-update of
    /// OC-SORT, Cao et al., 2023).
    pub(super) fn found_again(&mut self, at: f32, speed: f32, error: f32, side: f32) {
        *self = Self::new(at, error, side);
        self.speed = speed;
        self.speed_var /= 4.0;
        self.bound(side);
    }

    /// Variance of a measured place about the believed one, square pixels.
    pub(super) fn spread(&self, error: f32) -> f32 {
        self.at_var + error * error
    }

    /// Keeps speed and doubt within what a thing of that size can have.
    pub(super) fn bound(&mut self, side: f32) {
        let most = MOST_SPEED * side;
        self.speed = self.speed.clamp(-most, most);
        let (at_most, speed_most) = ((MOST_DOUBT * side).powi(2), (FIRST_SPEED * side).powi(2) * 2.0);
        if self.at_var > at_most || self.speed_var > speed_most {
            self.at_var = self.at_var.min(at_most);
            self.speed_var = self.speed_var.min(speed_most);
            let limit = (self.at_var * self.speed_var).sqrt() * 0.95;
            self.both = self.both.clamp(-limit, limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_walker_measured_once_a_second_is_expected_where_he_will_be() {
        let mut x = Axis::new(100.0, 4.0, 48.0);
        for n in 1..=5 {
            x.advance(1.0, 48.0);
            x.measured(100.0 + 60.0 * n as f32 - x.at, 4.0, 48.0);
        }
        x.advance(1.0, 48.0);
        assert!((x.at - 460.0).abs() < 3.0, "{x:?}");
    }

    proptest! {
        #[test]
        fn speed_is_bounded_and_variances_stay_variances(
            steps in prop::collection::vec((0.0f32..5.0, -2000.0f32..2000.0, any::<bool>()), 0..60),
            side in 1.0f32..500.0,
        ) {
            let mut x = Axis::new(0.0, side * 0.1, side);
            for (step, by, measured) in steps {
                x.advance(step, side);
                if measured {
                    x.measured(by, side * 0.1, side);
                }
                prop_assert!(x.at.is_finite() && x.speed.abs() <= MOST_SPEED * side);
                prop_assert!(x.at_var > 0.0 && x.speed_var > 0.0, "{x:?}");
                prop_assert!(x.spread(1.0).is_finite());
            }
        }
    }
}
