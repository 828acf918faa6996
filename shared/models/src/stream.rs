//! What `fanout` is handed: batches of the table's stream. `wab` builds them too, to publish stored events again.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A batch of stream records, oldest first. Each record stays raw, so that one malformed record fails alone.
#[derive(Serialize, Deserialize)]
pub struct StreamBatch<R = Vec<Box<RawValue>>> {
    #[serde(rename = "Records")]
    pub records: R,
    /// Whether the answer includes [`Counts`] and the function's version. `wab` asks for them; Lambda doesn't.
    #[serde(default)]
    pub count: bool,
    /// Whether `wab` publishes these events again, on purpose. Their messages then have the attribute `replay`.
    #[serde(default)]
    pub replay: bool,
}

impl<R> fmt::Debug for StreamBatch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBatch").field("count", &self.count).field("replay", &self.replay).finish_non_exhaustive()
    }
}

/// How many records of a batch were published and parked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub published: u64,
    pub parked: u64,
}

/// The `event_name` of a new item.
pub const INSERT: &str = "INSERT";

/// The parts of a DynamoDB stream record that are read or written (Lambda developer guide, "Using Lambda with DynamoDB
/// Streams"). `K` and `I` are the key's and the item's attributes: this crate doesn't depend on a DynamoDB crate.
#[derive(Serialize, Deserialize)]
pub struct StreamRecord<'a, K, I> {
    #[serde(rename = "eventID", skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<&'a str>,
    #[serde(rename = "eventName", borrow)]
    pub event_name: Cow<'a, str>,
    #[serde(rename = "eventSource", skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub event_source: Option<&'a str>,
    /// The ARN of the stream: `<table ARN>/stream/<label>`.
    #[serde(rename = "eventSourceARN", default, skip_serializing_if = "Option::is_none")]
    pub stream_arn: Option<Cow<'a, str>>,
    #[serde(rename = "dynamodb")]
    #[serde(bound(deserialize = "K: Deserialize<'de>, I: Deserialize<'de> + Default"))]
    pub change: StreamChange<'a, K, I>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamChange<'a, K, I> {
    pub keys: K,
    /// The item after the change. A removal has none.
    #[serde(default)]
    #[serde(bound(deserialize = "I: Deserialize<'de> + Default"))]
    pub new_image: I,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<Cow<'a, str>>,
    /// When the item was stored: seconds since 1970-01-01T00:00:00Z.
    #[serde(rename = "ApproximateCreationDateTime", default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<f64>,
}
