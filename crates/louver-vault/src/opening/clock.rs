//! Camera time to the time in the video file. The rules stand in the parent module's head.

use louver_base::{MEDIA_TICKS_PER_SECOND, MediaSpan, MediaTime, WallTime};
use louver_media::Gop;

use super::Gap;

/// How far media time and arrival may disagree before the camera's clock is no longer trusted: arrivals bunch up when a
/// network stalls.
const TRUST: i64 = 5 * MEDIA_TICKS_PER_SECOND;
/// Reordered pictures may lie this far before the fragment's end before it is called a jump.
const REORDER: i64 = MEDIA_TICKS_PER_SECOND;
/// What counts as a hole, when it is also four pictures long: slower cameras have no holes between pictures.
const HOLE: i64 = 2 * MEDIA_TICKS_PER_SECOND;
/// How long a picture is shown when nothing tells: 25 a second.
const USUAL: i64 = MEDIA_TICKS_PER_SECOND / 25;

/// Where one group goes.
pub(super) struct Step {
    /// Media time that stands for the file's time zero, for this group.
    pub(super) origin: MediaTime,
    /// How long the last picture before it is shown.
    pub(super) shown_before: MediaSpan,
    /// A hole before it.
    pub(super) gap: Option<Gap>,
    /// It has pictures that are shown before the end of the group before.
    pub(super) reordered: bool,
}

/// Places groups one after the other.
#[derive(Default)]
pub(super) struct Clock {
    before: Option<Before>,
}

struct Before {
    origin: MediaTime,
    latest: MediaTime,
    arrived: WallTime,
    usual: i64,
}

impl Clock {
    /// Takes the next group, which has at least one packet.
    pub(super) fn step(&mut self, gop: &Gop) -> Step {
        let times = || gop.packets.iter().map(|p| p.media);
        let earliest = times().min().unwrap_or(MediaTime::ZERO);
        let latest = times().max().unwrap_or(earliest);
        let first = gop.first_wall().unwrap_or(WallTime::from_micros(0));
        let usual = usual(gop, (latest - earliest).ticks(), self.usual().ticks());
        let step = match &self.before {
            None => {
                Step { origin: earliest, shown_before: MediaSpan::default(), gap: None, reordered: false }
            }
            Some(before) => before.place(earliest, first),
        };
        let (latest, usual) = match &self.before {
            Some(before) if step.reordered => (latest.max(before.latest), before.usual),
            _ => (latest, usual),
        };
        let arrived = gop.last_wall().unwrap_or(first);
        self.before = Some(Before { origin: step.origin, latest, arrived, usual });
        step
    }

    /// How long a picture is usually shown.
    pub(super) fn usual(&self) -> MediaSpan {
        MediaSpan::from_ticks(self.before.as_ref().map_or(USUAL, |b| b.usual))
    }
}

impl Before {
    fn place(&self, earliest: MediaTime, first: WallTime) -> Step {
        let media = (earliest - self.latest).ticks();
        let arrival = ticks((first - self.arrived).micros());
        let trusted = media > -REORDER && media.saturating_sub(arrival).abs() <= TRUST;
        let after = if trusted { media } else { arrival.max(self.usual) };
        // Wanted: earliest - origin == (latest before - origin before) + after.
        let shift = MediaSpan::from_ticks(media.saturating_sub(after));
        let origin = if trusted { self.origin } else { self.origin + shift };
        let hole = after > HOLE && after > 4 * self.usual;
        Step {
            origin,
            shown_before: MediaSpan::from_ticks(if hole { self.usual } else { after.max(0) }),
            gap: hole.then_some(Gap { from: self.arrived, to: first }),
            reordered: trusted && media <= 0,
        }
    }
}

/// Microseconds to ticks, without overflow.
fn ticks(us: i64) -> i64 {
    let ticks = i128::from(us) * i128::from(MEDIA_TICKS_PER_SECOND) / 1_000_000;
    ticks.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Mean distance of the pictures of a group, within 1 ms and 10 s.
fn usual(gop: &Gop, span: i64, otherwise: i64) -> i64 {
    match i64::try_from(gop.packets.len()) {
        Ok(count @ 2..) => (span / (count - 1)).clamp(90, 10 * MEDIA_TICKS_PER_SECOND),
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use louver_media::Packet;

    /// Four pictures 40 ms apart.
    fn gop(media_ms: i64, wall_ms: i64) -> Gop {
        let packet = |n: i64| Packet {
            media: MediaTime::from_ticks((media_ms + n * 40) * 90),
            wall: WallTime::from_millis(wall_ms + n * 40),
            key: n == 0,
            data: Bytes::new(),
        };
        Gop::silent((0..4).map(packet).collect())
    }

    /// Start of each group in the file, ms, and the holes.
    fn placed(gops: &[Gop]) -> (Vec<i64>, usize) {
        let mut clock = Clock::default();
        let mut holes = 0;
        let starts = gops.iter().map(|gop| {
            let step = clock.step(gop);
            holes += usize::from(step.gap.is_some());
            (gop.packets[0].media - step.origin).ticks() / 90
        });
        (starts.collect(), holes)
    }

    #[test]
    fn one_session_runs_by_the_cameras_clock_however_bunched_it_arrives() {
        assert_eq!(placed(&[gop(5000, 9000), gop(5160, 9500), gop(5320, 9200)]), (vec![0, 160, 320], 0));
    }

    #[test]
    fn a_new_session_is_placed_by_its_arrival_and_the_hole_is_told() {
        // The last picture of the first group stands at 120 ms and arrived at 9120.
        assert_eq!(placed(&[gop(500_000, 9000), gop(0, 39_120)]), (vec![0, 30_120], 1));
    }

    #[test]
    fn a_camera_that_sets_its_clock_neither_jumps_nor_runs_backwards_in_the_file() {
        assert_eq!(
            placed(&[gop(1000, 1000), gop(9_000_000, 1160), gop(9_000_160, 1320)]),
            (vec![0, 160, 320], 0)
        );
        assert_eq!(placed(&[gop(9_000_000, 1000), gop(0, 1160)]), (vec![0, 160], 0));
    }

    #[test]
    fn when_the_recorders_clock_is_set_back_the_file_goes_on() {
        assert_eq!(placed(&[gop(1000, 3_600_000), gop(1160, 1000), gop(1320, 1160)]), (vec![0, 160, 320], 0));
    }

    #[test]
    fn a_missing_segment_of_one_session_is_a_hole_of_its_length() {
        assert_eq!(placed(&[gop(1000, 1000), gop(61_000, 61_010)]), (vec![0, 60_000], 1));
    }
}
