//! Items, and the stream records that Lambda hands to `fanout`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::Instant;
use wab_events::Kind;
use wab_models::{
    CallbackError, DlrCallback, Item, MoCallback, ObjectKey, Quarantined, Received, ReceivedAt, Unreadable,
};

use crate::requests::{dlr, mo_text};

/// A deadline that no batch reaches.
pub(crate) fn plenty() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

/// A deadline for a call that is answered at once.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(3)
}

pub(crate) fn received(body: &str) -> Received<'_> {
    Received { body, application: "shop", at: ReceivedAt::from_epoch_ms(1_763_889_302_417), expires_at: 4_000_000_000 }
}

/// A body received at `at`, in milliseconds since 1970, whose item doesn't expire before a test ends.
pub(crate) fn received_at(body: &str, at: i64) -> Received<'_> {
    Received { body, application: "shop", at: ReceivedAt::from_epoch_ms(at), expires_at: 4_000_000_000 }
}

pub(crate) fn mo_item(body: &str) -> Item<'_> {
    Item::mo(&MoCallback::parse(body).unwrap(), received(body))
}

/// An item whose body is an object in the bucket.
pub(crate) fn mo_item_with_object(body: &str) -> Item<'_> {
    mo_item(body).with_object(ObjectKey::of_body(body.as_bytes()), body.len())
}

pub(crate) fn mo_record(number: usize, id: &str) -> Value {
    record(number, &mo_item(&mo_text(id).to_string()))
}

pub(crate) fn dlr_record(number: usize, id: &str) -> Value {
    let body = dlr(id, "sent").to_string();
    record(number, &Item::dlr(&DlrCallback::parse(&body).unwrap(), received(&body)))
}

pub(crate) fn quarantined(body: &[u8]) -> Quarantined<'_> {
    let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
    let unreadable = Unreadable { body, application: "shop", at, expires_at: 1 };
    Quarantined::new(Kind::Mo, CallbackError::NotUtf8, unreadable)
}

/// The stream record of `item`, with the sequence number `number`.
pub(crate) fn record(number: usize, item: &Item<'_>) -> Value {
    let key = &item.key;
    let image: Value = serde_json::to_value(item).unwrap();
    let image = image.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value)));
    json!({
        "eventID": number.to_string(),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2025-11-23T00:00:00.000",
        "dynamodb": {
            "Keys": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            "NewImage": image.collect::<serde_json::Map<_, _>>(),
            "SequenceNumber": number.to_string(),
        },
    })
}

/// A value in DynamoDB's JSON.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({"M": members.collect::<serde_json::Map<_, _>>()})
        }
        other => json!({"S": other}),
    }
}

/// The same record of an item that was stored `age` ago.
pub(crate) fn aged(mut record: Value, age: Duration) -> Value {
    let stored_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age;
    record["dynamodb"]["ApproximateCreationDateTime"] = stored_at.as_secs_f64().into();
    record
}
