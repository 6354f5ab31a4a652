//! YOLOX with its raw head (Ge et al., YOLOX, 2021): grids of stride 8, 16 and 32, size as exponent.

use ort::session::SessionOutputs;

use super::{RawBox, coco_class};

/// 4 box numbers, objectness, 80 classes.
const ROW: usize = 85;

pub(super) fn read(
    out: &SessionOutputs<'_>,
    width: u32,
    height: u32,
    least: f32,
) -> Result<Vec<RawBox>, String> {
    let (w, h) = (width as usize, height as usize);
    let cells: Vec<(usize, usize, usize)> = [8, 16, 32]
        .into_iter()
        .flat_map(|s| (0..h / s).flat_map(move |y| (0..w / s).map(move |x| (x, y, s))))
        .collect();
    let first = out.values().next().ok_or("it has no output")?;
    let (_, data) = first.try_extract_tensor::<f32>().map_err(|e| e.to_string())?;
    if data.len() != cells.len() * ROW {
        return Err(format!(
            "its output has {} numbers where {} are expected",
            data.len(),
            cells.len() * ROW
        ));
    }
    let mut found = Vec::new();
    for ((x, y, stride), row) in cells.into_iter().zip(data.chunks_exact(ROW)) {
        if row[4] < least {
            continue;
        }
        let s = stride as f32;
        let (cx, cy) = ((row[0] + x as f32) * s, (row[1] + y as f32) * s);
        let (bw, bh) = (row[2].exp() * s, row[3].exp() * s);
        for (index, p) in row[5..].iter().enumerate() {
            let score = row[4] * p;
            let (true, Some((class, ridden))) = (score >= least, coco_class(index)) else { continue };
            found.push(RawBox {
                class,
                ridden,
                score,
                left: (cx - bw / 2.0) / width as f32,
                top: (cy - bh / 2.0) / height as f32,
                right: (cx + bw / 2.0) / width as f32,
                bottom: (cy + bh / 2.0) / height as f32,
            });
        }
    }
    Ok(found)
}
