//! `louver holder new`.

use std::os::unix::fs::PermissionsExt as _;

use crate::site::Site;

#[test]
fn an_identity_is_its_owners_alone_and_never_overwritten() {
    let site = Site::new();
    let said = site.run(&["holder", "new", "-o", "holder.age"]).must(
        0,
        &[
            "Wrote the holder's identity to holder.age",
            "recipients = [\"age1",
            "If it is lost, nothing that was sealed for it can ever be opened",
        ],
    );
    let identity = site.read("holder.age");
    assert!(identity.contains("AGE-SECRET-KEY-1") && !said.text.contains("AGE-SECRET-KEY"));
    let mode = std::fs::metadata(site.path("holder.age")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    site.run(&["holder", "new", "-o", "holder.age"])
        .must(1, &["holder.age exists already and is not overwritten"]);
    assert_eq!(site.read("holder.age"), identity);
    site.run(&["holder", "new", "-o", "no/such/folder/h.age"])
        .must(1, &["cannot be written", "because: No such file"]);
}

#[test]
fn a_holder_begins_or_joins_the_settings() {
    let site = Site::new();
    site.run(&["holder", "new", "-o", "a.age", "--add", "--settings", "l.toml"]).must(0, &["Made l.toml"]);
    site.run(&["holder", "new", "-o", "b.age", "--add", "--settings", "l.toml"])
        .must(0, &["Added it to l.toml", "There are 2 holders now; each of them can open originals alone"]);
    assert_eq!(site.read("l.toml").matches("\"age1").count(), 2);
    site.run(&["camera", "list", "--settings", "l.toml"]).must(0, &["No camera is registered yet"]);
}

#[test]
fn no_identity_is_made_for_settings_that_cannot_be_used() {
    let site = Site::with("dta = \"d\"");
    site.run(&["holder", "new", "-o", "a.age", "--add"]).must(3, &["did you mean \"data\"?"]);
    assert!(!site.path("a.age").exists());
}
