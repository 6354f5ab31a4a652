//! Catalogue, recordings on disk, retention and recovery.
