//! Where a body is stored: in the item, in the bucket, or in the spill queue.

use serde_json::{Value, json};
use wab_models::{LARGE_ITEM_BYTES, MAX_SPILL_BYTES, ObjectKey, Spilled};
use wab_platform::Reason;
use wab_store::SpillQueue;

use crate::fake_aws::{
    check_answer, dynamodb_error, json_of, no_bucket, no_table, operations, post, put, queued, recorded, s3_error, sdk,
    sent, store, success,
};
use crate::records::{mo_item, quarantined, soon};
use crate::requests::mo_of;

#[tokio::test]
async fn large_body_is_stored_before_its_pointer() {
    let (sdk, calls) = sdk(success);
    let body = mo_of(1_000_000);
    let response = post(&sdk, &body).await;
    check_answer(&response, 200, "stored");
    let calls_made = calls.lock().unwrap().clone();
    let operations: Vec<_> = calls_made.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["PutObject", "PutItem"], "the object is stored before its pointer");
    assert_eq!(calls_made[0].1, body);
    let item = &put(&calls)[0];
    assert_eq!(item["body_key"]["S"], ObjectKey::of_body(body.as_bytes()).as_str());
    assert_eq!((&item["body_bytes"]["N"], &item["body"]), (&json!(body.len().to_string()), &Value::Null));
}

#[tokio::test]
async fn item_holds_the_body_if_the_bucket_fails() {
    let no_bucket = |operation: &str, _: &str| match operation {
        "PutObject" => s3_error(503, "SlowDown"),
        _ => (200, "{}".to_owned()),
    };
    let (sdk, calls) = sdk(no_bucket);
    let body = mo_of(300_000);
    let response = post(&sdk, &body).await;
    check_answer(&response, 200, "stored");
    assert_eq!(put(&calls)[0]["body"]["S"], body);

    let response = post(&sdk, &mo_of(500_000)).await;
    check_answer(&response, 503, "unavailable");
    assert_eq!(response.headers()["retry-after"], "5");
}

/// The calls that store a body whose item has this size, with the bucket or without it.
async fn calls_to_store(item_bytes: usize, bucket: bool, is_callback: bool) -> Vec<String> {
    let (sdk, calls) = sdk(if bucket { success } else { no_bucket });
    if is_callback {
        let body = mo_of(item_bytes - mo_item(&mo_of(0)).size_bytes());
        assert_eq!(mo_item(&body).size_bytes(), item_bytes);
        let _ = store(&sdk).keep(mo_item(&body), None, soon()).await;
    } else {
        let body = "x".repeat(item_bytes - quarantined(b"").size_bytes());
        assert_eq!(quarantined(body.as_bytes()).size_bytes(), item_bytes);
        let _ = store(&sdk).quarantine(quarantined(body.as_bytes()), body.as_bytes(), soon()).await;
    }
    operations(&calls)
}

#[tokio::test]
async fn body_over_the_limit_goes_into_the_bucket() {
    for is_callback in [true, false] {
        assert_eq!(calls_to_store(LARGE_ITEM_BYTES, true, is_callback).await, ["PutItem"]);
        assert_eq!(calls_to_store(LARGE_ITEM_BYTES + 1, true, is_callback).await, ["PutObject", "PutItem"]);
    }
}

#[tokio::test]
async fn item_without_the_bucket_may_be_400_kb() {
    // "Quotas in Amazon DynamoDB": 400 KB. The key of a variant is 13 bytes longer.
    let largest = 409_600 - 13;
    for is_callback in [true, false] {
        assert_eq!(calls_to_store(largest, false, is_callback).await, ["PutObject", "PutItem"]);
        assert_eq!(calls_to_store(largest + 1, false, is_callback).await, ["PutObject"]);
    }
}

#[tokio::test]
async fn binary_content_is_stored_decoded() {
    let (sdk, calls) = sdk(success);
    let body = r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#;
    assert_eq!(post(&sdk, body).await.status(), 200);
    assert_eq!(operations(&calls), ["PutObject", "PutItem"]);
    assert_eq!(calls.lock().unwrap()[0].1, "GIF89a");
    let item = &put(&calls)[0];
    assert_eq!(item["body"]["S"], body, "the body is stored verbatim");
    let binary = &item["binary"]["M"];
    assert_eq!((&binary["bytes"]["N"], &binary["content_type"]["S"]), (&json!("6"), &json!("image/gif")));
    // printf GIF89a | sha256sum
    let sha256 = "610f5ae4d76e332636a17bd357fd6ce99029316a99d320280d4d77a746bf29e8";
    assert_eq!((&binary["sha256"]["S"], &binary["key"]["S"]), (&json!(sha256), &json!(format!("content/{sha256}"))));
}

#[tokio::test]
async fn binary_content_stays_inline_if_the_bucket_fails() {
    let (sdk, calls) = sdk(no_bucket);
    let body = r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#;
    assert_eq!(post(&sdk, body).await.status(), 200);
    let item = &put(&calls)[0];
    assert_eq!((&item["body"]["S"], &item["binary"]["M"]["key"]), (&json!(body), &Value::Null));
}

/// The size of these attributes in an item ("DynamoDB item sizes and formats").
fn item_bytes(attributes: &Value) -> usize {
    let attribute = |(name, value): (&String, &Value)| {
        let text = value["S"].as_str().map_or(21, str::len);
        name.len()
            + if value["M"].is_object() {
                3 + value["M"].as_object().unwrap().len() + item_bytes(&value["M"])
            } else {
                text
            }
    };
    attributes.as_object().unwrap().iter().map(attribute).sum()
}

#[tokio::test]
async fn description_of_binary_content_never_exceeds_the_item_limit() {
    /// The item of a callback with this many characters of base64 while the bucket denies access. None if it is
    /// answered 503.
    async fn stored(chars: usize) -> Option<Value> {
        let body = json!({"id": "7c1f", "encoding": "base64", "content": "A".repeat(chars)}).to_string();
        let (sdk, calls) = sdk(|operation, _| match operation {
            "PutObject" => s3_error(403, "AccessDenied"),
            _ => (200, "{}".to_owned()),
        });
        let status = post(&sdk, &body).await.status();
        let item = put(&calls).pop();
        assert_eq!(status, if item.is_some() { 200 } else { 503 }, "{chars}");
        item.inspect(|item| assert_eq!(item["body"]["S"], body))
    }
    // The key of a variant is 13 bytes longer.
    const LARGEST: usize = 400 * 1024 - 13;
    let some = stored(400_000).await.unwrap();
    let described = item_bytes(&some) - 400_000;
    let bare = described - item_bytes(&json!({"binary": some["binary"]}));
    let at_most = |others: usize| (LARGEST - others) / 4 * 4;
    let binary = |item: &Option<Value>| item.as_ref().map(|item| item["binary"].is_object());
    assert_eq!(binary(&stored(at_most(described)).await), Some(true), "described");
    assert_eq!(binary(&stored(at_most(described) + 4).await), Some(false), "only the description is too large");
    assert_eq!(binary(&stored(at_most(bare)).await), Some(false));
    assert_eq!(binary(&stored(at_most(bare) + 4).await), None, "too large");
}

/// The content type of the only object that is stored for a callback.
async fn content_type(body: &str) -> String {
    let (sdk, requests) = recorded(200, "{}");
    assert!(matches!(post(&sdk, body).await.status().as_u16(), 200 | 400));
    let requests = requests.lock().unwrap();
    let objects: Vec<_> = requests.iter().filter(|request| request.method == "PUT").collect();
    let [object] = objects[..] else { panic!("one object") };
    object.content_type.clone().unwrap()
}

#[tokio::test]
async fn objects_have_their_content_type() {
    let large = json!({"id": "7c1f", "content": "x".repeat(10_000)}).to_string();
    assert_eq!(content_type(&large).await, "application/json");
    assert_eq!(content_type(r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#).await, "image/gif");
    assert_eq!(content_type(&"no JSON".repeat(2_000)).await, "application/octet-stream");
}

#[tokio::test]
async fn large_body_is_spilled_by_its_pointer() {
    let (sdk, calls) = sdk(no_table("InternalServerError"));
    let body = mo_of(1_000_000);
    assert_eq!(json_of(&post(&sdk, &body).await)["outcome"], "deferred");
    let [spilled] = &sent(&calls)[..] else { panic!("one message") };
    assert_eq!(spilled["event"]["body_bytes"], body.len());
}

#[tokio::test]
async fn spilled_message_may_be_1_mib() {
    let around = Spilled::Event(mo_item(&mo_of(0))).to_message().unwrap().len();
    for (bytes, expected) in [(MAX_SPILL_BYTES, Ok(())), (MAX_SPILL_BYTES + 1, Err(Reason::TooLargeForMessage))] {
        let (sdk, calls) = sdk(|_, _| queued());
        let body = mo_of(bytes - around);
        let spilled = Spilled::Event(mo_item(&body));
        assert_eq!(spilled.to_message().unwrap().len(), bytes);
        let queue = SpillQueue::new(&sdk, "http://localhost/spill".to_owned());
        assert_eq!(queue.send(&spilled, soon()).await, expected);
        assert_eq!(calls.lock().unwrap().len(), usize::from(expected.is_ok()));
    }
}

#[tokio::test]
async fn message_over_the_spill_limit_is_not_sent() {
    // Each of these characters takes six bytes in JSON.
    let body = "\u{1}".repeat(390_000);
    let (sdk, calls) = sdk(|operation, _| match operation {
        "PutObject" => s3_error(403, "AccessDenied"),
        "PutItem" => dynamodb_error(400, "AccessDeniedException"),
        _ => queued(),
    });
    let response = post(&sdk, &body).await;
    assert_eq!(response.status(), 503);
    assert_eq!(operations(&calls), ["PutObject", "PutItem"]);
}
