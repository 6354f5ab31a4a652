//! The gate: pictures in which nothing happens are not decoded.
//!
//! Leaving out is always safe for privacy: what is on screen is the known place and boxes, so nothing new can show. What must
//! not be lost are events. The gate therefore begins open, closes only when seeing says that nothing goes on *and* the usual
//! sizes of this camera's pictures are known *and* they tell something ([`Habit`]), and opens at the first departure. While it
//! is closed it holds back the packets of the group at hand, undecoded: a picture can only be decoded after all before it
//! since the key frame, so when it opens these are decoded in one go ([`Pass::CatchUp`]), and nothing is missed.
//!
//! Three things look over its shoulder: a key frame is decoded alone now and then ([`Pass::Look`]), so that somebody who slipped
//! in and stands still is found; a group is decoded whole now and then (an audit); and each time that seeing finds somebody it
//! asks whether sizes had said so. If not, it stays open for a long while and listens more closely from then on; a
//! camera whose sizes fail again and again stays open.

mod held;
mod judge;
mod sizes;
mod trust;

use louver_base::{MediaSpan, MediaTime};
use louver_media::{Outside, Packet, PictureSize};

use crate::Stir;
use held::Held;
pub use judge::Habit;
use judge::judge;
use sizes::Sizes;
use trust::Trust;

/// Whether quiet pictures are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateMode {
    /// As far as the camera's own statistics allow.
    #[default]
    Auto,
    /// Every picture is decoded.
    Off,
}

/// What to do with a packet.
#[derive(Debug)]
pub enum Pass {
    /// Nothing: it is held back, or left out for good.
    Hold,
    /// Decode it behind the last one, and see its pictures.
    See(Packet),
    /// Decode this key frame alone (the decoder begins anew before it and after it), and see its picture.
    Look(Packet),
    /// Decode all of these in order (a decoder begins anew if the first is a key frame), and see the newest picture.
    CatchUp(Vec<Packet>),
}

/// Why the gate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// The settings say so.
    Off,
    /// The usual sizes are being learned; share of the way, percent.
    Learning(u8),
    /// Seeing learns the place, or something is there.
    Seeing,
    /// Sizes depart from what is usual, or did a moment ago.
    Departed,
    /// A group is decoded whole to see whether anything is missed.
    Audit,
    /// Somebody came and sizes did not say so: for a while nothing is left out.
    Missed,
    /// The stream is not made for it.
    Habit(Habit),
    /// A group is longer than what can be held back.
    Full,
}

impl Open {
    /// One word for scripts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Learning(_) => "learning",
            Self::Seeing => "seeing",
            Self::Departed => "departed",
            Self::Audit => "audit",
            Self::Missed => "missed",
            Self::Habit(habit) => habit.word(),
            Self::Full => "full",
        }
    }

    /// Why, in words.
    pub fn says(self) -> String {
        match self {
            Self::Off => "gate = \"off\" in the settings: every picture is decoded".to_owned(),
            Self::Learning(percent) => format!("learning what is usual for this camera ({percent} %)"),
            Self::Seeing => "something is there, or the place is being learned".to_owned(),
            Self::Departed => "the sizes of the pictures say that something happens".to_owned(),
            Self::Audit => "checking that nothing is missed".to_owned(),
            Self::Missed => {
                "somebody came whom the sizes of the pictures did not tell of: decoding everything for a while".to_owned()
            }
            Self::Habit(habit) => habit.says().to_owned(),
            Self::Full => "more pictures between key frames than can be held back".to_owned(),
        }
    }
}

/// What the gate has done and thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateReport {
    /// Why it is open; `None` while it is closed.
    pub open: Option<Open>,
    /// What the stream is; `None` as long as too little is known.
    pub habit: Option<Habit>,
    /// Packets given to the decoder.
    pub decoded: u64,
    /// Packets left out as quiet.
    pub left_out: u64,
    /// Key frames that were decoded alone.
    pub looks: u64,
    /// Groups that were decoded whole as an audit.
    pub audits: u64,
    /// Times that sizes opened the gate, and of these, those in which nothing was found.
    pub departures: u64,
    /// ... of these, those in which nothing was found.
    pub false_departures: u64,
    /// Times that somebody came and sizes had told of it.
    pub caught: u64,
    /// Times that somebody came and they had not.
    pub missed: u64,
}

/// Open for so long after sizes or seeing last said that something goes on: two strides, and the pause of a person who
/// looks around.
const HOLD: MediaSpan = MediaSpan::from_millis(3000);
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
/// A picture that comes so much later than usual is an interruption of the camera, and what it missed nobody knows.
const PAUSE: MediaSpan = MediaSpan::from_millis(4000);

/// The gate of one camera. Takes packets in the order of decoding and what seeing says; gives back what to decode.
#[derive(Debug)]
pub struct Gate {
    mode: GateMode,
    macroblocks: f32,
    sizes: Sizes,
    held: Held,
    trust: Trust,
    /// Whether the decoder stands right before the first packet held, or before the next one if none is.
    in_step: bool,
    now: Option<MediaTime>,
    stir: Stir,
    /// Seeing last said that something goes on.
    stirred: Option<MediaTime>,
    departed: Option<MediaTime>,
    /// The open departure has not been explained by anything seen.
    unexplained: bool,
    full: bool,
    audit: bool,
    /// When a picture was last decoded and seen.
    seen: Option<MediaTime>,
    key_at: Option<MediaTime>,
    key_span: Option<MediaSpan>,
    /// What looks and audits may cost.
    for_looks: f32,
    for_audits: f32,
    /// Cost of decoding and seeing all of the group at hand.
    open_cost: f32,
    report: GateReport,
}

impl Gate {
    /// A gate that knows nothing yet, and is open. `size` is that of the stream's pictures.
    pub fn new(size: PictureSize, mode: GateMode) -> Self {
        Self {
            mode,
            macroblocks: (size.width().div_ceil(16) * size.height().div_ceil(16)) as f32,
            sizes: Sizes::default(),
            held: Held::default(),
            trust: Trust::default(),
            in_step: false,
            now: None,
            stir: Stir::Learning,
            stirred: None,
            departed: None,
            unexplained: false,
            full: false,
            audit: false,
            seen: None,
            key_at: None,
            key_span: None,
            for_looks: 0.0,
            for_audits: 0.0,
            open_cost: 0.0,
            report: GateReport {
                open: Some(Open::Learning(0)),
                habit: None,
                decoded: 0,
                left_out: 0,
                looks: 0,
                audits: 0,
                departures: 0,
                false_departures: 0,
                caught: 0,
                missed: 0,
            },
        }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: Packet) -> Pass {
        let unit = Outside::of(&packet);
        self.time(packet.media, unit.key);
        let reading = self.sizes.read(unit);
        if reading.departs {
            self.departs(packet.media);
        }
        let open = self.why_open(packet.media);
        // Departures too are learned where seeing finds nothing in them: noise that rises at dusk becomes usual that way, and
        // the few that begin an event change no median.
        if self.stir == Stir::Nothing {
            self.sizes.learn(reading);
        }
        if self.report.open.is_some() && open.is_none() {
            self.sizes.calm();
        }
        self.report.open = open;
        let cost = if unit.key { KEY_COST } else { 1.0 };
        self.open_cost += cost + SEE_COST;
        match open {
            Some(_) => self.pass_on(packet),
            None => self.hold_back(packet, cost),
        }
    }

    /// What seeing says now: after each picture seen, and when an answer of the detector came.
    pub fn stirs(&mut self, stir: Stir) {
        let Some(now) = self.now else { return };
        let came = stir == Stir::Somebody && self.stir != Stir::Somebody;
        if came && self.stir != Stir::Learning && self.sizes.known() {
            let told = self.trust.comes(now, self.departed);
            if told {
                self.report.caught += 1;
            } else {
                self.report.missed += 1;
                self.sizes.heard_too_little();
            }
        }
        if stir != Stir::Nothing {
            self.stirred = Some(now);
            self.unexplained = false;
        }
        self.stir = stir;
    }

    /// The stream broke off, began anew or was damaged: the next packet that counts is a key frame. What was learned stays.
    pub fn restart(&mut self) {
        self.report.left_out += self.held.clear();
        self.sizes.restart();
        self.in_step = false;
        self.audit = false;
        self.full = false;
        self.now = None;
        self.key_at = None;
        self.stir = Stir::Learning;
        self.stirred = None;
        self.departed = None;
        self.unexplained = false;
        self.seen = None;
        self.trust.clock_jumped();
    }

    /// What it has done and thinks.
    pub fn report(&self) -> GateReport {
        self.report
    }

    /// Packets and bytes held back now.
    pub fn held(&self) -> (usize, usize) {
        (self.held.len(), self.held.bytes())
    }

    fn time(&mut self, media: MediaTime, key: bool) {
        // Presentation times run back and forth by some pictures (B pictures); a jump is a new clock.
        let jumps = self.now.is_some_and(|now| media - now > PAUSE || now - media > PAUSE);
        if jumps {
            self.stirred = Some(media);
            self.departed = None;
            self.seen = Some(media);
            self.key_at = None;
            self.trust.clock_jumped();
        }
        self.now = Some(if jumps { media } else { self.now.map_or(media, |n| n.max(media)) });
        if !key {
            return;
        }
        if let Some(at) = self.key_at {
            let span = media - at;
            // Cameras that send a key frame on demand shorten a group now and then: longer ones count at once.
            self.key_span = Some(self.key_span.map_or(span, |s| match span > s {
                true => span,
                false => MediaSpan::from_ticks((s.ticks() * 3 + span.ticks()) / 4),
            }));
        }
        self.key_at = Some(media);
        self.full = false;
        self.audit = false;
        let group_cost = std::mem::take(&mut self.open_cost);
        if self.report.open.is_none() && group_cost > 0.0 && self.for_audits >= group_cost {
            self.audit = true;
            self.for_audits = 0.0;
            self.report.audits += 1;
        }
    }

    fn departs(&mut self, media: MediaTime) {
        if self.departed.is_none_or(|d| media - d > HOLD) && self.report.open.is_none() {
            self.report.departures += 1;
            self.unexplained = true;
        }
        self.departed = Some(self.now.unwrap_or(media));
    }

    fn why_open(&mut self, media: MediaTime) -> Option<Open> {
        let lately = |at: Option<MediaTime>| at.is_some_and(|a| media - a < HOLD);
        let habit = judge(&self.sizes, self.macroblocks, self.key_span());
        self.report.habit = habit;
        if self.mode == GateMode::Off {
            return Some(Open::Off);
        }
        if self.stir != Stir::Nothing || lately(self.stirred) {
            return Some(Open::Seeing);
        }
        if let Some(habit) = habit.filter(|h| !h.tells()) {
            return Some(Open::Habit(habit));
        }
        if !self.sizes.known() || habit.is_none() {
            return Some(Open::Learning((self.sizes.progress() * 99.0) as u8));
        }
        if self.trust.lost(media) {
            return Some(Open::Missed);
        }
        if lately(self.departed) {
            return Some(Open::Departed);
        }
        if std::mem::take(&mut self.unexplained) {
            self.report.false_departures += 1;
            self.sizes.heard_too_much();
        }
        if self.full {
            return Some(Open::Full);
        }
        self.audit.then_some(Open::Audit)
    }

    /// The usual time between key frames, or what has passed since the last if that is more.
    fn key_span(&self) -> Option<MediaSpan> {
        let open = self.key_at.zip(self.now).map(|(at, now)| now - at);
        self.key_span.max(open)
    }

    fn pass_on(&mut self, packet: Packet) -> Pass {
        if packet.key && !(self.in_step && self.held.is_empty()) {
            self.report.left_out += self.held.clear();
            self.held.push(packet);
        } else if !self.held.is_empty() {
            self.held.push(packet);
        } else if self.in_step {
            return self.decodes(1, || Pass::See(packet));
        } else {
            self.report.left_out += 1;
            return Pass::Hold;
        }
        let all = self.held.take();
        self.in_step = true;
        self.decodes(all.len() as u64, || Pass::CatchUp(all))
    }

    fn decodes(&mut self, packets: u64, pass: impl FnOnce() -> Pass) -> Pass {
        self.report.decoded += packets;
        self.seen = self.now;
        self.for_looks = 0.0;
        pass()
    }

    fn hold_back(&mut self, packet: Packet, cost: f32) -> Pass {
        self.for_looks += cost * LOOK_SHARE;
        self.for_audits += cost * AUDIT_SHARE;
        if packet.key {
            self.report.left_out += self.held.clear();
            self.in_step = false;
            self.held.push(packet.clone());
            let late = self.seen.is_none_or(|s| packet.media - s >= LOOK_EVERY);
            if late || self.for_looks >= KEY_COST + SEE_COST {
                self.report.looks += 1;
                return self.decodes(1, || Pass::Look(packet));
            }
            return Pass::Hold;
        }
        if self.held.is_empty() && !self.in_step {
            self.report.left_out += 1;
            return Pass::Hold;
        }
        if self.held.full(&packet) {
            self.full = true;
            self.report.open = Some(Open::Full);
            return self.pass_on(packet);
        }
        self.held.push(packet);
        Pass::Hold
    }
}

/// What a few seconds of a stream tell about it, for a look at a camera; `None` if nothing stands out.
pub fn at_a_glance(packets: &[Outside]) -> Option<Habit> {
    let times = packets.iter().map(|p| p.media);
    let watched = times.clone().max()? - times.min()?;
    judge::at_a_glance(packets, watched)
}

#[cfg(test)]
mod tests;
