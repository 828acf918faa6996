//! How `recover` handles messages of the spill queue (docs/operations.md, "When something fails").

use serde_json::{Value, json};
use wab_events::Kind;
use wab_models::{CallbackError, Quarantined, ReceivedAt, Spilled, Unreadable};
use wab_recover::{MAX_RECEIVES, Recover, Settings, SpillBatch};

use crate::fake_aws::{Calls, dynamodb_error, put, queued, sdk, sent, taken_by};
use crate::records::mo_item;
use crate::requests::mo_text;

fn spilled_mo(id: &str) -> String {
    let body = mo_text(id).to_string();
    Spilled::Event(mo_item(&body)).to_message().unwrap()
}

fn message(id: &str, body: &str, receives: u32) -> Value {
    json!({"messageId": id, "body": body, "attributes": {"ApproximateReceiveCount": receives.to_string(), "SenderId": "s"}})
}

/// Hands messages to `recover`. Returns the ids that it reports as failed, and its calls.
async fn recover(
    messages: Vec<Value>,
    answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static,
) -> (Vec<String>, Calls) {
    let (sdk, calls) = sdk(answer);
    let recover = Recover::new(Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap(), &sdk);
    let batch: SpillBatch = serde_json::from_value(json!({"Records": messages})).unwrap();
    let response = wab_recover::handle(&recover, batch).await;
    (response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(), calls)
}

fn takes_everything(operation: &str, _: &str) -> (u16, String) {
    if operation == "SendMessage" { queued() } else { (200, "{}".to_owned()) }
}

#[tokio::test]
async fn spilled_event_is_stored_unchanged() {
    let (failures, calls) = recover(vec![message("1", &spilled_mo("7c1f"), 1)], takes_everything).await;
    assert_eq!(failures, [""; 0]);
    let [item] = &put(&calls)[..] else { panic!("one item") };
    assert_eq!((&item["pk"]["S"], &item["received_at"]["S"]), (&json!("MO#7c1f"), &json!("2025-11-23T09:15:02.417Z")));
    assert_eq!(item["body"]["S"], mo_text("7c1f").to_string());
}

#[tokio::test]
async fn spilled_quarantined_body_is_stored() {
    let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
    let unreadable = Unreadable { body: b"\xff", application: "shop", at, expires_at: 1 };
    let spilled = Spilled::Quarantine(Quarantined::new(Kind::Dlr, CallbackError::NotUtf8, unreadable));
    let (failures, calls) = recover(vec![message("1", &spilled.to_message().unwrap(), 1)], takes_everything).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(put(&calls)[0]["body_base64"]["S"], "/w==");
}

#[tokio::test]
async fn event_stored_meanwhile_is_not_stored_twice() {
    let body = mo_text("7c1f").to_string();
    let there = json!({"digest": {"S": wab_models::Digest::of(&body).as_str()}});
    let (failures, calls) = recover(vec![message("1", &spilled_mo("7c1f"), 1)], move |_, _| taken_by(&there)).await;
    assert_eq!((failures.len(), put(&calls).len()), (0, 1));
}

#[tokio::test]
async fn spilled_event_with_a_taken_key_becomes_a_variant() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let answer =
        move |_: &str, put: &str| if put.contains("EVENT#") { (200, "{}".to_owned()) } else { taken_by(&there) };
    let (failures, calls) = recover(vec![message("1", &spilled_mo("7c1f"), 1)], answer).await;
    assert_eq!(failures, [""; 0]);
    assert!(put(&calls)[1]["sk"]["S"].as_str().unwrap().starts_with("EVENT#"));
}

#[tokio::test]
async fn event_rejected_again_is_retried_alone() {
    let messages = vec![message("1", &spilled_mo("a"), 1), message("2", &spilled_mo("b"), 1)];
    let (failures, calls) = recover(messages, |_, put| match put.contains("MO#b") {
        true => dynamodb_error(400, "ThrottlingException"),
        false => (200, "{}".to_owned()),
    })
    .await;
    assert_eq!(failures, ["2"]);
    assert_eq!(sent(&calls), [Value::Null; 0]);
}

#[tokio::test]
async fn unreadable_message_is_parked_with_its_reason() {
    let newer = spilled_mo("a").replace(r#""v":1"#, r#""v":99"#);
    let messages = vec![message("1", &newer, 1), message("2", "no JSON", 1), message("3", "{}", 1)];
    let (failures, calls) = recover(messages, takes_everything).await;
    assert_eq!(failures, [""; 0]);
    let reason = "the message is no spilled item";
    let expected = [
        json!({"reason": reason, "spilled": serde_json::from_str::<Value>(&newer).unwrap()}),
        json!({"reason": reason, "spilled": "no JSON"}),
        json!({"reason": reason, "spilled": {}}),
    ];
    let mut parked = sent(&calls);
    parked.sort_by_key(|message| std::cmp::Reverse(message.to_string().len()));
    assert_eq!(parked, expected);
}

#[tokio::test]
async fn event_is_parked_at_the_maximum_receive_count() {
    let answer = |operation: &str, _: &str| match operation {
        "SendMessage" => queued(),
        _ => dynamodb_error(400, "AccessDeniedException"),
    };
    let spilled = spilled_mo("a");
    let messages = vec![message("1", &spilled, MAX_RECEIVES - 1), message("2", &spilled, MAX_RECEIVES)];
    let (failures, calls) = recover(messages, answer).await;
    assert_eq!(failures, ["1"]);
    let spilled: Value = serde_json::from_str(&spilled).unwrap();
    assert_eq!(sent(&calls), [json!({"reason": "AccessDeniedException", "spilled": spilled})]);
}

#[tokio::test]
async fn message_that_cannot_be_parked_is_retried() {
    let (failures, _) =
        recover(vec![message("1", "no JSON", 1)], |_, _| dynamodb_error(400, "AccessDeniedException")).await;
    assert_eq!(failures, ["1"]);
}
