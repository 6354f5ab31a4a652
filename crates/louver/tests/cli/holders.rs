//! `louver holder new`.

use std::os::unix::fs::PermissionsExt as _;

use crate::site::Site;

#[test]
fn a_holders_file_is_its_owners_alone_and_never_overwritten() {
    let site = Site::new();
    let said = site.run(&["holder", "new", "-o", "holder.txt"]).must(
        0,
        &[
            "Wrote the holder's 24 words to holder.txt",
            "public = \"holder1",
            "If the words are lost, this holder can open nothing any more",
        ],
    );
    let identity = site.read("holder.txt");
    let words = identity.lines().find(|l| !l.starts_with('#')).unwrap();
    assert!(words.split(' ').count() == 24 && !said.text.contains(words));
    let mode = std::fs::metadata(site.path("holder.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    site.run(&["holder", "new", "-o", "holder.txt"])
        .must(1, &["holder.txt exists already and is not overwritten"]);
    assert_eq!(site.read("holder.txt"), identity);
    site.run(&["holder", "new", "-o", "no/such/folder/h.txt"])
        .must(1, &["cannot be written", "because: No such file"]);
}

#[test]
fn a_holder_begins_or_joins_the_settings() {
    let site = Site::new();
    site.run(&["holder", "new", "-o", "a.txt", "--add", "--settings", "l.toml"]).must(0, &["Made l.toml"]);
    site.run(&["holder", "new", "-o", "b.txt", "--add", "--settings", "l.toml"])
        .must(0, &["Added it to l.toml", "There are 2 holders now, and needed = 1"]);
    assert_eq!(site.read("l.toml").matches("\"holder1").count(), 2);
    site.run(&["camera", "list", "--settings", "l.toml"]).must(0, &["No camera is registered yet"]);
}

#[test]
fn no_holder_is_made_for_settings_that_cannot_be_used() {
    let site = Site::with("dta = \"d\"");
    site.run(&["holder", "new", "-o", "a.txt", "--add"]).must(3, &["did you mean \"data\"?"]);
    assert!(!site.path("a.txt").exists());
}

#[test]
fn the_recovery_sheet_is_its_owners_alone_and_never_overwritten() {
    let site = Site::new();
    let new = |out| site.run(&["holder", "new", "-o", out, "--name", "Ada", "--sheet", "sheet.html"]);
    new("holder.txt").must(0, &["Wrote a page to print to sheet.html"]);
    let mode = std::fs::metadata(site.path("sheet.html")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(site.read("sheet.html").contains("recovery sheet of Ada"));
    new("other.txt").must(1, &["sheet.html exists already and is not overwritten"]);
    assert!(!site.path("other.txt").exists());
}
