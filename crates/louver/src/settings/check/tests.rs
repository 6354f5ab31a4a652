use super::*;

/// The holder of the test vectors.
const PUBLIC: &str = "holder15gfye0hn67hsp3fflajnr2dnjre4gswyeunqtcl6fu7zh0u77au27yellvv2mvq59vdrn49j654peqjdxvdyt27tffezhuj2ft4u7pqysz6up";

const GATE: &str = r#"
[[camera]]
id = "gate"
main = "rtsp://admin:hunter2@cam/main"
purpose = "break-ins"
owner = "Ada"
contact = "ada@example.org"
"#;

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(Path::new("/srv/louver.toml"), text).map_err(|e| e.to_string())
}

/// What is said about a file, which must be refused and must not show the password.
fn said(text: &str) -> String {
    let said = parse(text).expect_err("this file must be refused");
    assert!(!said.contains("hunter2"), "{said}");
    said
}

#[test]
fn a_small_file_is_enough_and_its_defaults_are_those_of_the_reference() {
    let s = parse(&format!("data = \"data\"\n{GATE}")).unwrap();
    assert_eq!(s.data, Path::new("/srv/data"));
    assert_eq!((s.listen.to_string().as_str(), s.site_name.as_str()), ("127.0.0.1:8470", "Louver"));
    assert_eq!(s.min_free_percent, 10);
    assert_eq!((s.when_full, s.disks.len()), (louver_store::WhenFull::DeleteOldest, 0));
    assert_eq!((s.move_after.seconds(), s.move_rate), (86_400.0, 20_000_000));
    let gate = &s.cameras[0];
    assert_eq!((gate.name.as_str(), gate.retention_hours.get(), gate.analysis), ("gate", 72, Analysis::On));
}

#[test]
fn relative_paths_count_from_the_settings_file() {
    let s = parse(
        "data = \"/var/x\"\n[detector]\nmodel = \"m/yolox_nano.onnx\"\nlibrary = \"../lib/libonnxruntime.so\"",
    )
    .unwrap();
    assert_eq!(s.data, Path::new("/var/x"));
    assert_eq!(s.detector.model.as_deref(), Some(Path::new("/srv/m/yolox_nano.onnx")));
    assert_eq!(s.detector.kind, Some(ModelKind::Yolox));
}

#[test]
fn a_camera_that_is_asked_needs_no_addresses_and_is_asked_as_the_one_who_plays_it() {
    let camera = |keys: &str| {
        let text = format!(
            "data = \"d\"\n[[camera]]\nid = \"gate\"\n{keys}\npurpose = \"p\"\nowner = \"o\"\ncontact = \"c\"\n"
        );
        Settings::parse(Path::new("/x.toml"), &text).unwrap().cameras.remove(0)
    };
    let told = camera("onvif = \"http://admin:hunter2@192.0.2.10/\"");
    assert!(told.main.is_told() && told.sub.unwrap().is_told());
    assert_eq!(told.onvif.unwrap().credentials().unwrap().user, "admin");
    let both = camera("onvif = \"http://192.0.2.10/\"\nmain = \"rtsp://ada:hunter2@192.0.2.10/1\"");
    assert_eq!(both.onvif.unwrap().credentials().unwrap().user, "ada");
    assert!(both.sub.is_none() && !both.main.is_told());
    let own = camera("onvif = \"http://eve:x@192.0.2.10/\"\nmain = \"rtsp://ada:hunter2@192.0.2.10/1\"");
    assert_eq!(own.onvif.unwrap().credentials().unwrap().user, "eve");
    // A digest that is sent in clear can be tried out: the password of an encrypted stream is not asked with.
    let encrypted = camera("onvif = \"http://192.0.2.10/\"\nmain = \"rtsps://ada:hunter2@192.0.2.10/1\"");
    assert!(encrypted.onvif.unwrap().credentials().is_none());
    assert!(camera("main = \"rtsp://cam/\"").onvif.is_none());
}

#[test]
fn each_problem_of_a_camera_has_its_sentence_with_file_and_line() {
    let file = |camera: &str| format!("data = \"d\"\n[[camera]]\n{camera}");
    let entry = "purpose = \"p\"\nowner = \"o\"\ncontact = \"c\"\n";
    let with_id = format!("id = \"gate\"\nmain = \"rtsp://cam/\"\n{entry}");
    for (camera, wanted) in [
        (entry.to_owned(), "louver.toml:2: camera number 1 has no id: add for instance id = \"front-door\""),
        (format!("id = \"Front Door\"\n{entry}"), "louver.toml:3: \"Front Door\" is not a camera id"),
        (format!("id = \"gate\"\n{entry}"), "louver.toml:2: camera \"gate\" has no address: add main"),
        (
            format!("id = \"gate\"\nmain = \"http://admin:hunter2@cam/\"\n{entry}"),
            "louver.toml:4: camera \"gate\": \"main\" cannot be used: camera addresses start with rtsp://",
        ),
        (
            format!("{with_id}onvif = \"https://admin:hunter2@cam/\"\n"),
            "louver.toml:8: camera \"gate\": \"onvif\" cannot be used: https:// is not spoken yet",
        ),
        (
            format!("id = \"gate\"\nonvif = \"http://cam/\"\nsub = \"rtsp://cam/\"\n{entry}"),
            "louver.toml:5: camera \"gate\" has a sub stream and no main stream",
        ),
        (
            format!("{with_id}sub = \"rtsp:///hunter2\"\n"),
            "louver.toml:8: camera \"gate\": \"sub\" cannot be used: the camera address names no host",
        ),
        (
            "id = \"gate\"\nmain = \"rtsp://cam/\"\nowner = \"o\"\ncontact = \" \"\n".to_owned(),
            "camera \"gate\" has no purpose, no contact: Louver records no camera without a purpose, an owner and \
             a contact. Add purpose = \"…\" and contact = \"…\"",
        ),
        (format!("{with_id}retention_hours = 0\n"), "retention_hours = 0 is out of range; 1 to 87600"),
        (
            format!("{with_id}retention_hours = 73\n"),
            "keeps recordings for 73 hours, and more than 72 need a written reason: add retention_reason",
        ),
        (format!("{with_id}analysis = \"maybe\"\n"), "analysis = \"maybe\" is unknown; \"on\""),
        (
            format!("{with_id}retention_hours = \"rtsp://a:hunter2@b\"\n"),
            "louver.toml:8: \"camera.retention_hours\" has the wrong kind of value: a whole number is expected",
        ),
        (
            format!("{with_id}retention_hour = 5\n"),
            "louver.toml:8: unknown key \"retention_hour\" in [camera]; did you mean \"retention_hours\"?",
        ),
        (
            format!("{with_id}listen = \"127.0.0.1:1\"\n"),
            "unknown key \"listen\" in [camera]; it belongs at the top of the file, before the first [table]",
        ),
        (
            format!("{with_id}recognise_faces = true\n"),
            "unknown key \"recognise_faces\" in [camera]; the keys",
        ),
    ] {
        let said = said(&file(&camera));
        assert!(said.contains(wanted), "{said}\n does not contain\n{wanted}");
    }
}

#[test]
fn what_may_be_seen_and_zones_are_read_and_each_mistake_has_its_sentence() {
    let camera = |more: &str| format!("data = \"d\"{GATE}{more}");
    let zone = |more: &str| camera(&format!("[[camera.zone]]\n{more}"));
    let plain = parse(&camera("")).unwrap().cameras.remove(0);
    assert!(plain.show.is_nothing() && plain.zones.is_empty() && !plain.excludes());
    let garden = "name = \"Garden\"\nkind = \"exclude\"\npolygon = [[0, 0], [30.5, 0], [0, 100]]\n";
    let text = camera(&format!("show = [\"vehicle\", \"parcel\"]\n[[camera.zone]]\n{garden}"));
    let gate = parse(&text).unwrap().cameras.remove(0);
    assert_eq!(gate.show.classes().map(|c| c.as_str()).collect::<Vec<_>>(), ["vehicle", "parcel"]);
    assert!(gate.zones[0].polygon() == [[0.0, 0.0], [30.5, 0.0], [0.0, 100.0]] && gate.excludes());

    for (text, says) in [
        (camera("show = [\"person\"]"), "people are never shown as they are"),
        (camera("show = [\"faces\"]"), "\"faces\" in show is unknown"),
        (camera("show = \"vehicle\""), "\"camera.show\" has the wrong kind of value: a list in [brackets]"),
        (zone("name = \"x\""), "zone number 1 has no kind, no polygon"),
        (zone(&garden.replace("exclude", "blur")), "kind = \"blur\" of a zone is unknown"),
        (zone(&garden.replace(", [0, 100]", "")), "zone number 1: a polygon of 2 points encloses nothing"),
        (zone(&garden.replace("[[0, 0], [30.5, 0], [0, 100]]", "[]")), "a polygon of 0 points"),
        (zone(&garden.replace("30.5", "130.5")), "point 2 lies outside the picture"),
        (zone(&garden.replace("30.5, 0", "30.5")), "point 2 is not [x, y]"),
        (
            zone(&garden.replace("30.5, 0", "30.5, \"a\"")),
            "\"camera.zone.polygon\" has the wrong kind of value",
        ),
        (zone(&garden.replace("Garden", " ")), "a zone needs a name"),
        (zone(&format!("{garden}blur = 3")), "unknown key \"blur\" in [camera.zone]"),
        (
            camera(&format!("[[camera.zone]]\n{garden}").repeat(33)),
            "has 33 zones, which is too many: 32 at most",
        ),
    ] {
        let said = said(&text);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn two_cameras_with_one_id_are_refused_with_both_lines() {
    let said = said(&format!("data = \"d\"\n{GATE}{GATE}"));
    assert!(
        said.contains("louver.toml:11: two cameras have the id \"gate\" (the other stands in line 4)"),
        "{said}"
    );
}

#[test]
fn each_problem_outside_the_cameras_has_its_sentence() {
    for (text, wanted) in [
        ("", "louver.toml:1: no \"data\": say in which folder recordings are kept"),
        ("data = \"d\"\nlisten = \"8470\"", "louver.toml:2: listen = \"8470\" is not an address and port"),
        ("data = \"d\"\nlisten = 8470", "louver.toml:2: \"listen\" has the wrong kind of value: a text"),
        ("data = \"d\"\ndata = \"e\"", "louver.toml:2: this is not valid TOML: duplicate key"),
        ("data = \"d\"\nmain = rtsp://a:hunter2@b", "louver.toml:2: this is not valid TOML"),
        (
            "data = \"d\"\n[holder]\n",
            "louver.toml:2: unknown key \"holder\" at the top of the file; did you mean \"holders\"?",
        ),
        (
            "data = \"d\"\n[holders]\nneeded = 1\n[[holders.list]]\nname = \"A\"\npublic = \"x\"",
            "louver.toml:6: holder number 1: this is no holder's public half",
        ),
        (
            "data = \"d\"\n[holders]\nlist = [{ name = \"A\", public = \"AGE-SECRET-KEY-1HUNTER2\" }]",
            "holder number 1: these are a holder's secret words, not the public half",
        ),
        (
            "data = \"d\"\n[holders]\nlist = \"holder1\"",
            "\"holders.list\" has the wrong kind of value: a list",
        ),
        ("data = \"d\"\n[holders]\nneeded = 2", "louver.toml:3: [holders] names no holder"),
        ("data = \"d\"\n[[holders.list]]\nname = \"A\"", "holder number 1 has no \"public\""),
        ("data = \"d\"\n[[holders.list]]\nname = \"\"\npublic = \"x\"", "holder number 1 needs a name"),
        (
            "data = \"d\"\n[[holders.list]]\nnmae = \"A\"",
            "unknown key \"nmae\" in [holders.list]; the keys there are name, public",
        ),
        (
            "data = \"d\"\n[detector]\nmodel = \"m.onnx\"",
            "louver.toml:3: the name of the detector model does not say",
        ),
        ("data = \"d\"\n[detector]\nkind = \"yolo\"", "detector kind \"yolo\" is unknown"),
        ("data = \"d\"\n[storage]\nmin_free_percent = 51", "min_free_percent = 51 is out of range"),
        ("data = \"d\"\n[storage]\nwhen_full = \"panic\"", "when_full = \"panic\" is unknown"),
        ("data = \"d\"\n[storage]\nmove_after_hours = 0", "move_after_hours = 0 is out of range; 1 to 87600"),
        (
            "data = \"d\"\n[[storage.disk]]\npath = \"p\"\nrole = \"warm\"",
            "disk 1 in [[storage.disk]] needs a path, and a role",
        ),
        (
            "data = \"d\"\n[[storage.disk]]\npath = \"p\"\nrole = \"hot\"\n[[storage.disk]]\npath = \"p\"\nrole = \"cold\"",
            "disk 2 in [[storage.disk]] has the folder of one before it",
        ),
    ] {
        let said = said(text);
        assert!(said.contains(wanted), "{said}\n does not contain\n{wanted}");
        assert!(!said.contains("HUNTER2"), "{said}");
    }
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let said = said("listen = \"x\"\n[[camera]]\nid = \"a\"\n[[camera]]\nid = \"b\"\n");
    assert_eq!(said.lines().count(), 1 + 6, "{said}");
}

#[test]
fn a_holder_is_taken_once_and_how_many_are_needed_is_said() {
    let one = format!("{{ name = \"Ada\", public = \"{PUBLIC}\" }}");
    let file = |needed: &str, list: &str| format!("data = \"d\"\n[holders]\n{needed}\nlist = [{list}]");
    let settings = parse(&file("needed = 1", &one)).unwrap();
    assert_eq!(settings.holders().unwrap().holders()[0].to_string(), PUBLIC);
    let twice = said(&file("needed = 1", &format!("{one}, {one}")));
    assert!(twice.contains("holder number 2 stands twice"), "{twice}");
    let silent = said(&file("", &one));
    assert!(silent.contains("does not say how many of its 1 are needed"), "{silent}");
    for needed in ["0", "2"] {
        let said = said(&file(&format!("needed = {needed}"), &one));
        assert!(said.contains(&format!("needed = {needed} is out of range: there are 1 holders")), "{said}");
    }
}

#[test]
fn no_holder_no_recording_is_said_with_what_to_do() {
    let settings = parse("data = \"d\"").unwrap();
    let said = settings.holders().unwrap_err();
    assert!(said.to_string().contains("no holder, no recording"), "{said}");
    assert!(said.advice().unwrap().contains("louver holder new"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_settings_panic(text in "(data|listen|\\[\\[camera\\]\\]|\\[holders\\]|id|main| |=|\"|\n|x|é|\\[|\\]|1){0,40}") {
        let _ = parse(&text);
    }
}

#[test]
fn how_a_camera_is_connected_to_and_its_sound_are_read_and_what_is_wrong_is_told() {
    let with = |more: &str| parse(&format!("data = \"d\"\n{GATE}{more}"));
    assert_eq!(with("").unwrap().cameras[0].connection, louver_node::Connection::default());
    let fingerprint = format!("sha256:{}", "ab:".repeat(31) + "AB");
    let gate = with("transport = \"udp\"\naudio = \"sealed\"").unwrap();
    let connection = gate.cameras[0].connection;
    assert_eq!((connection.transport, connection.audio), (Transport::Udp, louver_node::Audio::Sealed));
    let certificate = format!("certificate = \"{fingerprint}\"");
    let gate = with(&format!("sub = \"rtsps://cam/sub\"\n{certificate}")).unwrap();
    assert_eq!(
        gate.cameras[0].connection.certificate.unwrap().to_string(),
        format!("sha256:{}", "ab".repeat(32))
    );
    for (more, wanted) in [
        ("transport = \"sctp\"", "transport = \"sctp\" is unknown; \"tcp\" or \"udp\""),
        ("audio = \"on\"", "audio = \"on\" is unknown; \"off\" (not even asked for) or \"sealed\""),
        (
            certificate.as_str(),
            "louver.toml:9: camera \"gate\": certificate says whom to trust, and no address",
        ),
        ("certificate = \"ab\"", "certificate must be sha256: and 64 hexadecimal digits"),
        ("sub = \"rtsps://cam/sub\"\ntransport = \"udp\"", "the pictures would travel in clear"),
    ] {
        let refused = with(more).map(|_| ()).unwrap_err();
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[test]
fn an_address_that_stands_where_it_does_not_belong_is_not_repeated() {
    let address = "rtsp://admin:hunter2@cam/1";
    for wrong in [
        format!("data = \"d\"\nlisten = \"{address}\""),
        format!("data = \"d\"\n{}", GATE.replace("\"gate\"", &format!("\"{address}\""))),
        format!("data = \"d\"\n{0}{0}", GATE.replace("\"gate\"", &format!("\"{address}\""))),
        format!("data = \"d\"\n\"{address}\" = 1"),
        format!("data = \"d\"\n{GATE}audio = \"{address}\"\ngate = \"{address}\"\nshow = [\"{address}\"]"),
        format!("data = \"d\"\n[storage]\nwhen_full = \"{address}\""),
        format!("data = \"d\"\n[ledger]\nwitnesses = [\"{address}\"]"),
    ] {
        assert!(said(&wrong).contains('…'), "{wrong}");
    }
}
