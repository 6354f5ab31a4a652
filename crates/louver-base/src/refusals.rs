//! How long a password rests that a camera refused; no clock inside.

use std::time::Duration;

/// After the first refusal. Cameras lock an account after five wrong passwords in half an hour, and a camera's main and sub
/// stream are two that try; so is one question by ONVIF, which signs in twice, once in the message and once by HTTP.
const FIRST: Duration = Duration::from_secs(15 * 60);
/// The same where the password worked before: some cameras refuse it while they start.
const WORKED: Duration = Duration::from_secs(60);
/// After every further refusal.
const AGAIN: Duration = Duration::from_secs(40 * 60);

/// Refusals of one password in a row, by one that signs in with it: a stream, or who asks the camera questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    refused: u32,
    worked: bool,
}

impl Refusals {
    /// For so long a password must have worked before [`worked`](Self::worked) may be told: a camera that takes it for one
    /// question and refuses the next would have it tried every minute.
    pub const STEADY: Duration = Duration::from_secs(60);
    /// The longest wait.
    pub const LONGEST: Duration = AGAIN;

    /// The password was taken, for [`STEADY`](Self::STEADY) at the least.
    pub fn worked(&mut self) {
        *self = Self { refused: 0, worked: true };
    }

    /// It was refused: how long it rests. May be made a fifth shorter or longer, so that many cameras are not asked at once.
    pub fn refused(&mut self) -> Duration {
        self.refused = self.refused.saturating_add(1);
        match (self.refused, self.worked) {
            (1, true) => WORKED,
            (1, false) => FIRST,
            _ => AGAIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_tried_twice_in_any_half_hour_at_most() {
        for (worked, waits) in [(false, [15, 40, 40]), (true, [1, 40, 40])] {
            let mut refusals = Refusals::default();
            if worked {
                refusals.worked();
            }
            let minutes: Vec<_> = (0..3).map(|_| refusals.refused().as_secs() / 60).collect();
            assert_eq!(minutes, waits);
        }
        assert!(AGAIN.mul_f64(0.8) > Duration::from_secs(30 * 60), "a fifth shorter");
    }
}
