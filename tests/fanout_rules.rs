//! What `fanout` does when a topic or the dead-letter queue rejects a message (docs/operations.md, "When something
//! fails").

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use wab_fanout::{Fanout, Settings};
use wab_models::{BinaryContent, DlrCallback, Item, MoCallback, ObjectKey, Received, ReceivedAt, StreamBatch};
use wab_platform::SdkConfig;

use crate::fake_aws::{Calls, dynamodb_error, queued, sdk, sdk_at, sent};
use crate::requests::{dlr, mo_text};

/// A deadline after more time than any batch needs.
pub(crate) fn plenty() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

/// A value as DynamoDB writes it.
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

/// A stream record of `item`, with the sequence number `number`.
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

pub(crate) fn received(body: &str) -> Received<'_> {
    Received { body, application: "shop", at: ReceivedAt::from_epoch_ms(1_763_889_302_417), expires_at: 1 }
}

fn mo_record(number: usize, id: &str) -> Value {
    let body = mo_text(id).to_string();
    record(number, &Item::mo(&MoCallback::parse(&body).unwrap(), received(&body)))
}

fn dlr_record(number: usize, id: &str) -> Value {
    let body = dlr(id, "sent").to_string();
    record(number, &Item::dlr(&DlrCallback::parse(&body).unwrap(), received(&body)))
}

/// Hands `records` to `fanout` and gives the sequence numbers that it wants to see again, and its calls.
async fn fan_out(
    records: Vec<Value>,
    answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static,
) -> (Vec<String>, Calls) {
    let (sdk, calls) = sdk(answer);
    (fan_out_with(&sdk, records).await, calls)
}

async fn fan_out_with(sdk: &SdkConfig, records: Vec<Value>) -> Vec<String> {
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let batch: StreamBatch = serde_json::from_value(json!({"Records": records})).unwrap();
    let answer = wab_fanout::handle(&Fanout::new(settings, sdk), batch, plenty()).await.unwrap();
    assert!(answer.counts.is_none(), "Lambda is told no more than it asks for");
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

/// What was asked of SNS, the bucket and the queue.
fn operations(calls: &Calls) -> Vec<String> {
    let calls = calls.lock().unwrap();
    calls.iter().map(|(operation, _)| operation.clone()).filter(|operation| operation != "Query").collect()
}

/// The messages that were parked.
fn parked(calls: &Calls) -> Vec<Value> {
    sent(calls)
}

/// The events that SNS was asked to publish.
fn events(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let batches = calls.iter().filter(|(operation, _)| operation == "PublishBatch");
    let messages = batches.flat_map(|(_, form)| form.split('&').filter_map(|pair| pair.split_once(".Message=")));
    messages
        .map(|(_, event)| serde_json::from_str(&percent_decode_str(event).decode_utf8().unwrap()).unwrap())
        .collect()
}

/// SNS's answer to a batch: each entry in `failed` with its code, the others successful.
pub(crate) fn published(request: &str, failed: &[(usize, &str, bool)]) -> (u16, String) {
    let entries = request.matches(".Message=").count();
    let mut successful = String::new();
    let mut refused = String::new();
    for number in 0..entries {
        match failed.iter().find(|(failed, ..)| *failed == number) {
            Some((_, code, sender_fault)) => refused.push_str(&format!(
                "<member><Id>{number}</Id><Code>{code}</Code><SenderFault>{sender_fault}</SenderFault></member>"
            )),
            None => successful.push_str(&format!("<member><Id>{number}</Id><MessageId>m</MessageId></member>")),
        }
    }
    let answer = format!(
        "<PublishBatchResponse><PublishBatchResult><Successful>{successful}</Successful><Failed>{refused}</Failed>\
         </PublishBatchResult></PublishBatchResponse>"
    );
    (200, answer)
}

fn sns_error(status: u16, code: &str) -> (u16, String) {
    let answer = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as told</Message></Error></ErrorResponse>"
    );
    (status, answer)
}

/// An SNS that answers by `publish`, and a dead-letter queue that takes everything.
fn aws(publish: impl Fn(&str) -> (u16, String)) -> impl Fn(&str, &str) -> (u16, String) {
    move |operation, request| match operation {
        "PublishBatch" => publish(request),
        "Query" => (200, json!({"Items": [], "Count": 0}).to_string()),
        "SendMessage" => queued(),
        other => panic!("fanout has no business with {other}"),
    }
}

#[tokio::test]
async fn a_batch_of_100_costs_at_most_10_calls_a_topic() {
    let records = (0..100).map(|number| mo_record(number, &number.to_string())).collect();
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls), ["PublishBatch"; 10]);
}

#[tokio::test]
async fn a_record_that_cannot_be_published_is_parked_and_the_others_are_published() {
    let mut newer_layout = mo_record(2, "b");
    newer_layout["dynamodb"]["NewImage"]["v"]["N"] = "99".into();
    let mut no_body = dlr_record(3, "c");
    no_body["dynamodb"]["NewImage"].as_object_mut().unwrap().remove("body");
    let mut other_body = dlr_record(4, "d");
    other_body["dynamodb"]["NewImage"]["body"]["S"] = "no JSON".into();
    let no_record = json!({"dynamodb": {"SequenceNumber": "5"}, "what": "is this"});
    let records = vec![mo_record(1, "a"), newer_layout, no_body, other_body, no_record, dlr_record(6, "e")];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls)[..2], ["PublishBatch", "PublishBatch"], "what can be published goes first");
    let key = |pk: &str, sk: &str| json!({"pk": pk, "sk": sk});
    assert_eq!(
        parked(&calls),
        [
            json!({"reason": "the item's layout is not known", "key": key("MO#b", "EVENT"), "sequence_number": "2"}),
            json!({"reason": "the item's layout is not known", "key": key("DLR#c", "sent"), "sequence_number": "3"}),
            json!({"reason": "the body is not the callback that the key says", "key": key("DLR#d", "sent"),
                   "sequence_number": "4"}),
            json!({"reason": "the record is no stream record", "sequence_number": "5",
                   "record": {"dynamodb": {"SequenceNumber": "5"}, "what": "is this"}}),
        ]
    );
}

#[tokio::test]
async fn body_of_another_callback_is_parked() {
    let under = |mut record: Value, pk: &str, sk: &str| {
        for place in ["Keys", "NewImage"] {
            record["dynamodb"][place]["pk"]["S"] = pk.into();
            record["dynamodb"][place]["sk"]["S"] = sk.into();
        }
        record
    };
    let records = vec![
        under(mo_record(1, "other"), "MO#poison5", "EVENT"),
        under(dlr_record(2, "other"), "DLR#poison5", "sent"),
        under(dlr_record(3, "a"), "DLR#a", "received"),
        under(mo_record(4, "b"), "MO#b", "EVENT#0123456789ab"),
        mo_record(5, "c"),
    ];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(events(&calls).iter().map(|event| &event["subject"]).collect::<Vec<_>>(), ["c"]);
    assert_eq!(parked(&calls).len(), 4);
    for message in parked(&calls) {
        assert_eq!(message["reason"], "the body is not the callback that the key says");
    }
}

#[tokio::test]
async fn an_entry_that_sns_refuses_for_good_is_parked() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
    let answer = aws(|request| published(request, &[(1, "InvalidParameter", true)]));
    let (failures, calls) = fan_out(records, answer).await;
    assert_eq!(failures, [""; 0]);
    let expected = json!({"reason": "InvalidParameter", "key": {"pk": "MO#b", "sk": "EVENT"}, "sequence_number": "2"});
    assert_eq!(parked(&calls), [expected]);
}

#[tokio::test]
async fn entries_that_sns_refuses_one_and_all_are_parked_after_one_call() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b")];
    let refused = [(0, "InvalidParameter", true), (1, "InvalidParameter", true)];
    let (failures, calls) = fan_out(records, aws(move |request| published(request, &refused))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls), ["PublishBatch", "SendMessage", "SendMessage"]);
}

#[tokio::test]
async fn an_entry_that_sns_may_take_later_comes_again() {
    for (code, sender_fault) in [
        ("InternalError", false),
        ("Throttled", true),
        ("KMSThrottling", true),
        ("AuthorizationError", true),
        ("NeverDocumented", true),
    ] {
        let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
        let answer = aws(move |request| published(request, &[(1, code, sender_fault)]));
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["2"], "{code}");
        assert_eq!(parked(&calls), [Value::Null; 0], "{code}");
    }
}

#[tokio::test]
async fn an_entry_that_the_answer_leaves_out_comes_again() {
    let answer = aws(|_| {
        let first = "<member><Id>0</Id><MessageId>m</MessageId></member>";
        (
            200,
            format!(
                "<PublishBatchResponse><PublishBatchResult><Successful>{first}</Successful></PublishBatchResult></PublishBatchResponse>"
            ),
        )
    });
    let (failures, _) = fan_out(vec![mo_record(1, "a"), mo_record(2, "b")], answer).await;
    assert_eq!(failures, ["2"]);
}

#[tokio::test]
async fn a_topic_that_refuses_the_call_sees_the_batch_again_from_its_first_record() {
    for (status, code) in [
        (403, "AuthorizationError"),
        (404, "NotFound"),
        (400, "KMSAccessDenied"),
        (403, "InvalidClientTokenId"),
        (400, "Throttled"),
        (500, "InternalError"),
    ] {
        let records = vec![dlr_record(1, "a"), mo_record(2, "b"), dlr_record(3, "c")];
        let answer = aws(move |request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(status, code),
            false => published(request, &[]),
        });
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["2"], "{code}: the receipts before and behind it are published");
        assert_eq!(parked(&calls), [Value::Null; 0], "{code}");
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_for_one_entrys_sake_is_published_one_by_one() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
    let answer = aws(|request| match request.contains("MO%23") || request.contains("%22subject%22%3A%22b%22") {
        true => sns_error(400, "InvalidParameter"),
        false => published(request, &[]),
    });
    let (failures, calls) = fan_out(records, answer).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls), ["PublishBatch", "PublishBatch", "PublishBatch", "PublishBatch", "SendMessage"]);
    assert_eq!(parked(&calls)[0]["key"], json!({"pk": "MO#b", "sk": "EVENT"}));
}

#[tokio::test]
async fn a_record_that_cannot_even_be_parked_comes_again() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let records = vec![mo_record(1, "a"), poison, mo_record(3, "c")];
    let (failures, _) = fan_out(records, |operation, request| match operation {
        "PublishBatch" => published(request, &[]),
        _ => (400, json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "as told"}).to_string()),
    })
    .await;
    assert_eq!(failures, ["2"]);
}

#[tokio::test]
async fn a_batch_that_cannot_be_named_comes_again_as_a_whole() {
    let (sdk, _) = sdk(|_, _| (500, String::new()));
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [{"no": "record"}]})).unwrap();
    assert!(wab_fanout::handle(&Fanout::new(settings, &sdk), batch, plenty()).await.is_err());
}

#[tokio::test]
async fn what_is_no_new_event_is_passed_over() {
    let mut changed = mo_record(1, "a");
    changed["eventName"] = "MODIFY".into();
    let mut quarantined = mo_record(2, "b");
    quarantined["dynamodb"]["Keys"]["pk"]["S"] = "QUARANTINE#2025-11-23".into();
    let (failures, calls) = fan_out(vec![changed, quarantined], aws(|request| published(request, &[]))).await;
    assert_eq!((failures.len(), operations(&calls).len()), (0, 0));
}

/// A record of an item whose body is an object, and that body.
fn object_record(number: usize, id: &str, bytes: usize) -> (Value, String) {
    let body = json!({"id": id, "content": "x".repeat(bytes)}).to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let item = item.with_object(ObjectKey::of_body(body.as_bytes()), body.len());
    (record(number, &item), body)
}

/// An AWS whose bucket answers by `get`.
fn aws_with_bucket(get: (u16, String)) -> impl Fn(&str, &str) -> (u16, String) {
    let others = aws(|request| published(request, &[]));
    move |operation, request| if operation == "GetObject" { get.clone() } else { others(operation, request) }
}

#[tokio::test]
async fn a_body_in_the_bucket_is_published_inline_if_sns_takes_it() {
    let (record, body) = object_record(1, "large", 100_000);
    let (failures, calls) = fan_out(vec![record], aws_with_bucket((200, body.clone()))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls), ["GetObject", "PublishBatch"]);
    assert_eq!(events(&calls)[0]["data"], serde_json::from_str::<Value>(&body).unwrap());
}

#[tokio::test]
async fn an_event_that_is_too_large_for_sns_is_published_by_reference() {
    let (record_of_object, body) = object_record(1, "large", 300_000);
    let in_item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let records = vec![record_of_object, record(2, &in_item)];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(operations(&calls), ["PublishBatch"], "what can't be published isn't fetched");
    let [by_object, by_item] = &events(&calls)[..] else { panic!("two events") };
    let key = ObjectKey::of_body(body.as_bytes());
    // The tests' settings have an URL for every name.
    assert_eq!(by_object["dataref"], format!("s3://http://localhost/BUCKET_NAME/{key}"));
    assert_eq!(by_item["dataref"], "arn:aws:dynamodb:us-east-1:123456789012:table/events?pk=MO%23large&sk=EVENT");
    assert_eq!((&by_object["data"], &by_object["subject"]), (&Value::Null, &json!("large")));
}

#[tokio::test]
async fn an_event_does_not_wait_for_the_bucket() {
    for error in [(503, "SlowDown"), (403, "AccessDenied")] {
        let (record, _) = object_record(1, "large", 100_000);
        let get = (error.0, format!("<Error><Code>{}</Code></Error>", error.1));
        let (failures, calls) = fan_out(vec![record], aws_with_bucket(get)).await;
        assert_eq!(failures, [""; 0]);
        assert!(events(&calls)[0]["dataref"].as_str().unwrap().starts_with("s3://"), "{error:?}");
    }
}

#[tokio::test]
async fn an_event_whose_body_is_gone_is_parked() {
    let (record, _) = object_record(1, "large", 100_000);
    let gone = (404, "<Error><Code>NoSuchKey</Code></Error>".to_owned());
    let (failures, calls) = fan_out(vec![record], aws_with_bucket(gone)).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(parked(&calls)[0]["reason"], "the body's object is gone");
    assert_eq!(parked(&calls)[0]["key"], json!({"pk": "MO#large", "sk": "EVENT"}));
}

/// An item with binary content of this many bytes, with or without its object.
fn binary(body: &str, stored: bool) -> Item<'_> {
    let content = BinaryContent::of(b"GIF89a", "image/gif");
    let key = stored.then(|| ObjectKey::of_content(&content.sha256));
    let mut item = Item::mo(&MoCallback::parse(body).unwrap(), received(body));
    item.binary = Some(BinaryContent { key, ..content });
    item
}

#[tokio::test]
async fn binary_content_is_described_and_left_out_where_it_would_not_fit() {
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
    assert!(events[2]["dataref"].is_string(), "without its object the bytes are in the body alone");
}

/// Receipts of one message, as the table has them.
fn stored_receipts(receipts: &[(&str, &str)]) -> (u16, String) {
    let row =
        |(status, at): &(&str, &str)| json!({"sk": {"S": status}, "status": {"S": status}, "received_at": {"S": at}});
    let rows: Vec<_> = receipts.iter().map(row).collect();
    (200, json!({"Items": rows, "Count": receipts.len()}).to_string())
}

#[tokio::test]
async fn a_receipt_is_published_with_what_became_of_its_message() {
    let known = [("received", "2025-11-23T09:15:01.000Z"), ("sent", "2025-11-23T09:15:02.417Z")];
    let others = aws(|request| published(request, &[]));
    let answer = move |operation: &str, request: &str| match operation {
        "Query" => stored_receipts(&known),
        _ => others(operation, request),
    };
    let (failures, calls) = fan_out(vec![dlr_record(1, "a"), dlr_record(2, "a")], answer).await;
    assert_eq!(failures, [""; 0]);
    let queries = calls.lock().unwrap().iter().filter(|(operation, _)| operation == "Query").count();
    assert_eq!(queries, 1, "one look for both receipts of the message");
    assert_eq!(
        events(&calls)[0]["data"]["delivery"],
        json!({
            "current": "received", "final": true, "overtaken": true,
            "history": [{"status": "received", "time": known[0].1}, {"status": "sent", "time": known[1].1}],
        })
    );
}

#[tokio::test]
async fn a_receipt_waits_for_the_table_and_messages_do_not() {
    let others = aws(|request| published(request, &[]));
    let answer = move |operation: &str, request: &str| match operation {
        "Query" => dynamodb_error(400, "AccessDeniedException"),
        _ => others(operation, request),
    };
    let (failures, calls) = fan_out(vec![mo_record(1, "a"), dlr_record(2, "b"), mo_record(3, "c")], answer).await;
    assert_eq!(failures, ["2"]);
    assert_eq!(events(&calls).len(), 2);
}

/// The same record, stored this long ago.
fn aged(mut record: Value, age: Duration) -> Value {
    let stored_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age;
    record["dynamodb"]["ApproximateCreationDateTime"] = stored_at.as_secs_f64().into();
    record
}

#[tokio::test]
async fn a_topic_that_is_gone_holds_up_the_others_for_ten_minutes_and_forgets_nothing() {
    let answer = || {
        aws(|request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(404, "NotFound"),
            false => published(request, &[]),
        })
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let young = vec![aged(mo_record(1, "a"), minutes(9)), dlr_record(2, "b")];
    let (failures, calls) = fan_out(young, answer()).await;
    assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]));

    let old = vec![aged(mo_record(1, "a"), minutes(11)), dlr_record(2, "b"), aged(mo_record(3, "c"), minutes(9))];
    let (failures, calls) = fan_out(old, answer()).await;
    assert_eq!(failures, ["3"]);
    let expected = json!({"reason": "NotFound", "key": {"pk": "MO#a", "sk": "EVENT"}, "sequence_number": "1"});
    assert_eq!(parked(&calls), [expected]);
}

#[tokio::test]
async fn withheld_event_alone_in_its_batch_is_parked_after_ten_minutes() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for code in ["AuthorizationError", "NotFound", "KMSDisabled"] {
        let alone = |age| vec![aged(mo_record(1, "a"), age)];
        let (failures, calls) = fan_out(alone(minutes(9)), aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
        let (failures, calls) = fan_out(alone(minutes(11)), aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures.len(), parked(&calls).len()), (0, 1), "{code}");
        let (failures, calls) = fan_out(vec![mo_record(1, "a")], aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]), "{code}: without an age it waits");
    }
}

#[tokio::test]
async fn throttled_event_waits_whatever_else_is_published() {
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let batch = |age| vec![aged(mo_record(1, "a"), age), aged(mo_record(2, "b"), age), dlr_record(3, "c")];
    for code in ["Throttled", "KMSThrottling", "InternalError"] {
        let answer = || aws(move |request| published(request, &[(0, code, true)]));
        let (failures, calls) = fan_out(batch(hours(19)), answer()).await;
        assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
        let (_, calls) = fan_out(batch(hours(20)), answer()).await;
        assert_eq!(parked(&calls)[0]["reason"], code);
    }
}

#[tokio::test]
async fn receipt_that_may_not_read_its_history_is_parked_after_ten_minutes() {
    let old = |id| vec![aged(dlr_record(1, id), Duration::from_secs(11 * 60))];
    let answer = |code: &'static str| {
        let others = aws(|request| published(request, &[]));
        move |operation: &str, request: &str| match operation {
            "Query" => dynamodb_error(400, code),
            _ => others(operation, request),
        }
    };
    for code in ["AccessDeniedException", "ResourceNotFoundException"] {
        let (failures, calls) = fan_out(old("a"), answer(code)).await;
        assert_eq!((failures.len(), &parked(&calls)[0]["reason"]), (0, &json!(code)));
    }
    for code in ["ThrottlingException", "ProvisionedThroughputExceededException", "ValidationException"] {
        let (failures, calls) = fan_out(old("a"), answer(code)).await;
        assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
    }
}

#[tokio::test]
async fn withheld_topic_lets_the_other_go_on() {
    // Each message fills a call, so that the receipt's call is in the second wave.
    let large = |number: usize| {
        let body = json!({"id": number.to_string(), "content": "x".repeat(200_000)}).to_string();
        record(number, &Item::mo(&MoCallback::parse(&body).unwrap(), received(&body)))
    };
    for (code, receipts) in [("NotFound", 1), ("Throttled", 0)] {
        let records = (1..=10).map(large).chain([dlr_record(11, "r")]).collect();
        let answer = aws(move |request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(400, code),
            false => published(request, &[]),
        });
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["1"], "{code}");
        let calls = calls.lock().unwrap();
        assert_eq!(calls.iter().filter(|(_, form)| form.contains("DLR_TOPIC_ARN")).count(), receipts, "{code}");
    }
}

#[tokio::test]
async fn what_lies_behind_an_event_that_waits_is_published_once_and_not_at_each_try() {
    let (sdk, calls) = sdk(aws(|request| match request.contains("MO_TOPIC_ARN") {
        true => sns_error(404, "NotFound"),
        false => published(request, &[]),
    }));
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let fanout = Fanout::new(settings, &sdk);
    let receipts = || {
        let calls = calls.lock().unwrap();
        calls.iter().filter(|(operation, form)| operation == "PublishBatch" && form.contains("DLR_TOPIC_ARN")).count()
    };
    let fan_out = async |records: Vec<Value>, count: bool| {
        let batch = serde_json::from_value(json!({"Records": records, "count": count})).unwrap();
        let answer = wab_fanout::handle(&fanout, batch, plenty()).await.unwrap();
        answer.batch_item_failures.first().map(|failure| failure.item_identifier.clone())
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let batch = |age| vec![aged(mo_record(1, "a"), age), dlr_record(2, "b")];
    for _ in 0..3 {
        assert_eq!(fan_out(batch(minutes(9)), false).await.as_deref(), Some("1"));
    }
    assert_eq!(receipts(), 1);
    assert_eq!(fan_out([batch(minutes(9)), vec![dlr_record(3, "c")]].concat(), false).await.as_deref(), Some("1"));
    assert_eq!(receipts(), 2, "what is new goes on");
    fan_out(batch(minutes(9)), true).await;
    assert_eq!(receipts(), 3, "a replay publishes again");
    assert_eq!(fan_out(batch(minutes(11)), false).await, None, "the event that waited is parked");
    assert_eq!((receipts(), parked(&calls).len()), (3, 1), "and what was published behind it isn't published again");
}

#[tokio::test]
async fn an_outage_is_waited_for_until_the_stream_would_forget() {
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let records = vec![aged(mo_record(1, "a"), hours(21)), aged(mo_record(2, "b"), hours(19))];
    let (failures, calls) = fan_out(records, aws(|_| sns_error(500, "InternalError"))).await;
    assert_eq!(failures, ["2"]);
    assert_eq!(parked(&calls).len(), 1);
}

#[tokio::test]
async fn poison_behind_an_event_that_waits_is_parked_once_and_not_each_time() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let records = vec![mo_record(1, "a"), poison];
    let (failures, calls) = fan_out(records, aws(|_| sns_error(500, "InternalError"))).await;
    assert_eq!((failures, parked(&calls)), (vec!["1".to_owned()], vec![]), "it comes again with the event before it");
}

#[tokio::test]
async fn an_sns_that_is_silent_does_not_take_the_time_of_the_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sdk = sdk_at(&format!("http://{}", silent.local_addr().unwrap()));
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let batch = serde_json::from_value(json!({"Records": [mo_record(1, "a")], "count": true})).unwrap();
    let deadline = SystemTime::now() + Duration::from_millis(2_500);
    let fanout = Fanout::new(settings, &sdk);
    let answer = tokio::time::timeout(Duration::from_secs(1), wab_fanout::handle(&fanout, batch, deadline)).await;
    let answer = serde_json::to_value(answer.expect("the time is up").unwrap()).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "1"}], "published": 0, "parked": 0}));
}

#[tokio::test]
async fn who_asks_is_told_how_many_were_published_and_parked() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let (sdk, _) = sdk(aws(|request| published(request, &[])));
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let batch = json!({"Records": [mo_record(1, "a"), poison, dlr_record(3, "c")], "count": true});
    let answer =
        wab_fanout::handle(&Fanout::new(settings, &sdk), serde_json::from_value(batch).unwrap(), plenty()).await;
    let answer = serde_json::to_value(answer.unwrap()).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [], "published": 2, "parked": 1}));
}

/// An SNS that answers nobody before everybody has called.
#[derive(Debug, Clone)]
struct Together(Arc<Barrier>);

impl HttpConnector for Together {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let (status, answer) = published(&call, &[]);
        let everybody = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            everybody.wait().await;
            Ok(HttpResponse::new(status.try_into().unwrap(), answer.into()))
        })
    }
}

#[tokio::test]
async fn the_ten_batches_of_a_full_invocation_are_under_way_at_once() {
    let sns = SharedHttpConnector::new(Together(Arc::new(Barrier::new(10))));
    let sdk = sdk_at("http://localhost").into_builder().http_client(http_client_fn(move |_, _| sns.clone())).build();
    let records = (1..=100).map(|number| mo_record(number, &format!("id-{number}"))).collect();
    assert_eq!(fan_out_with(&sdk, records).await, Vec::<String>::new());
}
