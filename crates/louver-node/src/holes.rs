//! Times in which packets of the main stream were lost on the way; no clock inside.

use louver_base::{WallSpan, WallTime};

use crate::keep::NOTED_EVERY;

/// Holes that lie no further apart are one: a way that loses packets all day must not write thousands.
const HOLES_TOGETHER: WallSpan = WallSpan::from_millis(10_000);

/// From the last packet before to the first one after; never without length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) start: WallTime,
    pub(crate) end: WallTime,
}

/// What is to be written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// A hole that is over.
    pub(crate) over: Option<Hole>,
    /// One that began or became longer, and may go on: a kill must not hide it.
    pub(crate) goes_on: Option<Hole>,
}

/// Losses, put together.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    /// Some were lost before the next packet.
    lost: bool,
    /// The hole that may still grow.
    open: Option<Hole>,
    /// The end that was told of it last.
    told: Option<WallTime>,
}

impl Holes {
    /// Packets were lost before the next one that comes.
    pub(crate) fn lost(&mut self) {
        self.lost = true;
    }

    /// A packet came, after the one at `before`.
    pub(crate) fn next(&mut self, before: Option<WallTime>, now: WallTime) -> Told {
        let lost = std::mem::take(&mut self.lost);
        // A clock that was set back in between: how long packets were lost cannot be said.
        let start = before.filter(|before| lost && *before < now).unwrap_or(now);
        let over = self.close(|open| !(open.end..=open.end + HOLES_TOGETHER).contains(&start));
        if lost {
            self.open.get_or_insert(Hole { start, end: now }).end = now;
        }
        let due = |end: WallTime| self.told.is_none_or(|told| end - told >= NOTED_EVERY);
        let goes_on = self.open.filter(|open| open.start < open.end && due(open.end));
        self.told = goes_on.map(|open| open.end).or(self.told);
        Told { over, goes_on }
    }

    /// No packet comes any more: what was still open is over.
    pub(crate) fn finish(&mut self) -> Told {
        self.lost = false;
        Told { over: self.close(|_| true), goes_on: None }
    }

    fn close(&mut self, is_over: impl Fn(&Hole) -> bool) -> Option<Hole> {
        let over = self.open.take_if(|open| is_over(open))?;
        self.told = None;
        Some(over).filter(|hole| hole.start < hole.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> WallTime {
        WallTime::from_millis(s * 1000)
    }

    fn hole(start: i64, end: i64) -> Hole {
        Hole { start: at(start), end: at(end) }
    }

    #[test]
    fn losses_close_together_are_one_hole_from_the_last_packet_before_to_the_first_after() {
        let mut holes = Holes::default();
        let mut found = Vec::new();
        let mut before = None;
        for second in 0..60 {
            if [5, 6, 14, 40].contains(&second) {
                holes.lost();
            }
            found.extend(holes.next(before.replace(at(second)), at(second)).over);
        }
        assert_eq!(found, [hole(4, 14), hole(39, 40)]);
        holes.lost();
        holes.next(Some(at(60)), at(61));
        assert_eq!((holes.finish().over, holes.finish().over), (Some(hole(60, 61)), None));
    }

    #[test]
    fn a_hole_that_goes_on_all_day_is_told_of_when_it_begins_and_once_a_minute() {
        let mut holes = Holes::default();
        let (mut told, mut over) = (Vec::new(), Vec::new());
        for second in 1..3600 {
            if second % 5 == 0 {
                holes.lost();
            }
            let now = holes.next(Some(at(second - 1)), at(second));
            told.extend(now.goes_on);
            over.extend(now.over);
            // What a kill would hide is no longer than that.
            let known = told.last().map_or(4, |hole: &Hole| hole.end.millis() / 1000);
            assert!(second < 5 || second - known < 65, "{known} at {second}");
        }
        assert_eq!((told[0], told[1], told.len(), over.len()), (hole(4, 5), hole(4, 65), 60, 0));
        assert_eq!(holes.finish().over, Some(hole(4, 3595)));
        holes.lost();
        assert_eq!(
            holes.next(Some(at(4000)), at(4001)).goes_on,
            Some(hole(4000, 4001)),
            "the next is told of at once"
        );
    }

    #[test]
    fn a_hole_without_length_and_one_over_a_clock_that_goes_back_are_none() {
        let mut holes = Holes::default();
        for before in [None, Some(at(100)), Some(at(4000))] {
            holes.lost();
            assert_eq!(holes.next(before, at(100)), Told::default(), "{before:?}");
        }
        assert_eq!(holes.finish(), Told::default());
        // One that was open when the clock went back ends there.
        holes.lost();
        holes.next(Some(at(200)), at(201));
        assert_eq!(holes.next(Some(at(201)), at(50)).over, Some(hole(200, 201)));
    }
}
