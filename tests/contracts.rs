//! The contracts in `infra/contracts`, generated from the types and from the functions' answers. `WAB_UPDATE=1`
//! rewrites them. `infra/local/contracts/validate.py` checks them with independent validators.

use std::collections::BTreeMap;
use std::path::Path;

use lambda_http::{Body, Response};
use serde_json::{Value, json};
use wab_events::{DeliveryStatus, Kind, contract};
use wab_fanout::{Composer, Occasion};
use wab_ingress::{Call, Forbidden, Kept, Rejection, Unauthorized};
use wab_models::{
    BinaryContent, Body as StoredBody, CallbackError, ContentMode, Delivery, DlrCallback, Item, Key, MAX_ID_BYTES,
    MAX_STATUS_BYTES, MessageId, MoCallback, NewEvent, ObjectKey, Receipt, Received, ReceivedAt,
};
use wab_platform::Reason;
use wab_store::{Accepted, Unavailable};

use crate::fake_aws::{CONTENT_KEY, aws, sdk};
use crate::records::soon;

const MO: &str = r#"{"id":"7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11","source":"+6421000001","Destination":"6421000002","content":{"from":"6421000001","id":"wamid.V0FC","timestamp":"1795425313","type":"text","text":{"body":"Kia ora"}}}"#;
const DLR: &str = r#"{"id":"7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11","status":"received","reference":"order-17"}"#;

fn item(kind: Kind) -> Item<'static> {
    item_of(kind, &ContentMode::Full(None))
}

fn content_free_item(kind: Kind) -> Item<'static> {
    item_of(kind, &ContentMode::None(CONTENT_KEY.parse().unwrap()))
}

fn item_of(kind: Kind, mode: &ContentMode) -> Item<'static> {
    let received = |body| Received {
        body,
        application: "gateway",
        at: ReceivedAt::from_epoch_ms(1_795_425_315_417),
        expires_at: 1_798_017_315,
    };
    match kind {
        Kind::Mo => mode.mo(&MoCallback::parse(MO).unwrap(), received(MO)),
        Kind::Dlr => mode.dlr(&DlrCallback::parse(DLR).unwrap(), received(DLR)),
    }
}

fn event(kind: Kind) -> Value {
    let item = item(kind);
    let event = NewEvent::of(&item, item.body.inline().unwrap()).unwrap();
    serde_json::to_value(with_delivery(event, &item)).unwrap()
}

/// Adds its delivery state to a receipt. A message has none.
fn with_delivery<'a>(event: NewEvent<'a>, item: &Item<'_>) -> NewEvent<'a> {
    let receipt = |status: &str, at| Receipt { status: status.into(), time: ReceivedAt::from_epoch_ms(at) };
    let this = Receipt { status: DeliveryStatus::Received, time: item.received_at.clone() };
    event.with_delivery(Delivery::of(this, vec![receipt("sent", 1_795_425_314_902)]))
}

/// The event of the same callback on a stack that keeps no content.
fn content_free_event(kind: Kind) -> Value {
    let item = content_free_item(kind);
    let StoredBody::NotKept { body_bytes } = item.body else { panic!("no content") };
    serde_json::to_value(with_delivery(NewEvent::without_body(&item, body_bytes).unwrap(), &item)).unwrap()
}

/// The SNS message attributes of the same event.
fn headers(kind: Kind) -> Value {
    let item = item(kind);
    let event = NewEvent::of(&item, item.body.inline().unwrap()).unwrap();
    event.attributes().into_iter().collect()
}

fn headers_without_content(kind: Kind) -> Value {
    let item = content_free_item(kind);
    NewEvent::without_body(&item, 0).unwrap().attributes().into_iter().collect()
}

/// Every contract, by file name.
fn contracts() -> BTreeMap<&'static str, Value> {
    let by_reference = |kind| {
        let item = item(kind);
        let dataref = format!("s3://wab-bucket-1a2b3c/{}", ObjectKey::of_body(MO.as_bytes()));
        serde_json::to_value(NewEvent::by_reference(&item, dataref).unwrap()).unwrap()
    };
    let binary = || {
        let body = r#"{"id":"7c1f","source":"+6421000001","encoding":"base64","content":"R0lGODlh"}"#;
        let at = ReceivedAt::from_epoch_ms(1_795_425_315_417);
        let received = Received { body, application: "gateway", at, expires_at: 1_798_017_315 };
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received);
        let content = BinaryContent::of(b"GIF89a", "image/gif");
        let dataref = format!("s3://wab-bucket-1a2b3c/{}", ObjectKey::of_content(&content.sha256));
        serde_json::to_value(NewEvent::of(&item, body).unwrap().with_binary(&content, Some(dataref))).unwrap()
    };
    BTreeMap::from([
        ("mo-event.schema.json", contract::event(Kind::Mo)),
        ("dlr-event.schema.json", contract::event(Kind::Dlr)),
        ("message.schema.json", contract::message()),
        ("asyncapi.json", asyncapi()),
        ("openapi.json", openapi()),
        ("examples/mo-event.json", event(Kind::Mo)),
        ("examples/mo-event-by-reference.json", by_reference(Kind::Mo)),
        ("examples/mo-event-binary.json", binary()),
        ("examples/dlr-event.json", event(Kind::Dlr)),
        ("examples/mo-event-content-free.json", content_free_event(Kind::Mo)),
        ("examples/dlr-event-content-free.json", content_free_event(Kind::Dlr)),
    ])
}

#[test]
fn contracts_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/contracts");
    for (name, contract) in contracts() {
        let generated = format!("{contract:#}\n");
        let file = directory.join(name);
        if std::env::var_os("WAB_UPDATE").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &generated).unwrap();
        }
        // Compared as values, because the order of keys depends on the features of the build.
        let written = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        assert!(written == Some(contract), "{name} is stale: WAB_UPDATE=1 cargo test -p wab-tests contracts");
    }
}

/// The schema of the SNS message attributes.
fn attributes(kind: Kind) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let mut properties = json!({
        "kind": {"type": "string", "const": kind.as_str()},
        "schema": {"type": "string", "const": contract::event(kind)["properties"]["type"]["const"]},
        "application": text("The gateway application that made the callback."),
    });
    let more = match kind {
        Kind::Mo => json!({
            "type": text("The message's type, such as `text`. Inferred if the message states none; absent if it can't be inferred."),
            "source": text("The sender as received."),
            "destination": text("The recipient as received."),
        }),
        Kind::Dlr => json!({"status": text("The status word.")}),
    };
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    properties["replay"] = json!({
        "type": "string",
        "const": "true",
        "description": "Only if the event is published again on purpose.",
    });
    json!({"type": "object", "properties": properties, "required": ["kind", "schema", "application"]})
}

#[tokio::test]
async fn published_attributes_are_those_of_the_contract() {
    for kind in [Kind::Mo, Kind::Dlr] {
        let item = item(kind);
        let (sdk, _) = sdk(aws(|_| panic!("nothing is published")));
        let composer = Composer::new(&sdk, "events".to_owned(), "bucket".to_owned());
        let message = composer.compose(&item, None, Occasion::Replay, soon()).await.unwrap();
        let published: Vec<&str> = message.attributes.iter().map(|(name, _)| *name).collect();
        let schema = attributes(kind);
        let mut contracted: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        contracted.sort_by_key(|name| published.iter().position(|published| published == name));
        assert_eq!(contracted, published);
    }
}

fn asyncapi() -> Value {
    let message = |kind: Kind, title: &str| {
        // AsyncAPI has its own `$schema`.
        let mut payload = contract::event(kind);
        payload.as_object_mut().unwrap().remove("$schema");
        json!({
            "name": contract::event(kind)["properties"]["type"]["const"],
            "title": title,
            "contentType": "application/cloudevents+json",
            "headers": attributes(kind),
            "payload": payload,
            "examples": [
                {"headers": headers(kind), "payload": event(kind)},
                {
                    "name": "Without content",
                    "headers": headers_without_content(kind),
                    "payload": content_free_event(kind),
                },
            ],
        })
    };
    let channel = |kind: &str, message: &str| {
        json!({
            "address": "{topicArn}",
            "description": format!("The SNS topic whose ARN is the stack's output {message}TopicArn. The headers of its messages are SNS message attributes for filter policies, all strings. Delivery is at least once and unordered."),
            "parameters": {"topicArn": {"description": format!("The ARN of the topic {kind}.")}},
            "messages": {"event": {"$ref": format!("#/components/messages/{kind}")}},
        })
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "wab events",
            "version": "1.0.0",
            "description": "The events that the receiver of WhatsApp gateway callbacks publishes. Deduplicate by `id`.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {"mo": channel("mo", "Mo"), "dlr": channel("dlr", "Dlr")},
        "operations": {
            "publishMo": {"action": "send", "channel": {"$ref": "#/channels/mo"}},
            "publishDlr": {"action": "send", "channel": {"$ref": "#/channels/dlr"}},
        },
        "components": {"messages": {
            "mo": message(Kind::Mo, "A message from a WhatsApp user"),
            "dlr": message(Kind::Dlr, "A delivery receipt"),
        }},
    })
}

/// Every answer of one function, from the functions' code.
fn answers(kind: Kind) -> Vec<Response<Body>> {
    let id = MessageId::new("7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11").unwrap();
    let key = match kind {
        Kind::Mo => Key::mo(&id),
        Kind::Dlr => Key::dlr(&id, &wab_events::DeliveryStatus::Received),
    };
    let reason = || Reason::NoAnswerInTime;
    let mut outcomes = vec![
        Ok(Accepted::Stored(key.clone())),
        Ok(Accepted::Duplicate(key.clone())),
        Ok(Accepted::Spilled { key: key.clone(), reason: reason() }),
        Err(Rejection::Forbidden(Forbidden { address: None })),
        Err(Rejection::Unauthorized(Unauthorized)),
        Err(Rejection::Quarantined(CallbackError::NotJson { line: 1, column: 1 })),
        Err(Rejection::Quarantined(CallbackError::NotAnObject)),
        Err(Rejection::Quarantined(CallbackError::NoId)),
        Err(Rejection::Quarantined(CallbackError::IdTooLong)),
        Err(Rejection::TooLarge),
        Err(Rejection::Unavailable(Unavailable { key, table: reason(), spill: reason() })),
    ];
    if kind == Kind::Dlr {
        outcomes.push(Err(Rejection::Quarantined(CallbackError::NoStatus)));
        outcomes.push(Err(Rejection::Quarantined(CallbackError::StatusTooLong)));
    }
    let call = Call { kind, request_id: "", caller: None };
    let kept = |accepted| Kept { accepted, delivery_lag_ms: None };
    let answers = outcomes.into_iter().map(|outcome| wab_ingress::answer(call, outcome.map(kept)));
    answers.chain([wab_ingress::answer_probe(kind, "gateway")]).collect()
}

fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wab callbacks",
            "version": "1.0.0",
            "description": "The URLs that the WhatsApp gateway calls. API Gateway answers 404 to any other path or method.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{
            "url": "https://{host}",
            "variables": {"host": {"default": "example.com", "description": "The host of the stack's outputs MoUrl and DlrUrl."}},
        }],
        "security": [{"credentials": []}],
        "paths": {
            "/mo": {"post": operation(Kind::Mo, "A message from a WhatsApp user", MO)},
            "/dlr": {"post": operation(Kind::Dlr, "A delivery receipt", DLR)},
            "/mo/{secret}": {"post": at_secret_path(operation(Kind::Mo, "A message from a WhatsApp user", MO))},
            "/dlr/{secret}": {"post": at_secret_path(operation(Kind::Dlr, "A delivery receipt", DLR))},
        },
        "components": {
            "securitySchemes": {"credentials": {
                "type": "http",
                "scheme": "basic",
                "description": "The credentials of the callback URL, https://user:password@host/….",
            }},
            "schemas": {
                "MoCallback": callback(Kind::Mo),
                "DlrCallback": callback(Kind::Dlr),
                "Accepted": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "description": "The gateway's message id."},
                        "event_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "The id of the published event. Missing if the outcome is `deferred`."},
                        "outcome": {
                            "enum": ["stored", "duplicate", "deferred"],
                            "description": "`deferred`: stored in a queue until the table accepts it.",
                        },
                    },
                    "required": ["id", "outcome"],
                },
                "Probe": {
                    "type": "object",
                    "properties": {
                        "outcome": {"const": "probe"},
                        "version": {"type": "string", "description": "The version of the receiver."},
                        "application": {"type": "string", "description": "The user name of the credentials, or of the secret path."},
                    },
                    "required": ["outcome", "version", "application"],
                },
                "Problem": {
                    "type": "object",
                    "description": "Problem details (RFC 9457). Contains nothing of the request.",
                    "properties": {
                        "type": {"type": "string", "format": "uri"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string"},
                        "request_id": {"type": "string"},
                    },
                    "required": ["type", "title", "status", "code", "request_id"],
                },
            },
        },
    })
}

fn operation(kind: Kind, summary: &str, example: &str) -> Value {
    let name = match kind {
        Kind::Mo => "MoCallback",
        Kind::Dlr => "DlrCallback",
    };
    let example: Value = serde_json::from_str(example).unwrap();
    let mut responses = serde_json::Map::new();
    for answer in answers(kind) {
        let status = answer.status().as_u16().to_string();
        let media_type = answer.headers()["content-type"].to_str().unwrap();
        let Body::Text(body) = answer.body() else { panic!("an answer is text") };
        let body: Value = serde_json::from_str(body).unwrap();
        let reference = |schema: &str| json!({"$ref": format!("#/components/schemas/{schema}")});
        let (schema, label, description) = if answer.status().is_success() {
            let schema = json!({"anyOf": [reference("Accepted"), reference("Probe")]});
            (schema, &body["outcome"], "The event is stored, by this call or an earlier one; or the call is a probe.")
        } else {
            let description = match status.as_str() {
                "400" => "Not a callback; don't retry. The body is quarantined for inspection.",
                "401" => "Missing or wrong credentials, or a wrong secret path without credentials.",
                "403" => "The caller's network isn't one of the parameter AllowedNetworks.",
                "413" => "Larger than the limit of a request.",
                _ => "Not stored; retry.",
            };
            (reference("Problem"), &body["code"], description)
        };
        let label = label.as_str().unwrap().to_owned();
        let response = responses.entry(status).or_insert_with(|| {
            json!({
                "description": description,
                "content": {media_type: {"schema": schema, "examples": {}}},
            })
        });
        response["content"][media_type]["examples"][label] = json!({"value": body});
        for header in ["www-authenticate", "retry-after"] {
            if let Some(value) = answer.headers().get(header) {
                let schema = json!({"schema": {"type": "string"}, "example": value.to_str().unwrap()});
                response["headers"][header] = schema;
            }
        }
    }
    responses.insert("429".to_owned(), json!({"description": "Throttled by API Gateway; the body is API Gateway's."}));
    responses.insert(
        "5XX".to_owned(),
        json!({"description": "The function didn't answer; the body is API Gateway's. Retry."}),
    );
    json!({
        "operationId": format!("{}Callback", kind.as_str()),
        "summary": summary,
        "parameters": [{
            "name": "wab-probe",
            "in": "header",
            "description": "With any value, makes the call a probe: credentials are checked, and nothing is stored.",
            "schema": {"type": "string"},
        }],
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}, "example": example}},
        },
        "responses": responses,
    })
}

/// The same operation at a URL whose last segment takes the place of credentials.
fn at_secret_path(mut operation: Value) -> Value {
    operation["operationId"] = format!("{}AtSecretPath", operation["operationId"].as_str().unwrap()).into();
    operation["description"] =
        "Only with the parameter SecretPaths. Credentials aren't needed; if they are valid, the path isn't looked at."
            .into();
    operation["security"] = json!([]);
    operation["parameters"].as_array_mut().unwrap().push(json!({
        "name": "secret",
        "in": "path",
        "required": true,
        "description": "The secret. `wab credentials --secret-path` makes one.",
        "schema": {"type": "string", "minLength": 1},
    }));
    operation["responses"]["404"] = json!({"description": "The stack has no secret paths; the body is API Gateway's."});
    operation
}

/// The JSON Schema (draft 2020-12) of a callback as the gateway posts it. The functions accept more than the gateway
/// documents.
fn callback(kind: Kind) -> Value {
    let optional = json!({"type": ["string", "number", "null"]});
    let id = json!({
        "type": ["string", "number"],
        "minLength": 1,
        "description": format!("The gateway's message id: at most {MAX_ID_BYTES} bytes."),
    });
    let id_is_there = json!([{"required": ["id"]}, {"required": ["message_id"]}]);
    match kind {
        Kind::Mo => json!({
            "title": "MO callback",
            "type": "object",
            "properties": {
                "id": id,
                "message_id": {"description": "Another name of `id`.", "type": ["string", "number"], "minLength": 1},
                "source": optional,
                "Destination": optional,
                "destination": optional,
                "content": {"description": "WhatsApp's message object, see message.schema.json. Any other JSON is accepted."},
                "encoding": {"description": "`base64` marks a binary `content`.", "type": ["string", "null"]},
                "operator": optional,
                "reply_to": optional,
                "reference": optional,
            },
            "anyOf": id_is_there,
        }),
        Kind::Dlr => json!({
            "title": "DLR callback",
            "type": "object",
            "properties": {
                "id": id,
                "message_id": {"description": "Another name of `id`.", "type": ["string", "number"], "minLength": 1},
                "status": {
                    "type": ["string", "number"],
                    "minLength": 1,
                    "description": format!("An open set of words, each at most {MAX_STATUS_BYTES} bytes long."),
                    "examples": DeliveryStatus::KNOWN.map(|status| status.as_str().to_owned()),
                },
                "reference": optional,
                "detail": optional,
            },
            "required": ["status"],
            "anyOf": id_is_there,
        }),
    }
}
