//! How a function reports to Lambda which records of a batch to retry.

use serde::Serialize;

/// A record to retry, in the answer of a function whose event source has `ReportBatchItemFailures` (Lambda developer
/// guide, "Using Lambda with DynamoDB" and "with Amazon SQS").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The record's sequence number or the message's id. Lambda treats an empty one as a failure of the whole batch.
    pub item_identifier: String,
}
