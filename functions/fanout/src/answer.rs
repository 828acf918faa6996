//! The response to Lambda.

use serde::Serialize;
use wab_models::Counts;
use wab_platform::BatchItemFailure;

/// What `wab` asks for when it hands over a batch. Lambda gets only the fields that it defines.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Tally {
    #[serde(flatten)]
    pub counts: Counts,
    /// The version of the function. `wab` compares it with its own.
    pub version: &'static str,
}

/// The first record that isn't done, if any. Lambda retries from there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// At most one: Lambda would retry from the lowest sequence number in any case.
    pub batch_item_failures: Vec<BatchItemFailure>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}
