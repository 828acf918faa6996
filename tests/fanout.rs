//! `fanout`, run in this process.

mod failures;
mod in_order;
mod publishing;

use serde_json::{Value, json};
use wab_models::StreamBatch;
use wab_platform::SdkConfig;

use crate::fake_aws::{Calls, aws, fanout, operations, published, sdk};
use crate::records::{mo_item_with_object, plenty, record};

/// Hands `records` to `fanout`. Returns the sequence number that it reports as failed, if any, and its calls.
pub(crate) async fn fan_out(
    records: Vec<Value>,
    answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static,
) -> (Vec<String>, Calls) {
    let (sdk, calls) = sdk(answer);
    (fan_out_with(&sdk, records).await, calls)
}

async fn fan_out_with(sdk: &SdkConfig, records: Vec<Value>) -> Vec<String> {
    let batch: StreamBatch = serde_json::from_value(json!({"Records": records})).unwrap();
    let answer = wab_fanout::handle(&fanout(sdk), batch, plenty(), None).await.unwrap();
    assert!(answer.tally.is_none(), "Lambda gets only the fields that it defines");
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

/// The calls to SNS, the bucket and the queue.
pub(crate) fn calls_without_queries(calls: &Calls) -> Vec<String> {
    operations(calls).into_iter().filter(|operation| operation != "Query").collect()
}

/// A record of an item whose body is an object of this size, and that body.
fn object_record(number: usize, id: &str, bytes: usize) -> (Value, String) {
    let body = json!({"id": id, "content": "x".repeat(bytes)}).to_string();
    (record(number, &mo_item_with_object(&body)), body)
}

/// An AWS whose bucket answers `get`.
fn aws_with_bucket(get: (u16, String)) -> impl Fn(&str, &str) -> (u16, String) {
    let others = aws(|request| published(request, &[]));
    move |operation, request| if operation == "GetObject" { get.clone() } else { others(operation, request) }
}
