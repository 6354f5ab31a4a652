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

mod budget;
mod groups;
mod held;
mod judge;
mod report;
mod sizes;
mod trust;

use louver_base::{MediaSpan, MediaTime};
use louver_media::{Codec, Outside, Packet, PictureSize};

use crate::Stir;
use budget::Budget;
use groups::{Clock, Groups};
use held::{Held, Onward};
pub use judge::Habit;
use judge::judge;
pub use report::{GateReport, Open};
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

/// Open for so long after sizes or seeing last said that something goes on: two strides, and the pause of a person who
/// looks around.
const HOLD: MediaSpan = MediaSpan::from_millis(3000);

/// The gate of one camera. Takes packets in the order of decoding and what seeing says; gives back what to decode.
#[derive(Debug)]
pub struct Gate {
    mode: GateMode,
    codec: Codec,
    macroblocks: f32,
    groups: Groups,
    sizes: Sizes,
    held: Held,
    budget: Budget,
    trust: Trust,
    stir: Stir,
    /// Seeing last said that something goes on.
    stirred: Option<MediaTime>,
    departed: Option<MediaTime>,
    /// The open departure has not been explained by anything seen.
    unexplained: bool,
    full: bool,
    audit: bool,
    report: GateReport,
}

impl Gate {
    /// A gate that knows nothing yet, and is open. `size` is that of the stream's pictures.
    pub fn new(size: PictureSize, codec: Codec, mode: GateMode) -> Self {
        Self {
            mode,
            codec,
            macroblocks: (size.width().div_ceil(16) * size.height().div_ceil(16)) as f32,
            groups: Groups::default(),
            sizes: Sizes::default(),
            held: Held::default(),
            budget: Budget::default(),
            trust: Trust::default(),
            stir: Stir::Learning,
            stirred: None,
            departed: None,
            unexplained: false,
            full: false,
            audit: false,
            report: GateReport::new(),
        }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: Packet) -> Pass {
        let unit = Outside::of(&packet, self.codec);
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
        self.budget.comes(unit.key);
        match open {
            Some(_) => self.pass_on(packet),
            None => self.hold_back(packet),
        }
    }

    /// What seeing says now: after each picture seen, and when an answer of the detector came.
    pub fn stirs(&mut self, stir: Stir) {
        let Some(now) = self.groups.now() else { return };
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
        self.groups.restart();
        self.sizes.restart();
        self.held.restart();
        self.budget.restart();
        self.trust.clock_jumped();
        self.stir = Stir::Learning;
        (self.stirred, self.departed) = (None, None);
        (self.unexplained, self.full, self.audit) = (false, false, false);
    }

    /// What it has done and thinks.
    pub fn report(&self) -> GateReport {
        GateReport { left_out: self.held.left_out(), ..self.report }
    }

    /// Packets and bytes held back now.
    pub fn held(&self) -> (usize, usize) {
        (self.held.len(), self.held.bytes())
    }

    fn time(&mut self, media: MediaTime, key: bool) {
        match self.groups.takes(media, key) {
            Clock::Runs => {}
            Clock::Jumped => {
                self.stirred = Some(media);
                self.departed = None;
                self.budget.clock_jumped(media);
                self.trust.clock_jumped();
            }
        }
        if key {
            self.full = false;
            self.audit = self.budget.audit_due(self.report.open.is_none());
            self.report.audits += u64::from(self.audit);
        }
    }

    fn departs(&mut self, media: MediaTime) {
        if self.departed.is_none_or(|d| media - d > HOLD) && self.report.open.is_none() {
            self.report.departures += 1;
            self.unexplained = true;
        }
        self.departed = Some(self.groups.now().unwrap_or(media));
    }

    fn why_open(&mut self, media: MediaTime) -> Option<Open> {
        let lately = |at: Option<MediaTime>| at.is_some_and(|a| media - a < HOLD);
        let habit = judge(&self.sizes, self.macroblocks, self.groups.span());
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

    fn pass_on(&mut self, packet: Packet) -> Pass {
        match self.held.give_on(packet) {
            Onward::Nothing => Pass::Hold,
            Onward::One(packet) => self.decodes(1, Pass::See(packet)),
            Onward::All(all) => self.decodes(all.len() as u64, Pass::CatchUp(all)),
        }
    }

    fn decodes(&mut self, packets: u64, pass: Pass) -> Pass {
        self.report.decoded += packets;
        self.budget.decodes(self.groups.now());
        pass
    }

    fn hold_back(&mut self, packet: Packet) -> Pass {
        self.budget.saves(packet.key);
        if packet.key {
            self.held.hold_key(packet.clone());
            if self.budget.look_due(packet.media) {
                self.report.looks += 1;
                return self.decodes(1, Pass::Look(packet));
            }
            return Pass::Hold;
        }
        match self.held.hold(packet) {
            Ok(()) => Pass::Hold,
            Err(packet) => {
                self.full = true;
                self.report.open = Some(Open::Full);
                self.pass_on(packet)
            }
        }
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
