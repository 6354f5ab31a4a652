//! Wrong settings: each has its own sentence, with file and line, and exit code 3.

use crate::site::{PASSWORD, PUBLIC, Site, camera};

#[test]
fn no_settings_file_says_where_it_was_looked_for_and_how_to_begin() {
    if std::path::Path::new("/etc/louver/louver.toml").exists() {
        println!("skipped: this machine has settings in /etc/louver");
        return;
    }
    Site::new().run(&["serve"]).must(
        3,
        &[
            "there is no settings file: neither ./louver.toml nor /etc/louver/louver.toml exists",
            "what to do: `louver holder new -o holder.txt --add`",
        ],
    );
}

#[test]
fn a_named_settings_file_that_is_not_there_is_not_replaced_by_another() {
    let site = Site::with("data = \"d\"");
    site.run(&["camera", "list", "--settings", "other.toml"])
        .must(3, &["the settings file other.toml cannot be read", "because: No such file or directory"]);
    let mut command = site.command(&["camera", "list"]);
    command.env("LOUVER_SETTINGS", "third.toml");
    crate::site::Said::from(command.output().unwrap()).must(3, &["third.toml cannot be read"]);
}

#[test]
fn mistakes_are_told_with_file_line_and_what_to_do() {
    let address = format!("rtsp://admin:{PASSWORD}@127.0.0.1/x");
    let no_purpose = camera("gate", &address).replace("purpose = \"break-ins\"\n", "");
    for (settings, wanted) in [
        (
            format!("data = \"d\"\nlisen = \"x\"\n{}", camera("a", &address)),
            "louver.toml:2: unknown key \"lisen\" at the top of the file; did you mean \"listen\"?",
        ),
        (
            format!("data = \"d\"\n{no_purpose}"),
            "camera \"gate\" has no purpose: Louver records no camera without a purpose, an owner and a contact",
        ),
        (
            format!("data = \"d\"\n{0}{0}", camera("gate", &address)),
            "two cameras have the id \"gate\" (the other stands in line 4)",
        ),
        (format!("data = \"d\"\nmain = {address}"), "louver.toml:2: this is not valid TOML"),
        (
            format!("data = \"d\"\n{}", camera("gate", &format!("http://a:{PASSWORD}@b/"))),
            "\"main\" cannot be used: camera addresses start with rtsp://",
        ),
        (
            "data = \"d\"\n[holders]\nneeded = 1\nlist = [{ name = \"Ada\", public = \"me\" }]\n".to_owned(),
            "holder number 1: this is no holder's public half",
        ),
    ] {
        for command in [&["serve"][..], &["camera", "list"], &["link"]] {
            Site::with(&settings)
                .run(command)
                .must(3, &["error: the settings cannot be used", wanted, "what to do: correct"]);
        }
    }
}

#[test]
fn settings_that_name_no_holder_record_nothing() {
    let site = Site::with(&format!("data = \"d\"\n{}", camera("gate", "rtsp://127.0.0.1:1/")));
    site.run(&["doctor"]).must(1, &["no holder, no recording", "what to do: run `louver holder new"]);
    assert!(!site.path("d").exists(), "nothing is made before there is a holder");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let site = Site::new();
    site.run(&["sreve"]).must(2, &["unrecognized subcommand 'sreve'", "serve"]);
    site.run(&["--log", "a=b=c", "camera", "list"])
        .must(1, &["is not a log filter", "what to do: use off, error"]);
}

#[test]
fn help_and_version_are_there() {
    let site = Site::with(&format!(
        "data = \"d\"\n[holders]\nneeded = 1\nlist = [{{ name = \"Ada\", public = \"{PUBLIC}\" }}]"
    ));
    site.run(&["--help"]).must(0, &["First steps:", "Exit codes:", "doctor"]);
    site.run(&["--version"]).must(0, &["louver 0."]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_one() {
    let site = Site::with(&format!("data = \"d\"\n{}", camera("gate", "rtsp://127.0.0.1/x")));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = site.command(&["camera", "list"]);
    // As in `louver camera list | head -0`.
    let said = crate::site::Said::from(command.stdout(writer).output().unwrap());
    said.must(0, &[]);
    let mut command = site.command(&["camera", "list"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let said = crate::site::Said::from(command.stdout(full).output().unwrap());
    said.must(1, &["error: standard output cannot be written: No space left on device"]);
}
