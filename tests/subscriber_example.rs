//! The example subscriber: which events it answers, ignores and retries.

use serde_json::{Value, json};
use wab_models::{DlrCallback, Item, MoCallback, NewEvent, Received, ReceivedAt};
use wab_subscriber::{SqsEvent, Subscriber};

use crate::fake_aws::{Calls, sdk};

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
    let subscriber =
        Subscriber::new(&sdk, "seen".to_owned(), "https://sqs.us-east-1.amazonaws.com/1/replies.fifo".to_owned());
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| json!({"messageId": number.to_string(), "body": body, "attributes": {}, "messageAttributes": {}}))
        .collect();
    let batch: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
    let response = wab_subscriber::handle(&subscriber, batch).await;
    (response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(), calls)
}

fn operations(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

fn accept_all(_: &str) -> (u16, String) {
    (200, "{}".to_owned())
}

#[tokio::test]
async fn text_is_answered_then_recorded_as_handled() {
    let in_envelope = json!({"Type": "Notification", "Message": mo(TEXT)}).to_string();
    for body in [mo(TEXT), in_envelope] {
        let (failed, calls) = deliver(&[body], accept_all).await;
        assert_eq!(failed, [""; 0]);
        assert_eq!(operations(&calls), ["GetItem", "SendMessage", "PutItem"]);
        let request: Value = serde_json::from_str(&calls.lock().unwrap()[1].1).unwrap();
        let reply: Value = serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap();
        let expected = json!({"source": "6421000002", "destination": "+6421000001", "context": "wamid.V0FC",
                              "text": "Thanks! You wrote 7 characters."});
        assert_eq!(reply, expected);
    }
}

#[tokio::test]
async fn handled_event_is_not_answered_again() {
    let seen = |operation: &str| match operation {
        "GetItem" => (200, r#"{"Item":{"event_id":{"S":"x"}}}"#.to_owned()),
        _ => (500, String::new()),
    };
    let (failed, calls) = deliver(&[mo(TEXT)], seen).await;
    assert_eq!((failed.len(), operations(&calls)), (0, vec!["GetItem".to_owned()]));
}

#[tokio::test]
async fn other_events_are_ignored() {
    let dlr = r#"{"id":"7c1f","status":"received"}"#;
    let dlr = published(&Item::dlr(&DlrCallback::parse(dlr).unwrap(), received(dlr)));
    let (failed, calls) = deliver(&[mo(r#"{"type":"poll","poll":{}}"#), mo(r#""AA==""#), dlr], accept_all).await;
    assert_eq!((failed.len(), operations(&calls).len()), (0, 0));
}

#[tokio::test]
async fn bad_record_fails_alone_and_is_not_recorded() {
    let (failed, calls) = deliver(&["not an event".to_owned(), mo(TEXT)], accept_all).await;
    assert_eq!(failed, ["0"]);
    assert_eq!(operations(&calls).len(), 3);
    let no_queue = |operation: &str| match operation {
        "SendMessage" => (400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#.to_owned()),
        _ => (200, "{}".to_owned()),
    };
    let (failed, calls) = deliver(&[mo(TEXT)], no_queue).await;
    assert_eq!(
        (failed, operations(&calls)),
        (vec!["0".to_owned()], vec!["GetItem".to_owned(), "SendMessage".to_owned()])
    );
}
