//! `wab parked redrive` deletes a message only after its event is published (docs/operations.md, "Bringing events
//! back").

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use wab::Resources;

use crate::fake_aws::sdk;
use crate::records::mo_record;

const EVENT: &str = include_str!("../tools/wab/golden/parked-event.json");
const POSITION: &str = include_str!("../tools/wab/golden/parked-position.json");

/// Redrives a queue that holds `message`, with a function that answers `answer`. Returns the number of deletions.
async fn deletions(message: &'static str, answer: Value) -> usize {
    let item = mo_record(1, "7c1f")["dynamodb"]["NewImage"].clone();
    let was_received = AtomicBool::new(false);
    let (sdk, calls) = sdk(move |operation, _| {
        let answer = match operation {
            "DescribeTable" => json!({"Table": {"TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/events"}}),
            "GetQueueAttributes" => json!({"Attributes": {"ApproximateNumberOfMessages": "1"}}),
            "ReceiveMessage" if was_received.swap(true, Ordering::Relaxed) => json!({"Messages": []}),
            "ReceiveMessage" => json!({"Messages": [{"MessageId": "m", "ReceiptHandle": "h", "Body": message}]}),
            "GetItem" => json!({ "Item": item }),
            "Scan" => json!({"Items": [item], "Count": 1, "ScannedCount": 1}),
            "ChangeMessageVisibilityBatch" => json!({"Successful": [{"Id": "0"}], "Failed": []}),
            "DeleteMessage" => json!({}),
            // `Invoke` names its operation only in the path.
            "" => answer.clone(),
            other => panic!("redrive must not call {other}"),
        };
        (200, answer.to_string())
    });
    let resources = Resources {
        table: "events".to_owned(),
        dead_letter_queue_url: "http://localhost/dead-letters".to_owned(),
        spill_queue_url: None,
        fanout_function: "fanout".to_owned(),
        ..Resources::default()
    };
    wab::redrive(&sdk, resources, 1).await.unwrap();
    calls.lock().unwrap().iter().filter(|(operation, _)| operation == "DeleteMessage").count()
}

fn published() -> Value {
    json!({"batchItemFailures": [], "published": 1, "parked": 0})
}

fn waiting() -> Value {
    json!({"batchItemFailures": [{"itemIdentifier": "1"}], "published": 0, "parked": 0})
}

#[tokio::test(start_paused = true)]
async fn event_is_deleted_once_it_is_published() {
    assert_eq!(deletions(EVENT, published()).await, 1);
    assert_eq!(deletions(EVENT, waiting()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn position_is_deleted_once_its_events_are_published() {
    assert_eq!(deletions(POSITION, published()).await, 1);
    assert_eq!(deletions(POSITION, waiting()).await, 0);
}
