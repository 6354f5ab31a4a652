//! Where the detector's model and the ONNX Runtime library are.

use std::fmt;
use std::path::{Path, PathBuf};

use louver_codec::detector::ModelKind;

use crate::error::Error;
use crate::settings::DetectorSettings;

/// The default model, below one of the folders.
const MODEL: &str = "models/ssd_mobilenetv2_oidv4.onnx";
/// The library, below one of the folders.
const LIBRARY: &str = "lib/libonnxruntime.so";
/// Where a package would put both.
const SYSTEM: &str = "/usr/lib/louver";

/// A detector that can be loaded, as far as its files are there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Model file.
    pub model: PathBuf,
    /// How it is read; `None` leaves it to the file's name.
    pub kind: Option<ModelKind>,
    /// The ONNX Runtime library.
    pub library: PathBuf,
}

/// A file that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// There it is.
    Found {
        /// The file.
        path: PathBuf,
        /// Who named it.
        by: By,
    },
    /// Somebody named a file that is not there.
    Gone {
        /// The file.
        path: PathBuf,
        /// Who named it.
        by: By,
    },
    /// Nobody named one, and it is in none of these places.
    Nowhere(Vec<PathBuf>),
}

/// Who named a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The settings or the command line.
    Settings,
    /// An environment variable.
    Environment(&'static str),
    /// Nobody: it was in a usual place.
    Usual,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("named by the settings"),
            Self::Environment(name) => write!(f, "named by {name}"),
            Self::Usual => f.write_str("found in its usual place"),
        }
    }
}

/// Where the model is.
pub(crate) fn model(settings: &DetectorSettings) -> Lookup {
    look("LOUVER_MODEL", settings.model.as_deref(), MODEL, settings.beside.as_deref(), &environment)
}

/// Where the library is.
pub(crate) fn library(settings: &DetectorSettings) -> Lookup {
    look("ORT_DYLIB_PATH", settings.library.as_deref(), LIBRARY, settings.beside.as_deref(), &environment)
}

/// Both, or the sentence that says where they were looked for.
pub(crate) fn find(settings: &DetectorSettings) -> Result<Found, Error> {
    let model = file("the detector model", "model", model(settings))?;
    let library = file("the ONNX Runtime library", "library", library(settings))?;
    // The settings' kind is that of the settings' model, not of one that the environment names.
    let kind = settings.kind.filter(|_| settings.model.as_ref().is_none_or(|m| *m == model));
    Ok(Found { model, kind, library })
}

fn file(what: &str, key: &str, lookup: Lookup) -> Result<PathBuf, Error> {
    match lookup {
        Lookup::Found { path, .. } => Ok(path),
        Lookup::Gone { path, by } => Err(Error::failed(
            format!("{what} {} ({by}) does not exist", path.display()),
            format!(
                "correct the path, or run `scripts/setup.sh` and name the file as `{key}` under [detector]"
            ),
        )),
        Lookup::Nowhere(places) => Err(Error::failed(
            format!("{what} is missing; looked for {}", places_in_words(&places)),
            format!("run `scripts/setup.sh`, or name the file as `{key}` under [detector] in the settings"),
        )),
    }
}

/// The places, for a sentence.
pub(crate) fn places_in_words(places: &[PathBuf]) -> String {
    places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// Settings, environment, `$LOUVER_DEPS`, `.deps` beside the settings, `.deps` here, the system's folder.
fn look(
    variable: &'static str,
    set: Option<&Path>,
    name: &str,
    beside: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<PathBuf>,
) -> Lookup {
    let named = set.map(|p| (p.to_path_buf(), By::Settings));
    let named = named.or_else(|| environment(variable).map(|p| (p, By::Environment(variable))));
    if let Some((path, by)) = named {
        // Never replaced by another silently: somebody chose it.
        return if path.is_file() { Lookup::Found { path, by } } else { Lookup::Gone { path, by } };
    }
    let folders = environment("LOUVER_DEPS")
        .into_iter()
        .chain(beside.map(|b| b.join(".deps")))
        .chain([PathBuf::from(".deps"), PathBuf::from(SYSTEM)]);
    let mut places: Vec<PathBuf> = Vec::new();
    for place in folders.map(|f| f.join(name)) {
        let place = std::path::absolute(&place).unwrap_or(place);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    match places.iter().find(|p| p.is_file()) {
        Some(path) => Lookup::Found { path: path.clone(), by: By::Usual },
        None => Lookup::Nowhere(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"x").unwrap();
        path
    }

    #[test]
    fn settings_come_before_the_environment_and_both_before_the_usual_places() {
        let dir = tempfile::tempdir().unwrap();
        let (own, env) = (put(dir.path(), "own.onnx"), put(dir.path(), "env.onnx"));
        let usual = put(dir.path(), ".deps/m.onnx");
        let deps = put(dir.path(), "deps/m.onnx");
        let ask = |set, beside, vars: &'static [&'static str]| {
            let (env, deps) = (env.clone(), deps.parent().unwrap().to_path_buf());
            look("LOUVER_MODEL", set, "m.onnx", beside, &move |name: &str| {
                let value = if name == "LOUVER_DEPS" { &deps } else { &env };
                vars.contains(&name).then(|| value.clone())
            })
        };
        let here = Some(dir.path());
        let found = |path: &Path, by| Lookup::Found { path: path.to_path_buf(), by };
        assert_eq!(ask(Some(&own), here, &["LOUVER_MODEL"]), found(&own, By::Settings));
        assert_eq!(ask(None, here, &["LOUVER_MODEL"]), found(&env, By::Environment("LOUVER_MODEL")));
        assert_eq!(ask(None, here, &["LOUVER_DEPS"]), found(&deps, By::Usual));
        assert_eq!(ask(None, here, &[]), found(&usual, By::Usual));
    }

    #[test]
    fn a_named_file_that_is_not_there_is_not_replaced_by_another() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), ".deps/m.onnx");
        let wrong = dir.path().join("wrong.onnx");
        let found = look("LOUVER_MODEL", Some(&wrong), "m.onnx", Some(dir.path()), &|_| None);
        assert_eq!(found, Lookup::Gone { path: wrong, by: By::Settings });
    }
}
