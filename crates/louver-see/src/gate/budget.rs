//! What may be spent on looking over the shoulder of sizes: key frames that are decoded alone, groups that are decoded whole.

use louver_base::{MediaSpan, MediaTime};

/// Cost of a key frame, in pictures between of a quiet stream: 3.2 ms against 0.36 ms at 640x360.
const KEY_COST: f32 = 9.0;
/// Cost of seeing and drawing one picture, likewise.
const SEE_COST: f32 = 1.0;
/// Share of what is saved that looks may cost, and audits. With the work of the gate itself and some false alarms it stays
/// below a quarter of decoding everything.
const LOOK_SHARE: f32 = 1.0 / 8.0;
const AUDIT_SHARE: f32 = 1.0 / 24.0;
/// A look comes at least this often, whatever it costs: streams of few pictures a second save little.
const LOOK_EVERY: MediaSpan = MediaSpan::from_millis(15_000);

/// What was saved and not spent yet, in pictures.
#[derive(Debug, Default)]
pub(super) struct Budget {
    looks: f32,
    audits: f32,
    /// Cost of decoding and seeing all of the group at hand.
    group: f32,
    /// When a picture was last decoded and seen.
    seen: Option<MediaTime>,
}

fn cost(key: bool) -> f32 {
    if key { KEY_COST } else { 1.0 }
}

impl Budget {
    /// A packet came.
    pub(super) fn comes(&mut self, key: bool) {
        self.group += cost(key) + SEE_COST;
    }

    /// It is not decoded.
    pub(super) fn saves(&mut self, key: bool) {
        self.looks += cost(key) * LOOK_SHARE;
        self.audits += cost(key) * AUDIT_SHARE;
    }

    /// Whether the key frame that came at `at` is to be looked at.
    pub(super) fn look_due(&self, at: MediaTime) -> bool {
        self.looks >= KEY_COST + SEE_COST || self.seen.is_none_or(|seen| at - seen >= LOOK_EVERY)
    }

    /// Pictures were decoded, and one of them seen.
    pub(super) fn decodes(&mut self, now: Option<MediaTime>) {
        self.seen = now;
        self.looks = 0.0;
    }

    /// A group begins, whose like costs as much as the one before: whether it is to be decoded whole if the gate is `closed`.
    pub(super) fn audit_due(&mut self, closed: bool) -> bool {
        let group = std::mem::take(&mut self.group);
        let due = closed && group > 0.0 && self.audits >= group;
        if due {
            self.audits = 0.0;
        }
        due
    }

    /// The clock jumped: waiting begins anew.
    pub(super) fn clock_jumped(&mut self, media: MediaTime) {
        self.seen = Some(media);
    }

    /// The stream begins anew.
    pub(super) fn restart(&mut self) {
        self.seen = None;
    }
}
