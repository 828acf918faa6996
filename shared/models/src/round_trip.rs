//! Subscribers read what was published of a stored item.

use proptest::prelude::*;
use serde_json::{Value, json};

use wab_events::{Data, DeliveryStatus, Event, EventError, Kind};

use crate::{DlrCallback, Item, MoCallback, Received, ReceivedAt};

fn received(body: &str) -> Received<'_> {
    let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
    Received { body, application: "shop & co", at, expires_at: 1_766_481_302 }
}

fn published(item: &Item<'_>) -> String {
    crate::NewEvent::of(item, item.body.inline().unwrap()).unwrap().to_message().unwrap()
}

fn in_sns_envelope(event: &str) -> String {
    json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": event, "Timestamp": "x"}).to_string()
}

const MO: &str = r#"{"id":"7c1f","source":"+6421000001","Destination":"2","brand":"x","content":{"type":"text","text":{"body":"Kia \"ora\""}}}"#;

#[test]
fn mo_is_read_with_and_without_raw_delivery() {
    let item = Item::mo(&MoCallback::parse(MO).unwrap(), received(MO));
    let raw = published(&item);
    let event = Event::parse(&raw).unwrap();
    assert_eq!(Event::parse(&in_sns_envelope(&raw)).unwrap(), event);
    assert_eq!(event.id(), item.key.event_id());
    assert_eq!(event.application(), "shop & co");
    assert_eq!(event.subject(), "7c1f");
    assert_eq!(event.received_at().unwrap().as_millisecond(), 1_763_889_302_417);
    assert_eq!(event.variant(), None);
    assert!(event.unrecognized().is_empty());
    assert_eq!(event.message().unwrap().text(), Some("Kia \"ora\""));
    let Data::Mo(mo) = event.data() else { panic!("an MO") };
    assert_eq!(mo.callback().destination.as_deref(), Some("2"));
    assert_eq!(mo.callback().undocumented.as_ref().unwrap().get(), r#"{"brand":"x"}"#);
    assert_eq!(mo.sender().phone().unwrap().as_spelled(), "+6421000001");
}

#[test]
fn variant_and_newer_keys_are_read() {
    let item = Item::mo(&MoCallback::parse(MO).unwrap(), received(MO)).into_variant();
    let newer = published(&item).replacen('{', r#"{"priority":1,"#, 1);
    let event = Event::parse(&newer).unwrap();
    assert_eq!(event.variant(), Some(item.digest.short()));
    assert_eq!(event.unrecognized().get("priority").unwrap().get(), "1");
}

#[test]
fn receipt_and_event_by_reference_are_read() {
    let body = r#"{"id":4711,"status":"read","detail":"d"}"#;
    let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body));
    let Data::Dlr(receipt) = Event::parse(&published(&item)).unwrap().data().clone() else { panic!("a DLR") };
    assert_eq!(receipt.status(), DeliveryStatus::Unknown("read".to_owned()));
    let event = crate::NewEvent::by_reference(&item, "arn".to_owned()).unwrap();
    let event = Event::parse(&serde_json::to_string(&event).unwrap()).unwrap();
    assert_eq!(event.data(), &Data::Elsewhere { kind: Kind::Dlr, dataref: "arn".to_owned() });
}

#[test]
fn error_reports_place_and_no_value() {
    let error = |text: &str| Event::parse(text).unwrap_err().to_string();
    assert_eq!(error("secret"), "the delivery is not a JSON object");
    assert_eq!(error("[]"), "the delivery is not a JSON object");
    assert_eq!(error(r#"{"specversion":"1.0"}"#), "the delivery is not an event: $.id: missing");
    let item = Item::mo(&MoCallback::parse(MO).unwrap(), received(MO));
    assert_eq!(Event::parse(&published(&item).replace("wab.mo.v1", "wab.mo.v9")), Err(EventError::UnknownContract));
    assert_eq!(
        error(&published(&item).replace(r#""id":"7c1f","#, "")),
        "the delivery is not an event: $.data.id: missing"
    );
}

#[test]
fn content_without_a_message_is_not_an_error() {
    let body = r#"{"id":"a","encoding":"base64","content":"AP8="}"#;
    let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body));
    let event = Event::parse(&published(&item)).unwrap();
    assert_eq!(event.message(), None);
}

/// JSON of every kind, white space and escapes included.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        "[\u{fffe}\u{ffff}\u{0}\u{1f}\"\\\\]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\u{fffe}]{0,4}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"[{}\[\]",:\\u0ai d]{0,60}|.*"#) {
        let _ = Event::parse(&text);
        let _ = Event::parse(&in_sns_envelope(&text));
    }

    #[test]
    fn content_is_verbatim_through_item_and_event(value in any_json()) {
        let content = format!("{value:#}");
        let body = format!(r#"{{"id":"7c1f","content":{content}}}"#);
        let stored = serde_json::to_string(&Item::mo(&MoCallback::parse(&body).unwrap(), received(&body))).unwrap();
        let read: Item<'_> = serde_json::from_str(&stored).unwrap();
        let event = published(&read);
        if !value.is_null() {
            let raw = crate::event::escape_noncharacters(format!(r#""content":{content}"#));
            prop_assert!(event.contains(&raw), "{}", event);
        }
    }
}
