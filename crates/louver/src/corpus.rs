//! What a fuzzer found worth keeping (fuzz/corpus), and what it begins with, without the fuzzer.
//!
//! `LOUVER_WRITE_SEEDS=1 cargo test -p louver corpus` writes what it begins with anew.

use std::path::PathBuf;

#[path = "../../../fuzz/checks/settings.rs"]
mod settings;

use settings::SECRET;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/settings")
}

#[test]
fn what_holds_of_any_settings_holds_of_the_corpus() {
    let files: Vec<_> = std::fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 3, "the corpus is in the repository");
    for file in files {
        println!("{}", file.display());
        settings::any_bytes(&std::fs::read(file).unwrap());
    }
}

#[test]
fn each_fuzz_target_is_listed_has_seeds_and_a_test_that_runs_them() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (listed, built) = (read("docs/fuzzing.md"), read("fuzz/Cargo.toml"));
    let names = |folder: &str| -> Vec<String> {
        let files = std::fs::read_dir(root.join(folder)).unwrap();
        let stem = |file: std::fs::DirEntry| file.path().file_stem().unwrap().to_string_lossy().into_owned();
        let mut names: Vec<String> = files.map(|file| stem(file.unwrap())).collect();
        names.sort();
        names
    };
    let targets = names("fuzz/fuzz_targets");
    let lines = listed.lines().filter(|line| line.starts_with("| `"));
    let mut named: Vec<_> = lines.clone().filter_map(|line| line.split('`').nth(1)).collect();
    named.sort_unstable();
    assert_eq!(named, targets, "docs/fuzzing.md names each target once, and no other");
    assert_eq!(names("fuzz/corpus"), targets, "each has seeds, and there are no others");
    for target in &targets {
        assert!(
            built.contains(&format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"")),
            "{target}"
        );
        let line = lines.clone().find(|line| line.contains(&format!("| `{target}` |"))).unwrap();
        let tested = line.split('`').rev().nth(1).unwrap();
        let [test, other] =
            ["tests", "src"].map(|folder| root.join(format!("crates/{tested}/{folder}/corpus.rs")));
        let test = std::fs::read_to_string(if test.exists() { test } else { other }).unwrap();
        assert!(test.contains(&format!("fuzz/checks/{target}.rs")), "{target}: {tested} runs its corpus");
    }
}

#[test]
fn the_seeds_have_every_key() {
    let camera = |id: &str, more: &str| {
        format!(
            "[[camera]]\nid = \"{id}\" # kept\n{more}purpose = \"p\"\nowner = \"Ada\"\ncontact = \"ada@example.org\"\n"
        )
    };
    let main = format!("main = \"rtsp://admin:{SECRET}@192.0.2.10/1\"\n");
    let everything = format!(
        "data = \"d\"\nlisten = \"[::1]:1\"\nsite_name = \"M\"\n[detector]\nmodel = \"yolox.onnx\"\nkind = \"yolox\"\nlibrary = \"l\"\n\
         [storage]\nmin_free_percent = 5\nwhen_full = \"stop\"\nmove_after_hours = 2\nmove_megabytes_per_second = 3\n\
         [[storage.disk]]\npath = \"/a\"\nrole = \"hot\"\nmin_free_percent = 1\n[[storage.disk]]\npath = \"b\"\nrole = \"cold\"\n\
         [ledger]\nwitnesses = []\n[metrics]\ntoken_file = \"t\"\n{}",
        camera(
            "gate",
            &format!(
                "{main}name = \"The gate\"\nsub = \"rtsps://admin:{SECRET}@192.0.2.10/2\"\ntransport = \"tcp\"\naudio = \"sealed\"\n\
                 certificate = \"sha256:{}\"\nretention_hours = 100\nretention_reason = \"r\"\nanalysis = \"on\"\ngate = \"off\"\n\
                 show = [\"vehicle\", \"animal\"]\nzone = [{{ name = \"N\", kind = \"mask\", polygon = [[0, 0], [30, 0], [30, 45.5]] }}]\n",
                "5a".repeat(32)
            )
        )
    );
    let told = format!("onvif = \"http://admin:{SECRET}@192.0.2.10/\"\n");
    let public = "holder15gfye0hn67hsp3fflajnr2dnjre4gswyeunqtcl6fu7zh0u77au27yellvv2mvq59vdrn49j654peqjdxvdyt27tffezhuj2ft4u7pqysz6up";
    let seeds = [
        ("everything", everything.clone()),
        ("two", format!("data = 'd'\n\n# first\n{}\n{}", camera("a", &main), camera("b", &told))),
        (
            "held",
            format!("data = \"d\"\n[holders]\nneeded = 1\n[[holders.list]]\nname = \"Ada\"\npublic = \"{public}\"\n"),
        ),
        (
            "held_in_one_line",
            format!("data = \"d\"\nholders = {{ needed = 1, list = [{{ name = \"A\", public = \"{public}\" }}] }}\n"),
        ),
        (
            "cameras_in_one_line",
            "data = \"d\"\ncamera = [{ id = \"a\", main = \"rtsp://c/\", purpose = \"p\", owner = \"o\", contact = \"c\" }]\n"
                .to_owned(),
        ),
        ("wrong_kinds", format!("data = 1\nlisten = []\n{}", camera("a", "main = 7\nretention_hours = \"x\"\n"))),
        (
            "wrong_words",
            format!(
                "listen = \"x\"\n[storage]\nmin_free_percent = 90\nwhen_full = \"y\"\n[detector]\nkind = \"z\"\n[ledger]\nwitnesses = [\"w\"]\n{}",
                camera(
                    "A B",
                    &format!(
                        "main = \"http://a:{SECRET}@b/\"\nsub = \"{SECRET}\"\ntransport = \"x\"\naudio = \"x\"\ncertificate = \"x\"\ngate = \"x\"\n\
                         analysis = \"x\"\nshow = [\"person\", \"x\"]\nretention_hours = 90000\n[[camera.zone]]\nkind = \"x\"\npolygon = [[1]]\n"
                    )
                )
            ),
        ),
        ("strange_keys", "data = \"d\"\ndatta = 1\nmain = 2\n[camera]\nqqqqqqqq = 3\n".to_owned()),
        ("syntax", format!("data = \"d\"\n{}main = \"rtsp://a:{SECRET}@b\n", camera("a", &main))),
    ];
    for (name, seed) in seeds {
        let file = corpus().join(name);
        if std::env::var_os("LOUVER_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(corpus()).unwrap();
            std::fs::write(&file, &seed).unwrap();
        }
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(there, seed, "{name}: not what it is called; LOUVER_WRITE_SEEDS=1 writes it anew");
    }
    let taken = crate::settings::Settings::parse(std::path::Path::new("/x/louver.toml"), &everything);
    assert_eq!(taken.map_err(|e| e.to_string()).unwrap().cameras.len(), 1);
}
