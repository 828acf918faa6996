//! How a function tells Lambda which records of a batch must come again.

use serde::Serialize;

/// One record that must come again, in the answer of a function whose event source has `ReportBatchItemFailures`
/// (Lambda developer guide, "Using Lambda with DynamoDB" and "with Amazon SQS").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The record's sequence number, or the message's id. An empty one would be taken as the whole batch.
    pub item_identifier: String,
}
