//! The example subscriber: what it answers, what it leaves, and what has to come again.

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

/// Hands these bodies to the example, one record each; gives the records that failed, and its calls.
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

fn takes_all(_: &str) -> (u16, String) {
    (200, "{}".to_owned())
}

#[tokio::test]
async fn a_text_is_answered_once_and_then_remembered() {
    let in_envelope = json!({"Type": "Notification", "Message": mo(TEXT)}).to_string();
    for body in [mo(TEXT), in_envelope] {
        let (failed, calls) = deliver(&[body], takes_all).await;
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
async fn an_event_that_was_seen_is_not_answered_again() {
    let seen = |operation: &str| match operation {
        "GetItem" => (200, r#"{"Item":{"event_id":{"S":"x"}}}"#.to_owned()),
        _ => (500, String::new()),
    };
    let (failed, calls) = deliver(&[mo(TEXT)], seen).await;
    assert_eq!((failed.len(), operations(&calls)), (0, vec!["GetItem".to_owned()]));
}

#[tokio::test]
async fn what_is_no_text_is_left_alone() {
    let dlr = r#"{"id":"7c1f","status":"received"}"#;
    let dlr = published(&Item::dlr(&DlrCallback::parse(dlr).unwrap(), received(dlr)));
    let (failed, calls) = deliver(&[mo(r#"{"type":"poll","poll":{}}"#), mo(r#""AA==""#), dlr], takes_all).await;
    assert_eq!((failed.len(), operations(&calls).len()), (0, 0));
}

#[tokio::test]
async fn a_bad_record_fails_alone_and_an_event_is_remembered_only_once_answered() {
    let (failed, calls) = deliver(&["no event".to_owned(), mo(TEXT)], takes_all).await;
    assert_eq!(failed, ["0"]);
    assert_eq!(operations(&calls).len(), 3);
    let refuses = |operation: &str| match operation {
        "SendMessage" => (400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#.to_owned()),
        _ => (200, "{}".to_owned()),
    };
    let (failed, calls) = deliver(&[mo(TEXT)], refuses).await;
    assert_eq!(
        (failed, operations(&calls)),
        (vec!["0".to_owned()], vec!["GetItem".to_owned(), "SendMessage".to_owned()])
    );
}
