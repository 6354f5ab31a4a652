//! Stands in for `louver_vault::Sealed` until that exists.

/// Stand-in.
#[derive(Clone, Debug)]
pub struct Sealed(pub(crate) bytes::Bytes);
