//! What changed at a camera between two looks. Takes what was seen and when; has no clock and no socket of its own.

use std::time::Duration;

use louver_base::{WallSpan, WallTime};

use crate::OnvifError;
use crate::events::{Said, Subject};
use crate::media::Streams;
use crate::subjects::Subjects;

/// A camera's clock is told in whole seconds, and an answer takes its time: what differs by less is no jump.
const JUMP: WallSpan = WallSpan::from_millis(3000);

/// Microseconds by which two readings of the same clock may differ: whole seconds, and the way of an answer.
const NEWS: u64 = 1_500_000;

/// Something a camera says or lets be seen of itself. Nothing in it could hold who was seen.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What.
    pub what: What,
    /// When, by the camera's clock: what the camera says, which may be anything; `None` if it does not.
    pub camera_time: Option<WallTime>,
    /// When it was heard, by ours.
    pub heard: WallTime,
}

/// What a [`Notice`] is about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// The camera says that it sees movement (`true`) or no longer does.
    Motion(bool),
    /// The camera says that somebody covers, turns or blinds it (`true`) or no longer does.
    Tamper(bool),
    /// The camera says that it has no picture of its own sensor (`true`) or has it again.
    PictureLost(bool),
    /// The camera began anew; `camera_time` says when.
    Restarted,
    /// The camera's clock less ours, for the first time and whenever it is another by more than a reading may be wrong (1.5 s).
    Clock(WallSpan),
    /// The camera's clock was set: it went on by so much more, or less, than time did.
    ClockJumped(WallSpan),
    /// The streams as they are now: told when they are first known and whenever address, size, coding or key frames changed.
    Streams {
        /// One of each picture source.
        sources: Vec<Streams>,
        /// Not told for the first time.
        changed: bool,
    },
    /// The camera cannot be asked: told when that begins, and when it is for another reason.
    Silent {
        /// Why, in words for the operator, without addresses or passwords.
        reason: String,
        /// Another user name or password would help.
        sign_in: bool,
    },
    /// The camera can be asked again.
    Answers,
}

/// What is known of one camera.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Camera's time and how long we had been running then.
    clock: Option<(WallTime, Duration)>,
    /// The offset that was told last.
    told: Option<WallSpan>,
    streams: Option<Vec<Streams>>,
    restarted: Option<WallTime>,
    subjects: Subjects,
    /// Why it cannot be asked.
    silent: Option<String>,
}

impl Watch {
    /// The camera's clock is `offset` ahead of ours. `running`: by a clock that nobody sets.
    pub(crate) fn clock(&mut self, offset: WallSpan, now: WallTime, running: Duration) -> Vec<What> {
        let camera = now + offset;
        let mut found = Vec::new();
        if let Some((then, at)) = self.clock.replace((camera, running)) {
            let passed = i64::try_from(running.saturating_sub(at).as_micros()).unwrap_or(i64::MAX);
            let jump = WallSpan::from_micros((camera - then).micros().saturating_sub(passed));
            if jump.micros().unsigned_abs() >= JUMP.micros().unsigned_abs() {
                found.push(What::ClockJumped(jump));
            }
        }
        let other = |told: WallSpan| (offset.micros().saturating_sub(told.micros())).unsigned_abs() >= NEWS;
        if self.told.is_none_or(other) {
            self.told = Some(offset);
            found.push(What::Clock(offset));
        }
        found
    }

    /// The streams are these.
    pub(crate) fn streams(&mut self, sources: Vec<Streams>) -> Option<What> {
        let same = self.streams.as_ref().is_some_and(|before| {
            before.len() == sources.len() && before.iter().zip(&sources).all(|(a, b)| is_same(a, b))
        });
        if same {
            return None;
        }
        let changed = self.streams.replace(sources.clone()).is_some();
        Some(What::Streams { sources, changed })
    }

    /// The camera says something of its own accord. Told is what changes, and not more often than can be written down.
    pub(crate) fn said(&mut self, said: Said, running: Duration) -> Option<What> {
        match said.subject {
            Subject::Motion | Subject::Tamper | Subject::PictureLost => {
                let so = self.subjects.said(said.subject, said.so, running)?;
                what(said.subject, so)
            }
            Subject::Restart => {
                let before = self.restarted;
                self.restarted = said.at.or(before);
                // The first one told is the past's.
                let news = if said.initial {
                    before.is_some() && before != said.at
                } else {
                    said.at.is_none() || before != said.at
                };
                (news && self.subjects.happened(Subject::Restart, running)).then_some(What::Restarted)
            }
        }
    }

    /// What the camera said and was not told then.
    pub(crate) fn left_out(&mut self, running: Duration) -> Vec<What> {
        self.subjects.left_out(running).into_iter().filter_map(|(subject, so)| what(subject, so)).collect()
    }

    /// The camera answered.
    pub(crate) fn answers(&mut self) -> Option<What> {
        self.silent.take().map(|_| What::Answers)
    }

    /// The camera did not answer, or refused to.
    pub(crate) fn silent(&mut self, why: &OnvifError) -> Option<What> {
        let reason = why.to_string();
        let before = self.silent.replace(reason.clone());
        (before.as_ref() != Some(&reason)).then(|| What::Silent { reason, sign_in: why.is_sign_in() })
    }
}

fn what(subject: Subject, so: bool) -> Option<What> {
    match subject {
        Subject::Motion => Some(What::Motion(so)),
        Subject::Tamper => Some(What::Tamper(so)),
        Subject::PictureLost => Some(What::PictureLost(so)),
        Subject::Restart => None,
    }
}

fn is_same(a: &Streams, b: &Streams) -> bool {
    let stream =
        |a: &crate::Stream, b: &crate::Stream| a.is_set_as(b) && a.address.reveal() == b.address.reveal();
    stream(&a.main, &b.main)
        && match (&a.sub, &b.sub) {
            (Some(a), Some(b)) => stream(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Stream};

    const SECOND: WallSpan = WallSpan::from_millis(1000);

    fn at(seconds: i64) -> WallTime {
        WallTime::from_millis(1_790_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_runs() {
        let mut watch = Watch::default();
        let running = Duration::from_secs;
        assert!(matches!(watch.clock(SECOND, at(0), running(5))[..], [What::Clock(_)]));
        assert!(watch.clock(SECOND, at(60), running(65)).is_empty());
        let found = watch.clock(WallSpan::from_millis(-3_599_000), at(120), running(125));
        assert!(
            matches!(found[..], [What::ClockJumped(by), What::Clock(_)] if by == WallSpan::from_millis(-3_600_000)),
            "{found:?}"
        );
    }

    #[test]
    fn our_own_clock_being_set_is_no_jump_of_the_cameras() {
        let mut watch = Watch::default();
        watch.clock(SECOND, at(0), Duration::from_secs(5));
        // Ours went back an hour while a minute passed: the offset is another, the camera's clock did not jump.
        let found = watch.clock(WallSpan::from_millis(3_601_000), at(60 - 3600), Duration::from_secs(65));
        assert!(matches!(found[..], [What::Clock(_)]), "{found:?}");
    }

    #[test]
    fn a_restart_is_told_once_and_the_last_one_before_we_came_not_at_all() {
        let mut watch = Watch::default();
        let restart = |at, initial| Said { subject: Subject::Restart, so: true, at: Some(at), initial };
        let mut said = |at, initial| watch.said(restart(at, initial), Duration::ZERO);
        assert!(said(at(0), true).is_none());
        assert!(said(at(0), true).is_none(), "asked anew, nothing happened");
        assert!(matches!(said(at(9), true), Some(What::Restarted)));
        assert!(said(at(9), false).is_none());
    }

    #[test]
    fn how_things_were_is_news_only_where_something_is_the_matter() {
        let mut watch = Watch::default();
        let mut said = |so, initial| {
            watch.said(Said { subject: Subject::Tamper, so, at: None, initial }, Duration::ZERO)
        };
        assert!(said(false, true).is_none());
        assert!(matches!(said(true, true), Some(What::Tamper(true))));
        assert!(said(true, true).is_none(), "asked anew, nothing changed");
        assert!(matches!(said(false, true), Some(What::Tamper(false))), "it ended while nobody listened");
    }

    #[test]
    fn other_streams_are_told_and_the_same_are_not() {
        let streams = |width: u32, path: &str| {
            let main = Stream {
                profile: "P".into(),
                encoding: Encoding::H264,
                width,
                height: 1080,
                pictures_per_second: Some(25.0),
                key_interval: Some(50),
                kbit_per_second: None,
                address: format!("rtsp://a:b@cam/{path}").parse().unwrap(),
            };
            vec![Streams { main, sub: None }]
        };
        let mut watch = Watch::default();
        assert!(matches!(watch.streams(streams(1920, "a")), Some(What::Streams { changed: false, .. })));
        assert!(watch.streams(streams(1920, "a")).is_none());
        assert!(matches!(watch.streams(streams(1280, "a")), Some(What::Streams { changed: true, .. })));
        assert!(matches!(watch.streams(streams(1280, "b")), Some(What::Streams { changed: true, .. })));
        assert!(matches!(watch.streams(vec![]), Some(What::Streams { changed: true, .. })));
    }

    #[test]
    fn silence_is_told_when_it_begins_and_when_it_ends() {
        let mut watch = Watch::default();
        assert!(watch.answers().is_none());
        assert!(matches!(
            watch.silent(&OnvifError::ConnectionRefused),
            Some(What::Silent { sign_in: false, .. })
        ));
        assert!(watch.silent(&OnvifError::ConnectionRefused).is_none());
        assert!(matches!(watch.silent(&OnvifError::WrongPassword), Some(What::Silent { sign_in: true, .. })));
        assert!(matches!(watch.answers(), Some(What::Answers)));
        assert!(watch.answers().is_none());
    }
}
