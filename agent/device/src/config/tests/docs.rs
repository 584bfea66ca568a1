//! The committed reference and schema.

use std::fs;

use super::*;

/// Compares a committed page with what the code gives; `UPDATE_DOCS=1` writes it.
fn committed(page: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, generated).expect("written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == generated,
        "docs/{page} is out of date: UPDATE_DOCS=1 cargo test -p weir --lib config::"
    );
}

#[test]
fn the_reference_is_up_to_date() {
    let page = reference_markdown();
    committed("configuration.md", &page);
    for (section, key, default) in keys() {
        let entry = page
            .split("\n### ")
            .find(|entry| entry.starts_with(&format!("{section}.{key}\n")));
        let entry = entry.expect("every key has its entry");
        assert!(
            entry.contains(&format!("- default: `{default}`\n")),
            "{entry}"
        );
        assert!(
            entry.contains(&format!("- environment: `{}`\n", variable(section, key))),
            "{entry}"
        );
    }
}

#[test]
fn the_schema_is_up_to_date_and_knows_every_key() {
    let text = json_schema();
    committed("weir.schema.json", &text);
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(schema["additionalProperties"], false);
    for (section, key, default) in keys() {
        let section = &schema["properties"][section];
        assert_eq!(section["additionalProperties"], false);
        let value: toml::Value = default.parse().expect("TOML");
        assert_eq!(
            section["properties"][key]["default"],
            serde_json::to_value(value).expect("JSON"),
            "{key}"
        );
    }
    let site = &schema["properties"]["site"]["items"];
    assert_eq!(site["required"], serde_json::json!(["name"]));
    assert_eq!(site["additionalProperties"], false);
}
