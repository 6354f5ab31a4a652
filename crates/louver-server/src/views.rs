//! Who looked at masked video and when: what of it goes into the ledger.
//!
//! At the first look a leaf at once; what else is looked at in the hour from then is gathered, and stands in a second leaf when the hour
//! is over. So who scrubs through a day leaves two lines and not a thousand, and a crash loses no more than how far somebody went.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use louver_base::{CameraId, WallSpan, WallTime};
use louver_ledger::leaf::Viewing;
use louver_ledger::{Leaf, Ledger};
use louver_store::TokenHash;

use crate::app::Shared;
use crate::auth::OWNER;
use crate::auth::gate::Caller;

/// So long looks are gathered.
const GATHER: WallSpan = WallSpan::from_hours(1);
/// Sessions, cameras and kinds that are gathered at once; the oldest is written early then.
const MOST: usize = 10_000;

type Key = (TokenHash, CameraId, Viewing);
type Span = (WallTime, WallTime);

/// One session's looks at one camera.
#[derive(Clone, Copy, Debug)]
struct Looks {
    /// When the first was.
    since: WallTime,
    written: Span,
    /// All of them together.
    all: Span,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    camera: CameraId,
    how: Viewing,
    span: Span,
}

/// Looks that are gathered.
#[derive(Debug, Default)]
struct Looking(HashMap<Key, Looks>);

impl Looking {
    fn look(&mut self, key: Key, span: Span, now: WallTime) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some(looks) = self.0.get_mut(&key) {
            // A clock that was set back begins anew too.
            if (looks.since..looks.since + GATHER).contains(&now) {
                looks.all = (looks.all.0.min(span.0), looks.all.1.max(span.1));
                return told;
            }
            told.extend(self.end(&key));
        }
        if self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, looks)| looks.since).map(|(key, _)| key.clone());
            told.extend(oldest.and_then(|key| self.end(&key)));
        }
        told.push(Told { camera: key.1.clone(), how: key.2, span });
        self.0.insert(key, Looks { since: now, written: span, all: span });
        told
    }

    /// What there is to say at the end of an hour: nothing where everything stands there already.
    fn end(&mut self, key: &Key) -> Option<Told> {
        let looks = self.0.remove(key)?;
        let more = looks.all != looks.written;
        more.then(|| Told { camera: key.1.clone(), how: key.2, span: looks.all })
    }

    /// Those whose hour is over; `None`: all.
    fn due(&mut self, now: Option<WallTime>) -> Vec<Told> {
        let over = |looks: &Looks| now.is_none_or(|now| !(looks.since..looks.since + GATHER).contains(&now));
        let keys: Vec<Key> =
            self.0.iter().filter(|(_, looks)| over(looks)).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| self.end(key)).collect()
    }
}

/// Looks of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<Looking>);

impl Views {
    fn looking(&self) -> MutexGuard<'_, Looking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Notes a look at masked video, or at what happened, from `from` to `to`. Nobody waits for it.
    pub(crate) fn viewed(
        &self,
        caller: &Caller,
        camera: &CameraId,
        how: Viewing,
        from: WallTime,
        to: WallTime,
    ) {
        let Some(ledger) = &self.site.ledger else { return };
        let key = (caller.session, camera.clone(), how);
        write(ledger, self.views.looking().look(key, (from, to), WallTime::now()));
    }

    /// Writes what was gathered for an hour; at the end everything.
    pub(crate) fn tell_views(&self, at_the_end: bool) {
        let Some(ledger) = &self.site.ledger else { return };
        write(ledger, self.views.looking().due((!at_the_end).then(WallTime::now)));
    }
}

fn write(ledger: &Ledger, told: Vec<Told>) {
    for Told { camera, how, span: (from, to) } in told {
        let (user, camera) = (ledger.salt().user(OWNER), ledger.salt().camera(&camera));
        if let Err(e) = ledger.offer(&Leaf::Viewed { user, camera, from: from.into(), to: to.into(), how }) {
            tracing::warn!(error = &e as &dyn std::error::Error, "a look does not stand in the ledger");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> WallTime {
        WallTime::from_millis(1_772_355_600_000 + minutes * 60_000)
    }

    fn key(session: u8, camera: &str, how: Viewing) -> Key {
        (TokenHash([session; 32]), camera.parse().unwrap(), how)
    }

    fn spans(told: &[Told]) -> Vec<Span> {
        told.iter().map(|told| told.span).collect()
    }

    #[test]
    fn whoever_scrubs_through_a_day_leaves_two_leaves() {
        let mut looking = Looking::default();
        let gate = || key(1, "gate", Viewing::Recorded);
        let mut told = vec![];
        for n in 0..1000 {
            told.extend(looking.look(gate(), (at(-n - 1), at(-n)), at(n / 20)));
            told.extend(looking.due(Some(at(n / 20))));
        }
        assert_eq!(spans(&told), [(at(-1), at(0))]);
        assert_eq!(looking.due(Some(at(59))), []);
        assert_eq!(spans(&looking.due(Some(at(60)))), [(at(-1000), at(0))]);
        assert_eq!(looking.due(Some(at(120))), [], "once");
    }

    #[test]
    fn the_next_hour_another_session_another_camera_and_another_kind_are_looks_of_their_own() {
        let mut looking = Looking::default();
        let span = (at(0), at(1));
        let keys = [
            key(1, "gate", Viewing::Live),
            key(2, "gate", Viewing::Live),
            key(1, "yard", Viewing::Live),
            key(1, "gate", Viewing::Events),
        ];
        for minute in [0, 60, 150] {
            for key in &keys {
                assert_eq!(looking.look(key.clone(), span, at(minute)).len(), 1);
                assert_eq!(looking.look(key.clone(), span, at(minute + 59)), []);
            }
        }
        assert_eq!(looking.due(None), [], "nothing that does not stand there already");
    }

    #[test]
    fn a_clock_that_is_set_back_and_too_many_at_once_write_early_and_lose_nothing() {
        let mut looking = Looking::default();
        let gate = || key(1, "gate", Viewing::Recorded);
        looking.look(gate(), (at(0), at(1)), at(500));
        looking.look(gate(), (at(5), at(9)), at(501));
        assert_eq!(
            spans(&looking.look(gate(), (at(20), at(21)), at(10))),
            [(at(0), at(9)), (at(20), at(21))]
        );
        looking.look(gate(), (at(30), at(31)), at(11));
        let many = |n: u32| {
            let mut session = [0; 32];
            session[..4].copy_from_slice(&n.to_be_bytes());
            (TokenHash(session), "yard".parse().unwrap(), Viewing::Live)
        };
        let mut told = vec![];
        for n in 0..MOST as u32 {
            told.extend(looking.look(many(n), (at(0), at(0)), at(20)));
        }
        assert!(looking.0.len() <= MOST);
        assert_eq!(
            told.iter().filter(|t| t.how == Viewing::Recorded).map(|t| t.span).collect::<Vec<_>>(),
            [(at(20), at(31))]
        );
    }
}
