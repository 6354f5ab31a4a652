//! SSD-MobileNetV2 as MediaPipe trained it: anchors, box coding, 24 Open Images classes.

use louver_base::Class;
use ort::session::SessionOutputs;

use super::RawBox;

/// An anchor in parts of the picture: centre and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Anchor {
    x: f32,
    y: f32,
    w: f32,
    h: f32,
}

const CLASSES: usize = 24;
/// Sides of the feature maps for a 300x300 picture: strides 16, 32, 64, 128, 256, 512.
const MAPS: [usize; 6] = [19, 10, 5, 3, 2, 1];
/// Scales grow evenly from the first to the last map (Liu et al., SSD, 2016, section 2.2).
const SCALES: (f32, f32) = (0.2, 0.95);

/// Of an empty picture this network says, at 0.25 to 0.4, that its whole input is a person, a vehicle or an animal: its last
/// map has one place, which must be something. A box of this share of the input ...
const WHOLE: f32 = 0.9;
/// ... says nothing below this score. Who really stands that near is told surely, and changes every cell besides.
const WHOLE_SURE: f32 = 0.5;

fn scale(map: usize) -> f32 {
    if map < MAPS.len() {
        SCALES.0 + (SCALES.1 - SCALES.0) * map as f32 / (MAPS.len() - 1) as f32
    } else {
        1.0
    }
}

/// The 1917 anchors in the order of the network's outputs.
pub(super) fn anchors() -> Vec<Anchor> {
    let mut out = Vec::with_capacity(1917);
    for (n, &side) in MAPS.iter().enumerate() {
        // (aspect ratio, scale) of each anchor of a place; the first map has three, the others six.
        let kinds: Vec<(f32, f32)> = if n == 0 {
            vec![(1.0, 0.1), (2.0, scale(0)), (0.5, scale(0))]
        } else {
            let mut kinds: Vec<_> = [1.0, 2.0, 0.5, 3.0, 1.0 / 3.0].map(|r| (r, scale(n))).into();
            kinds.push((1.0, (scale(n) * scale(n + 1)).sqrt()));
            kinds
        };
        for row in 0..side {
            for column in 0..side {
                let at = |n: usize| (n as f32 + 0.5) / side as f32;
                out.extend(kinds.iter().map(|(ratio, scale)| Anchor {
                    x: at(column),
                    y: at(row),
                    w: scale * ratio.sqrt(),
                    h: scale / ratio.sqrt(),
                }));
            }
        }
    }
    out
}

/// Open Images classes of the label map, by index, and whether somebody may sit on it in the open; `None` for things.
fn class(index: usize) -> Option<(Class, bool)> {
    match index {
        4 => Some((Class::Person, false)),
        // Bicycle.
        1 => Some((Class::Vehicle, true)),
        // Vehicle, car.
        18 | 23 => Some((Class::Vehicle, false)),
        // Cattle, cat, dog.
        6 | 8 | 20 => Some((Class::Animal, false)),
        // Box.
        11 => Some((Class::Parcel, false)),
        _ => None,
    }
}

pub(super) fn read(out: &SessionOutputs<'_>, anchors: &[Anchor], least: f32) -> Result<Vec<RawBox>, String> {
    let tensor = |last: usize| {
        out.values()
            .find_map(|v| {
                let (shape, data) = v.try_extract_tensor::<f32>().ok()?;
                (data.len() == anchors.len() * last && shape.last() == Some(&(last as i64)))
                    .then(|| data.to_vec())
            })
            .ok_or_else(|| format!("it has no output of 1x{}x{last}", anchors.len()))
    };
    let (boxes, scores) = (tensor(4)?, tensor(CLASSES)?);
    let logit_least = (least / (1.0 - least)).ln();
    let mut found = Vec::new();
    for ((anchor, code), scores) in
        anchors.iter().zip(boxes.chunks_exact(4)).zip(scores.chunks_exact(CLASSES))
    {
        for (index, &logit) in scores.iter().enumerate() {
            let (true, Some((class, ridden))) = (logit >= logit_least, class(index)) else { continue };
            // Box coding with the usual variances: centre by 10, size by 5.
            let (cy, cx) = (code[0] / 10.0 * anchor.h + anchor.y, code[1] / 10.0 * anchor.w + anchor.x);
            let (h, w) = ((code[2] / 5.0).exp() * anchor.h, (code[3] / 5.0).exp() * anchor.w);
            let found_here = RawBox {
                class,
                ridden,
                score: 1.0 / (1.0 + (-logit).exp()),
                left: cx - w / 2.0,
                top: cy - h / 2.0,
                right: cx + w / 2.0,
                bottom: cy + h / 2.0,
            };
            if !says_nothing(&found_here) {
                found.push(found_here);
            }
        }
    }
    Ok(found)
}

/// Whether it is what the network says of any picture.
fn says_nothing(b: &RawBox) -> bool {
    let within = |from: f32, to: f32| to.min(1.0) - from.max(0.0);
    b.score < WHOLE_SURE && within(b.left, b.right) * within(b.top, b.bottom) >= WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsure_box_around_the_whole_input_says_nothing_and_a_sure_or_smaller_one_does() {
        let of = |score, left, bottom| RawBox {
            class: Class::Person,
            ridden: false,
            score,
            left,
            top: 0.01,
            right: 0.99,
            bottom,
        };
        assert!(says_nothing(&of(0.36, 0.02, 1.1)));
        assert!(!says_nothing(&of(0.55, 0.02, 1.1)));
        assert!(!says_nothing(&of(0.36, 0.2, 0.99)));
        assert!(!says_nothing(&of(0.36, 0.02, 0.8)));
    }

    #[test]
    fn there_are_as_many_anchors_as_the_network_has_outputs() {
        assert_eq!(anchors().len(), 1917);
    }
}
