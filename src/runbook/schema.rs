//! The JSON Schemas (2020-12) of the files people write, from the same declarations they are read by.
//! Knows no key itself.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::file::RunbookFile;
use super::policy_file::PolicyFile;
use super::scenario::file::ScenarioFile;

/// The JSON Schema of a runbook.
#[must_use]
pub fn runbook() -> Value {
    document::<RunbookFile>("runsheet runbook")
}

/// The JSON Schema of `policy.yaml`.
#[must_use]
pub fn policy() -> Value {
    document::<PolicyFile>("runsheet policy")
}

/// The JSON Schema of a scenario.
#[must_use]
pub fn scenario() -> Value {
    document::<ScenarioFile>("runsheet scenario")
}

pub(crate) fn document<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(title));
    Value::from(schema)
}
