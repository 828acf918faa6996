//! JSON Schema of what is published, for the contracts in `infra/contracts`.
//!
//! Drawn from the types that read it. What the types can't say (a word that is always the same, a limit) is added
//! here.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::dlr::DlrData;
use crate::envelope::Envelope;
use crate::kind::Kind;
use crate::message::Message;
use crate::mo::MoData;

/// The schema (draft 2020-12) of the message object: valid is what the typed view knows, and what is of a type that it
/// doesn't know.
#[must_use]
pub fn message() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Message>().to_value()
}

/// The schema (draft 2020-12, in one piece) of a published event. Whatever WhatsApp's message in it is, the event is
/// valid.
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
            // What the envelope says of a property stays its description.
            property
                .extend(more.into_iter().filter(|(key, _)| key != "$schema" && key != "description" && key != "title"));
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), title.into());
        schema.insert("oneOf".to_owned(), json!([{"required": ["data"]}, {"required": ["dataref"]}]));
    }
    schema
}

/// The schema of a type, without references.
fn inline<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>()
}
