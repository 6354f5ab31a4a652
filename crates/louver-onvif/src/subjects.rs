//! What a camera says of each subject, and how much of it is told: a camera may say the same a thousand times, or change its mind
//! with each message, and whoever listens writes a line each time. No clock inside.

use std::collections::HashMap;
use std::time::Duration;

use crate::events::Subject;

/// Changes of one subject that are told as they come.
const AT_ONCE: u32 = 6;
/// Then one each so long. What was left out in between is known to be over or still so.
const EACH: Duration = Duration::from_secs(30);

/// What was told of one subject.
#[derive(Debug)]
struct One {
    /// As the camera says.
    is: bool,
    /// As it was told last.
    told: bool,
    /// How many more may be told.
    left: u32,
    /// From when on that grows.
    since: Duration,
}

impl One {
    fn may(&mut self, running: Duration) -> bool {
        while self.left < AT_ONCE && self.since + EACH <= running {
            (self.left, self.since) = (self.left + 1, self.since + EACH);
        }
        if self.left == AT_ONCE {
            self.since = running;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    fn news(&mut self, running: Duration) -> Option<bool> {
        if self.is == self.told || !self.may(running) {
            return None;
        }
        self.told = self.is;
        Some(self.is)
    }
}

/// What is known of all subjects.
#[derive(Debug, Default)]
pub(crate) struct Subjects(HashMap<Subject, One>);

impl Subjects {
    fn of(&mut self, subject: Subject, running: Duration) -> &mut One {
        let new = || One { is: false, told: false, left: AT_ONCE, since: running };
        self.0.entry(subject).or_insert_with(new)
    }

    /// The camera says that it is so, or is not: what is to be told. `running`: by a clock that nobody sets.
    pub(crate) fn said(&mut self, subject: Subject, so: bool, running: Duration) -> Option<bool> {
        let one = self.of(subject, running);
        one.is = so;
        one.news(running)
    }

    /// Whether something that only happens, and neither begins nor ends, is to be told.
    pub(crate) fn happened(&mut self, subject: Subject, running: Duration) -> bool {
        self.of(subject, running).may(running)
    }

    /// What was left out and is still so.
    pub(crate) fn left_out(&mut self, running: Duration) -> Vec<(Subject, bool)> {
        self.0.iter_mut().filter_map(|(subject, one)| Some((*subject, one.news(running)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_repeats_itself_is_told_of_once() {
        let mut subjects = Subjects::default();
        let at = Duration::from_secs;
        let told: Vec<_> = (0..100).filter_map(|n| subjects.said(Subject::Tamper, true, at(n))).collect();
        assert_eq!(told, [true]);
        assert_eq!(subjects.said(Subject::Motion, false, at(100)), None, "as it was before");
        assert_eq!(subjects.said(Subject::Tamper, false, at(101)), Some(false));
    }

    #[test]
    fn a_camera_that_changes_its_mind_for_ever_is_told_of_twice_a_minute_and_in_the_end_as_it_is() {
        let mut subjects = Subjects::default();
        let at = |n: u64| Duration::from_millis(n * 100);
        let mut told: Vec<_> =
            (0..6001).filter_map(|n| subjects.said(Subject::Tamper, n % 2 == 0, at(n))).collect();
        // Ten minutes.
        assert!(told.len() <= 6 + 20, "{}", told.len());
        told.extend(subjects.left_out(at(6001 + 600)).into_iter().map(|(_, so)| so));
        assert_eq!(told.last(), Some(&true));
        assert!(told.windows(2).all(|pair| pair[0] != pair[1]));
        let restarts = (0..6000).filter(|n| subjects.happened(Subject::Restart, at(*n))).count();
        assert!((20..=26).contains(&restarts), "{restarts}");
    }
}
