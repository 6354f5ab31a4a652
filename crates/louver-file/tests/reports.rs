//! The layout of reports: what readers of them may count on.
#![allow(clippy::unwrap_used)] // In tests; clippy does not see that their helpers are tests too.

mod support;

use louver_file::{EvalReport, SCHEMA};
use serde_json::json;
use support::against_schema;

#[test]
fn the_schema_in_the_documentation_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/eval.schema.json");
    let made = serde_json::to_string_pretty(&EvalReport::json_schema()).unwrap() + "\n";
    if std::env::var_os("LOUVER_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(there == made, "LOUVER_WRITE_DOCS=1 cargo test -p louver-file --test reports writes {path:?}");
}

#[test]
fn a_report_without_its_machine_or_with_figures_of_another_kind_is_none() {
    let mut report = json!({
        "schema": SCHEMA, "louver": "0.1.0", "machine": { "processor": "x", "cores": 2 },
        "footage": "a.mp4", "model": "b.onnx", "what": "mask", "figures": {}
    });
    assert!(against_schema(&report).is_some_and(|e| e.contains("frames")), "{:?}", against_schema(&report));
    report.as_object_mut().unwrap().remove("machine");
    assert!(against_schema(&report).is_some_and(|e| e.contains("machine")));
    report["what"] = json!("people's names");
    assert!(against_schema(&report).is_some());
}
