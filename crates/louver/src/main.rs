//! The `louver` command.
fn main() {}
