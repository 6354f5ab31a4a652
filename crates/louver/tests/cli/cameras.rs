//! `louver camera`.

use std::os::unix::fs::PermissionsExt as _;

use crate::site::{PASSWORD, Site, camera, free_port, refusing_camera};

const ENTRY: [&str; 6] = ["--purpose", "break-ins", "--owner", "Ada", "--contact", "ada@example.org"];

fn add<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["camera", "add"], more, &ENTRY[..]].concat()
}

#[test]
fn a_camera_is_added_listed_and_removed_without_showing_its_password() {
    let site = Site::with("# mine\ndata = \"d\"\n");
    let main = format!("rtsp://admin:{PASSWORD}@127.0.0.1:1/main");
    site.run(&add(&["--id", "gate", "--name", "The gate", "--main", &main, "--no-probe"]))
        .must(0, &["Camera \"gate\" now stands in", "Nothing is recorded before there is a holder"]);
    let written = site.read("louver.toml");
    assert!(written.starts_with("# mine\ndata = \"d\"\n") && written.contains(&main), "{written}");
    let mode = std::fs::metadata(site.path("louver.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "the file holds a password now");

    site.run(&["camera", "list"]).must(0, &["gate", "The gate", "rtsp://127.0.0.1:1/main", "72 h"]);
    site.run(&["camera", "remove", "gate"]).must(1, &["say --yes"]);
    site.run(&["camera", "remove", "gate", "--yes"])
        .must(0, &["Its recordings stay until they are 72 hours old", "was taken out of"]);
    assert_eq!(site.read("louver.toml"), "# mine\ndata = \"d\"\n");
    site.run(&["camera", "remove", "gate", "--yes"])
        .must(1, &["no camera \"gate\" in the settings; none is registered"]);
}

#[test]
fn a_password_from_standard_input_reaches_the_file_alone() {
    let site = Site::with("data = \"d\"\n");
    let args =
        add(&["--id", "gate", "--main", "rtsp://admin@127.0.0.1:1/", "--no-probe", "--password-stdin"]);
    site.run_with_input(&args, &format!("{PASSWORD}\n")).must(0, &["now stands in"]);
    assert!(site.read("louver.toml").contains(&format!("rtsp://admin:{PASSWORD}@127.0.0.1:1/")));
    site.run_with_input(&add(&["--id", "b", "--main", "rtsp://a@b/", "--password-stdin"]), "")
        .must(1, &["standard input holds no password"]);
}

#[test]
fn a_first_camera_begins_a_settings_file() {
    let site = Site::new();
    let args =
        add(&["--settings", "new.toml", "--id", "gate", "--main", "rtsp://127.0.0.1:1/", "--no-probe"]);
    site.run(&args).must(0, &["Made new.toml: recordings will lie in"]);
    let mode = std::fs::metadata(site.path("new.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    site.run(&["camera", "list", "--settings", "new.toml"]).must(0, &["gate"]);
}

#[test]
fn a_camera_that_is_refused_leaves_the_settings_as_they_were() {
    let settings = format!("data = \"d\"\n{}", camera("gate", "rtsp://127.0.0.1:1/"));
    let site = Site::with(&settings);
    let bad = format!("http://a:{PASSWORD}@b/");
    let nobody = format!("rtsp://a:{PASSWORD}@127.0.0.1:{}/", free_port());
    for (args, wanted) in [
        (
            vec![
                "camera",
                "add",
                "--id",
                "yard",
                "--main",
                "rtsp://127.0.0.1:1/",
                "--no-probe",
                "--owner",
                "Ada",
            ],
            "the camera is not added: camera \"yard\" has no purpose, no contact: Louver records no camera without",
        ),
        (
            add(&["--id", "gate", "--main", "rtsp://127.0.0.1:1/", "--no-probe"]),
            "there is a camera \"gate\" already",
        ),
        (
            add(&["--id", "Yard!", "--main", "rtsp://127.0.0.1:1/", "--no-probe"]),
            "\"Yard!\" is not a camera id",
        ),
        (add(&["--id", "yard", "--main", &bad]), "--main: camera addresses start with rtsp://"),
        (
            add(&["--id", "yard", "--main", "rtsp://127.0.0.1:1/", "--no-probe", "--retention-hours", "100"]),
            "keeps recordings for 100 hours, and more than 72 need a written reason",
        ),
        (add(&["--id", "yard", "--main", &nobody]), "the main stream gives no video, so nothing was changed"),
    ] {
        site.run(&args).must(1, &[wanted]);
        assert_eq!(site.read("louver.toml"), settings, "after {args:?}");
    }
}

#[test]
fn a_probe_says_what_is_wrong_with_a_camera_in_its_own_words() {
    let site = Site::new();
    let unreachable = format!("rtsp://admin:{PASSWORD}@127.0.0.1:{}/live", free_port());
    let wrong_password = refusing_camera("401 Unauthorized", "WWW-Authenticate: Basic realm=\"cam\"\r\n");
    let no_path = refusing_camera("404 Not Found", "");
    for (address, wanted) in [
        (&unreachable, "the camera's host refuses the connection"),
        (&wrong_password, "the camera refuses the user name or password"),
        (&no_path, "the camera has no stream at this path"),
    ] {
        // With everything logged: what a camera was asked with must not stand in the log either.
        site.run(&["--log", "trace", "camera", "probe", address])
            .must(1, &["cannot be recorded as it is", wanted]);
    }
    site.run(&["camera", "probe", &format!("admin:{PASSWORD}@127.0.0.1/x")]).must(1, &["rtsp://"]);
}

#[test]
fn a_probe_of_a_video_file_describes_it() {
    let Some(file) = crate::site::deps("footage/forecourt_sub.mp4") else { return };
    let address = format!("file://{}", file.canonicalize().unwrap().display());
    Site::new()
        .run(&["camera", "probe", &address])
        .must(0, &["H.264 640x360", "pictures a second", "a key frame every"]);
}
