//! Decoding and encoding; the only foreign code.
