//! Changing `louver.toml`: comments stay, the old file stays until the new one is on the disk, nobody else may read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use crate::error::Error;
use crate::settings::{self, Settings};

/// What a new settings file begins with.
const STARTER: &str = "\
# Settings of Louver; docs/settings.md explains every key.
# Camera addresses hold passwords, so nobody but Louver's user may read this file.

# Folder of everything that Louver keeps, here beside this file.
data = \"data\"
";

/// A settings file that is being changed.
pub(crate) struct SettingsFile {
    /// Where it stands or will stand.
    pub path: PathBuf,
    /// Whether this run makes it.
    pub new: bool,
    document: DocumentMut,
}

impl SettingsFile {
    /// Opens the named file, or the one that is found, or begins a new one.
    pub(crate) fn open_or_begin(named: Option<&Path>) -> Result<Self, Error> {
        let path = match settings::find(named) {
            Err(Error::NoSettings) => PathBuf::from("louver.toml"),
            other => other?,
        };
        let new = !path.exists();
        let text = if new { STARTER.to_owned() } else { settings::read_text(&path)? };
        // A file with mistakes is not written to: the change could make them worse.
        Settings::parse(&path, &text)?;
        Self::from_text(path, new, &text)
    }

    /// The text of a file that stands at `path`.
    pub(crate) fn from_text(path: PathBuf, new: bool, text: &str) -> Result<Self, Error> {
        let document = text.parse().map_err(|_| {
            Error::failed(format!("{} is not valid TOML", path.display()), "correct it in an editor")
        })?;
        Ok(Self { path, new, document })
    }

    /// The text as it will be written.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Adds a camera's table at the end.
    pub(crate) fn add_camera(&mut self, keys: &[(&str, Value)]) -> Result<(), Error> {
        let mut table = Table::new();
        for (key, value) in keys {
            table.insert(key, Item::Value(value.clone()));
        }
        table.decor_mut().set_prefix("\n");
        self.cameras()?.push(table);
        Ok(())
    }

    /// Removes a camera's table; `false` if there is none of that id.
    pub(crate) fn remove_camera(&mut self, id: &str) -> Result<bool, Error> {
        let cameras = self.cameras()?;
        let named = |t: &Table| t.get("id").and_then(Item::as_str) == Some(id);
        let Some(at) = cameras.iter().position(named) else { return Ok(false) };
        cameras.remove(at);
        if cameras.is_empty() {
            self.document.remove("camera");
        }
        Ok(true)
    }

    fn cameras(&mut self) -> Result<&mut ArrayOfTables, Error> {
        let path = self.path.display().to_string();
        let item = self.document.entry("camera").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        item.as_array_of_tables_mut().ok_or_else(|| {
            Error::failed(
                format!(
                    "the cameras in {path} are written as camera = [{{…}}], which Louver does not rewrite"
                ),
                "write each as a table of its own, beginning with [[camera]]",
            )
        })
    }

    /// Adds a holder. The first one is enough alone; how many are needed stays as it is when others come.
    pub(crate) fn add_holder(&mut self, name: &str, public: &str) -> Result<(), Error> {
        let holders = self.document.entry("holders").or_insert_with(|| {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n# Who can open originals, together.\n");
            Item::Table(table)
        });
        // Settings::parse has looked at the kinds already.
        let wrong =
            || Error::failed("[holders] is not written as Louver writes it", "correct it in an editor");
        let holders = holders.as_table_like_mut().ok_or_else(wrong)?;
        holders.entry("needed").or_insert_with(|| Item::Value(Value::from(1)));
        let list = holders.entry("list").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match list {
            Item::ArrayOfTables(list) => {
                let mut table = Table::new();
                table.insert("name", Item::Value(name.into()));
                table.insert("public", Item::Value(public.into()));
                list.push(table);
            }
            Item::Value(Value::Array(list)) => {
                let mut table = toml_edit::InlineTable::new();
                table.insert("name", name.into());
                table.insert("public", public.into());
                list.push(table);
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// Checks the new text and puts it in place of the old file, which stays until the new one is on the disk.
    pub(crate) fn save(&self) -> Result<(), Error> {
        let text = self.text();
        Settings::parse(&self.path, &text)?;
        replace(&self.path, text.as_bytes())
            .map_err(|source| Error::WriteSettings { file: self.path.clone(), source })
    }
}

/// Replaces a file, or makes it, for its owner's eyes (and its group's, where that could read it before).
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The file behind a link, not the link.
    let target = fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let part = folder.join(format!(".{name}.{}.part", std::process::id()));
    let old = fs::metadata(&target).ok();
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        if let Some(old) = &old {
            // A file of the service's user stays the service's, when root edits it.
            let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o640 | 0o600))?;
        }
        file.sync_all()?;
        fs::rename(&part, &target)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Whether others than its owner and group may read the file.
pub(crate) fn readable_by_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENTED: &str = "\
# my site
data = \"d\" # big disk

# the gate
[[camera]]
id = \"gate\"
main = \"rtsp://cam/\"   # stream 1
purpose = \"p\"
owner = \"o\"
contact = \"c\"
";

    fn in_folder(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("louver.toml");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    fn camera(id: &str) -> Vec<(&'static str, Value)> {
        let value = |v: &str| Value::from(v);
        vec![
            ("id", value(id)),
            ("main", value("rtsp://cam/2")),
            ("purpose", value("p")),
            ("owner", value("o")),
            ("contact", value("c")),
        ]
    }

    #[test]
    fn comments_stay_when_a_camera_comes_and_goes() {
        let (_dir, path) = in_folder(COMMENTED);
        let mut file = SettingsFile::open_or_begin(Some(&path)).unwrap();
        file.add_camera(&camera("yard")).unwrap();
        file.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(COMMENTED), "{text}");
        assert_eq!(Settings::read(&path).unwrap().cameras.len(), 2);

        let mut file = SettingsFile::open_or_begin(Some(&path)).unwrap();
        assert!(file.remove_camera("yard").unwrap());
        assert!(!file.remove_camera("yard").unwrap());
        file.save().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED);
    }

    #[test]
    fn a_changed_file_is_closed_to_others_and_leaves_nothing_beside_it() {
        let (dir, path) = in_folder(COMMENTED);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        SettingsFile::open_or_begin(Some(&path)).unwrap().save().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("louver.toml");
        let mut file = SettingsFile::open_or_begin(Some(&path)).unwrap();
        assert!(file.new);
        file.add_camera(&camera("gate")).unwrap();
        file.save().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_with_mistakes_is_not_written_to() {
        let (_dir, path) = in_folder("data = \"d\"\nlisten = 5\n");
        assert!(matches!(SettingsFile::open_or_begin(Some(&path)), Err(Error::Settings(_))));
    }
}
