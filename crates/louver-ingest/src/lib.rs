//! Cameras and files to packets.
