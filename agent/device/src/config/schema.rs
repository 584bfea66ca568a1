//! The schema of configuration files, for editors: JSON Schema, draft 2020-12
//! (<https://json-schema.org/draft/2020-12>).

use serde_json::{Map, Value, json};

use super::manual::{self, Key, Section};

/// Keys that a site must have.
const REQUIRED_OF_A_SITE: [&str; 1] = ["name"];
/// Keys of which a site must have one: where its images come from.
const ONE_OF_A_SITE: [&str; 2] = ["directory", "match"];

/// The JSON schema of a configuration file: `docs/weir.schema.json`.
pub fn json_schema() -> String {
    let sections: Map<_, _> = manual::sections()
        .iter()
        .map(|s| (s.name.to_owned(), section_schema(s)))
        .collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of weir",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    });
    format!("{schema:#}\n")
}

fn section_schema(section: &Section) -> Value {
    let keys: Map<_, _> = section
        .keys
        .iter()
        .map(|k| (k.name.to_owned(), key_schema(section, k)))
        .collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": keys });
    if section.repeats() {
        schema["required"] = json!(REQUIRED_OF_A_SITE);
        schema["anyOf"] = ONE_OF_A_SITE
            .iter()
            .map(|key| json!({ "required": [key] }))
            .collect();
        return json!({ "title": "[[site]]", "description": section.meaning, "type": "array", "items": schema });
    }
    schema["title"] = json!(format!("[{}]", section.name));
    schema["description"] = json!(section.meaning);
    schema
}

fn key_schema(section: &Section, key: &Key) -> Value {
    let mut schema = key.shape.schema.clone();
    schema["title"] = json!(format!("{}.{}", section.name, key.name));
    schema["description"] = json!(format!("{} Value: {}.", key.meaning, key.shape.expected));
    let value = toml_to_json(key.value);
    if section.repeats() {
        schema["examples"] = json!([value]);
    } else {
        schema["default"] = value;
    }
    schema
}

/// A value of the manual as JSON; the manual has no values that JSON lacks.
fn toml_to_json(text: &str) -> Value {
    let value = text
        .parse::<toml::Value>()
        .ok()
        .and_then(|value| serde_json::to_value(value).ok());
    value.unwrap_or(Value::Null)
}
