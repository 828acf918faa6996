//! What `fanout` publishes, and with which calls.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use wab_models::{BinaryContent, Item, MAX_MESSAGE_BYTES, ObjectKey, StreamBatch};

use super::{aws_with_bucket, calls_without_queries, fan_out, fan_out_with, object_record};
use crate::fake_aws::{Sent, aws, events, fanout, published, recorded, sdk, sdk_at};
use crate::records::{dlr_record, mo_item, mo_record, plenty, record};
use crate::requests::mo_text;

#[tokio::test]
async fn batch_of_100_takes_10_calls_per_topic() {
    let records = (0..100).map(|number| mo_record(number, &number.to_string())).collect();
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["PublishBatch"; 10]);
}

/// An SNS that answers only once all calls of the barrier have arrived.
#[derive(Debug, Clone)]
struct Together(Arc<Barrier>);

impl HttpConnector for Together {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let (status, answer) = published(&call, &[]);
        let barrier = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            barrier.wait().await;
            Ok(HttpResponse::new(status.try_into().unwrap(), answer.into()))
        })
    }
}

#[tokio::test]
async fn ten_batches_are_published_concurrently() {
    let sns = SharedHttpConnector::new(Together(Arc::new(Barrier::new(10))));
    let sdk = sdk_at("http://localhost").into_builder().http_client(http_client_fn(move |_, _| sns.clone())).build();
    let records = (1..=100).map(|number| mo_record(number, &format!("id-{number}"))).collect();
    assert_eq!(fan_out_with(&sdk, records).await, Vec::<String>::new());
}

#[tokio::test]
async fn changed_and_quarantined_items_are_not_published() {
    let mut changed = mo_record(1, "a");
    changed["eventName"] = "MODIFY".into();
    let mut quarantined = mo_record(2, "b");
    quarantined["dynamodb"]["Keys"]["pk"]["S"] = "QUARANTINE#2025-11-23".into();
    let (failures, calls) = fan_out(vec![changed, quarantined], aws(|request| published(request, &[]))).await;
    assert_eq!((failures.len(), calls_without_queries(&calls).len()), (0, 0));
}

#[tokio::test]
async fn body_in_the_bucket_is_published_inline_if_it_fits() {
    let (record, body) = object_record(1, "large", 100_000);
    let (failures, calls) = fan_out(vec![record], aws_with_bucket((200, body.clone()))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["GetObject", "PublishBatch"]);
    assert_eq!(events(&calls)[0]["data"], serde_json::from_str::<Value>(&body).unwrap());
}

#[tokio::test]
async fn event_too_large_for_sns_is_published_by_reference() {
    let (record_of_object, body) = object_record(1, "large", 300_000);
    let in_item = mo_item(&body);
    let records = vec![record_of_object, record(2, &in_item)];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["PublishBatch"], "an object that can't fit isn't read");
    let [by_object, by_item] = &events(&calls)[..] else { panic!("two events") };
    let key = ObjectKey::of_body(body.as_bytes());
    assert_eq!(by_object["dataref"], format!("s3://BUCKET_NAME/{key}"));
    assert_eq!(by_item["dataref"], "arn:aws:dynamodb:us-east-1:123456789012:table/events?pk=MO%23large&sk=EVENT");
    assert_eq!((&by_object["data"], &by_object["subject"]), (&Value::Null, &json!("large")));
}

#[tokio::test]
async fn event_is_published_by_reference_if_the_bucket_fails() {
    for error in [(503, "SlowDown"), (403, "AccessDenied")] {
        let (record, _) = object_record(1, "large", 100_000);
        let get = (error.0, format!("<Error><Code>{}</Code></Error>", error.1));
        let (failures, calls) = fan_out(vec![record], aws_with_bucket(get)).await;
        assert_eq!(failures, [""; 0]);
        assert!(events(&calls)[0]["dataref"].as_str().unwrap().starts_with("s3://"), "{error:?}");
    }
}

/// An item with binary content, with or without its object.
fn binary(body: &str, stored: bool) -> Item<'_> {
    let content = BinaryContent::of(b"GIF89a", "image/gif");
    let key = stored.then(|| ObjectKey::of_content(&content.sha256));
    let mut item = mo_item(body);
    item.binary = Some(BinaryContent { key, ..content });
    item
}

#[tokio::test]
async fn binary_content_is_described_and_omitted_if_too_large() {
    let body = |bytes: usize| json!({"id": "b", "encoding": "base64", "content": "A".repeat(bytes)}).to_string();
    let (small, large) = (body(1_000), body(300_000));
    let records = [(&small, true), (&large, true), (&large, false)];
    let records = records.iter().zip(1..).map(|((body, stored), number)| record(number, &binary(body, *stored)));
    let (failures, calls) = fan_out(records.collect(), aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    let events = events(&calls);
    let described = &events[0]["data"]["binary"];
    assert_eq!((&described["bytes"], &described["content_type"]), (&json!(6), &json!("image/gif")));
    assert!(described["dataref"].as_str().unwrap().ends_with(described["sha256"].as_str().unwrap()));
    assert_eq!(events[0]["data"]["content"].as_str().unwrap().len(), 1_000);
    assert_eq!((&events[1]["data"]["binary"], &events[1]["data"]["content"]), (described, &Value::Null));
    assert!(events[2]["dataref"].is_string(), "without an object, the bytes are only in the body");
}

/// The table's answer to a query for the receipts of a message.
fn stored_receipts(receipts: &[(&str, &str)]) -> (u16, String) {
    let row =
        |(status, at): &(&str, &str)| json!({"sk": {"S": status}, "status": {"S": status}, "received_at": {"S": at}});
    let rows: Vec<_> = receipts.iter().map(row).collect();
    (200, json!({"Items": rows, "Count": receipts.len()}).to_string())
}

#[tokio::test]
async fn receipt_is_published_with_its_delivery_status() {
    let known = [("received", "2025-11-23T09:15:01.000Z"), ("sent", "2025-11-23T09:15:02.417Z")];
    let others = aws(|request| published(request, &[]));
    let answer = move |operation: &str, request: &str| match operation {
        "Query" => stored_receipts(&known),
        _ => others(operation, request),
    };
    let (failures, calls) = fan_out(vec![dlr_record(1, "a"), dlr_record(2, "a")], answer).await;
    assert_eq!(failures, [""; 0]);
    let queries = calls.lock().unwrap().iter().filter(|(operation, _)| operation == "Query").count();
    assert_eq!(queries, 1, "one query for both receipts of the message");
    assert_eq!(
        events(&calls)[0]["data"]["delivery"],
        json!({
            "current": "received", "final": true, "overtaken": true,
            "history": [{"status": "received", "time": known[0].1}, {"status": "sent", "time": known[1].1}],
        })
    );
}

#[tokio::test]
async fn answer_counts_published_and_parked_if_requested() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let (sdk, _) = sdk(aws(|request| published(request, &[])));
    let batch = json!({"Records": [mo_record(1, "a"), poison, dlr_record(3, "c")], "count": true});
    let answer = wab_fanout::handle(&fanout(&sdk), serde_json::from_value(batch).unwrap(), plenty()).await;
    let answer = serde_json::to_value(answer.unwrap()).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [], "published": 2, "parked": 1}));
}

/// Checks that a form has these fields.
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
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [record(1, &mo_item(&body))]})).unwrap();
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
    // The order of attributes isn't defined: the SDK keeps them in a map.
    let form = sent.body.as_str();
    for (name, value) in [("kind", "mo"), ("schema", "wab.mo.v1"), ("application", "shop"), ("type", "text")] {
        let is_sent = (1..=6).any(|number| {
            attribute(number, name, value).iter().all(|(key, value)| form.contains(&format!("&{key}={value}")))
        });
        assert!(is_sent, "{name}: {form}");
    }
    check_form(&sent, &[("Action", "PublishBatch"), ("TopicArn", "MO_TOPIC_ARN"), (&format!("{entry}.Id"), "0")]);
}

/// Publishes a message with content of this length, from the item or from an object. Returns the size of the body,
/// whether the object was read, and whether the event has its data.
async fn published_with(content_bytes: usize, in_object: bool) -> (usize, bool, bool) {
    let body = json!({"id": "7c1f", "content": "x".repeat(content_bytes)}).to_string();
    let item = match in_object {
        true => mo_item(&body).with_object(ObjectKey::of_body(body.as_bytes()), body.len()),
        false => mo_item(&body),
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
    let event = |body: &str| wab_models::NewEvent::of(&mo_item(body), body).unwrap().to_message().unwrap().len();
    let around = event(r#"{"id":"7c1f","content":""}"#);
    let fits = MAX_MESSAGE_BYTES - attributes - around;
    let body_bytes = |content: usize| r#"{"id":"7c1f","content":""}"#.len() + content;
    assert_eq!(published_with(fits, false).await, (body_bytes(fits), false, true));
    assert_eq!(published_with(fits + 1, false).await, (body_bytes(fits + 1), false, false));
    // A body that can't fit isn't read from the bucket.
    let around = r#"{"id":"7c1f","content":""}"#.len();
    assert_eq!(published_with(MAX_MESSAGE_BYTES - around, true).await, (MAX_MESSAGE_BYTES, true, false));
    assert_eq!(published_with(MAX_MESSAGE_BYTES - around + 1, true).await, (MAX_MESSAGE_BYTES + 1, false, false));
}
