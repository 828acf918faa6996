//! The message model against golden files of every type, and against arbitrary text.

mod accessors;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn parse(json: &str) -> Message {
    Message::parse(json).unwrap()
}

/// A summary of the typed view, as JSON. A golden file has it beside the message.
fn view(message: &Message) -> Value {
    let kind = match message.kind() {
        MessageKind::Known(payload) => json!({"known": payload.type_name()}),
        MessageKind::Unrecognized { message_type } => json!({"unrecognized": message_type}),
        MessageKind::Malformed { message_type, problem, at } => {
            json!({"malformed": message_type, "at": at.to_string(), "why": problem.to_string()})
        }
    };
    json!({
        "kind": kind,
        "type": message.message_type(),
        "id": message.id(),
        "phone": message.sender().phone().map(PhoneNumber::e164),
        "user_id": message.sender().user_id().map(UserId::as_str),
        "sent_at": message.sent_at().map(|at| at.to_string()),
        "text": message.text(),
        "media": message.media().and_then(|media| Some(media.id.as_ref()?.as_str())),
        "reply_to": message.reply_to(),
        "forwarded": message.is_forwarded(),
        "errors": message.errors().len(),
        "unrecognized": message.unrecognized().iter().map(|(at, json)| format!("{at} {}", json.get())).collect::<Vec<_>>(),
        "leaves": message.leaves(),
    })
}

/// A line of a golden file.
#[derive(serde::Deserialize)]
struct Case<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
    view: Value,
}

/// The same value with sorted keys. Whether serde_json sorts them depends on the features of the build.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> =
                members.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

/// Each line of a golden file is a message and the summary of its view. `WAB_UPDATE=1` rewrites the summaries.
#[test]
fn every_type_is_read_as_in_its_golden_file() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/messages");
    let mut files = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let golden = std::fs::read_to_string(&path).unwrap();
        let (mut written, mut stale) = (String::new(), false);
        for line in golden.lines() {
            let case: Case<'_> = serde_json::from_str(line).unwrap();
            let message = parse(case.message.get());
            assert_eq!(message.raw(), case.message.get());
            check_round_trip(&message);
            let view = sorted(view(&message));
            if case.view != view {
                stale = true;
            }
            written += &format!("{{\"message\":{},\"view\":{view}}}\n", message.raw());
        }
        if std::env::var_os("WAB_UPDATE").is_some() {
            std::fs::write(&path, &written).unwrap();
        } else {
            assert!(!stale, "{} is stale; WAB_UPDATE=1 would write:\n{written}", path.display());
        }
        files += 1;
    }
    assert_eq!(files, 26);
}

/// A known message, written from its parts, reads back as the same parts.
#[track_caller]
fn check_round_trip(message: &Message) {
    if let MessageKind::Known(payload) = message.kind()
        && message.head().message_type.is_some()
    {
        let again = Message::new(message.head().clone(), payload.clone()).unwrap();
        assert_eq!((again.head(), again.kind()), (message.head(), message.kind()));
    }
}

#[track_caller]
fn check_malformed(json: &str, expected_at: &str, expected_why: &str) {
    let message = parse(json);
    let MessageKind::Malformed { at, problem, .. } = message.kind() else { panic!("{:?}", message.kind()) };
    assert_eq!((at.to_string().as_str(), problem.to_string().as_str()), (expected_at, expected_why), "{json}");
    assert_eq!(message.raw(), json);
}

#[test]
fn fault_has_its_place_but_no_value() {
    check_malformed(r#"{"type":"text"}"#, "$.text", "missing");
    check_malformed(r#"{"type":"text","text":null}"#, "$.text", "missing");
    check_malformed(r#"{"type":"text","text":"secret"}"#, "$.text", "expected an object, found a string");
    check_malformed(r#"{"type":"text","text":{"body":7}}"#, "$.text.body", "expected a string, found a number");
    check_malformed(r#"{"type":"text","text":{"body":null}}"#, "$.text.body", "expected a string, found null");
    check_malformed(r#"{"type":"text","text":{"body":"\ud800"}}"#, "$.text.body", "a string that isn't Unicode");
    check_malformed(r#"{"type":"text","text":{"\ud800":7}}"#, "$.text", "a string that isn't Unicode");
    check_malformed(r#"{"text":{}}"#, "$.text.body", "missing");
    check_malformed(r#"{"type":7,"text":{"body":""}}"#, "$.type", "expected a string, found a number");
    check_malformed(
        r#"{"type":"location","location":{"latitude":"north","longitude":1}}"#,
        "$.location.latitude",
        "expected a number, found a string that spells none",
    );
    check_malformed(
        r#"{"type":"contacts","contacts":[{},{"phones":[{},{"wa_id":true}]}]}"#,
        "$.contacts[1].phones[1].wa_id",
        "expected a string or a number, found a boolean",
    );
    check_malformed(
        r#"{"type":"interactive","interactive":{"type":"list_reply","button_reply":{"id":"1","title":"a"}}}"#,
        "$.interactive.list_reply",
        "missing",
    );
    check_malformed(
        r#"{"type":"edit","edit":{"original_message_id":"a","message":{"type":"image","image":{"id":true}}}}"#,
        "$.edit.message.image.id",
        "expected a string or a number, found a boolean",
    );
    check_malformed(
        r#"{"type":"text","text":{"body":"x"},"context":"secret"}"#,
        "$.context",
        "expected an object, found a string",
    );
    check_malformed(
        r#"{"status":"sent","pricing":{"billable":1}}"#,
        "$.pricing.billable",
        "expected a boolean, found a number",
    );
}

#[test]
fn malformed_message_keeps_its_readable_parts() {
    let message =
        parse(r#"{"from":"6421000001","id":"wamid.QUJD","timestamp":1763889301,"type":"text","text":{},"context":7}"#);
    assert!(matches!(message.kind(), MessageKind::Malformed { .. }));
    assert_eq!(message.message_type(), Some("text"));
    assert_eq!(message.id(), Some("wamid.QUJD"));
    assert_eq!(message.sender().phone().unwrap().digits(), "6421000001");
    assert_eq!(message.sent_at().unwrap().as_second(), 1_763_889_301);
    assert_eq!(message.unrecognized().len(), 2);
}

#[test]
fn object_whose_key_is_not_unicode_keeps_its_text() {
    let json = r#"{"type":"text","\ud800":7}"#;
    assert_eq!(parse(json).kind(), &MessageKind::Unrecognized { message_type: None });
    assert_eq!(parse(json).raw(), json);
}

#[test]
fn text_around_the_object_is_only_whitespace() {
    assert_eq!(parse(" \r\n\t{\"type\": \"ephemeral\" }\n").raw(), r#"{"type": "ephemeral" }"#);
    for text in ["", "7", "[]", "{", "{}{}", "\u{c}{}", "{}\u{a0}"] {
        assert_eq!(Message::parse(text), Err(NotAMessage), "{text}");
    }
}

#[test]
fn edit_within_an_edit_is_not_read() {
    let mut json = r#"{"type":"text","text":{"body":"x"}}"#.to_owned();
    for _ in 0..5_000 {
        json = format!(r#"{{"type":"edit","edit":{{"original_message_id":"a","message":{json}}}}}"#);
    }
    let message = parse(&json);
    let MessageKind::Known(Payload::Edit(edit)) = message.kind() else { panic!("an edit") };
    assert_eq!(edit.message.kind(), &MessageKind::Unrecognized { message_type: Some("edit".to_owned()) });
    assert_eq!(message.raw(), json);
}

#[test]
fn deeply_nested_unknown_key_is_kept() {
    let deep =
        format!(r#"{{"type":"text","text":{{"body":"x"}},"deep":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(parse(&deep).text(), Some("x"));
    assert_eq!(parse(&deep).raw(), deep);
}

#[test]
fn last_of_repeated_keys_is_used() {
    let message = parse(r#"{"type":"image","type":"text","text":{"body":"a"},"text":{"body":"b"},"x":1,"x":2}"#);
    assert_eq!(message.text(), Some("b"));
    assert_eq!(message.head().unrecognized.get("x").unwrap().get(), "2");
    assert_eq!(message.unrecognized().len(), 2);
    assert_eq!(parse(r#"{"text":{"body":"a"},"text":{"body":"b"}}"#).message_type(), Some("text"));
}

#[test]
fn unknown_keys_are_reported_with_their_place() {
    let message = parse(r#"{"type":"contacts","contacts":[{},{"nickname":"A"}],"x":1}"#);
    let places: Vec<String> = message.unrecognized().iter().map(|(at, json)| format!("{at} {}", json.get())).collect();
    assert_eq!(places, ["$.x 1", "$.contacts[1].nickname \"A\""]);
    let unnamed = &message.head().unrecognized;
    assert!(!unnamed.is_empty() && parse("{}").head().unrecognized.is_empty());
    assert_eq!(unnamed.into_iter().map(|(key, json)| (key.as_str(), json.get())).collect::<Vec<_>>(), [("x", "1")]);
    assert_eq!(unnamed.get("x"), parse(r#"{"x":1}"#).head().unrecognized.get("x"));
    assert_ne!(unnamed.get("x"), parse(r#"{"x":2}"#).head().unrecognized.get("x"));
}

#[test]
fn text_of_an_edit_is_the_new_one() {
    let edited =
        |message: &str| format!(r#"{{"type":"edit","edit":{{"original_message_id":"a","message":{message}}}}}"#);
    let text = parse(&edited(r#"{"type":"text","text":{"body":"new"}}"#));
    assert_eq!(text.text(), Some("new"));
}

#[test]
fn unreadable_time_is_kept_verbatim() {
    let message = parse(r#"{"type":"request_welcome","timestamp":"soon"}"#);
    assert_eq!((message.head().timestamp.as_ref().unwrap().as_str(), message.sent_at()), ("soon", None));
}

#[test]
fn contradictory_parts_are_rejected() {
    let mut head = Head { message_type: Some("image".to_owned()), ..Head::default() };
    assert!(Message::new(head.clone(), Payload::RequestWelcome).is_err());
    head.message_type = None;
    assert!(Message::new(head, Payload::RequestWelcome).is_ok());
}

/// JSON that resembles a message: known and unknown keys with values of every kind.
fn like_a_message() -> impl Strategy<Value = Value> {
    let words = [
        "text",
        "image",
        "contacts",
        "interactive",
        "order",
        "system",
        "edit",
        "status",
        "sent",
        "6421000001",
        "1.50",
        "NZ.1349",
        "list_reply",
        "",
    ];
    let leaf = prop_oneof![
        3 => proptest::sample::select(words.to_vec()).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => "\\PC{0,8}".prop_map(Value::from),
    ];
    let keys = [
        "type",
        "text",
        "body",
        "image",
        "id",
        "mime_type",
        "contacts",
        "phones",
        "interactive",
        "list_reply",
        "title",
        "order",
        "product_items",
        "item_price",
        "edit",
        "message",
        "context",
        "errors",
        "status",
        "from",
        "x y",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            4 => proptest::collection::btree_map(proptest::sample::select(keys.to_vec()).prop_map(String::from), inner.clone(), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            1 => proptest::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in r#"[{}\[\]",:\\u0ai d]{0,60}|.*"#) {
        let _ = Message::parse(&text);
    }

    #[test]
    fn any_object_is_a_message_that_keeps_its_text(value in like_a_message()) {
        let text = value.to_string();
        if let Ok(message) = Message::parse(&text) {
            prop_assert_eq!(message.raw(), &text);
            let unnamed: usize = message.unrecognized().iter().map(|(_, json)| json.leaves()).sum();
            prop_assert!(unnamed <= message.leaves());
            check_round_trip(&message);
        }
    }
}
