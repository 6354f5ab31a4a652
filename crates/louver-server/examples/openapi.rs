//! Prints the OpenAPI document: `cargo run -p louver-server --example openapi > ui/openapi.json`.

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&louver_server::openapi())?);
    Ok(())
}
