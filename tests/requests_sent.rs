//! What the functions ask of AWS, to the letter, and that each limit is the one that AWS documents.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_http_client::test_util::infallible_client_fn;
use lambda_http::http::{Request, Response};
use lambda_http::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;
use wab_events::Kind;
use wab_fanout::Fanout;
use wab_ingress::HttpEvent;
use wab_models::{
    CallbackError, Digest, DlrCallback, Item, LARGE_ITEM_BYTES, MAX_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_SPILL_BYTES,
    MoCallback, ObjectKey, Parked, Quarantined, ReceivedAt, Spilled, StreamBatch, Unreadable,
};
use wab_platform::{Reason, SdkConfig};
use wab_store::{DeadLetterQueue, EventTable, Objects, SpillQueue, Store, Stored};

use crate::fake_aws::{put, queued, receiver, sdk, sdk_at, sent, taken_by};
use crate::fanout_rules::{plenty, published, received, record};
use crate::requests::{PASSWORD, USER, basic, mo_text, request};

/// A request as it went out.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    /// The path, behind `http://localhost`.
    path: String,
    content_type: Option<String>,
    body: String,
}

impl Sent {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The functions' configuration, every request of which is kept and answered so.
fn recorded(status: u16, answer: &'static str) -> (SdkConfig, Arc<Mutex<Vec<Sent>>>) {
    let requests = Arc::<Mutex<Vec<Sent>>>::default();
    let seen = Arc::clone(&requests);
    let client = infallible_client_fn(move |request: Request<_>| {
        let header = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
        let sent = Sent {
            method: request.method().to_string(),
            path: request.uri().to_string().replacen("http://localhost", "", 1),
            content_type: header("content-type"),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        seen.lock().unwrap().push(sent);
        Response::builder().status(status).body(answer).unwrap()
    });
    (sdk_at("http://localhost").into_builder().http_client(client).build(), requests)
}

fn sent_once(requests: &Arc<Mutex<Vec<Sent>>>) -> Sent {
    let [sent] = &requests.lock().unwrap()[..] else { panic!("one request") };
    sent.clone()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(3)
}

fn mo(body: &str) -> Item<'_> {
    Item::mo(&MoCallback::parse(body).unwrap(), received(body))
}

#[tokio::test]
async fn put_is_conditional_and_asks_for_the_old_item() {
    let (sdk, requests) = recorded(200, "{}");
    let body = mo_text("7c1f").to_string();
    let stored = EventTable::new(&sdk, "events".to_owned()).put_once(&mo(&body), soon()).await;
    assert_eq!(stored, Ok(Stored::New(mo(&body).key)));
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
async fn receipts_are_read_consistently_and_no_more_than_100() {
    let (sdk, requests) = recorded(
        200,
        r#"{"Items":[{"sk":{"S":"sent"},"received_at":{"S":"2025-11-23T09:15:02.417Z"}},{"sk":{"S":"broken"}}]}"#,
    );
    let receipts = EventTable::new(&sdk, "events".to_owned()).receipts("DLR#4711").await.unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.status.as_str()).collect::<Vec<_>>(), ["sent"]);
    let expected = json!({
        "TableName": "events",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "DLR#4711"}},
        "ExpressionAttributeNames": {"#status": "status"},
        "ProjectionExpression": "sk, #status, received_at",
        "Limit": 100,
        "ConsistentRead": true,
    });
    assert_eq!(sent_once(&requests).json(), expected);
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
async fn queues_get_their_messages_under_their_urls() {
    let body = mo_text("7c1f").to_string();
    let spilled = Spilled::Event(mo(&body));
    let (sdk, requests) = recorded(200, r#"{"MessageId":"m"}"#);
    SpillQueue::new(&sdk, "http://localhost/spill".to_owned()).send(&spilled, soon()).await.unwrap();
    let message = spilled.to_message().unwrap();
    assert_eq!(sent_once(&requests).json(), json!({"QueueUrl": "http://localhost/spill", "MessageBody": message}));

    let (sdk, requests) = recorded(200, r#"{"MessageId":"m"}"#);
    let key = mo(&body).key;
    let parked =
        Parked { key: Some(Cow::Borrowed(&key)), sequence_number: Some("7".into()), ..Parked::because("NotFound") };
    DeadLetterQueue::new(&sdk, "http://localhost/dead".to_owned()).park(parked).await.unwrap();
    let message = r#"{"reason":"NotFound","key":{"pk":"MO#7c1f","sk":"EVENT"},"sequence_number":"7"}"#;
    assert_eq!(sent_once(&requests).json(), json!({"QueueUrl": "http://localhost/dead", "MessageBody": message}));
}

/// `PublishBatch` with these fields of its form.
fn check_form(sent: &Sent, expected: &[(&str, &str)]) {
    let form: Vec<_> = sent.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    for pair in expected {
        assert!(form.contains(pair), "{pair:?} in {form:?}");
    }
}

#[tokio::test]
async fn event_is_published_with_its_attributes() {
    let (sdk, requests) = recorded(500, "");
    let body = mo_text("7c1f").to_string();
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [record(1, &mo(&body))]})).unwrap();
    wab_fanout::handle(&fanout(&sdk), batch, plenty()).await.unwrap();
    let sent = requests.lock().unwrap()[0].clone();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/"));
    let entry = "PublishBatchRequestEntries.member.1";
    let attribute = |number: usize, name: &str, value: &str| {
        let attribute = format!("{entry}.MessageAttributes.entry.{number}");
        [
            (format!("{attribute}.Name"), name.to_owned()),
            (format!("{attribute}.Value.DataType"), "String".to_owned()),
            (format!("{attribute}.Value.StringValue"), value.to_owned()),
        ]
    };
    // The SDK keeps attributes in a map: their order is its own.
    let form = sent.body.as_str();
    for (name, value) in [("kind", "mo"), ("schema", "wab.mo.v1"), ("application", "shop"), ("type", "text")] {
        let is_sent = (1..=6).any(|number| {
            attribute(number, name, value).iter().all(|(key, value)| form.contains(&format!("&{key}={value}")))
        });
        assert!(is_sent, "{name}: {form}");
    }
    check_form(&sent, &[("Action", "PublishBatch"), ("TopicArn", "MO_TOPIC_ARN"), (&format!("{entry}.Id"), "0")]);
}

fn fanout(sdk: &SdkConfig) -> Fanout {
    Fanout::new(wab_fanout::Settings::read(|name| Some(name.to_owned())).unwrap(), sdk)
}

#[tokio::test]
async fn warm_up_is_one_ping_without_an_effect() {
    let check = |requests: &Arc<Mutex<Vec<Sent>>>| {
        let sent = sent_once(requests);
        assert_eq!((sent.method.as_str(), sent.path.as_str(), sent.body.as_str()), ("GET", "/ping", ""));
    };
    // A failure too is asked once: the first call has its own retries.
    for status in [200, 500] {
        let (sdk, requests) = recorded(status, "healthy");
        store(&sdk).warm_up().await;
        check(&requests);
        let (sdk, requests) = recorded(status, "healthy");
        fanout(&sdk).warm_up().await;
        check(&requests);
    }
}

fn store(sdk: &SdkConfig) -> Store {
    Store::new(sdk, wab_store::Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap())
}

fn quarantined(body: &[u8]) -> Quarantined<'_> {
    let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
    let unreadable = Unreadable { body, application: "shop", at, expires_at: 1 };
    Quarantined::new(Kind::Mo, CallbackError::NotUtf8, unreadable)
}

/// What is asked of AWS to keep a body whose item has this size, with the bucket or without it.
async fn operations(item_bytes: usize, bucket: bool, is_callback: bool) -> Vec<String> {
    let (sdk, calls) = sdk(move |operation, _| match operation {
        "PutObject" if !bucket => (403, "<Error><Code>AccessDenied</Code></Error>".to_owned()),
        _ => (200, "{}".to_owned()),
    });
    if is_callback {
        let body = |bytes: usize| json!({"id": "7c1f", "content": "x".repeat(bytes)}).to_string();
        let body = body(item_bytes - mo(&body(0)).size_bytes());
        assert_eq!(mo(&body).size_bytes(), item_bytes);
        let _ = store(&sdk).keep(mo(&body), None, soon()).await;
    } else {
        let body = "x".repeat(item_bytes - quarantined(b"").size_bytes());
        assert_eq!(quarantined(body.as_bytes()).size_bytes(), item_bytes);
        let _ = store(&sdk).quarantine(quarantined(body.as_bytes()), body.as_bytes(), soon()).await;
    }
    calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

#[tokio::test]
async fn body_goes_into_the_bucket_from_the_limit_on() {
    for is_callback in [true, false] {
        assert_eq!(operations(LARGE_ITEM_BYTES, true, is_callback).await, ["PutItem"]);
        assert_eq!(operations(LARGE_ITEM_BYTES + 1, true, is_callback).await, ["PutObject", "PutItem"]);
    }
}

#[tokio::test]
async fn item_without_the_bucket_may_be_400_kb_as_a_variant() {
    // "Quotas in Amazon DynamoDB": 400 KB, and a variant's key is 13 bytes longer.
    let largest = 409_600 - 13;
    for is_callback in [true, false] {
        assert_eq!(operations(largest, false, is_callback).await, ["PutObject", "PutItem"]);
        assert_eq!(operations(largest + 1, false, is_callback).await, ["PutObject"]);
    }
}

#[tokio::test]
async fn small_binary_content_alone_goes_into_the_bucket() {
    let (sdk, calls) = sdk(|_, _| (200, "{}".to_owned()));
    let body = r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#;
    let binary = wab_ingress::binary_content(&MoCallback::parse(body).unwrap());
    store(&sdk).keep(mo(body), binary, soon()).await.unwrap();
    assert_eq!(calls.lock().unwrap().len(), 2);
    assert_eq!(put(&calls)[0]["body"]["S"], body);
}

#[tokio::test]
async fn spilled_message_may_be_1_mib() {
    let body = |bytes: usize| json!({"id": "7c1f", "content": "x".repeat(bytes)}).to_string();
    let around = Spilled::Event(mo(&body(0))).to_message().unwrap().len();
    for (bytes, expected) in [(MAX_SPILL_BYTES, Ok(())), (MAX_SPILL_BYTES + 1, Err(Reason::TooLargeForMessage))] {
        let (sdk, calls) = sdk(|_, _| queued());
        let body = body(bytes - around);
        let spilled = Spilled::Event(mo(&body));
        assert_eq!(spilled.to_message().unwrap().len(), bytes);
        let queue = SpillQueue::new(&sdk, "http://localhost/spill".to_owned());
        assert_eq!(queue.send(&spilled, soon()).await, expected);
        assert_eq!(calls.lock().unwrap().len(), usize::from(expected.is_ok()));
    }
}

#[tokio::test]
async fn unreadable_record_is_parked_up_to_500_kb() {
    for (bytes, is_kept) in [(500 * 1024, true), (500 * 1024 + 1, false)] {
        let (sdk, calls) = sdk(|_, _| queued());
        let record = RawValue::from_string(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap();
        let parked = Parked { record: Some(&record), ..Parked::because("unreadable") };
        DeadLetterQueue::new(&sdk, "http://localhost/dead".to_owned()).park(parked).await.unwrap();
        assert_eq!(sent(&calls)[0].get("record").is_some(), is_kept, "{bytes}");
    }
}

#[tokio::test]
async fn taken_key_is_a_duplicate_only_with_the_same_digest() {
    let body = mo_text("7c1f").to_string();
    let digest = Digest::of(&body);
    for (there, duplicate) in [
        (json!({"digest": {"S": digest.as_str()}}), mo(&body).key),
        (json!({"digest": {"S": "0".repeat(64)}}), mo(&body).into_variant().key),
        (json!({}), mo(&body).into_variant().key),
    ] {
        let (sdk, _) = sdk(move |_, _| taken_by(&there));
        let stored = EventTable::new(&sdk, "events".to_owned()).put_once(&mo(&body), soon()).await;
        assert_eq!(stored, Ok(Stored::Duplicate(duplicate)));
    }
}

#[test]
fn body_may_be_6_mb() {
    let (sdk, _) = sdk(|_, _| (200, "{}".to_owned()));
    let receiver = receiver(&sdk);
    let admitted = |bytes: usize| {
        let request = request("/mo", Some(&basic(USER, PASSWORD)), &vec![b'x'; bytes]);
        receiver.admit(request.payload, &request.context).map(|inbound| inbound.body.len()).ok()
    };
    assert_eq!(admitted(MAX_BODY_BYTES), Some(MAX_BODY_BYTES));
    assert_eq!(admitted(MAX_BODY_BYTES + 1), None);
}

/// A callback whose event says this of its time, while the function's clock stands at 2026-01-01T00:00:00.250Z.
async fn received_at(time: Value) -> (Value, Value) {
    let (sdk, calls) = sdk(|_, _| (200, "{}".to_owned()));
    let now = UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let event = json!({
        "headers": {"authorization": basic(USER, PASSWORD)},
        "requestContext": {"timeEpoch": time},
        "body": mo_text("7c1f").to_string(),
    });
    let request = LambdaEvent::new(serde_json::from_str::<HttpEvent>(&event.to_string()).unwrap(), Context::default());
    assert_eq!(wab_mo::handle(&receiver(&sdk), request).await.status(), 200);
    let item = &put(&calls)[0];
    (item["received_at"]["S"].clone(), item["expires_at"]["N"].clone())
}

#[tokio::test]
async fn clock_says_the_time_where_the_request_does_not() {
    let thirty_days = 30 * 86_400;
    let by_clock = (json!("2026-01-01T00:00:00.250Z"), json!((1_767_225_600 + thirty_days).to_string()));
    for none in [json!(null), json!(0), json!(-1)] {
        assert_eq!(received_at(none.clone()).await, by_clock, "{none}");
    }
    let by_request = (json!("1970-01-01T00:00:00.001Z"), json!(thirty_days.to_string()));
    assert_eq!(received_at(json!(1)).await, by_request);
}

#[tokio::test]
async fn refusal_names_the_request_of_lambda() {
    let (sdk, _) = sdk(|_, _| (200, "{}".to_owned()));
    let mut context = Context::default();
    let event = r#"{"headers":{},"requestContext":{}}"#;
    context.request_id = "af9c3624".to_owned();
    let request = LambdaEvent::new(serde_json::from_str::<HttpEvent>(event).unwrap(), context);
    let answer: Value = serde_json::from_slice(wab_mo::handle(&receiver(&sdk), request).await.body()).unwrap();
    assert_eq!(answer["request_id"], "af9c3624");
}

/// What is published of a message with content of this length: a body in the item, or in an object.
async fn published_with(content_bytes: usize, in_object: bool) -> (usize, bool, bool) {
    let body = json!({"id": "7c1f", "content": "x".repeat(content_bytes)}).to_string();
    let item = match in_object {
        true => mo(&body).with_object(ObjectKey::of_body(body.as_bytes()), body.len()),
        false => mo(&body),
    };
    let answer = body.clone();
    let (sdk, calls) = sdk(move |operation, request| match operation {
        "GetObject" => (200, answer.clone()),
        _ => published(request, &[]),
    });
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [record(1, &item)]})).unwrap();
    let answer = wab_fanout::handle(&fanout(&sdk), batch, plenty()).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    let calls = calls.lock().unwrap();
    let form = &calls.last().unwrap().1;
    (body.len(), calls.len() == 2, form.contains("%22data%22"))
}

#[tokio::test]
async fn message_may_be_256_kib_with_its_attributes() {
    // `kind`, `schema` and `application`, each with its name, its type `String` and its value.
    let attributes = (4 + 6 + 2) + (6 + 6 + 9) + (11 + 6 + 4);
    let event = |body: &str| wab_models::NewEvent::of(&mo(body), body).unwrap().to_message().unwrap().len();
    let around = event(r#"{"id":"7c1f","content":""}"#);
    let fits = MAX_MESSAGE_BYTES - attributes - around;
    assert!(published_with(fits, false).await.2);
    assert!(!published_with(fits + 1, false).await.2);
    // A body that can't fit isn't fetched.
    let around = r#"{"id":"7c1f","content":""}"#.len();
    assert_eq!(published_with(MAX_MESSAGE_BYTES - around, true).await, (MAX_MESSAGE_BYTES, true, false));
    assert_eq!(published_with(MAX_MESSAGE_BYTES - around + 1, true).await, (MAX_MESSAGE_BYTES + 1, false, false));
}

#[tokio::test]
async fn receipt_of_a_final_status_is_stored_under_its_word() {
    let (sdk, requests) = recorded(200, "{}");
    let body = r#"{"id":4711,"status":"received"}"#;
    let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body));
    EventTable::new(&sdk, "events".to_owned()).put_once(&item, soon()).await.unwrap();
    let put = sent_once(&requests).json();
    assert_eq!((&put["Item"]["pk"]["S"], &put["Item"]["sk"]["S"]), (&json!("DLR#4711"), &json!("received")));
}
