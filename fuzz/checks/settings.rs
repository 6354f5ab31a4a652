//! Any bytes as `louver.toml`: what is taken is complete, what is refused is explained, no password is repeated, and what Louver itself
//! writes into the file can be read again. No file is touched.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::settings::{Problem, Settings};
use crate::settings_file::SettingsFile;

/// Where the file would stand.
const FILE: &str = "/nonexistent/louver.toml";
/// A password; seeds have it in their addresses.
pub(crate) const SECRET: &str = "s3cret-of-the-camera";
/// Longer than any file of settings.
const LENGTH_MAX: usize = 1 << 16;

/// Takes the bytes as the file's text.
pub(crate) fn any_bytes(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > LENGTH_MAX {
        return;
    }
    match Settings::parse(Path::new(FILE), text) {
        Ok(settings) => {
            is_complete(&settings);
            is_changed_and_read_again(text, &settings);
        }
        Err(Error::Settings(error)) => {
            assert!(!error.problems.is_empty());
            let lines = 1 + text.matches('\n').count();
            let mut last = 1;
            for (line, problem) in &error.problems {
                assert!((last..=lines).contains(line), "line {line} of {lines}");
                last = *line;
                is_explained(problem, text);
            }
        }
        Err(other) => panic!("the text of a file is read and nothing else is done: {other}"),
    }
}

/// Everything that recording depends on is there and within its range.
fn is_complete(settings: &Settings) {
    assert_eq!(settings.file, Path::new(FILE));
    let absolute = |path: &PathBuf| path.is_absolute();
    assert!(absolute(&settings.data) && settings.metrics_token_file.iter().all(absolute));
    assert!(settings.detector.model.iter().chain(&settings.detector.library).all(absolute));
    assert!((1..=50).contains(&settings.min_free_percent));
    assert!(settings.disks.len() <= 16 && settings.witnesses.len() <= 8);
    assert!(settings.disks.iter().all(|disk| absolute(&disk.path)));
    assert!((1..=1_000_000_000).contains(&settings.move_rate));
    assert!(settings.move_after.seconds() >= 3600.0);
    if let Some(holders) = &settings.holders {
        assert!(
            (1..=holders.holders().len()).contains(&holders.needed().into()) && holders.holders().len() <= 32
        );
        assert_eq!(holders.holders().len(), settings.holder_names.len());
    }
    assert_eq!(settings.holder_count() > 0, settings.holders().is_ok());
    for (n, camera) in settings.cameras.iter().enumerate() {
        assert!(!settings.cameras[..n].iter().any(|other| other.id == camera.id), "an id names one camera");
        let said = |text: &str| !text.trim().is_empty();
        assert!(said(&camera.purpose) && said(camera.owner.reveal()) && said(camera.contact.reveal()));
        let hours = camera.retention_hours.get();
        assert!((1..=87_600).contains(&hours));
        assert!(hours <= 72 || camera.retention_reason.as_deref().is_some_and(said));
        assert!(!camera.main.is_told() || camera.onvif.is_some(), "who is to tell it?");
        assert_eq!(settings.camera(camera.id.as_str()).map(|c| &c.id).ok(), Some(&camera.id));
        // Printing shows no password.
        let printed = format!("{camera:?}");
        for address in std::iter::once(&camera.main).chain(&camera.sub) {
            let password =
                address.credentials().map(|c| secrecy::ExposeSecret::expose_secret(&c.password).to_owned());
            if password.as_deref() == Some(SECRET)
                && !camera.name.contains(SECRET)
                && !camera.purpose.contains(SECRET)
            {
                assert!(!address.to_string().contains(SECRET) && !format!("{address:?}").contains(SECRET));
            }
        }
        assert!(!printed.is_empty());
    }
}

/// A sentence of bounded length that repeats no address.
fn is_explained(problem: &Problem, text: &str) {
    let said = problem.to_string();
    assert!(said.len() > 15 && said.len() < 1000 + text.len(), "{said:?}");
    // As a password, and not as a key or a name that somebody chose like it.
    let with = format!("{SECRET}@");
    if text.matches(SECRET).count() == text.matches(&with).count() {
        assert!(!said.contains(SECRET), "{said:?}");
    }
}

/// `louver camera add` and `remove`, and `louver holder new --add`.
fn is_changed_and_read_again(text: &str, before: &Settings) {
    let open = || SettingsFile::from_text(PathBuf::from(FILE), false, text).expect("it was read");
    // The end of the last line is added where it lacks, a mark of UTF-8 taken away.
    let lines =
        |text: &str| text.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&open().text()), lines(text), "what is not changed stays, comments too");
    let read = |file: &SettingsFile| Settings::parse(Path::new(FILE), &file.text());
    let count = before.cameras.len();
    let mut file = open();
    let keys = [
        ("id", "a-new-camera".into()),
        ("main", "rtsp://192.0.2.10/main".into()),
        ("purpose", "deliveries".into()),
        ("owner", "Ada".into()),
        ("contact", "ada@example.org".into()),
    ];
    let there = before.cameras.iter().any(|c| c.id.as_str() == "a-new-camera");
    // Cameras in a list of one line are left to their editor.
    if !there && file.add_camera(&keys).is_ok() {
        let after = read(&file).unwrap_or_else(|e| panic!("{e}\n{}", file.text()));
        assert_eq!(after.cameras.len(), count + 1);
        assert!(after.cameras.iter().take(count).map(|c| &c.id).eq(before.cameras.iter().map(|c| &c.id)));
        assert!(file.remove_camera("a-new-camera").expect("it is a table"));
        assert_eq!(read(&file).map(|s| s.cameras.len()).expect("as it was"), count);
    }
    if let Some(first) = before.cameras.first() {
        let mut file = open();
        if let Ok(removed) = file.remove_camera(first.id.as_str()) {
            assert!(removed);
            let after = read(&file).unwrap_or_else(|e| panic!("{e}\n{}", file.text()));
            assert_eq!(after.cameras.len(), count - 1);
        }
    }
    if before.holder_count() < 32 && !text.contains(PUBLIC) {
        let mut file = open();
        if file.add_holder("Ada", PUBLIC).is_ok() {
            let after = read(&file).unwrap_or_else(|e| panic!("{e}\n{}", file.text()));
            assert_eq!(after.holder_count(), before.holder_count() + 1);
        }
    }
}

/// The holder of the test vectors.
const PUBLIC: &str = "holder15gfye0hn67hsp3fflajnr2dnjre4gswyeunqtcl6fu7zh0u77au27yellvv2mvq59vdrn49j654peqjdxvdyt27tffezhuj2ft4u7pqysz6up";
