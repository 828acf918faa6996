//! What `fanout` publishes, and with which calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use wab_fanout::{Composer, Occasion};
use wab_models::{BinaryContent, DlrCallback, Item, MAX_MESSAGE_BYTES, ObjectKey, StreamBatch};
use wab_platform::Reason;

use super::{aws_with_bucket, calls_without_queries, fan_out, fan_out_with, object_record};
use crate::fake_aws::{Sent, aws, events, fanout, published, recorded, s3_error, sdk, sdk_at};
use crate::records::{dlr_record, mo_item, mo_item_with_object, mo_record, plenty, received, record, soon};
use crate::requests::{dlr, mo_text};

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

/// The table's answer to a query for the receipts of a message. The item of the status `expired` has itself expired.
fn stored_receipts(receipts: &[(&str, &str)]) -> (u16, String) {
    let row = |(status, at): &(&str, &str)| {
        let expires_at = if *status == "expired" { "1" } else { "4000000000" };
        json!({"sk": {"S": status}, "status": {"S": status}, "received_at": {"S": at}, "expires_at": {"N": expires_at}})
    };
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
async fn receipt_whose_item_has_expired_is_no_history() {
    let known = [("expired", "2025-11-23T09:15:01.000Z"), ("submitted", "2025-11-23T09:15:02.000Z")];
    let others = aws(|request| published(request, &[]));
    let answer = move |operation: &str, request: &str| match operation {
        "Query" => stored_receipts(&known),
        _ => others(operation, request),
    };
    let (_, calls) = fan_out(vec![dlr_record(1, "a")], answer).await;
    let delivery = &events(&calls)[0]["data"]["delivery"];
    let history: Vec<_> =
        delivery["history"].as_array().unwrap().iter().map(|entry| entry["status"].as_str().unwrap()).collect();
    assert_eq!((history, &delivery["final"]), (vec!["submitted", "sent"], &json!(false)));
}

#[tokio::test]
async fn answer_counts_published_and_parked_if_requested() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let (sdk, _) = sdk(aws(|request| published(request, &[])));
    let batch = json!({"Records": [mo_record(1, "a"), poison, dlr_record(3, "c")], "count": true});
    let answer = wab_fanout::handle(&fanout(&sdk), serde_json::from_value(batch).unwrap(), plenty(), None).await;
    let answer = serde_json::to_value(answer.unwrap()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(answer, json!({"batchItemFailures": [], "published": 2, "parked": 1, "version": version}));
}

#[tokio::test]
async fn empty_batch_is_answered_with_the_version() {
    let (sdk, calls) = sdk(|operation, _| panic!("nothing to {operation}"));
    let batch = serde_json::from_value(json!({"Records": [], "count": true})).unwrap();
    let answer = wab_fanout::handle(&fanout(&sdk), batch, plenty(), None).await.unwrap();
    assert_eq!(answer.tally.unwrap().version, env!("CARGO_PKG_VERSION"));
    assert!(calls.lock().unwrap().is_empty());
}

/// Checks that a form has these fields.
fn check_form(sent: &Sent, expected: &[(&str, &str)]) {
    let form: Vec<_> = sent.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    for pair in expected {
        assert!(form.contains(pair), "{pair:?} in {form:?}");
    }
}

/// The message attributes of the first entry of a form.
fn attributes_of(form: &str) -> BTreeMap<String, String> {
    let entry = "PublishBatchRequestEntries.member.1.MessageAttributes.entry.";
    let form: BTreeMap<&str, &str> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let names = (1..).map_while(|number| Some((number, form.get(&*format!("{entry}{number}.Name"))?)));
    let attribute = |(number, name): (usize, &&str)| {
        let value = |member: &str| form[&*format!("{entry}{number}.Value.{member}")];
        assert_eq!(value("DataType"), "String");
        ((*name).to_owned(), percent_decode_str(value("StringValue")).decode_utf8().unwrap().into_owned())
    };
    names.map(attribute).collect()
}

#[tokio::test]
async fn event_is_published_with_its_attributes() {
    let (sdk, requests) = recorded(500, "");
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [mo_record(1, "7c1f")]})).unwrap();
    wab_fanout::handle(&fanout(&sdk), batch, plenty(), None).await.unwrap();
    let sent = requests.lock().unwrap()[0].clone();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/"));
    let expected = [
        ("kind", "mo"),
        ("schema", "wab.mo.v1"),
        ("application", "shop"),
        ("type", "text"),
        ("source", "+6421000001"),
        ("destination", "6421000002"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(attributes_of(&sent.body), expected);
    let entry = "PublishBatchRequestEntries.member.1";
    check_form(&sent, &[("Action", "PublishBatch"), ("TopicArn", "MO_TOPIC_ARN"), (&format!("{entry}.Id"), "0")]);
}

/// The form of the `PublishBatch` for a batch.
async fn form_of(batch: Value) -> String {
    let (sdk, calls) = sdk(aws(|request| published(request, &[])));
    wab_fanout::handle(&fanout(&sdk), serde_json::from_value(batch).unwrap(), plenty(), None).await.unwrap();
    let calls = calls.lock().unwrap();
    calls.iter().find(|(operation, _)| operation == "PublishBatch").unwrap().1.clone()
}

#[tokio::test]
async fn replayed_event_differs_by_one_attribute() {
    let message = |form: &str| form.split('&').find(|pair| pair.contains(".Message=")).unwrap().to_owned();
    for record in [mo_record(1, "7c1f"), dlr_record(1, "7c1f")] {
        let first = form_of(json!({"Records": [record]})).await;
        let again = form_of(json!({"Records": [record], "count": true, "replay": true})).await;
        let mut attributes = attributes_of(&again);
        assert_eq!(attributes.remove("replay").as_deref(), Some("true"));
        assert_eq!(attributes, attributes_of(&first));
        assert_eq!(message(&again), message(&first));
    }
}

#[tokio::test]
async fn composed_message_is_the_published_one() {
    let large = json!({"id": "large", "content": "x".repeat(300_000)}).to_string();
    let text = mo_text("7c1f").to_string();
    let receipt = dlr("7c1f", "sent").to_string();
    let receipt = Item::dlr(&DlrCallback::parse(&receipt).unwrap(), received(&receipt));
    for (item, occasion) in [
        (mo_item(&text), Occasion::Stored),
        (mo_item(&text), Occasion::Replay),
        (receipt, Occasion::Stored),
        (mo_item_with_object(&text), Occasion::Stored),
        (mo_item(&large), Occasion::Stored),
    ] {
        let text = text.clone();
        let others = aws(|request| published(request, &[]));
        let (sdk, calls) = sdk(move |operation, request| match operation {
            "GetObject" => (200, text.clone()),
            _ => others(operation, request),
        });
        let batch = json!({"Records": [record(1, &item)], "replay": occasion == Occasion::Replay});
        wab_fanout::handle(&fanout(&sdk), serde_json::from_value(batch).unwrap(), plenty(), None).await.unwrap();
        let form = calls.lock().unwrap().last().unwrap().1.clone();

        let composer = Composer::new(&sdk, "TABLE_NAME".to_owned(), "BUCKET_NAME".to_owned());
        let table_arn = "arn:aws:dynamodb:us-east-1:123456789012:table/events";
        let message = composer.compose(&item, Some(table_arn), occasion, soon()).await.unwrap();
        assert_eq!(message.kind, item.key.kind_and_id().unwrap().0);
        assert_eq!(serde_json::from_str::<Value>(&message.text).unwrap(), events(&calls)[0]);
        let attributes = message.attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        assert_eq!(attributes.collect::<BTreeMap<_, _>>(), attributes_of(&form));
    }
}

#[tokio::test]
async fn unpublishable_item_is_not_composed() {
    let body = mo_text("7c1f").to_string();
    let item = mo_item_with_object(&body);
    let (sdk, _) = sdk(|_, _| s3_error(404, "NoSuchKey"));
    let composer = Composer::new(&sdk, "TABLE_NAME".to_owned(), "BUCKET_NAME".to_owned());
    let failed = composer.compose(&item, None, Occasion::Stored, soon()).await;
    assert_eq!(failed.unwrap_err(), Reason::ObjectGone);
}

/// Publishes a message with content of this length, from the item or from an object. Returns the size of the body,
/// whether the object was read, and whether the event has its data.
async fn published_with(content_bytes: usize, in_object: bool, replay: bool) -> (usize, bool, bool) {
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
    let batch = json!({"Records": [record(1, &item)], "replay": replay});
    let batch: StreamBatch = serde_json::from_value(batch).unwrap();
    let answer = wab_fanout::handle(&fanout(&sdk), batch, plenty(), None).await.unwrap();
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
    assert_eq!(published_with(fits, false, false).await, (body_bytes(fits), false, true));
    assert_eq!(published_with(fits + 1, false, false).await, (body_bytes(fits + 1), false, false));
    let replay = 6 + 6 + 4;
    assert_eq!(published_with(fits - replay, false, true).await, (body_bytes(fits - replay), false, true));
    assert_eq!(published_with(fits - replay + 1, false, true).await, (body_bytes(fits - replay + 1), false, false));
    // A body that can't fit isn't read from the bucket.
    let around = r#"{"id":"7c1f","content":""}"#.len();
    assert_eq!(published_with(MAX_MESSAGE_BYTES - around, true, false).await, (MAX_MESSAGE_BYTES, true, false));
    assert_eq!(
        published_with(MAX_MESSAGE_BYTES - around + 1, true, false).await,
        (MAX_MESSAGE_BYTES + 1, false, false)
    );
}
