//! The settings file: where it is, what it says, and what is wrong with it in words.

mod check;
mod connection;
mod file;
mod keys;
mod metrics;
mod problem;
#[cfg(test)]
mod reference;
mod show;
mod storage;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use louver_base::{CameraId, WallSpan};
use louver_codec::detector::ModelKind;
use louver_ledger::witness::Witness;
use louver_node::CameraSettings;
use louver_store::{DiskSettings, WhenFull};
use louver_vault::HolderSet;

pub(crate) use problem::{Problem, SettingsError};

use crate::error::Error;
use crate::settings_file;

/// Where settings are looked for when nobody names a file, in this order.
const PLACES: [&str; 2] = ["louver.toml", "/etc/louver/louver.toml"];

/// A settings file, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The file itself.
    pub file: PathBuf,
    /// Folder of recordings and catalogue, absolute.
    pub data: PathBuf,
    /// Address of the page.
    pub listen: SocketAddr,
    /// Name of the place.
    pub site_name: String,
    /// Who can open originals and how many of them it takes, when a site begins; later the holders change that themselves.
    pub holders: Option<HolderSet>,
    /// Their names, in the same order.
    pub holder_names: Vec<String>,
    /// What the file says about the detector.
    pub detector: DetectorSettings,
    /// Percent of the disk that stay free, 1 to 50.
    pub min_free_percent: u8,
    /// What is done where less is free.
    pub when_full: WhenFull,
    /// Disks for recordings, besides the data directory's.
    pub disks: Vec<DiskSettings>,
    /// How old recordings are when they go from hot disks to cold ones.
    pub move_after: WallSpan,
    /// Bytes a second at which they go.
    pub move_rate: u64,
    /// Who is asked to sign the ledger's checkpoints.
    pub witnesses: Vec<Witness>,
    /// File with the token that reads `/metrics`, absolute.
    pub metrics_token_file: Option<PathBuf>,
    /// The register.
    pub cameras: Vec<CameraSettings>,
}

/// What the settings say about the detector; [`crate::detector::find`] looks up the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct DetectorSettings {
    /// Folder of the settings file, where `.deps` may stand.
    pub beside: Option<PathBuf>,
    /// Model file, absolute.
    pub model: Option<PathBuf>,
    /// How it is read.
    pub kind: Option<ModelKind>,
    /// The ONNX Runtime library, absolute.
    pub library: Option<PathBuf>,
}

impl Settings {
    /// Finds and reads the settings.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Error> {
        Self::read(&find(named)?)
    }

    /// Reads one file.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let text = read_text(file)?;
        Self::parse(file, &text)
    }

    /// Checks the text of a file that stands at `file`.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        check::check(&file, text)
            .map_err(|problems| Error::Settings(SettingsError { file: file.clone(), problems }))
    }

    /// The camera of that id.
    pub(crate) fn camera(&self, id: &str) -> Result<&CameraSettings, Error> {
        self.cameras.iter().find(|c| c.id.as_str() == id).ok_or_else(|| Error::NoSuchCamera {
            id: id.chars().take(64).collect(),
            there_are: self.cameras.iter().map(|c| c.id.clone()).collect::<Vec<CameraId>>(),
        })
    }

    /// What is unwise about the settings, each with what to do: nothing that keeps Louver from working.
    pub(crate) fn concerns(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let file = self.file.display();
        let has_password = |c: &CameraSettings| {
            let asked = c.onvif.as_ref().is_some_and(|onvif| onvif.credentials().is_some());
            asked || std::iter::once(&c.main).chain(&c.sub).any(|a| a.credentials().is_some())
        };
        if self.cameras.iter().any(has_password) && settings_file::readable_by_all(&self.file) {
            let says = format!("{file} holds camera passwords and every user of this machine can read it");
            found.push(("passwords", says, format!("chmod 640 {file}, with the group of Louver's user")));
        }
        if !self.listen.ip().is_loopback() {
            let says = format!(
                "the page is served on {} without encryption: whoever is on the network there could read along",
                self.listen
            );
            let todo = "put a reverse proxy with TLS in front and let Louver listen on 127.0.0.1";
            found.push(("encryption", says, todo.to_owned()));
        }
        found
    }

    /// The holders, or the sentence that says why nothing is recorded without one.
    pub(crate) fn holders(&self) -> Result<HolderSet, Error> {
        self.holders.clone().ok_or_else(|| Error::NoHolder { file: self.file.clone() })
    }

    /// How many holders there are.
    pub(crate) fn holder_count(&self) -> usize {
        self.holders.as_ref().map_or(0, |set| set.holders().len())
    }
}

/// The settings file: the named one, or the first that exists.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, Error> {
    match named {
        Some(file) => Ok(file.to_path_buf()),
        None => PLACES.iter().map(PathBuf::from).find(|p| p.exists()).ok_or(Error::NoSettings),
    }
}

/// Settings are a few kilobytes a camera; more than this is another file.
const LARGEST: u64 = 4 << 20;

/// Reads a settings file as text.
pub(crate) fn read_text(file: &Path) -> Result<String, Error> {
    use std::io::Read as _;
    let failed = |source| Error::ReadSettings { file: file.to_path_buf(), source };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LARGEST {
        return Err(failed(std::io::Error::other("the file is larger than 4 MiB")));
    }
    Ok(text)
}
