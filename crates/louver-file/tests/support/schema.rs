//! Reports against their JSON schema.

use louver_file::EvalReport;

/// What of a report does not keep to the schema; `None` if all does.
pub fn against_schema(report: &serde_json::Value) -> Option<String> {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("eval.json", EvalReport::json_schema()).unwrap();
    let schema = compiler.compile("eval.json", &mut schemas).unwrap();
    schemas.validate(report, schema).err().map(|e| e.to_string())
}

/// Panics unless a report keeps to the schema.
pub fn keeps_to_schema(report: &EvalReport) {
    let value = serde_json::to_value(report).unwrap();
    let wrong = against_schema(&value);
    assert!(wrong.is_none(), "{wrong:?}\n{value:#}");
}
