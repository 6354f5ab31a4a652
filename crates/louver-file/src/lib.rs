//! A video file's way: redact it, or measure how well it is masked.
//!
//! Both go through the same [`Watch`]: the seeing and masking of a camera, with a detector that answers at once.

mod built;
mod cpu;
pub mod gate;
mod measure;
mod pass;
mod redact;
mod truth;
mod watch;
mod writer;

pub use built::*;
pub use measure::*;
pub use pass::{FileError, Pass, Step};
pub use redact::{Policy, Progress, RedactReport, redact};
pub use truth::{Truth, TruthBox, TruthError};
pub use watch::{Times, Watch};
