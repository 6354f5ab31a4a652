//! The one layout of every report that `louver eval` writes (docs/eval.schema.json).

use schemars::JsonSchema;
use serde::Serialize;

use super::mask::MaskReport;
use super::speed::SpeedReport;
use super::track::TrackReport;
use crate::built::ScenesReport;
use crate::gate::GateFigures;

/// Names the layout; the number grows when a reader of older reports would misread newer ones.
pub const SCHEMA: &str = "louver-eval-2";

/// One report, with all that its figures depend on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EvalReport {
    /// Layout: `louver-eval-2`.
    pub schema: String,
    /// Louver's version.
    pub louver: String,
    /// The machine; figures of speed mean nothing without it.
    pub machine: Machine,
    /// The clip's file name.
    pub footage: String,
    /// The detector model's file name.
    pub model: String,
    /// What was measured, and the figures.
    #[serde(flatten)]
    pub measured: Measured,
}

/// The figures of one command.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "what", content = "figures", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measured {
    /// `louver eval mask`
    Mask(Box<MaskReport>),
    /// `louver eval scenes`
    Scenes(Box<ScenesReport>),
    /// `louver eval track`
    Track(Box<TrackReport>),
    /// `louver eval speed`
    Speed(Box<SpeedReport>),
    /// `louver eval gate`
    Gate(Box<GateFigures>),
}

/// What it ran on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub processor: String,
    /// Cores that could be used.
    pub cores: usize,
}

impl Machine {
    /// The one this runs on.
    pub fn this() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, n)| n.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

impl EvalReport {
    /// A report about `footage` seen with `model`.
    pub fn new(footage: String, model: String, measured: Measured) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            louver: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine::this(),
            footage,
            model,
            measured,
        }
    }

    /// The JSON schema that every report keeps to.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}
