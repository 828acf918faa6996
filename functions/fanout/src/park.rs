//! The dead-letter queue: records that can't be published, each with its reason.

use aws_sdk_sqs::Client;
use models::Key;
use platform::{Reason, SdkConfig};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::Poison;

/// How much of a record that can't be read is kept. A stream record is at most some 400 KB, a message of
/// the queue 256 KiB at the least.
const MAX_RECORD_BYTES: usize = 200 * 1024;

/// The queue of what can't be published.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetterQueue {
    client: Client,
    url: String,
}

/// A message of the queue. It holds the event's key, not the event: the table has it, and keeps it longer.
#[derive(Serialize)]
struct Parked<'a> {
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
    /// The record itself, only if its key can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
}

impl DeadLetterQueue {
    pub(crate) fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(sdk), url }
    }

    /// Sets a record aside.
    ///
    /// # Errors
    /// If the queue doesn't take it. Then it must come again.
    pub(crate) async fn park(&self, poison: &Poison) -> Result<(), Reason> {
        let parked = Parked {
            reason: poison.reason.to_string(),
            key: poison.key.as_ref(),
            sequence_number: poison.sequence_number.as_deref(),
            record: poison.record.as_deref().filter(|record| record.get().len() <= MAX_RECORD_BYTES),
        };
        let body = serde_json::to_string(&parked).map_err(|_| Reason::from("the record could not be written"))?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| Reason::of(&error))
    }
}
