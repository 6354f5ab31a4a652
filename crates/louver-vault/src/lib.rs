//! Sealed segments: originals that only their holders can open.
