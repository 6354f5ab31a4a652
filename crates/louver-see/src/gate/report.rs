//! What the gate says of itself.

use super::Habit;

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

impl GateReport {
    /// Of a gate that knows nothing yet.
    pub(super) const fn new() -> Self {
        Self {
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
        }
    }
}
