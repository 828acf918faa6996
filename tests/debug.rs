//! `Debug` reveals nothing of what comes from outside: `{:?}` is what ends up in logs by mistake.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::LambdaEvent;
use quote::ToTokens;
use serde_json::{Value, json};
use syn::{Attribute, Field, Item as SourceItem};
use wab_events::message::{Message, MessageKind, Payload, PhoneNumber, UserId};
use wab_events::{Data, DeliveryStatus, Event, Kind};
use wab_fanout::{Composer, Occasion};
use wab_marked::{NAME, NUMBER, RECIPIENT, SENDER, WORD};
use wab_models::{
    CallbackError, DlrCallback, Item, Key, MessageId, MoCallback, NewEvent, Parked, Spilled, StreamBatch,
};
use wab_store::{Accepted, Stored};

use crate::fake_aws::{receiver, sdk, success};
use crate::marked::EVERYTHING;
use crate::records::{mo_item, mo_item_with_object, mo_record, quarantined, received, soon};
use crate::requests::{PASSWORD, USER, basic, request};

/// Keys whose values decide what a message is.
const VOCABULARY: [&str; 4] = ["type", "status", "event", "payment_status"];

/// Marks each value of a message, and adds a key to each object that no type names.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("{text}{WORD}"),
        Value::Number(_) => *value = serde_json::from_str(NUMBER).unwrap(),
        Value::Array(values) => values.iter_mut().for_each(mark),
        Value::Object(members) => {
            members
                .iter_mut()
                .filter(|(key, _)| !VOCABULARY.contains(&key.as_str()))
                .for_each(|(_, value)| mark(value));
            members.insert(WORD.to_owned(), WORD.into());
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// What `Debug` writes, in both forms. It must hold no marked value.
#[track_caller]
fn check(value: &impl Debug) -> String {
    let (short, long) = (format!("{value:?}"), format!("{value:#?}"));
    for text in [&short, &long] {
        let found = EVERYTHING.find(text);
        assert!(found.is_none(), "Debug writes {}: {text}", found.unwrap());
    }
    short
}

/// The golden messages of all types.
fn golden() -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/events/golden/messages");
    let files =
        std::fs::read_dir(directory).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let lines: Vec<String> = files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].take()).collect()
}

#[test]
fn messages_of_all_types_are_redacted() {
    let mut known = 0;
    for mut message in golden() {
        mark(&mut message);
        let message = Message::parse(&message.to_string()).unwrap();
        let written = check(&message);
        if let MessageKind::Known(payload) = message.kind() {
            known += 1;
            assert!(written.contains(" bytes #"), "{written}");
            check(payload);
            if let Payload::Interactive(interactive) = payload {
                check(&interactive.reply());
            }
        }
        check(&message.sender());
    }
    assert!(known > 40, "{known}: marks make few messages malformed");
}

/// A callback in which every field has a marked value, with this content.
fn mo(content: &Value) -> String {
    json!({"id": wab_marked::name("id"), "source": SENDER, "Destination": RECIPIENT, "operator": WORD, "encoding": WORD,
           "reply_to": NAME, "reference": NAME, "content": content, WORD: WORD})
    .to_string()
}

fn dlr(status: &str) -> String {
    json!({"id": wab_marked::name("id"), "status": status, "reference": NAME, "detail": WORD, WORD: WORD}).to_string()
}

/// A message as it is published.
fn published(item: &Item<'_>, body: &str) -> String {
    let event = NewEvent::of(item, body).unwrap();
    check(&event);
    event.to_message().unwrap()
}

#[test]
fn callbacks_and_what_becomes_of_them_are_redacted() {
    let text = json!({"type": "text", "from": SENDER, "id": wab_marked::wamid("=="), "text": {"body": WORD}});
    let binary =
        json!({"id": NAME, "source": SENDER, "encoding": "base64", "content": STANDARD.encode(WORD)}).to_string();
    for body in [mo(&text), mo(&json!(WORD)), mo(&Value::Null), binary] {
        let callback = MoCallback::parse(&body).unwrap();
        check(&callback);
        check(&callback.id);
        check(&callback.content);
        for name in callback.unrecognized.keys() {
            check(name);
        }
        for item in [mo_item(&body), mo_item_with_object(&body), mo_item(&body).into_variant()] {
            check(&item.body);
            check(&Spilled::Event(item.clone()));
            let written = check(&item);
            assert!(written.contains(&item.key.event_id()), "{written}");
        }
        let event = Event::parse(&published(&mo_item(&body), &body)).unwrap();
        let written = check(&event);
        assert!(written.contains(event.id()) && written.contains("wab.mo.v1"), "{written}");
        let item = mo_item(&body);
        let elsewhere = NewEvent::by_reference(&item, format!("arn?pk={WORD}")).unwrap();
        check(elsewhere.event());
    }
    for status in ["sent", WORD] {
        let body = dlr(status);
        let callback = DlrCallback::parse(&body).unwrap();
        check(&callback);
        let item = Item::dlr(&callback, received(&body));
        let event = Event::parse(&published(&item, &body)).unwrap();
        check(&event);
        let Data::Dlr(receipt) = event.data() else { panic!("a receipt") };
        check(&receipt.status());
    }
    check(&DeliveryStatus::Unknown(WORD.to_owned()));
    check(&PhoneNumber::parse(SENDER).unwrap());
    check(&UserId::parse(&format!("NZ.{NUMBER}")).unwrap());
}

#[test]
fn what_the_queues_and_the_table_hold_is_redacted() {
    let key = Key::mo(&MessageId::new(NAME).unwrap());
    assert_eq!(check(&key), format!("Key({})", key.event_id()));
    check(&Stored::New(key.clone()));
    check(&Accepted::Duplicate(key));
    for body in [WORD.as_bytes(), &[WORD.as_bytes(), b"\xff"].concat()] {
        let quarantined = quarantined(body);
        check(&quarantined);
        check(&Spilled::Quarantine(quarantined));
    }
    check(&received(WORD));
    let parked = json!({"reason": WORD, "key": {"pk": NAME, "sk": NAME}, "record": WORD, "spilled": WORD}).to_string();
    check(&serde_json::from_str::<Parked<'_>>(&parked).unwrap());
    check(&serde_json::from_value::<StreamBatch>(json!({"Records": [mo_record(1, NAME)]})).unwrap());
    let message = json!({"messageId": "1", "body": WORD, "attributes": {"ApproximateReceiveCount": "1"}});
    check(&serde_json::from_value::<wab_recover::SpillBatch>(json!({"Records": [message]})).unwrap());
    check(&MoCallback::parse(WORD).unwrap_err());
    check(&CallbackError::NoId);
}

#[tokio::test]
async fn requests_and_sns_messages_are_redacted() {
    let (sdk, _) = sdk(success);
    let receiver = receiver(&sdk);
    check(&receiver);
    let body = mo(&json!({"type": "text", "text": {"body": WORD}}));
    for password in [PASSWORD, WORD] {
        let LambdaEvent { payload, context } = request("/mo", Some(&basic(USER, password)), body.as_bytes());
        check(&payload);
        check(&receiver.admit(Kind::Mo, payload, &context));
    }
    let composer = Composer::new(&sdk, "events".to_owned(), "bucket".to_owned());
    check(&composer.compose(&mo_item(&body), None, Occasion::Replay, soon()).await.unwrap());
}

/// Types of text, as far as a field may have them.
const TEXT: [&str; 10] =
    ["String", "str", "RawValue", "Value", "u8", "Bytes", "Blob", "AttributeValue", "HeaderValue", "PathBuf"];

/// The fields of text of types that derive `Debug`. None holds anything of a callback, nor a secret.
const PLAIN: &[&str] = &[
    // Names and addresses of resources.
    "functions/fanout Fanout.metric_namespace",
    "functions/fanout Settings.bucket_name",
    "functions/fanout Settings.dead_letter_queue_url",
    "functions/fanout Settings.metric_namespace",
    "functions/fanout Settings.table_name",
    "functions/fanout StoredEvent.table_arn",
    "functions/fanout TopicArns.dlr",
    "functions/fanout TopicArns.mo",
    "functions/recover Settings.dead_letter_queue_url",
    "functions/recover Settings.table_name",
    "shared/events Endpoint.topic_arns",
    "shared/store DeadLetterQueue.url",
    "shared/store EventTable.table_name",
    "shared/store Objects.bucket_name",
    "shared/store Settings.bucket_name",
    "shared/store Settings.spill_queue_url",
    "shared/store Settings.table_name",
    "shared/store SpillQueue.url",
    // What AWS numbers and counts: records, messages, requests, traces.
    "functions/fanout Record.sequence_number",
    "functions/fanout StoredEvent.sequence_number",
    "functions/recover Attributes.receive_count",
    "shared/ingress Call.request_id",
    "shared/platform BatchItemFailure.item_identifier",
    "shared/platform Trace.parent_id",
    "shared/platform Trace.trace_id",
    // Error codes of AWS, and errors that `wab` prints.
    "shared/platform Reason.0",
    "tools/wab NoCredentials.reason",
    "tools/wab NoCredentials.what",
    "tools/wab Unavailable.reason",
    // Hashes of bodies, and times.
    "shared/models BinaryContent.sha256",
    "shared/models Digest.0",
    "shared/models ObjectKey.0",
    "shared/models ReceivedAt.0",
    // The gateway application: the user name of the credentials.
    "shared/ingress Caller.application",
    // Ids of events.
    "functions/fanout Earlier.published",
    // Keys of the message's JSON.
    "shared/events Step.0",
];

/// The Rust files of a directory, at any depth.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.to_token_stream().to_string().contains("cfg (test)"))
}

fn derives_debug(attributes: &[Attribute]) -> bool {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derives.into_iter().any(|derive| words(derive).iter().any(|word| word == "Debug"))
}

/// The words of a piece of source.
fn words(source: &impl ToTokens) -> Vec<String> {
    let source = source.to_token_stream().to_string();
    source.split(|char: char| !char.is_alphanumeric() && char != '_' && char != '\'').map(str::to_owned).collect()
}

/// Whether a field's type holds text that isn't known when the program is compiled.
fn holds_text(field: &Field) -> bool {
    let words = words(&field.ty);
    words.iter().any(|word| TEXT.contains(&word.as_str())) && !words.iter().any(|word| word == "'static")
}

/// The fields that are text, of types that derive `Debug`: `Type.field`.
fn printed_texts(items: &[SourceItem], found: &mut Vec<String>) {
    for item in items {
        let (name, attributes, fields): (_, _, Vec<&Field>) = match item {
            SourceItem::Mod(module) if !is_test(&module.attrs) => {
                printed_texts(module.content.as_ref().map_or(&[], |(_, items)| items), found);
                continue;
            }
            SourceItem::Struct(item) => (&item.ident, &item.attrs, item.fields.iter().collect()),
            SourceItem::Enum(item) => {
                (&item.ident, &item.attrs, item.variants.iter().flat_map(|variant| &variant.fields).collect())
            }
            _ => continue,
        };
        if derives_debug(attributes) && !is_test(attributes) {
            let texts = fields.into_iter().filter(|field| holds_text(field));
            found.extend(texts.map(|field| match &field.ident {
                Some(field) => format!("{name}.{field}"),
                None => format!("{name}.0"),
            }));
        }
    }
}

#[test]
fn types_that_derive_debug_hold_no_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for directory in ["shared", "functions", "tools/wab/src"] {
        sources(&root.join(directory), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|file| file.components().any(|part| part.as_os_str() == "src")) {
        let mut texts = Vec::new();
        printed_texts(&syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap().items, &mut texts);
        let crates = file.strip_prefix(root).unwrap().components().take(2).collect::<PathBuf>();
        found.extend(texts.into_iter().map(|text| format!("{} {text}", crates.display())));
    }
    let plain = PLAIN.iter().map(|text| (*text).to_owned()).collect();
    let [more, gone] = [found.difference(&plain), plain.difference(&found)].map(|texts| texts.collect::<Vec<_>>());
    assert!(more.is_empty(), "Debug writes these texts: {more:#?}");
    assert!(gone.is_empty(), "these aren't written any more: {gone:#?}");
}
