//! How well Louver does what it promises, in figures, on footage with ground truth.

mod empty;
mod look;
mod mask;
mod place;
mod report;
mod share;
mod sums;
mod zones;

pub use look::{Faces, FacesAt, Hits, Look};
pub use mask::{HeadShown, MaskReport, Speed, measure_masking};
pub use report::{EvalReport, Machine, Measured, SCHEMA};
pub use share::{Leaks, Share};

// For scenes that are built and measured.
pub(crate) use empty::empty_place;
pub(crate) use place::{DIFFERS, Place, differs};
pub(crate) use sums::{Drawn, Sums};
pub(crate) use zones::{each_pixel, head_zone, widened};

#[cfg(test)]
mod tests;
