//! JSON Schema of the published events, for subscribers in other languages. Requires the feature `schema`.
//!
//! The schemas are generated from the types of this crate, and their descriptions from its documentation. This module
//! adds what the types can't express: constants, patterns and alternatives.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::dlr::DlrData;
use crate::envelope::Envelope;
use crate::kind::Kind;
use crate::message::Message;
use crate::mo::MoData;

/// The schema of WhatsApp's message object (draft 2020-12). It rejects exactly the messages that are
/// [`Malformed`](crate::message::MessageKind::Malformed).
#[must_use]
pub fn message() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let message = generator.subschema_for::<Message>();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:wab:message:v1",
        "$ref": message.get("$ref"),
        "$defs": generator.take_definitions(true),
    });
    plain_descriptions(&mut schema);
    schema
}

/// The schema of a published event (draft 2020-12), without references. It accepts any `content`, malformed messages
/// included.
#[must_use]
pub fn event(kind: Kind) -> Value {
    let (title, about, data) = match kind {
        Kind::Mo => ("Mo event", "A message from a WhatsApp user", inline::<MoData>()),
        Kind::Dlr => ("Dlr event", "A delivery receipt", inline::<DlrData>()),
    };
    let mut schema = inline::<Envelope>().to_value();
    let mut at = |path: &str, more: Value| {
        let place = schema.pointer_mut(path).and_then(Value::as_object_mut);
        if let (Some(place), Value::Object(more)) = (place, more) {
            // A property keeps the description that its object gives it.
            place.extend(
                more.into_iter().filter(|(key, _)| path.is_empty() || (key != "$schema" && key != "description")),
            );
        }
    };
    at("/properties/data", data.to_value());
    for (path, more) in [
        ("/properties/specversion", json!({"const": "1.0"})),
        ("/properties/id", json!({"pattern": "^[0-9a-f]{32}$"})),
        ("/properties/source", json!({"pattern": "^/wab/"})),
        ("/properties/type", json!({"const": kind.schema()})),
        ("/properties/time", json!({"format": "date-time"})),
        ("/properties/datacontenttype", json!({"const": "application/json"})),
        ("/properties/dataschema", json!({"const": kind.data_schema()})),
        ("/properties/variant", json!({"pattern": "^[0-9a-f]{12}$"})),
        ("/properties/data", json!({"title": match kind { Kind::Mo => "Mo data", Kind::Dlr => "Dlr data" }})),
        ("/properties/data/properties/unrecognized", json!({"type": "object"})),
        ("/properties/data/properties/binary", json!({"title": "Binary"})),
        (
            "/properties/data/properties/omitted",
            json!({"title": match kind { Kind::Mo => "Omitted message", Kind::Dlr => "Omitted receipt" }}),
        ),
        ("/properties/data/properties/omitted/properties/sent_at", json!({"format": "date-time"})),
        ("/properties/data/properties/omitted/properties/contact", json!({"pattern": "^hmac:[0-9a-f]{64}$"})),
        ("/properties/data/properties/omitted/properties/digest", json!({"pattern": "^[0-9a-f]{64}$"})),
        ("/properties/data/properties/delivery", json!({"title": "Delivery state"})),
        ("/properties/data/properties/delivery/properties/history/items", json!({"title": "History entry"})),
        (
            "",
            json!({
                "$id": kind.data_schema().split_once('#').map(|(id, _)| id),
                "title": title,
                "description": format!("{about}, as wab publishes it: a CloudEvents 1.0 object in structured JSON."),
                "if": {"required": ["data"]},
                "then": {"not": {"required": ["dataref"]}},
                "else": {"required": ["dataref"]},
            }),
        ),
    ] {
        at(path, more);
    }
    without_null(&mut schema);
    for described in ["binary", "omitted"] {
        let place = format!("/properties/data/properties/{described}/properties/bytes");
        if let Some(bytes) = schema.pointer_mut(&place) {
            let description = bytes.get("description").cloned();
            *bytes = json!({"type": "integer", "minimum": 0, "description": description});
        }
    }
    plain_descriptions(&mut schema);
    schema
}

/// Removes the alternative `null` from every key that has one type: wab leaves out what is absent.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(types) = members.get_mut("type")
                && let Some([only, Value::String(null)]) = types.as_array().map(Vec::as_slice)
                && null == "null"
            {
                *types = only.clone();
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Turns the descriptions, which are Rust documentation, into text for readers of any language.
fn plain_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" => *text = plain(text),
                    _ => plain_descriptions(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(plain_descriptions),
        _ => {}
    }
}

/// Rust documentation up to its first code block or heading, one line a paragraph, without links.
fn plain(documentation: &str) -> String {
    let prose = documentation.lines().take_while(|line| !line.starts_with("```") && !line.starts_with('#'));
    let prose: Vec<&str> = prose.collect();
    let paragraphs = prose.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).map(|lines| lines.join(" "));
    without_links(&paragraphs.collect::<Vec<_>>().join("\n\n"))
}

/// Replaces each Markdown link by its text.
fn without_links(markdown: &str) -> String {
    let Some((before, link)) = markdown.split_once('[') else { return markdown.to_owned() };
    let Some((text, after)) = link.split_once(']') else { return markdown.to_owned() };
    let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
    let after = target.map_or(after, |(_, after)| after);
    format!("{before}{text}{}", without_links(after))
}

/// The schema of a type, with every subschema inlined.
fn inline<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_hold_prose_only() {
        let documentation = "A [text](Self::x) of\n[`Some`] type.\n\nMay be empty.\n\n```\nlet code = [1];\n```\nMore.";
        assert_eq!(plain(documentation), "A text of `Some` type.\n\nMay be empty.");
        assert_eq!(plain("A text.\n\n# Errors\nNone."), "A text.");
        assert_eq!(plain("Bare [bracket"), "Bare [bracket");
    }

    #[test]
    fn contracts_hold_no_rust() {
        for contract in [message(), event(Kind::Mo), event(Kind::Dlr)] {
            let text = contract.to_string();
            for rust in ["::", "```", "[`", "Option<", "assert"] {
                assert!(!text.contains(rust), "{rust}");
            }
        }
    }
}
