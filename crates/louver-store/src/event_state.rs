//! One event as it grows. Pure: the journal is replayed through the same steps, so that a rebuilt event equals the one
//! that was lost.

use louver_base::WallTime;

use crate::{EventBox, EventChange, EventRecord};

/// Boxes are kept no closer than that at first.
const FIRST_SPACING_US: i64 = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventState {
    pub(crate) record: EventRecord,
    spacing_us: i64,
    /// Counts changes, so that a flush knows whether what it wrote is still the truth.
    pub(crate) change: u64,
    /// The change that the catalogue has.
    pub(crate) written: u64,
}

impl EventState {
    /// A new event, of which nothing but its beginning is known.
    pub(crate) fn new(record: EventRecord) -> Self {
        let confidence = believable(record.confidence);
        let record = EventRecord { end: None, still: false, boxes: Vec::new(), confidence, ..record };
        Self { record, spacing_us: FIRST_SPACING_US, change: 1, written: 0 }
    }

    /// Takes a change; gives the part of it that made a difference, which is what the journal keeps.
    pub(crate) fn apply(&mut self, change: &EventChange) -> Option<EventChange> {
        let record = &mut self.record;
        let mut made = EventChange::default();
        if let Some(seen) = change.seen {
            let due = record.boxes.last().is_none_or(|b| (seen.wall - b.wall).micros() >= self.spacing_us);
            if due {
                keep(record, &mut self.spacing_us, seen);
                made.seen = Some(seen);
            }
        }
        if let Some(class) = change.class.filter(|c| *c != record.class) {
            record.class = class;
            made.class = Some(class);
        }
        if change.stays.is_some() && change.stays != record.stays {
            record.stays = change.stays;
            made.stays = change.stays;
        }
        if change.leaves.is_some() && change.leaves != record.leaves {
            record.leaves = change.leaves;
            made.leaves = change.leaves;
        }
        if let Some(better) = change.confidence.map(believable).filter(|c| *c > record.confidence) {
            record.confidence = better;
            made.confidence = Some(better);
        }
        let differs = made != EventChange::default();
        self.change += u64::from(differs);
        differs.then_some(made)
    }

    /// Ends the event; never before it began.
    pub(crate) fn finish(&mut self, end: WallTime) {
        self.record.end = Some(end.max(self.record.start));
        self.change += 1;
    }

    pub(crate) fn has_still(&mut self) {
        self.record.still = true;
        self.change += 1;
    }
}

/// A confidence from 0 to 1, whatever a detector says: JSON has no word for infinity.
fn believable(confidence: f32) -> f32 {
    if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.0 }
}

/// The last time an event is known to have gone on.
pub(crate) fn last_known(record: &EventRecord) -> WallTime {
    let times = [record.stays, record.leaves, record.boxes.last().map(|b| b.wall)];
    times.into_iter().flatten().fold(record.start, WallTime::max)
}

/// Keeps a box; when there are too many, every second one goes and later ones come half as often, so that a long event
/// stays known from its start to its end.
fn keep(record: &mut EventRecord, spacing_us: &mut i64, seen: EventBox) {
    if record.boxes.len() >= EventRecord::BOXES {
        let mut n = 0_usize;
        record.boxes.retain(|_| {
            n += 1;
            n % 2 == 1
        });
        *spacing_us = spacing_us.saturating_mul(2);
    }
    record.boxes.push(seen);
}

#[cfg(test)]
mod tests {
    use super::*;
    use louver_base::{Class, EventId};
    use proptest::prelude::*;

    fn fresh() -> EventState {
        EventState::new(EventRecord {
            id: EventId::from_random(1),
            camera: "gate".parse().unwrap(),
            class: Class::Person,
            start: WallTime::from_millis(0),
            end: None,
            stays: None,
            leaves: None,
            confidence: 0.5,
            still: false,
            boxes: Vec::new(),
        })
    }

    fn seen(ms: i64) -> EventChange {
        let seen = EventBox { wall: WallTime::from_millis(ms), left: 1, top: 2, right: 3, bottom: 4 };
        EventChange { seen: Some(seen), ..EventChange::default() }
    }

    #[test]
    fn a_day_long_event_keeps_boxes_from_its_start_to_its_end() {
        let mut event = fresh();
        for second in 0..86_400 {
            event.apply(&seen(second * 1000));
        }
        let boxes = &event.record.boxes;
        assert!((300..=EventRecord::BOXES).contains(&boxes.len()), "{}", boxes.len());
        assert_eq!(boxes[0].wall, WallTime::from_millis(0));
        assert!(boxes.last().unwrap().wall >= WallTime::from_millis(86_400_000 - 512_000));
    }

    proptest! {
        #[test]
        fn replaying_what_the_journal_keeps_gives_the_same_event(steps in proptest::collection::vec((0..5000_i64, 0..4_u8), 0..1500)) {
            let (mut lived, mut replayed) = (fresh(), fresh());
            let mut now = 0;
            for (ms, what) in steps {
                now += ms;
                let mut change = seen(now);
                match what {
                    0 => change.class = Some(Class::Vehicle),
                    1 => change.stays = Some(WallTime::from_millis(now)),
                    2 => change.confidence = Some(ms as f32 / 5000.0),
                    _ => change.class = Some(Class::Person),
                }
                if let Some(kept) = lived.apply(&change) {
                    let line = serde_json::to_string(&kept).unwrap();
                    replayed.apply(&serde_json::from_str(&line).unwrap());
                }
            }
            prop_assert_eq!(lived, replayed);
        }
    }
}
