//! JSON Schema of what the derive can't see: a message as a whole, and values that are kept as they came.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::payload::REPLY_TYPES;
use super::view::WITH_PAYLOAD;
use super::{
    Button, ContactCard, Edit, Head, Interactive, Json, Lenient, Location, Media, Message, Order, Reaction, Revoke,
    StatusUpdate, System, Text, Unsupported,
};

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "Any JSON value: its shape isn't documented."})
    }
}

impl<T: JsonSchema> JsonSchema for Lenient<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Lenient_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let seen = generator.subschema_for::<T>();
        json_schema!({"anyOf": [seen, {"description": "Another shape: this one isn't documented well."}]})
    }
}

/// A message is valid if the typed view knows it, or its type isn't known.
impl JsonSchema for Message {
    fn schema_name() -> Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let payload = |name: &str, generator: &mut SchemaGenerator| match name {
            "text" => generator.subschema_for::<Text>(),
            "location" => generator.subschema_for::<Location>(),
            "contacts" => generator.subschema_for::<Vec<ContactCard>>(),
            "button" => generator.subschema_for::<Button>(),
            "interactive" => generator.subschema_for::<Interactive>(),
            "reaction" => generator.subschema_for::<Reaction>(),
            "order" => generator.subschema_for::<Order>(),
            "system" => generator.subschema_for::<System>(),
            "unsupported" | "unknown" => generator.subschema_for::<Unsupported>(),
            "edit" => generator.subschema_for::<Edit>(),
            "revoke" => generator.subschema_for::<Revoke>(),
            _ => generator.subschema_for::<Media>(),
        };
        let untyped =
            json!({"anyOf": [{"not": {"required": ["type"]}}, {"properties": {"type": {"enum": [null, ""]}}}]});
        let of_type = |name: &str| {
            let says_so = json!({"properties": {"type": {"const": name}}, "required": ["type"]});
            if !WITH_PAYLOAD.contains(&name) {
                return says_so;
            }
            let others = WITH_PAYLOAD.into_iter().filter(|other| *other != name);
            let others: Vec<Value> = others.map(|other| json!({"required": [other]})).collect();
            let inferred = json!({"allOf": [untyped, {"required": [name]}, {"not": {"anyOf": others}}]});
            json!({"anyOf": [says_so, inferred]})
        };
        let mut rules = vec![generator.subschema_for::<Head>().to_value()];
        for name in WITH_PAYLOAD.into_iter().chain(["unsupported", "unknown"]) {
            // Where anything went wrong, or always for these, there may be no payload.
            let may_be_missing = matches!(name, "interactive" | "unsupported" | "unknown");
            let mut named = payload(name, generator).to_value();
            if name == "interactive" {
                let mut all = vec![named];
                all.extend(REPLY_TYPES.map(|reply| {
                    json!({
                        "if": {"properties": {"type": {"const": reply}}, "required": ["type"]},
                        "then": {"properties": {reply: {"not": {"type": "null"}}}, "required": [reply]},
                    })
                }));
                named = json!({"allOf": all});
            }
            let properties =
                json!({name: if may_be_missing { json!({"anyOf": [named, {"type": "null"}]}) } else { named }});
            let has_errors = json!({"properties": {"errors": {"type": "array", "minItems": 1}, name: {"type": "null"}}, "required": ["errors"]});
            let then = match name {
                _ if may_be_missing => json!({"properties": properties}),
                "voice" => {
                    let audio = generator.subschema_for::<Media>().to_value();
                    let here = json!({"properties": properties, "required": [name]});
                    json!({"anyOf": [here, {"properties": {"audio": audio}, "required": ["audio"]}, has_errors]})
                }
                _ => json!({"anyOf": [{"properties": properties, "required": [name]}, has_errors]}),
            };
            rules.push(json!({"if": of_type(name), "then": then}));
        }
        let known: Vec<Value> = WITH_PAYLOAD.into_iter().chain(WITHOUT_PAYLOAD).map(Value::from).collect();
        rules.push(json!({
            "if": {
                "properties": {"status": {"type": "string"}, "type": {"not": {"enum": known}}},
                "required": ["status"],
                // Without a type, a payload key says it.
                "not": {"allOf": [
                    untyped,
                    {"anyOf": WITH_PAYLOAD.map(|name| json!({"required": [name]}))},
                ]},
            },
            "then": generator.subschema_for::<StatusUpdate>().to_value(),
        }));
        json_schema!({
            "description": "WhatsApp's message object. A type that isn't listed, and keys that aren't, are normal.",
            "type": "object",
            "allOf": rules,
        })
    }
}

/// The types that come without a payload, or may.
const WITHOUT_PAYLOAD: [&str; 5] = ["unsupported", "unknown", "request_welcome", "ephemeral", "media_placeholder"];
