//! Deliveries as subscribers receive them. `wab-models` tests that what is published reads back as the same.

use serde_json::json;

use crate::{Data, DeliveryStatus, DlrData, Event, EventError, Kind, Mo};

/// An event of this type with these extra keys; `data` is one of them.
fn event(event_type: &str, more: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"b48e","source":"/wab/shop%20%26%20co","type":"{event_type}","subject":"7c1f",
            "time":"2026-11-23T09:15:02.417Z","datacontenttype":"application/json",{more}}}"#
    )
}

fn mo(data: &str) -> Mo {
    match Event::parse(&event("wab.mo.v1", &format!(r#""data":{data}"#))).unwrap().data().clone() {
        Data::Mo(mo) => *mo,
        other => panic!("{other:?}"),
    }
}

fn dlr(data: &str) -> DlrData {
    match Event::parse(&event("wab.dlr.v1", &format!(r#""data":{data}"#))).unwrap().data().clone() {
        Data::Dlr(receipt) => *receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn envelope_is_read_with_and_without_raw_delivery() {
    let raw = event("wab.mo.v1", r#""data":{"id":"7c1f"},"variant":"0123456789ab","priority":1"#);
    let event = Event::parse(&raw).unwrap();
    assert_eq!((event.id(), event.subject(), &*event.application()), ("b48e", "7c1f", "shop & co"));
    assert_eq!(event.received_at().unwrap().to_string(), "2026-11-23T09:15:02.417Z");
    assert_eq!(event.variant(), Some("0123456789ab"));
    assert_eq!(event.unrecognized().get("priority").unwrap().get(), "1");
    assert_eq!((event.kind(), event.message()), (Kind::Mo, None));
    let envelope = json!({"Type": "Notification", "MessageId": "1", "Message": raw}).to_string();
    assert_eq!(Event::parse(&envelope), Ok(event));
    assert_eq!(Event::parse(&raw.replace("2026-11-23", "someday")).unwrap().received_at(), None);
}

#[test]
fn sender_combines_message_and_callback() {
    let hidden = mo(r#"{"id":"7c1f","source":"NZ.1349","content":{"from":"6421000001","type":"request_welcome"}}"#);
    assert_eq!(hidden.callback().source.as_deref(), Some("NZ.1349"));
    assert_eq!(hidden.sender().user_id().unwrap().as_str(), "NZ.1349");
    assert_eq!(hidden.sender().phone().unwrap().digits(), "6421000001");
    let differing = mo(r#"{"id":"7c1f","source":"6421000009","content":{"from":"6421000001"}}"#);
    assert_eq!(differing.sender().phone().unwrap().digits(), "6421000001");
    let bare = mo(r#"{"id":"7c1f","source":"6421000009"}"#);
    assert_eq!((bare.message(), bare.sender().phone().unwrap().digits()), (None, "6421000009"));
}

#[test]
fn binary_content_is_described() {
    let mo = mo(r#"{"id":"7c1f","encoding":"base64","content":"AP8=","binary":{"bytes":1048576,"sha256":"9f86",
        "content_type":"image/jpeg","dataref":"s3://bucket/content/9f86"}}"#);
    assert_eq!(mo.message(), None);
    let binary = mo.callback().binary.as_ref().unwrap();
    assert_eq!((binary.bytes.to_i64(), binary.content_type.as_str()), (Some(1_048_576), "image/jpeg"));
    assert_eq!((binary.sha256.as_str(), binary.dataref.as_deref()), ("9f86", Some("s3://bucket/content/9f86")));
}

#[test]
fn receipt_has_its_own_status_and_that_of_the_message() {
    let receipt = dlr(r#"{"id":"7c1f","status":"sent","reference":"order-17","detail":"d","delivery":
        {"current":"received","final":true,"overtaken":true,"history":[
            {"status":"received","time":"2026-11-23T09:15:01.000Z"},{"status":"sent","time":"2026-11-23T09:15:02.417Z"}]}}"#);
    assert_eq!((receipt.status(), receipt.reference.as_deref()), (DeliveryStatus::Sent, Some("order-17")));
    let delivery = receipt.delivery.unwrap();
    assert_eq!(delivery.status(), DeliveryStatus::Received);
    assert!(delivery.is_final && delivery.overtaken);
    let history: Vec<_> = delivery.history.iter().map(|entry| (entry.status.as_str(), entry.time.as_str())).collect();
    assert_eq!(history, [("received", "2026-11-23T09:15:01.000Z"), ("sent", "2026-11-23T09:15:02.417Z")]);
    let old = dlr(r#"{"id":"7c1f","status":"read"}"#);
    assert_eq!((old.status(), old.delivery), (DeliveryStatus::Unknown("read".to_owned()), None));
}

#[test]
fn event_by_reference_is_elsewhere() {
    for (event_type, kind) in [("wab.mo.v1", Kind::Mo), ("wab.dlr.v1", Kind::Dlr)] {
        let event = Event::parse(&event(event_type, r#""dataref":"s3://bucket/body/1""#)).unwrap();
        assert_eq!(event.data(), &Data::Elsewhere { kind, dataref: "s3://bucket/body/1".to_owned() });
        assert_eq!((event.kind(), event.message()), (kind, None));
        assert_eq!((kind.schema(), Kind::of_schema(event_type)), (event_type, Some(kind)));
    }
}

#[test]
fn anything_else_is_an_error_without_content() {
    let error = |text: &str| Event::parse(text).unwrap_err().to_string();
    assert_eq!(error("secret"), "the delivery is not a JSON object");
    assert_eq!(error(r#"["secret"]"#), "the delivery is not a JSON object");
    assert_eq!(error(r#"{"Type":"Notification","Message":"secret"}"#), "the delivery is not a JSON object");
    let not_text = "the delivery is not an event: $.Message: expected a string, found a number";
    assert_eq!(error(r#"{"Type":"Notification","Message":7}"#), not_text);
    assert_eq!(error(&event("wab.mo.v1", r#""data":{}"#)), "the delivery is not an event: $.data.id: missing");
    for without_data in [r#""x":1"#, r#""data":null"#, r#""data":{"id":"7c1f"},"data":null"#] {
        assert_eq!(error(&event("wab.mo.v1", without_data)), "the delivery is not an event: $.data: missing");
    }
    assert_eq!(Event::parse(&event("wab.mo.v2", r#""data":{}"#)), Err(EventError::UnknownContract));
}

#[test]
fn changed_callback_has_its_own_message() {
    let mut mo = mo(r#"{"id":"7c1f","content":{"type":"text","text":{"body":"old"}}}"#);
    assert_eq!(mo.message().unwrap().text(), Some("old"));
    mo.callback_mut().content = None;
    assert_eq!(mo.message(), None);
}

#[test]
fn event_serialises_as_it_was_read() {
    let events = [
        event("wab.mo.v1", r#""data":{"id":"7c1f","content":{"type":"text"}},"variant":"0123456789ab""#),
        event("wab.dlr.v1", r#""data":{"id":"7c1f","status":"sent"}"#),
        event("wab.dlr.v1", r#""dataref":"s3://bucket/body/1""#),
    ];
    for text in events {
        let read = Event::parse(&text).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(&text).unwrap());
    }
}
