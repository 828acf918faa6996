//! What is sent to AWS, where the answer to the caller is the same without it: headers, sizes, and what is left out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_http_client::test_util::infallible_client_fn;
use lambda_http::http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;
use wab_fanout::{Fanout, Settings};
use wab_models::{Item, MAX_MESSAGE_BYTES, MoCallback, NewEvent, StreamBatch};
use wab_recover::{Recover, SpillBatch};

use crate::fake_aws::{Calls, dynamodb_error, paced_sdk, queued, receiver, sdk, sdk_at, sent};
use crate::fanout_rules::{plenty, published, received, record};
use crate::requests::{PASSWORD, USER, basic, mo_text, request};

/// Hands records to `fanout` and gives what it asked of AWS.
async fn fan_out(records: Vec<Value>) -> Calls {
    let (sdk, calls) = sdk(|operation, request| match operation {
        "PublishBatch" => published(request, &[]),
        _ => queued(),
    });
    let settings = Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let batch: StreamBatch = serde_json::from_value(json!({"Records": records})).unwrap();
    let answer = wab_fanout::handle(&Fanout::new(settings, &sdk), batch, plenty()).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    calls
}

/// The content type of the one object that a callback is stored with.
async fn content_type(body: &str) -> String {
    let types = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&types);
    let client = infallible_client_fn(move |request: Request<_>| {
        if request.method() == "PUT" {
            seen.lock().unwrap().push(request.headers()["content-type"].to_str().unwrap().to_owned());
        }
        Response::builder().body("{}").unwrap()
    });
    let sdk = sdk_at("http://localhost").into_builder().http_client(client).build();
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert!(matches!(response.status().as_u16(), 200 | 400));
    let types = types.lock().unwrap();
    assert_eq!(types.len(), 1);
    types[0].clone()
}

#[tokio::test]
async fn objects_say_what_they_are() {
    let large = json!({"id": "7c1f", "content": "x".repeat(10_000)}).to_string();
    assert_eq!(content_type(&large).await, "application/json");
    assert_eq!(content_type(r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#).await, "image/gif");
    assert_eq!(content_type(&"no JSON".repeat(2_000)).await, "application/octet-stream");
}

#[tokio::test]
async fn message_too_large_for_the_spill_queue_is_not_sent() {
    // Each of these characters takes six bytes in JSON.
    let body = "\u{1}".repeat(390_000);
    let (sdk, calls) = sdk(|operation, _| match operation {
        "PutObject" => (403, "<Error><Code>AccessDenied</Code></Error>".to_owned()),
        "PutItem" => dynamodb_error(400, "AccessDeniedException"),
        _ => queued(),
    });
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!(response.status(), 503);
    let operations: Vec<String> = calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect();
    assert_eq!(operations, ["PutObject", "PutItem"]);
}

#[tokio::test]
async fn unreadable_record_is_parked_without_its_text_if_large() {
    let record = |bytes: usize| json!({"dynamodb": {"SequenceNumber": "5"}, "what": "x".repeat(bytes)});
    for (bytes, is_kept) in [(400_000, true), (600_000, false)] {
        let parked = sent(&fan_out(vec![record(bytes)]).await);
        assert_eq!((parked.len(), &parked[0]["sequence_number"]), (1, &json!("5")));
        assert_eq!(parked[0].get("record"), is_kept.then(|| record(bytes)).as_ref(), "{bytes}");
    }
}

/// Whether an event is published with its data whose message is so much larger than SNS takes, attributes not counted.
async fn has_data(beyond: isize) -> bool {
    let body = |chars: usize| json!({"id": "7c1f", "content": "x".repeat(chars)}).to_string();
    let message_bytes = |body: &str| {
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body));
        NewEvent::of(&item, body).unwrap().to_message().unwrap().len()
    };
    let chars = MAX_MESSAGE_BYTES.checked_add_signed(beyond).unwrap() - message_bytes(&body(0));
    let body = body(chars);
    let calls = fan_out(vec![record(1, &Item::mo(&MoCallback::parse(&body).unwrap(), received(&body)))]).await;
    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 1);
    calls[0].1.contains("%22data%22")
}

#[tokio::test]
async fn attributes_count_against_the_size_of_a_message() {
    let body = mo_text("7c1f").to_string();
    let body = body.replace("\"source\"", "\"origin\"").replace("\"Destination\"", "\"to\"");
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let event = NewEvent::of(&item, &body).unwrap();
    let attributes = event.attributes();
    let sizes = attributes.iter().filter(|(name, _)| *name != "type");
    let bytes: usize = sizes.map(|(name, value)| name.len() + "String".len() + value.len()).sum();
    assert!(has_data(-isize::try_from(bytes).unwrap()).await);
    assert!(!has_data(1 - isize::try_from(bytes).unwrap()).await);
}

#[tokio::test(start_paused = true)]
async fn silent_table_leaves_recover_its_time() {
    let (sdk, _) = paced_sdk(|_| None);
    let settings = wab_recover::Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let body = mo_text("7c1f").to_string();
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let message = wab_models::Spilled::Event(item).to_message().unwrap();
    let message = json!({"messageId": "m", "body": message, "attributes": {"ApproximateReceiveCount": "1"}});
    let batch: SpillBatch = serde_json::from_value(json!({"Records": [message]})).unwrap();
    let started = Instant::now();
    let answer = wab_recover::handle(&Recover::new(settings, &sdk), batch).await;
    assert_eq!(answer.batch_item_failures.len(), 1);
    assert!(started.elapsed() <= wab_store::PUT_DEADLINE + Duration::from_millis(5), "{:?}", started.elapsed());
}
