//! A span of time out of recorded streams.

use bytes::{BufMut, Bytes, BytesMut};
use louver_base::{WallSpan, WallTime};

use super::STATE_HOLDS;
use super::follow::{Follower, Step};
use super::header::{HEADER, Header};
use super::record::{DELTA, FULL};
use super::state::State;
use super::wire::{Boxed, boxed, boxes};
use crate::Masked;

const END: [u8; 4] = *b"lvse";

/// Takes the records of a span out of recorded parts, given in order, and puts the state at its start before them. No pixel
/// is decoded for it.
#[derive(Debug)]
pub struct SceneCut {
    from: WallTime,
    to: WallTime,
    most: usize,
    follower: Follower,
    /// The newest header, until it is sent.
    header: Option<Bytes>,
    /// The header that was sent last.
    sent: Option<Header>,
    /// Header, unless it was sent, and full record of the state at the start, when its stream ended before the next record.
    stood: Option<(Option<Bytes>, Bytes)>,
    /// Whether the receiver has the state before the next record.
    level: bool,
    out: BytesMut,
    next: Option<WallTime>,
}

impl SceneCut {
    /// Of `from..to`, in `most` bytes or little more.
    pub fn new(from: WallTime, to: WallTime, most: usize) -> Self {
        let (follower, out) = (Follower::default(), BytesMut::new());
        Self {
            from,
            to,
            most,
            follower,
            header: None,
            sent: None,
            stood: None,
            level: false,
            out,
            next: None,
        }
    }

    /// Whether it has all the bytes that it may have: nothing more is taken.
    pub fn is_full(&self) -> bool {
        self.next.is_some()
    }

    /// Takes the next recorded bytes: whole boxes.
    pub fn part(&mut self, bytes: &Masked<Bytes>) {
        for part in boxes(bytes.get()).flatten() {
            if self.is_full() {
                return;
            }
            // Before it changes. Whether it is sent is for records that apply to decide: a skipped one's time means nothing.
            let later = time_of(&part).is_some_and(|wall| wall > self.from);
            let standing = if (part.kind == HEADER || later) && !self.level { self.standing() } else { None };
            let step = self.follower.take(&part);
            if matches!(step, Step::Applied(_)) && later && !self.level {
                self.begin(standing.clone());
            }
            match step {
                Step::Began => {
                    if let Some(full) = standing {
                        self.stood = Some((self.header.take(), full));
                    }
                    self.header = Some(part.whole);
                    self.level = false;
                }
                // Also when the clock was set in between: what follows then begins with a full record.
                Step::Applied(record) if record.wall <= self.from || record.wall >= self.to => {
                    self.level = false;
                    self.stood = None;
                }
                Step::Applied(record) if !self.out.is_empty() && self.out.len() >= self.most => {
                    self.next = Some(record.wall);
                }
                Step::Applied(record) => {
                    let full = (!self.level && !record.full).then(|| self.follower.state().map(State::full));
                    self.send(full.flatten().unwrap_or(part.whole));
                }
                Step::Skipped => {}
            }
        }
    }

    /// What was taken, with its end mark. `more_from`: where to go on if the recorded parts were not all given.
    pub fn finish(mut self, more_from: Option<WallTime>) -> Masked<Bytes> {
        if self.out.is_empty() {
            let standing = self.standing();
            self.begin(standing);
        }
        let next = self.next.or(more_from).map_or(0, WallTime::micros);
        self.out.extend_from_slice(&boxed(END, &next.to_be_bytes()));
        Masked::vouch(self.out.freeze())
    }

    /// Sends the state at the start, if there is one that still stood then.
    fn begin(&mut self, standing: Option<Bytes>) {
        if let Some(full) = standing {
            self.send(full);
        } else if let Some((header, full)) = self.stood.take() {
            self.put_header(header);
            self.out.put_slice(&full);
        }
    }

    fn standing(&self) -> Option<Bytes> {
        let stands = |s: &&State| s.wall <= self.from && self.from - s.wall <= STATE_HOLDS;
        self.follower.state().filter(stands).map(State::full)
    }

    fn send(&mut self, record: Bytes) {
        let header = self.header.take();
        self.put_header(header);
        self.out.put_slice(&record);
        self.level = true;
    }

    /// Not the same twice in a row: where something that is no header stood between them, the receiver has lost nothing.
    fn put_header(&mut self, header: Option<Bytes>) {
        let Some(header) = header else { return };
        let says = header.get(8..).and_then(Header::parse);
        if says != self.sent {
            self.out.put_slice(&header);
            self.sent = says;
        }
    }
}

/// When a record's picture was taken.
fn time_of(part: &Boxed) -> Option<WallTime> {
    let wall = part.body().first_chunk().map(|us| WallTime::from_micros(i64::from_be_bytes(*us)));
    wall.filter(|_| part.kind == FULL || part.kind == DELTA)
}

impl SceneCut {
    /// How far before a span its recorded parts may begin that are needed: a state that still stands at its start.
    pub const BEFORE: WallSpan = STATE_HOLDS;
}
