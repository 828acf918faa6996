//! The dead-letter queue: what can't go on by itself, each with its reason.

use aws_sdk_sqs::Client;
use serde::Serialize;
use serde_json::value::RawValue;
use wab_models::Key;
use wab_platform::{Reason, SdkConfig};

/// How much of what can't be read is kept. A stream record is at most some 400 KB, a message of the queue may be 1 MiB.
const MAX_UNREADABLE_BYTES: usize = 500 * 1024;

/// The queue of what can't go on by itself. `wab parked` lists it and brings it back.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    client: Client,
    url: String,
}

/// A message of the queue. Of an event in the table it holds the key, not the event: the table has it, and keeps it
/// longer.
#[derive(Debug, Serialize)]
pub struct Parked<'a> {
    /// Why it can't go on.
    #[serde(serialize_with = "as_text")]
    pub reason: &'a Reason,
    /// Where the event is in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a Key>,
    /// What the stream calls its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<&'a str>,
    /// The record itself, only if its key can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<&'a RawValue>,
    /// A message of the spill queue, whose event is in no table: as it came if it is JSON, otherwise as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spilled: Option<&'a RawValue>,
}

impl<'a> Parked<'a> {
    /// A message with this reason and nothing else yet.
    #[must_use]
    pub fn because(reason: &'a Reason) -> Self {
        Self { reason, key: None, sequence_number: None, record: None, spilled: None }
    }
}

impl DeadLetterQueue {
    /// The queue at this URL, reached with this configuration.
    #[must_use]
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(sdk), url }
    }

    /// Sets something aside.
    ///
    /// # Errors
    /// If the queue doesn't take it. Then it must come again.
    pub async fn park(&self, parked: &Parked<'_>) -> Result<(), Reason> {
        let record = parked.record.filter(|record| record.get().len() <= MAX_UNREADABLE_BYTES);
        let body = serde_json::to_string(&Parked { record, ..*parked });
        let body = body.map_err(|_| Reason::ParkedNotWritable)?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| Reason::of(&error))
    }
}

fn as_text<S: serde::Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}
