//! The example subscriber in Rust, with answers of AWS that the deployed one doesn't get: failures, and a crash.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_sqs::Client as Sqs;
use serde_json::{Value, json};
use wab_models::{DlrCallback, Item, MoCallback, NewEvent, Received, ReceivedAt};
use wab_platform::SdkConfig;
use wab_subscriber::{HandledEvents, SqsEvent, Subscriber};

use crate::fake_aws::{Calls, sdk};

pub(crate) fn subscriber(sdk: &SdkConfig) -> Subscriber {
    Subscriber {
        handled: HandledEvents { dynamodb: DynamoDb::new(sdk), table_name: "handled".to_owned() },
        sqs: Sqs::new(sdk),
        replies_queue_url: "https://sqs.us-east-1.amazonaws.com/1/replies".to_owned(),
    }
}

fn published(item: &Item<'_>) -> String {
    NewEvent::of(item, item.body.inline().unwrap()).unwrap().to_message().unwrap()
}

fn received(body: &str) -> Received<'_> {
    let at = ReceivedAt::from_epoch_ms(1_795_425_315_417);
    Received { body, application: "gateway", at, expires_at: 1_798_017_315 }
}

fn mo(content: &str) -> String {
    let body = format!(r#"{{"id":"7c1f","source":"+6421000001","Destination":"6421000002","content":{content}}}"#);
    published(&Item::mo(&MoCallback::parse(&body).unwrap(), received(&body)))
}

const TEXT: &str = r#"{"from":"6421000001","id":"wamid.V0FC","type":"text","text":{"body":"Kia ora"}}"#;

/// Delivers these bodies as one batch. Returns the ids of the failed messages, and the AWS calls.
async fn deliver(
    bodies: &[String],
    answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
) -> (Vec<String>, Calls) {
    let (sdk, calls) = sdk(move |operation, _| answer(operation));
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| json!({"messageId": number.to_string(), "body": body, "attributes": {}, "messageAttributes": {}}))
        .collect();
    let batch: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
    let response = wab_subscriber::handle(&subscriber(&sdk), batch).await;
    (response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(), calls)
}

fn operations(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

fn accept_all(_: &str) -> (u16, String) {
    (200, "{}".to_owned())
}

/// The answer to the claim of an event that has this item.
fn taken(item: &'static str) -> impl Fn(&str) -> (u16, String) + Send + Sync + 'static {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    move |operation| match operation {
        "PutItem" => {
            (400, format!(r#"{{"__type":"{kind}","message":"The conditional request failed","Item":{item}}}"#))
        }
        _ => (500, String::new()),
    }
}

#[tokio::test]
async fn text_is_claimed_answered_and_completed() {
    let in_envelope = json!({"Type": "Notification", "Message": mo(TEXT)}).to_string();
    for body in [mo(TEXT), in_envelope] {
        let (failed, calls) = deliver(&[body], accept_all).await;
        assert_eq!(failed, [""; 0]);
        assert_eq!(operations(&calls), ["PutItem", "SendMessage", "PutItem"]);
        let requests: Vec<Value> =
            calls.lock().unwrap().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
        let [claim, send, complete] = &requests[..] else { panic!("three calls") };
        assert_eq!(claim["ConditionExpression"], "attribute_not_exists(id) OR claimed_until < :now");
        assert_eq!(claim["Item"]["id"], complete["Item"]["id"]);
        assert_eq!(complete["Item"].get("claimed_until"), None, "the item counts for good");
        let reply: Value = serde_json::from_str(send["MessageBody"].as_str().unwrap()).unwrap();
        let expected =
            json!({"event_id": claim["Item"]["id"]["S"], "destination": "+6421000001", "text": "You wrote: Kia ora"});
        assert_eq!(reply, expected);
    }
}

#[tokio::test]
async fn handled_event_is_not_answered_again() {
    let (failed, calls) = deliver(&[mo(TEXT)], taken(r#"{"id":{"S":"x"},"expiration":{"N":"1"}}"#)).await;
    assert_eq!((failed.len(), operations(&calls)), (0, vec!["PutItem".to_owned()]));
}

#[tokio::test]
async fn event_that_another_attempt_handles_is_retried() {
    let (failed, calls) = deliver(&[mo(TEXT)], taken(r#"{"id":{"S":"x"},"claimed_until":{"N":"1"}}"#)).await;
    assert_eq!((failed, operations(&calls)), (vec!["0".to_owned()], vec!["PutItem".to_owned()]));
}

#[tokio::test]
async fn other_events_are_ignored() {
    let dlr = r#"{"id":"7c1f","status":"received"}"#;
    let dlr = published(&Item::dlr(&DlrCallback::parse(dlr).unwrap(), received(dlr)));
    let (failed, calls) = deliver(&[mo(r#"{"type":"poll","poll":{}}"#), mo(r#""AA==""#), dlr], accept_all).await;
    assert_eq!((failed.len(), operations(&calls).len()), (0, 0));
}

#[tokio::test]
async fn bad_record_fails_alone() {
    let (failed, calls) = deliver(&["not an event".to_owned(), mo(TEXT)], accept_all).await;
    assert_eq!(failed, ["0"]);
    assert_eq!(operations(&calls).len(), 3);
}

#[tokio::test]
async fn event_without_a_reply_is_not_completed() {
    let no_queue = |operation: &str| match operation {
        "SendMessage" => (400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#.to_owned()),
        _ => (200, "{}".to_owned()),
    };
    let (failed, calls) = deliver(&[mo(TEXT)], no_queue).await;
    let expected = ["PutItem", "SendMessage"].map(str::to_owned);
    assert_eq!((failed, operations(&calls)), (vec!["0".to_owned()], expected.to_vec()));
}
