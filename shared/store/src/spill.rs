//! The spill queue: where an event waits while the table rejects writes.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use tokio::time::Instant;
use wab_models::{MAX_SPILL_BYTES, Spilled};
use wab_platform::{Reason, SdkConfig};

use crate::deadline::by;

/// The queue of items that aren't in the table yet. `recover` reads it.
#[derive(Debug, Clone)]
pub struct SpillQueue {
    client: Client,
    url: String,
}

impl SpillQueue {
    #[must_use]
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        let config = Builder::from(sdk).timeout_config(wab_platform::one_long_attempt());
        Self { client: Client::from_conf(config.build()), url }
    }

    /// Queues an item for at most 14 days, by `deadline`.
    ///
    /// # Errors
    /// If the item is larger than a message may be, or the queue rejects it or doesn't answer in time.
    pub async fn send(&self, spilled: &Spilled<'_>, deadline: Instant) -> Result<(), Reason> {
        let message = spilled.to_message().map_err(|_| Reason::ItemNotWritable)?;
        if message.len() > MAX_SPILL_BYTES {
            return Err(Reason::TooLargeForMessage);
        }
        let send = self.client.send_message().queue_url(&self.url).message_body(message).send();
        by(deadline, async { send.await.map(|_| ()).map_err(|error| Reason::of(&error)) }).await
    }
}
