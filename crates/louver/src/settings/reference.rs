//! Makes docs/settings.md and louver.toml.example from the comments in `file.rs`, and checks that the two are up to
//! date. `LOUVER_WRITE_DOCS=1 cargo test -p louver reference` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Settings, keys};

/// A key with its comment.
struct Key {
    name: String,
    kind: &'static str,
    text: String,
    default: Option<String>,
    example: Option<String>,
}

/// A table with its comment.
struct Table {
    name: &'static str,
    text: String,
    keys: Vec<Key>,
}

impl Key {
    fn is_required(&self) -> bool {
        self.text.contains("Required") || self.text.contains("There is no default")
    }
}

/// Reads the structs' comments, in the order of `keys::tables`.
fn tables() -> Vec<Table> {
    let source = include_str!("file.rs");
    let structs: Vec<&str> = source.split("pub(super) struct ").collect();
    let named = [
        ("File", ""),
        ("Holders", "holders"),
        ("Holder", "holders.list"),
        ("Detector", "detector"),
        ("Storage", "storage"),
        ("StorageDisk", "storage.disk"),
        ("Ledger", "ledger"),
        ("Metrics", "metrics"),
        ("Camera", "camera"),
        ("Zone", "camera.zone"),
    ];
    named
        .into_iter()
        .map(|(name, table)| {
            let at = structs.iter().position(|s| s.starts_with(&format!("{name} {{"))).unwrap();
            let body = structs[at].split_once("\n}").unwrap().0;
            let lead = structs[at - 1].rsplit_once("\n\n").unwrap().1;
            Table { name: table, text: comment(lead).join(" "), keys: fields(body) }
        })
        .collect()
}

fn comment(text: &str) -> Vec<&str> {
    text.lines().filter_map(|l| l.trim().strip_prefix("///")).map(str::trim).collect()
}

fn fields(body: &str) -> Vec<Key> {
    let mut found = Vec::new();
    let mut lead = String::new();
    for line in body.lines() {
        let line = line.trim();
        let Some(field) = line.strip_prefix("pub ") else {
            lead = format!("{lead}\n{line}");
            continue;
        };
        let (name, kind) = field.split_once(": ").unwrap();
        let lines = comment(&lead);
        if !lead.contains("doc(hidden)") {
            let tagged = |tag: &str| lines.iter().find_map(|l| l.strip_prefix(tag)).map(str::to_owned);
            let text = lines.iter().filter(|l| !l.starts_with("Default: ") && !l.starts_with("Example: "));
            found.push(Key {
                name: name.to_owned(),
                kind: kind_in_words(kind),
                text: text.copied().collect::<Vec<_>>().join(" "),
                default: tagged("Default: "),
                example: tagged("Example: "),
            });
        }
        lead.clear();
    }
    found
}

fn kind_in_words(kind: &str) -> &'static str {
    match kind {
        "Option<Spanned<String>>," => "text",
        "Option<Spanned<u32>>," | "Option<Spanned<u8>>," => "whole number",
        "Option<Spanned<Vec<Spanned<String>>>>," => "list of texts",
        "Option<Spanned<Vec<Vec<f32>>>>," => "list of points",
        other => panic!("what is {other} in words?"),
    }
}

/// Whether a default is written as in the file, and not in words.
fn is_toml(default: &str) -> bool {
    default.starts_with(['"', '[']) || default.parse::<u32>().is_ok()
}

fn page() -> String {
    let mut page = String::from(
        "# Settings\n\n<!-- Made from crates/louver/src/settings/file.rs; a test keeps it in step. -->\n\n\
         One TOML file holds all settings: the one named by `--settings FILE` or the environment's `LOUVER_SETTINGS`,\n\
         else `./louver.toml`, else `/etc/louver/louver.toml`. Relative paths in it count from its own folder. Keys that\n\
         are not listed here are refused, so that a typing error cannot leave something out silently. It holds camera\n\
         passwords: let nobody but Louver's user read it (`chmod 600`). `louver doctor` looks it over.\n",
    );
    for table in tables() {
        let title = match table.name {
            "" => "At the top".to_owned(),
            "holders.list" | "storage.disk" | "camera" | "camera.zone" => format!("`[[{}]]`", table.name),
            name => format!("`[{name}]`"),
        };
        let _ = write!(
            page,
            "\n## {title}\n\n{}\n\n| key | kind | default | what it is |\n|---|---|---|---|\n",
            table.text
        );
        for key in table.keys {
            let default = match &key.default {
                Some(d) if is_toml(d) => format!("`{d}`"),
                Some(d) => d.clone(),
                None if key.is_required() => "required".to_owned(),
                None => "–".to_owned(),
            };
            let example = key.example.map(|e| format!(" For example `{e}`.")).unwrap_or_default();
            let _ = writeln!(page, "| `{}` | {} | {default} | {}{example} |", key.name, key.kind, key.text);
        }
    }
    page
}

fn example() -> String {
    let mut file = String::from(
        "# Settings of Louver. Copy it to louver.toml (chmod 600: it will hold camera passwords) and change what you need;\n\
         # docs/settings.md says the same as a page. `louver doctor` looks the file over.\n\
         #\n\
         # A key behind a single '#' shows its default or an example.\n",
    );
    for table in tables() {
        // Every line is a comment but the ones that a first start needs.
        let live = table.name.is_empty() || table.name == "holders";
        let mark = if live { "" } else { "#" };
        let head = match table.name {
            "" => String::new(),
            "holders.list" | "storage.disk" | "camera" | "camera.zone" => format!("#[[{}]]\n", table.name),
            name => format!("{mark}[{name}]\n"),
        };
        let rule = "-".repeat(20);
        let title =
            if table.name.is_empty() { String::new() } else { format!("\n# {rule} {}\n{head}", table.text) };
        file.push_str(&title);
        for key in &table.keys {
            file.push('\n');
            for line in wrapped(&key.text, 108) {
                let _ = writeln!(file, "# {line}");
            }
            let shown = match (&key.default, &key.example) {
                (Some(d), _) if is_toml(d) && d != "[]" => d.clone(),
                (_, Some(e)) => e.clone(),
                _ => panic!("{} has neither default nor example", key.name),
            };
            let mark = if key.name == "data" { "" } else { "#" };
            let _ = writeln!(file, "{mark}{} = {shown}", key.name);
        }
    }
    file
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().unwrap();
        if last.len() + word.len() + 1 > width && !last.is_empty() {
            lines.push(word.to_owned());
        } else {
            let space = if last.is_empty() { "" } else { " " };
            last.push_str(&format!("{space}{word}"));
        }
    }
    lines
}

fn up_to_date(name: &str, wanted: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    if std::env::var_os("LOUVER_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == wanted, "{name} is out of step: LOUVER_WRITE_DOCS=1 cargo test -p louver reference");
}

#[test]
fn the_reference_page_says_what_the_structs_say() {
    up_to_date("docs/settings.md", &page());
}

#[test]
fn the_example_file_says_what_the_structs_say() {
    up_to_date("louver.toml.example", &example());
}

#[test]
fn every_key_of_the_structs_is_explained() {
    for (table, (name, keys)) in tables().iter().zip(keys::tables()) {
        assert_eq!(table.name, name);
        let explained: Vec<&str> = table.keys.iter().map(|k| k.name.as_str()).collect();
        let known: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|k| {
                !["holders", "list", "detector", "storage", "disk", "ledger", "metrics", "camera", "zone"]
                    .contains(k)
            })
            .collect();
        assert_eq!(explained, known, "in [{name}]");
        assert!(table.keys.iter().all(|k| k.text.len() > 15), "in [{name}]");
    }
}

#[test]
fn the_example_file_can_be_used_as_it_is_and_with_every_line_in_force() {
    let path = std::path::Path::new("/srv/louver.toml");
    let as_it_is = Settings::parse(path, &example()).unwrap();
    assert!(as_it_is.cameras.is_empty() && as_it_is.holder_count() == 0);
    // "#key" and "#[table]" are settings, "# text" is a comment.
    let in_force: String = example()
        .lines()
        .map(|l| match l.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => format!("{rest}\n"),
            _ => format!("{l}\n"),
        })
        .collect();
    let public = louver_vault::Identity::generate().unwrap().public().to_string();
    // A witness's key cannot be made up: its line is tried without one.
    let nobody = in_force.replace("[\"https://witness.example witness.example/w1+…+BA…\"]", "[]");
    assert_ne!(nobody, in_force);
    // A certificate is for a camera that is encrypted, whose password is not asked with.
    let encrypted = nobody.replace("main = \"rtsp://", "main = \"rtsps://");
    assert_ne!(encrypted, nobody);
    let all = Settings::parse(path, &encrypted.replace("holder1…", &public)).unwrap();
    assert_eq!((all.cameras.len(), all.holder_count()), (1, 1));
}
