//! `louver open`.

use crate::site::Site;

const OPEN: [&str; 12] = [
    "open",
    "--identity",
    "holder.age",
    "--camera",
    "gate",
    "--from",
    "-10m",
    "--to",
    "now",
    "-o",
    "out.mp4",
    "--data",
];

fn open(more: &[&'static str]) -> Vec<&'static str> {
    [&OPEN[..], more].concat()
}

#[test]
fn what_cannot_be_opened_is_told_and_nothing_is_written() {
    let site = Site::new();
    site.run(&open(&["nowhere"]))
        .must(1, &["there is no data directory nowhere", "what to do: name it with --data"]);
    std::fs::create_dir_all(site.path("d/sealed/yard")).unwrap();
    site.run(&open(&["d"])).must(1, &["holds no recordings of a camera \"gate\"; recorded are yard"]);
    std::fs::create_dir_all(site.path("d/sealed/gate")).unwrap();
    site.run(&open(&["d"]))
        .must(1, &["the identity cannot be used", "holder.age: the identity could not be read"]);
    std::fs::write(site.path("holder.age"), b"hello").unwrap();
    site.run(&open(&["d"])).must(1, &["this is no age identity"]);
    assert!(!site.path("out.mp4").exists() && !site.path("out.mp4.part").exists());
}

#[test]
fn an_existing_video_is_not_overwritten() {
    let site = Site::new();
    std::fs::create_dir_all(site.path("d/sealed/gate")).unwrap();
    site.run(&["holder", "new", "-o", "holder.age"]).must(0, &[]);
    std::fs::write(site.path("out.mp4"), b"precious").unwrap();
    site.run(&open(&["d"])).must(1, &["out.mp4 exists already and is not overwritten"]);
    assert_eq!(site.read("out.mp4"), "precious");
}

#[test]
fn times_that_cannot_be_read_are_told_with_the_forms_there_are() {
    let site = Site::new();
    let times = |from: &'static str, to: &'static str| {
        site.run(&["open", "--identity", "i", "--camera", "c", "--from", from, "--to", to, "-o", "o.mp4"])
    };
    times("yesterday", "now").must(1, &["\"yesterday\" is not a time: use 2026-11-23T14:00:00Z"]);
    times("now", "-10m").must(1, &["--to must be later than --from"]);
}
