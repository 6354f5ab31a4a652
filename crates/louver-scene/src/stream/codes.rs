//! Numbers for states, kinds and reasons.

use louver_base::Class;

use crate::{Cell, FigureKind, Why};

pub(super) const fn state_code(state: Cell) -> u32 {
    match state {
        Cell::Unknown => 0,
        Cell::Clear => 1,
        Cell::Occupied => 2,
        Cell::Never => 3,
    }
}

/// Of the two lowest bits.
pub(super) const fn state_of(code: u32) -> Cell {
    match code & 3 {
        0 => Cell::Unknown,
        1 => Cell::Clear,
        2 => Cell::Occupied,
        _ => Cell::Never,
    }
}

pub(super) const fn kind_code(kind: FigureKind) -> u8 {
    match kind {
        FigureKind::Moving => 0,
        FigureKind::Known(class) => class_code(class),
    }
}

pub(super) const fn class_code(class: Class) -> u8 {
    match class {
        Class::Person => 1,
        Class::Vehicle => 2,
        Class::Animal => 3,
        Class::Parcel => 4,
    }
}

pub(super) const fn class_of(code: u8) -> Option<Class> {
    match code {
        1 => Some(Class::Person),
        2 => Some(Class::Vehicle),
        3 => Some(Class::Animal),
        4 => Some(Class::Parcel),
        _ => None,
    }
}

pub(super) const fn why_code(why: Why) -> u8 {
    match why {
        Why::Fine => 0,
        Why::Starting => 1,
        Why::LightChanged => 2,
        Why::CameraMoved => 3,
        Why::LensCovered => 4,
        Why::AnalysisLate => 5,
        Why::StreamLost => 6,
    }
}

/// A reason that is not known here says as little as a start does.
pub(super) const fn why_of(code: u8) -> Why {
    match code {
        0 => Why::Fine,
        2 => Why::LightChanged,
        3 => Why::CameraMoved,
        4 => Why::LensCovered,
        5 => Why::AnalysisLate,
        6 => Why::StreamLost,
        _ => Why::Starting,
    }
}
