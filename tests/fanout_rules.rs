//! What `fanout` does when a topic or the dead-letter queue doesn't take what it gets (README, "When something fails").

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use fanout::{Fanout, Settings, StreamBatch};
use models::{DlrCallback, Item, MoCallback, Received, ReceivedAt};
use platform::SdkConfig;
use serde_json::{Value, json};

use tokio::sync::Barrier;

use crate::fake_aws::{Calls, sdk, sdk_at};
use crate::requests::{dlr, mo_text};

/// A stream record of `item`, with the sequence number `number`.
pub(crate) fn record(number: usize, item: &Item<'_>) -> Value {
    let key = &item.key;
    let image: Value = serde_json::to_value(item).unwrap();
    let image = image.as_object().unwrap().iter().map(|(name, value)| {
        let value = match value {
            Value::Number(number) => json!({"N": number.to_string()}),
            other => json!({"S": other}),
        };
        (name.clone(), value)
    });
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
    let response = fanout::handle(&Fanout::new(settings, sdk), batch).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier.unwrap()).collect()
}

fn operations(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

/// The messages that were parked.
fn parked(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let sent = calls.iter().filter(|(operation, _)| operation == "SendMessage");
    sent.map(|(_, request)| {
        let request: Value = serde_json::from_str(request).unwrap();
        serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap()
    })
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
        "SendMessage" => (200, json!({"MessageId": "m", "MD5OfMessageBody": ""}).to_string()),
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
    for (code, sender_fault) in [("InternalError", false), ("Throttled", true), ("AuthorizationError", true)] {
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
    assert!(fanout::handle(&Fanout::new(settings, &sdk), batch).await.is_err());
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

#[tokio::test]
async fn an_event_that_is_too_large_for_sns_is_published_by_reference() {
    let body = json!({"id": "large", "content": "x".repeat(300_000)}).to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let (failures, calls) = fan_out(vec![record(1, &item)], aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    let calls = calls.lock().unwrap();
    assert!(calls[0].1.len() < 10_000);
    assert!(calls[0].1.contains("dataref"), "the message names the item");
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
