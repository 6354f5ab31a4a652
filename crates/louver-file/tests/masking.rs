//! How well people are masked, on footage with ground truth: the marks below which no change may fall.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use std::path::Path;

use louver_file::{EvalReport, Look, MaskReport, Measured, Truth, measure_masking};
use support::*;

fn measured(model: Option<&Path>) -> Option<MaskReport> {
    let (video, truth) = (vtest()?, there(shared().join("footage/PETS2009-S2L1-gt.mot.txt"))?);
    let (first, mut second) = (detector(model)?, detector(model)?);
    // Looking for faces takes longer than all the rest: once is enough.
    let mut faces = model.and_then(|_| faces());
    let look = Look { people: &mut second, faces: faces.as_mut() };
    let report = measure_masking(&video, &Truth::read(&truth).unwrap(), first, look, |_| {}).unwrap();
    println!("{report:#?}");
    let (footage, model) = (report.footage.clone(), report.model.clone());
    keeps_to_schema(&EvalReport::new(footage, model, Measured::Mask(Box::new(report.clone()))));
    Some(report)
}

/// What must hold with any model, and that the measure itself sees people where they are.
fn check(r: &MaskReport, head_leak_percent_max: f64) {
    assert_eq!(r.frames, 795);
    assert!(
        r.leaks.unmasked.head.of > 4000 && r.leaks.unmasked.head.percent > 90.0,
        "the measure: {:?}",
        r.leaks.unmasked
    );
    assert!(r.leaks.unmasked.body.percent > 80.0, "the measure: {:?}", r.leaks.unmasked);
    assert!(r.detector_on_input.percent > 30.0, "the measure: {:?}", r.detector_on_input);
    assert!(r.leaks.shown.head.percent <= head_leak_percent_max, "head leak: {:?}", r.leaks.shown.head);
    assert!(r.leaks.shown.body.percent <= head_leak_percent_max, "body leak: {:?}", r.leaks.shown.body);
    assert!(r.over_mask.percent <= 25.0, "over-mask: {:?}", r.over_mask);
    assert_eq!(r.detector_on_output.count, 0, "a person is found in what is shown");
    assert_eq!(r.person_hits_on_output.true_hits, 0, "a person is found in what is shown");
    let input = r.person_hits_on_input;
    assert!(input.true_hits * 2 > r.detector_on_input.count && input.true_hits <= input.all, "{input:?}");
    for at in r.faces.iter().flat_map(|f| &f.at) {
        assert_eq!(at.output.true_hits, 0, "a face is found in what is shown, {} times as large", at.larger);
        assert!(at.output.pictures == 159 && at.input.true_hits <= at.input.all, "{at:?}");
    }
    assert!(r.tracks_followed.percent >= 20.0, "{:?}", r.tracks_followed);
}

#[test]
fn the_default_model_lets_at_most_one_head_in_twenty_show() {
    let Some(report) = measured(None) else { return };
    check(&report, 5.0);
}

#[test]
fn a_better_model_lets_at_most_one_head_in_fifty_show() {
    let Some(model) = there(shared().join("models/deimv2_femto.onnx")) else { return };
    let Some(report) = measured(Some(&model)) else { return };
    check(&report, 2.0);
}
