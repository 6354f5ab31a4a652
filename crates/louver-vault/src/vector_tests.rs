//! The committed test vector: docs/format-sealed.md, "Test vectors".
