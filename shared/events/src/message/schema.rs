//! JSON Schema of what can't be derived: a message as a whole, and values that are kept verbatim.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::payload::{BARE, KEYED, Payload, is_unsupported};
use super::{Head, Interactive, Json, Lenient, Media, Message, StatusUpdate};

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
        let typed = generator.subschema_for::<T>();
        json_schema!({"anyOf": [typed, {"description": "Any other shape: the documentation isn't reliable here."}]})
    }
}

/// Valid messages are those that are [`Known`](super::MessageKind::Known) or
/// [`Unrecognized`](super::MessageKind::Unrecognized).
impl JsonSchema for Message {
    fn schema_name() -> Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let untyped =
            json!({"anyOf": [{"not": {"required": ["type"]}}, {"properties": {"type": {"enum": [null, ""]}}}]});
        let of_type = |name: &str| {
            let stated = json!({"properties": {"type": {"const": name}}, "required": ["type"]});
            if is_unsupported(name) {
                return stated;
            }
            let others = revealing().filter(|other| *other != name);
            let others: Vec<Value> = others.map(|other| json!({"required": [other]})).collect();
            let inferred = json!({"allOf": [untyped, {"required": [name]}, {"not": {"anyOf": others}}]});
            json!({"anyOf": [stated, inferred]})
        };
        let mut rules = vec![generator.subschema_for::<Head>().to_value()];
        for (name, schema) in Payload::schemas(generator) {
            // With errors, the payload of any type may be absent; of these types it always may.
            let may_be_missing = name == "interactive" || is_unsupported(name);
            let mut named = schema.to_value();
            if name == "interactive" {
                let mut all = vec![named];
                all.extend(Interactive::default().replies().map(|(reply, _)| {
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
        let known: Vec<Value> = KEYED.iter().chain(BARE).copied().map(Value::from).collect();
        rules.push(json!({
            "if": {
                "properties": {"status": {"type": "string"}, "type": {"not": {"enum": known}}},
                "required": ["status"],
                // Without a type, a payload key reveals it.
                "not": {"allOf": [
                    untyped,
                    {"anyOf": revealing().map(|name| json!({"required": [name]})).collect::<Vec<_>>()},
                ]},
            },
            "then": generator.subschema_for::<StatusUpdate>().to_value(),
        }));
        json_schema!({
            "description": "WhatsApp's message object. Types and keys that aren't listed here are valid.",
            "type": "object",
            "allOf": rules,
        })
    }
}

/// The keys that reveal the type of a message which doesn't state it.
fn revealing() -> impl Iterator<Item = &'static str> {
    KEYED.iter().copied().filter(|name| !is_unsupported(name))
}
