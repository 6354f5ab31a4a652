//! Ground truth: who stood where, in MOT Challenge text (frame from 1, id, left, top, width, height, …).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use louver_scene::Rect;

/// One person in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthBox {
    /// Number of the track in the file of truth; it means nothing beyond it.
    pub id: u32,
    /// Where, pixels of the video.
    pub rect: Rect,
}

/// Who stood where in a clip.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    frames: BTreeMap<u64, Vec<TruthBox>>,
}

/// Why ground truth cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TruthError {
    /// The file cannot be read.
    #[error("{path}: the ground truth cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A line is no ground truth.
    #[error(
        "{path}, line {line}: six numbers with commas between are expected (frame from 1, id, left, top, width, height)"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// No box stands in the file.
    #[error("{0}: no box stands in this file")]
    Empty(PathBuf),
}

impl Truth {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or a line is not as it should be.
    pub fn read(path: &Path) -> Result<Self, TruthError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| TruthError::Read { path: path.into(), source })?;
        let mut truth = Self::default();
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let numbers: Vec<f64> = line.split(',').map_while(|t| t.trim().parse().ok()).collect();
            let [frame, id, left, top, width, height, ..] = numbers[..] else {
                return Err(TruthError::Line { path: path.into(), line: n + 1 });
            };
            if !(frame >= 1.0 && id >= 0.0 && width > 0.0 && height > 0.0) {
                return Err(TruthError::Line { path: path.into(), line: n + 1 });
            }
            let rect = Rect {
                left: left.round() as i32,
                top: top.round() as i32,
                right: (left + width).round() as i32,
                bottom: (top + height).round() as i32,
            };
            truth.frames.entry(frame as u64 - 1).or_default().push(TruthBox { id: id as u32, rect });
        }
        if truth.frames.is_empty() {
            return Err(TruthError::Empty(path.into()));
        }
        Ok(truth)
    }

    /// The people in a picture, counted from 0.
    pub fn at(&self, frame: u64) -> &[TruthBox] {
        self.frames.get(&frame).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_box_is_named_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gt.txt");
        std::fs::write(&path, "1,7,10.4,20,30,40,1,-1,-1,-1\n\n2,7,a,20,30,40\n").unwrap();
        assert!(Truth::read(&path).unwrap_err().to_string().contains("line 3"));
        std::fs::write(&path, "1,7,10.4,20,30,40,1,-1,-1,-1\n").unwrap();
        let truth = Truth::read(&path).unwrap();
        assert_eq!(
            truth.at(0),
            [TruthBox { id: 7, rect: Rect { left: 10, top: 20, right: 40, bottom: 60 } }]
        );
        assert!(truth.at(1).is_empty());
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(Truth::read(&path), Err(TruthError::Empty(_))));
    }
}
