//! Backdrop, detector, tracker and events of one camera; no I/O.
//!
//! [`See`] takes pictures, their times and a detector's answers, and gives back a [`Scene`](louver_scene::Scene): the same
//! pictures, times and answers give the same scene. It runs no detector itself: it says when it wants one
//! ([`See::wants`]) and takes the answer when it comes. Without answers nothing ever becomes clear.

mod backdrop;
mod blobs;
mod events;
mod features;
mod foreground;
mod gate;
mod gaze;
mod lanes;
mod schedule;
mod see;
mod settings;
mod track;
mod view;
mod windows;

pub use backdrop::{Change, Cover};
pub use events::{Act, Sighting};
pub use foreground::Foreground;
pub use gate::{Gate, GateMode, GateReport, Habit, Open, Pass, at_a_glance};
pub use see::{See, Stir, Sweep};
pub use settings::Settings;
