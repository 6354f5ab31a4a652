//! DEIMv2 with decoded outputs: labels, boxes (corners, in the size it was given), scores.

use ort::session::SessionOutputs;

use super::{RawBox, coco_class};

pub(super) fn read(
    out: &SessionOutputs<'_>,
    width: u32,
    height: u32,
    least: f32,
) -> Result<Vec<RawBox>, String> {
    let labels: Vec<i64> = out
        .get("labels")
        .and_then(|v| v.try_extract_tensor::<i64>().ok().map(|(_, d)| d.to_vec()))
        .ok_or("it has no output \"labels\"")?;
    let numbers = |name: &str| {
        out.get(name)
            .and_then(|v| v.try_extract_tensor::<f32>().ok().map(|(_, d)| d.to_vec()))
            .ok_or_else(|| format!("it has no output \"{name}\""))
    };
    let (boxes, scores) = (numbers("boxes")?, numbers("scores")?);
    let (w, h) = (width as f32, height as f32);
    Ok(labels
        .iter()
        .zip(boxes.chunks_exact(4))
        .zip(scores)
        .filter(|(_, score)| *score >= least)
        .filter_map(|((label, b), score)| {
            let (class, ridden) = coco_class(usize::try_from(*label).ok()?)?;
            Some(RawBox {
                class,
                ridden,
                score,
                left: b[0] / w,
                top: b[1] / h,
                right: b[2] / w,
                bottom: b[3] / h,
            })
        })
        .collect())
}
