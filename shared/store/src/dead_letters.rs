//! The dead-letter queue of events that need manual action.

use aws_sdk_sqs::Client;
use wab_models::Parked;
use wab_platform::{Reason, SdkConfig};

/// The largest unreadable record that is parked with its text. A stream record has at most about 400 KB, and a message
/// at most 1 MiB.
const MAX_UNREADABLE_BYTES: usize = 500 * 1024;

/// The dead-letter queue. `wab parked` lists its messages and retries them.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    client: Client,
    url: String,
}

impl DeadLetterQueue {
    #[must_use]
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(sdk), url }
    }

    /// Parks what can't be stored or published.
    ///
    /// # Errors
    /// If the queue rejects the message. The caller must retry.
    pub async fn park(&self, parked: Parked<'_>) -> Result<(), Reason> {
        let record = parked.record.filter(|record| record.get().len() <= MAX_UNREADABLE_BYTES);
        let body = serde_json::to_string(&Parked { record, ..parked }).map_err(|_| Reason::ParkedNotWritable)?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| Reason::of(&error))
    }
}
