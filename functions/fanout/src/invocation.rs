//! What Lambda passes to the function, and the response it expects.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wab_platform::BatchItemFailure;

/// A batch of stream records, oldest first. Each record is kept as text, so that one that can't be read fails alone.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    #[serde(rename = "Records")]
    pub records: Vec<Box<RawValue>>,
    /// Whether the response reports [`Counts`]. Lambda never sets it; `wab` does.
    #[serde(default)]
    pub count: bool,
}

/// The response: the first record that isn't done, if any. Lambda retries from there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// At most one: Lambda would retry from the lowest sequence number in any case.
    pub batch_item_failures: Vec<BatchItemFailure>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// How many records of a batch were published and parked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub published: usize,
    pub parked: usize,
}
