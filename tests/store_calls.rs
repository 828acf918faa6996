//! The requests that `wab-store` and the warm-up send to AWS.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use wab_models::{Digest, DlrCallback, Item, ObjectKey, Parked, Spilled};
use wab_store::{DeadLetterQueue, EventTable, Objects, SpillQueue, Stored};

use crate::fake_aws::{Sent, fanout, recorded, sdk, sent_once, store, taken_by};
use crate::records::{mo_item, quarantined, received, soon};
use crate::requests::mo_text;

#[tokio::test]
async fn put_is_conditional_and_asks_for_the_old_item() {
    let (sdk, requests) = recorded(200, "{}");
    let body = mo_text("7c1f").to_string();
    let stored = EventTable::new(&sdk, "events".to_owned()).put_once(&mo_item(&body), soon()).await;
    assert_eq!(stored, Ok(Stored::New(mo_item(&body).key)));
    let mut put = sent_once(&requests).json();
    assert_eq!(put["Item"]["body"]["S"], body);
    put.as_object_mut().unwrap().remove("Item");
    let expected = json!({
        "TableName": "events",
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(put, expected);
}

#[tokio::test]
async fn quarantined_body_is_put_without_a_condition() {
    let (sdk, requests) = recorded(200, "{}");
    let quarantined = quarantined(b"no callback");
    EventTable::new(&sdk, "events".to_owned()).put_quarantined(&quarantined, soon()).await.unwrap();
    let put = sent_once(&requests).json();
    assert_eq!((&put["TableName"], &put["ConditionExpression"]), (&json!("events"), &Value::Null));
    assert_eq!(put["Item"]["sk"]["S"], quarantined.key.sk);
}

#[tokio::test]
async fn at_most_100_receipts_are_read_consistently() {
    let (sdk, requests) = recorded(
        200,
        r#"{"Items":[{"sk":{"S":"sent"},"received_at":{"S":"2025-11-23T09:15:02.417Z"},"expires_at":{"N":"1766481302"}},
            {"sk":{"S":"queued"},"received_at":{"S":"2025-11-23T09:15:01.417Z"},"expires_at":{"N":"1766481301"}},
            {"sk":{"S":"broken"}}]}"#,
    );
    // The time at which the second one expires.
    let now = UNIX_EPOCH + Duration::from_secs(1_766_481_301);
    let receipts = EventTable::new(&sdk, "events".to_owned()).receipts("DLR#4711", now).await.unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.status.as_str()).collect::<Vec<_>>(), ["sent"]);
    let expected = json!({
        "TableName": "events",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "DLR#4711"}},
        "ExpressionAttributeNames": {"#status": "status"},
        "ProjectionExpression": "sk, #status, received_at, expires_at",
        "Limit": 100,
        "ConsistentRead": true,
    });
    assert_eq!(sent_once(&requests).json(), expected);
}

#[tokio::test]
async fn receipt_is_stored_under_its_status() {
    let (sdk, requests) = recorded(200, "{}");
    let body = r#"{"id":4711,"status":"received"}"#;
    let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body));
    EventTable::new(&sdk, "events".to_owned()).put_once(&item, soon()).await.unwrap();
    let put = sent_once(&requests).json();
    assert_eq!((&put["Item"]["pk"]["S"], &put["Item"]["sk"]["S"]), (&json!("DLR#4711"), &json!("received")));
}

#[tokio::test]
async fn taken_key_with_the_same_digest_is_a_duplicate() {
    let body = mo_text("7c1f").to_string();
    let digest = Digest::of(&body);
    for (there, duplicate) in [
        (json!({"digest": {"S": digest.as_str()}}), mo_item(&body).key),
        (json!({"digest": {"S": "0".repeat(64)}}), mo_item(&body).into_variant().key),
        (json!({}), mo_item(&body).into_variant().key),
    ] {
        let (sdk, _) = sdk(move |_, _| taken_by(&there));
        let stored = EventTable::new(&sdk, "events".to_owned()).put_once(&mo_item(&body), soon()).await;
        assert_eq!(stored, Ok(Stored::Duplicate(duplicate)));
    }
}

#[tokio::test]
async fn object_is_put_and_fetched_under_its_key() {
    let (sdk, requests) = recorded(200, "bytes");
    let objects = Objects::new(&sdk, "bucket".to_owned());
    let key = ObjectKey::of_body(b"bytes");
    objects.put(key.clone(), b"bytes".to_vec(), "image/gif", soon()).await.unwrap();
    assert_eq!(objects.get(&key, soon()).await.unwrap(), b"bytes");
    assert_eq!(objects.uri(&key), format!("s3://bucket/{key}"));
    let [put, get] = &requests.lock().unwrap()[..] else { panic!("two requests") };
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", format!("/bucket/{key}?x-id=PutObject").as_str()));
    assert_eq!((put.content_type.as_deref(), put.body.as_str()), (Some("image/gif"), "bytes"));
    assert_eq!((get.method.as_str(), get.path.as_str()), ("GET", format!("/bucket/{key}?x-id=GetObject").as_str()));
}

#[tokio::test]
async fn messages_are_sent_to_their_queues() {
    let body = mo_text("7c1f").to_string();
    let spilled = Spilled::Event(mo_item(&body));
    let (sdk, requests) = recorded(200, r#"{"MessageId":"m"}"#);
    SpillQueue::new(&sdk, "http://localhost/spill".to_owned()).send(&spilled, soon()).await.unwrap();
    let message = spilled.to_message().unwrap();
    assert_eq!(sent_once(&requests).json(), json!({"QueueUrl": "http://localhost/spill", "MessageBody": message}));

    let (sdk, requests) = recorded(200, r#"{"MessageId":"m"}"#);
    let key = mo_item(&body).key;
    let parked =
        Parked { key: Some(Cow::Borrowed(&key)), sequence_number: Some("7".into()), ..Parked::because("NotFound") };
    DeadLetterQueue::new(&sdk, "http://localhost/dead".to_owned()).park(parked).await.unwrap();
    let message = r#"{"reason":"NotFound","key":{"pk":"MO#7c1f","sk":"EVENT"},"sequence_number":"7"}"#;
    assert_eq!(sent_once(&requests).json(), json!({"QueueUrl": "http://localhost/dead", "MessageBody": message}));
}

#[tokio::test]
async fn warm_up_is_one_ping() {
    let check = |requests: &Arc<Mutex<Vec<Sent>>>| {
        let sent = sent_once(requests);
        assert_eq!((sent.method.as_str(), sent.path.as_str(), sent.body.as_str()), ("GET", "/ping", ""));
    };
    // A failed ping isn't retried. The first real call has its own retries.
    for status in [200, 500] {
        let (sdk, requests) = recorded(status, "healthy");
        store(&sdk).warm_up().await;
        check(&requests);
        let (sdk, requests) = recorded(status, "healthy");
        fanout(&sdk).warm_up().await;
        check(&requests);
    }
}
