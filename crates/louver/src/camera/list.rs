//! `louver camera list`.

use std::path::Path;

use louver_node::{Analysis, CameraSettings};

use crate::error::Error;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  louver camera list
  louver camera list --settings /etc/louver/louver.toml";

/// Arguments of `louver camera list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

/// Prints the register.
pub(super) fn run(_args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let settings = Settings::load(settings)?;
    if settings.cameras.is_empty() {
        println!("No camera is registered yet; `louver camera add --help` says how.");
        return Ok(());
    }
    let mut rows = vec![["ID", "NAME", "SHOWN", "KEPT", "MAIN", "SUB", "PURPOSE"].map(str::to_owned)];
    rows.extend(settings.cameras.iter().map(row));
    print!("{}", table(&rows));
    Ok(())
}

/// One camera; addresses print without user name and password.
fn row(camera: &CameraSettings) -> [String; 7] {
    [
        camera.id.to_string(),
        camera.name.clone(),
        shown(camera),
        format!("{} h", camera.retention_hours),
        camera.main.to_string(),
        camera.sub.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        camera.purpose.clone(),
    ]
}

/// What of it can be seen, in few words.
fn shown(camera: &CameraSettings) -> String {
    match camera.analysis {
        Analysis::Off => "no".to_owned(),
        Analysis::On => {
            let classes = camera.show.classes().map(|c| format!(", {c} as it is"));
            let zones = match camera.zones.len() {
                0 => String::new(),
                1 => ", 1 zone".to_owned(),
                n => format!(", {n} zones"),
            };
            format!("masked{}{zones}", classes.collect::<String>())
        }
    }
}

/// Columns as wide as their widest cell.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |n: usize| rows.iter().map(|r| r[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["ID", "NAME"].map(str::to_owned), ["gate", "Tür"].map(str::to_owned)];
        assert_eq!(table(&rows), "ID    NAME\ngate  Tür\n");
    }
}
