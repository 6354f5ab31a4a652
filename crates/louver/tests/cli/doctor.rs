//! `louver doctor`.

use crate::site::{PASSWORD, PUBLIC, Said, Site, camera, deps, free_port, refusing_camera};

fn settings(port: u16, more: &str) -> String {
    format!(
        "data = \"d\"\nlisten = \"127.0.0.1:{port}\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]\n{more}"
    )
}

#[test]
fn without_settings_the_machine_is_looked_at_all_the_same() {
    Site::new().run(&["doctor", "--settings", "none.toml"]).must(
        1,
        &[" 1 ✗ settings: the settings file none.toml cannot be read: No such file", "✓ decoder:", "clock:"],
    );
}

#[test]
fn each_camera_is_looked_at_and_its_trouble_told() {
    let unreachable = format!("rtsp://admin:{PASSWORD}@127.0.0.1:{}/", free_port());
    let refused = refusing_camera("401 Unauthorized", "WWW-Authenticate: Basic realm=\"cam\"\r\n");
    let cameras = format!("{}{}", camera("gate", &unreachable), camera("yard", &refused));
    let site = Site::with(&settings(free_port(), &cameras));
    site.run(&["doctor"]).must(
        1,
        &[
            "✓ settings:",
            "2 cameras in the register",
            "✓ holders: 1 holder can open originals",
            "every user of this machine can read it",
            "✗ camera gate main: the camera's host refuses the connection",
            "✗ camera yard main: the camera refuses the user name or password",
            "is free; no server runs there now",
        ],
    );
}

#[test]
fn the_json_says_the_same_for_programs() {
    let site = Site::with(&format!("data = \"d\"\nlisten = \"127.0.0.1:{}\"\n", free_port()));
    let out = site.command(&["doctor", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["ok"], false);
    let checks = json["checks"].as_array().unwrap();
    let holders = checks.iter().find(|c| c["topic"] == "holders").unwrap();
    assert_eq!(holders["verdict"], "trouble");
    assert!(holders["what_to_do"].as_str().unwrap().contains("louver holder new"));
    assert_eq!(checks[0]["number"], 1);
}

#[test]
fn a_data_directory_that_cannot_be_one_is_told() {
    let site = Site::with("data = \"file/below\"\n");
    std::fs::write(site.path("file"), b"x").unwrap();
    site.run(&["doctor", "--no-cameras"]).must(1, &["✗ data directory:", "is not a folder"]);
}

#[test]
fn a_port_that_another_program_has_is_told() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    // It takes connections and says nothing, as some programs do.
    let site = Site::with(&settings(port, ""));
    site.run(&["doctor", "--no-cameras"]).must(1, &["✗ page:", "is taken by another program", "ss -ltnp"]);
}

#[test]
fn missing_and_corrupt_libraries_and_models_are_told_apart() {
    let site = Site::with(&settings(
        free_port(),
        "[detector]\nmodel = \"m/ssd.onnx\"\nlibrary = \"m/libonnxruntime.so\"\n",
    ));
    std::fs::create_dir(site.path("m")).unwrap();
    let doctor = || site.run(&["doctor", "--no-cameras"]);
    doctor().must(
        1,
        &[
            "✗ ONNX Runtime library:",
            "libonnxruntime.so (named by the settings) does not exist",
            "✗ detector model:",
            "ssd.onnx (named by the settings) does not exist",
        ],
    );
    std::fs::write(site.path("m/libonnxruntime.so"), b"not a library").unwrap();
    std::fs::write(site.path("m/ssd.onnx"), b"not a model").unwrap();
    doctor()
        .must(1, &["✗ ONNX Runtime library:", "is not an ONNX Runtime library", "mend the library first"]);
    let Some(library) = deps("lib/libonnxruntime.so") else { return };
    std::fs::copy(library, site.path("m/libonnxruntime.so")).unwrap();
    doctor().must(1, &["✓ ONNX Runtime library:", "✗ detector model:", "is not a model that can be used"]);
    let Some(model) = deps("models/ssd_mobilenetv2_oidv4.onnx") else { return };
    std::fs::copy(model, site.path("m/ssd.onnx")).unwrap();
    doctor().must(0, &["✓ detector model:", "works as ssd-mobilenet-v2"]);
    let text = site.read("louver.toml").replace("[detector]\n", "[detector]\nkind = \"yolox\"\n");
    std::fs::write(site.path("louver.toml"), text).unwrap();
    doctor().must(1, &["✗ detector model:", "is not a model of kind yolox"]);
}

#[test]
fn the_environment_names_model_and_library_where_the_settings_do_not() {
    let site = Site::with(&settings(free_port(), ""));
    let mut command = site.command(&["doctor", "--no-cameras"]);
    command.env("LOUVER_MODEL", "/no/ssd.onnx").env("ORT_DYLIB_PATH", "/no/lib.so");
    Said::from(command.output().unwrap()).must(
        1,
        &[
            "/no/lib.so (named by ORT_DYLIB_PATH) does not exist",
            "/no/ssd.onnx (named by LOUVER_MODEL) does not exist",
        ],
    );
}

#[test]
fn the_detectors_library_reports_to_nobody_and_leaves_no_identifier() {
    let (Some(library), Some(model)) =
        (deps("lib/libonnxruntime.so"), deps("models/ssd_mobilenetv2_oidv4.onnx"))
    else {
        return;
    };
    let paths = format!(
        "[detector]\nmodel = \"{}\"\nlibrary = \"{}\"\n",
        model.canonicalize().unwrap().display(),
        library.canonicalize().unwrap().display()
    );
    let site = Site::with(&settings(free_port(), &paths));
    std::fs::create_dir(site.path("home")).unwrap();
    let mut command = site.command(&["doctor", "--no-cameras"]);
    command.env("HOME", site.path("home")).env("ORT_DISABLE_TELEMETRY", "0");
    // The library says nothing by itself where it takes the place for a test: there it must be Louver who forbids it.
    for name in ["CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    Said::from(command.output().unwrap()).must(0, &["✓ detector model:"]);
    assert_eq!(site.files("home"), Vec::<std::path::PathBuf>::new());
}
