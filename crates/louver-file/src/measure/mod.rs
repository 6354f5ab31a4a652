//! How well Louver does what it promises, in figures, on footage with ground truth.

mod assign;
mod empty;
mod look;
mod mask;
mod place;
mod report;
mod share;
mod speed;
mod sums;
mod track;
mod zones;

pub use look::{Faces, FacesAt, Hits, Look};
pub use mask::{HeadShown, MaskReport, Speed, measure_masking};
pub use report::{EvalReport, Machine, Measured, SCHEMA};
pub use share::{Leaks, LeaksOfAll, Share};
pub use speed::{SpeedReport, StreamSpeed, measure_speed};
pub use track::{By, Events, Followed, TrackReport, measure_tracking};

// For scenes that are built and measured.
pub(crate) use empty::Empty;
pub(crate) use place::{DIFFERS, Place, differs};
pub(crate) use sums::{Drawn, Sums};
pub(crate) use zones::{each_pixel, head_zone, widened};

#[cfg(test)]
mod tests;
