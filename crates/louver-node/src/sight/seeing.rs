//! What lives as long as a stream's parameters: the gate, the decoder, seeing, and the way to the detector.

use std::sync::{Arc, mpsc as answers_queue};

use louver_base::MediaTime;
use louver_codec::{CodecError, Decoded, Decoder};
use louver_media::{Packet, Picture, PictureSize};
use louver_scene::Zone;
use louver_see::{Gate, GateReport, Pass, See, Settings};

use crate::Meters;
use crate::look::{Answer, Looker, answers};

/// One stream's analysis.
pub(super) struct Seeing {
    gate: Gate,
    decoder: Decoder,
    pub(super) see: See,
    to: answers_queue::Sender<Answer>,
    answers: answers_queue::Receiver<Answer>,
    /// When the last picture was taken that was seen.
    pub(super) last: Option<MediaTime>,
    /// At the start and after damage: packets mean nothing until the next key frame.
    pub(super) waits_for_key: bool,
}

impl Seeing {
    pub(super) fn new(
        decoder: Decoder,
        size: PictureSize,
        settings: Settings,
        zones: &[Zone],
        gate: Gate,
    ) -> Self {
        let (to, answers) = answers();
        let see = See::with_zones(size, settings, zones);
        Self { gate, decoder, see, to, answers, last: None, waits_for_key: true }
    }

    /// The pictures to be seen now; none while the gate is closed.
    ///
    /// # Errors
    /// When a packet is damaged: nothing is decoded up to the next key frame.
    pub(super) fn packet(&mut self, packet: &Packet) -> Result<Vec<Decoded>, CodecError> {
        let decoded = match self.gate.packet(packet.clone()) {
            Pass::Hold => Ok(Vec::new()),
            Pass::See(packet) => self.decoder.decode(&packet),
            Pass::Look(key) => self.decoder.alone(&key).map(|d| self.after_rest(vec![d])),
            Pass::CatchUp(all) => self.catch_up(&all).map(|d| self.after_rest(d)),
        };
        self.waits_for_key = decoded.is_err();
        if self.waits_for_key {
            self.gate.restart();
        }
        decoded
    }

    /// Decodes what was held back; only its newest picture is worth seeing.
    fn catch_up(&mut self, all: &[Packet]) -> Result<Vec<Decoded>, CodecError> {
        if all.first().is_some_and(|p| p.key) {
            self.decoder.restart();
        }
        Ok(self.decoder.newest(all)?.into_iter().collect())
    }

    /// Pictures before this one were left out, which is no interruption.
    fn after_rest(&mut self, decoded: Vec<Decoded>) -> Vec<Decoded> {
        if let Some(next) = decoded.first() {
            self.see.left_out(next.media);
        }
        decoded
    }

    /// The stream broke off: what follows begins with a key frame.
    pub(super) fn broke_off(&mut self) {
        self.waits_for_key = true;
        self.gate.restart();
    }

    /// Takes the detector's answers, and tells the gate what goes on.
    pub(super) fn stirs(&mut self) {
        self.take_answers();
        self.gate.stirs(self.see.stir());
    }

    /// The gate alone: what it has learned outlives a connection.
    pub(super) fn into_gate(mut self) -> Gate {
        self.gate.restart();
        self.gate
    }

    /// What the gate does.
    pub(super) fn gate(&self) -> GateReport {
        self.gate.report()
    }

    pub(super) fn take_answers(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            match answer.found {
                Some(found) => self.see.sweep_done(answer.taken, &found),
                None => self.see.sweep_failed(),
            }
        }
    }

    pub(super) fn ask(&mut self, looker: &Looker, picture: &Picture, meters: &Arc<Meters>) {
        if let Some(sweep) = self.see.wants() {
            self.see.sweep_begun(sweep.taken);
            if !looker.ask(picture, sweep, &self.to, meters) {
                self.see.sweep_failed();
            }
        }
    }
}
