//! `louver open`.

use crate::serving::Server;
use crate::site::Site;

const OPEN: [&str; 12] = [
    "open",
    "--holder",
    "holder.txt",
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
        .must(1, &["the holder's file cannot be used", "holder.txt: the holder's file could not be read"]);
    std::fs::write(site.path("holder.txt"), b"hello").unwrap();
    site.run(&open(&["d"])).must(1, &["this is no holder's file"]);
    assert!(!site.path("out.mp4").exists() && !site.path("out.mp4.part").exists());
}

#[test]
fn an_existing_video_is_not_overwritten() {
    let site = Site::new();
    std::fs::create_dir_all(site.path("d/sealed/gate")).unwrap();
    site.run(&["holder", "new", "-o", "holder.txt"]).must(0, &[]);
    std::fs::write(site.path("out.mp4"), b"precious").unwrap();
    site.run(&open(&["d"])).must(1, &["out.mp4 exists already and is not overwritten"]);
    assert_eq!(site.read("out.mp4"), "precious");
}

#[test]
fn times_that_cannot_be_read_are_told_with_the_forms_there_are() {
    let site = Site::new();
    let times = |from: &'static str, to: &'static str| {
        site.run(&["open", "--holder", "i", "--camera", "c", "--from", from, "--to", to, "-o", "o.mp4"])
    };
    times("yesterday", "now").must(1, &["\"yesterday\" is not a time: use 2026-11-23T14:00:00Z"]);
    times("now", "-10m").must(1, &["--to must be later than --from"]);
}

#[test]
fn what_a_server_records_opens_beside_it_for_its_holder_alone() {
    let Some(file) = crate::site::deps("footage/forecourt_main.mp4") else { return };
    let port = crate::site::free_port();
    let site = Site::with(&format!("data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n"));
    site.run(&["holder", "new", "-o", "holder.txt", "--add"]).must(0, &["Added it to louver.toml"]);
    site.run(&["holder", "new", "-o", "other.txt"]).must(0, &[]);
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    let camera = crate::site::camera("gate", &address) + "analysis = \"off\"\n";
    std::fs::write(site.path("louver.toml"), site.read("louver.toml") + &camera).unwrap();
    let (server, _) = Server::start(&site, port);
    // Two fragments: one is whole then, whatever happens to the other.
    site.wait_for_sealed("gate");

    let open = |identity, out| {
        let args =
            ["open", "--holder", identity, "--camera", "gate", "--from", "-1h", "--to", "now", "-o", out];
        site.run(&args)
    };
    open("holder.txt", "out.mp4")
        .must(0, &["Wrote out.mp4", "readable by you alone", "first picture", "still being written"]);
    let video = std::fs::read(site.path("out.mp4")).unwrap();
    assert_eq!(&video[4..8], b"ftyp");
    open("other.txt", "other.mp4")
        .must(1, &["the recording cannot be opened", "shares of 1 holders are needed and 0 are here"]);
    assert!(!site.path("other.mp4").exists() && !site.path("other.mp4.part").exists());
    let out_of_range = [
        "open",
        "--holder",
        "holder.txt",
        "--camera",
        "gate",
        "--from",
        "2020-01-01 10:00",
        "--to",
        "2020-01-01 11:00",
        "-o",
        "none.mp4",
    ];
    site.run(&out_of_range)
        .must(1, &["nothing was recorded between 2020-01-01 10:00:00", "what to do: choose a time between"]);
    assert_eq!(server.end("-INT").0, Some(0));

    // Nothing in the data directory is readable: neither the picture's parameters nor the bytes of any picture.
    let original = std::fs::read(&file).unwrap();
    let piece = &original[original.len() / 2..original.len() / 2 + 32];
    for sealed in site.sealed_files("gate") {
        let bytes = std::fs::read(sealed).unwrap();
        assert!(bytes.starts_with(b"LOUVSEAL") && !bytes.windows(32).any(|w| w == piece));
    }
    // The camera has left the register, and what it recorded still opens.
    site.run(&["camera", "remove", "gate", "--yes"]).must(0, &[]);
    open("holder.txt", "after.mp4").must(0, &["Wrote after.mp4"]);
    // Who opens is told of what cannot be in the video.
    let away = r#"[{ "number": 1, "name": "0123456789abcdef", "path": "/nowhere/disk" }]"#;
    std::fs::write(site.path("d/disks.json"), away).unwrap();
    open("holder.txt", "less.mp4").must(0, &["the disk /nowhere/disk is not there", "Wrote less.mp4"]);

    let again =
        ["open", "--holder", "holder.txt", "--camera", "gate", "--from", "-1h", "--to", "now", "--json"];
    let told = site.command(&again).args(["-o", "again.mp4"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["bytes"], std::fs::metadata(site.path("again.mp4")).unwrap().len());
    let moment = |name: &str| told[name].as_i64().unwrap();
    assert!(moment("first_us") < moment("last_us") && moment("pictures") > 1, "{told}");
}
