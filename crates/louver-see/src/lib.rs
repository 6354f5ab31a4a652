//! Backdrop, detector, tracker and events of one camera; no I/O.
