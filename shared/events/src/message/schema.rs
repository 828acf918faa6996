//! JSON Schema of what can't be derived: a message as a whole, and values that are kept verbatim.
//!
//! The alternatives of a message are plain objects, because code generators understand them. What they can't express is
//! under `not`, which generators ignore.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::payload::{BARE, KEYED, Payload, is_unsupported};
use super::{Head, Interactive, Json, Lenient, Message, MessageError, StatusUpdate};

/// Every JSON kind. An integer is a number, but code generators then keep the difference.
const ANY: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ANY})
    }
}

impl<T: JsonSchema> JsonSchema for Lenient<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Lenient_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let typed = generator.subschema_for::<T>();
        json_schema!({"anyOf": [typed, {"type": ANY}]})
    }
}

/// Valid messages are those that are [`Known`](super::MessageKind::Known) or
/// [`Unrecognized`](super::MessageKind::Unrecognized).
impl JsonSchema for Message {
    fn schema_name() -> Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let head = head(generator);
        let payloads = Payload::schemas(generator);
        if let Some(interactive) = generator.definitions_mut().get_mut("Interactive").and_then(Value::as_object_mut) {
            interactive.insert("not".to_owned(), lacks_its_reply());
        }
        let mut known = Vec::new();
        let define = |generator: &mut SchemaGenerator, title: &str, description: &str, parts: &[&Value]| {
            let name: String = title.split(' ').map(capitalized).collect();
            let schema = json!({"title": title, "description": description, "allOf": parts});
            generator.definitions_mut().insert(name.clone(), schema);
            json!({"$ref": format!("#/$defs/{name}")})
        };
        for (name, payload) in &payloads {
            let title = format!("{} message", capitalized(&name.replace('_', " ")));
            let body = of_type(name, payload.as_value());
            known.push(define(generator, &title, &format!("A message of the type `{name}`."), &[&head, &body]));
        }
        for name in BARE {
            let title = format!("{} message", capitalized(&name.replace('_', " ")));
            let body = json!({"type": "object", "properties": {"type": constant(name)}, "required": ["type"]});
            let description = format!("A message of the type `{name}`, which has no payload.");
            known.push(define(generator, &title, &description, &[&head, &body]));
        }
        generator.definitions_mut().insert(
            "KnownMessage".to_owned(),
            json!({
                "title": "Known message",
                "description": "A message of a known type. `type` tells the alternatives apart.",
                "oneOf": known,
            }),
        );
        let error = generator.subschema_for::<MessageError>();
        let without_payload = define(
            generator,
            "Message without payload",
            "A message of a known type that has errors instead of its payload.",
            &[&head, &without_payload(&error)],
        );
        let untyped = define(
            generator,
            "Untyped message",
            "An older message without a type. Its only payload reveals the type.",
            &[&head, &untyped(&payloads)],
        );
        let types: Vec<&str> = KEYED.iter().chain(BARE).copied().collect();
        let open = json!({"type": ["string", "null"], "not": {"enum": types}});
        let update = generator.subschema_for::<StatusUpdate>();
        let status = define(
            generator,
            "Status update message",
            "Not a message, but the status of one that the business sent.",
            &[
                &head,
                update.as_value(),
                &json!({"type": "object", "properties": {"type": open}, "not": reveals_its_type()}),
            ],
        );
        let is_status = json!({"properties": {"status": {"type": "string"}}, "required": ["status"]});
        let other = define(
            generator,
            "Other message",
            "A message whose type isn't listed here, or that has none. Its payload is usually under a key named like the type.",
            &[
                &head,
                &json!({
                    "type": "object",
                    "properties": {"type": open},
                    "not": {"anyOf": [is_status, reveals_its_type()]},
                }),
            ],
        );
        json_schema!({
            "title": "Message",
            "description": "WhatsApp's message object. Types and keys that aren't listed here are valid.",
            "anyOf": [{"$ref": "#/$defs/KnownMessage"}, without_payload, untyped, status, other],
        })
    }
}

/// What all messages share, except the type, which each alternative states.
fn head(generator: &mut SchemaGenerator) -> Value {
    let reference = generator.subschema_for::<Head>().to_value();
    if let Some(keys) =
        generator.definitions_mut().get_mut("Head").and_then(|head| head.pointer_mut("/properties")?.as_object_mut())
    {
        keys.remove("type");
    }
    reference
}

/// A message that states this type and has its payload.
fn of_type(name: &str, payload: &Value) -> Value {
    let optional = json!({"anyOf": [payload, {"type": "null"}]});
    match name {
        "interactive" | "unsupported" | "unknown" => json!({
            "type": "object",
            "properties": {"type": constant(name), name: optional},
            "required": ["type"],
        }),
        // The payload may have the type's newer name.
        "voice" => json!({
            "type": "object",
            "properties": {"type": constant(name), "voice": optional, "audio": optional},
            "required": ["type"],
            "not": {"properties": {"voice": {"type": "null"}, "audio": {"type": "null"}}},
        }),
        _ => json!({
            "type": "object",
            "properties": {"type": constant(name), name: payload},
            "required": ["type", name],
        }),
    }
}

/// A message that states a type and has errors, but not the payload.
fn without_payload(error: &Schema) -> Value {
    let types: Vec<&str> = KEYED.iter().copied().filter(|name| !may_lack_payload(name)).collect();
    let has = |name: &str, key: &str| json!({"properties": {"type": {"const": name}, key: {"not": {"type": "null"}}}, "required": ["type", key]});
    let present: Vec<Value> = types.iter().map(|name| has(name, name)).chain([has("voice", "audio")]).collect();
    json!({
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": types},
            "errors": {"type": "array", "items": error, "minItems": 1},
        },
        "required": ["type", "errors"],
        "not": {"anyOf": present},
    })
}

/// A message without a type that has exactly one payload, or errors instead of it.
fn untyped(payloads: &[(&'static str, Schema)]) -> Value {
    let mut properties = json!({"type": {"type": ["string", "null"], "enum": ["", null]}});
    let mut excluded = vec![json!({"not": reveals_its_type()})];
    for (name, payload) in payloads.iter().filter(|(name, _)| !is_unsupported(name)) {
        if let Some(properties) = properties.as_object_mut() {
            properties.insert((*name).to_owned(), json!({"anyOf": [payload, {"type": "null"}]}));
        }
        if !may_lack_payload(name) {
            excluded.push(json!({
                "properties": {*name: {"type": "null"}},
                "required": [name],
                "not": {"properties": {"errors": {"type": "array", "minItems": 1}}, "required": ["errors"]},
            }));
        }
    }
    json!({"type": "object", "properties": properties, "not": {"anyOf": excluded}})
}

/// A message without a type whose keys reveal it: exactly one of them is the name of a type with a payload.
fn reveals_its_type() -> Value {
    let revealing = KEYED.iter().copied().filter(|name| !is_unsupported(name));
    json!({
        "properties": {"type": {"enum": ["", null]}},
        "oneOf": revealing.map(|name| json!({"required": [name]})).collect::<Vec<_>>(),
    })
}

/// Whether a message of this type may have neither a payload nor errors.
fn may_lack_payload(name: &str) -> bool {
    name == "interactive" || is_unsupported(name)
}

fn constant(word: &str) -> Value {
    json!({"type": "string", "const": word})
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// An interactive reply whose `type` names a known reply that is absent.
fn lacks_its_reply() -> Value {
    let none = Interactive::default();
    let absent = none.replies().into_iter().map(
        |(reply, _)| json!({"properties": {"type": {"const": reply}, reply: {"type": "null"}}, "required": ["type"]}),
    );
    json!({"anyOf": absent.collect::<Vec<_>>()})
}
