//! Builds the crate anew when the page has changed.

fn main() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/dist");
    // Cargo takes a missing folder as changed every time, so there is always one. Where it cannot be made (a read-only
    // checkout) nothing is wrong but that.
    let _ = std::fs::create_dir_all(page);
    println!("cargo:rerun-if-changed={page}");
    println!("cargo:rerun-if-changed=build.rs");
}
