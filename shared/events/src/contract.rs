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
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Message>().to_value();
    plain_descriptions(&mut schema);
    schema
}

/// The schema of a published event (draft 2020-12), without references. It accepts any `content`, malformed messages
/// included.
#[must_use]
pub fn event(kind: Kind) -> Value {
    let (title, data) = match kind {
        Kind::Mo => ("A message from a WhatsApp user", inline::<MoData>()),
        Kind::Dlr => ("A delivery receipt", inline::<DlrData>()),
    };
    let mut schema = inline::<Envelope>().to_value();
    let fixed = [
        ("specversion", json!({"const": "1.0"})),
        ("id", json!({"pattern": "^[0-9a-f]{32}$"})),
        ("source", json!({"pattern": "^/wab/"})),
        ("type", json!({"const": kind.schema()})),
        ("time", json!({"format": "date-time"})),
        ("datacontenttype", json!({"const": "application/json"})),
        ("variant", json!({"type": "string", "pattern": "^[0-9a-f]{12}$"})),
        ("dataref", json!({"type": "string"})),
        ("data", data.to_value()),
    ];
    for (name, more) in fixed {
        let property = schema.pointer_mut(&format!("/properties/{name}")).and_then(Value::as_object_mut);
        if let (Some(property), Value::Object(more)) = (property, more) {
            // The property keeps the description that the envelope gives it.
            property
                .extend(more.into_iter().filter(|(key, _)| key != "$schema" && key != "description" && key != "title"));
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), title.into());
        schema.insert("oneOf".to_owned(), json!([{"required": ["data"]}, {"required": ["dataref"]}]));
    }
    plain_descriptions(&mut schema);
    schema
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
}
