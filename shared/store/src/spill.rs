//! The spill queue: where an event waits while the table rejects it.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use tokio::time::{Instant, timeout_at};
use wab_models::{MAX_SPILL_BYTES, Spilled};
use wab_platform::{Reason, SdkConfig};

/// The queue of what is still to be put into the table. `recover` reads it.
#[derive(Debug, Clone)]
pub struct SpillQueue {
    client: Client,
    url: String,
}

impl SpillQueue {
    /// The queue at this URL, reached with this configuration.
    #[must_use]
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        let config = Builder::from(sdk).timeout_config(wab_platform::one_long_attempt());
        Self { client: Client::from_conf(config.build()), url }
    }

    /// Keeps an item until the table takes it, for at most 14 days. Ends at `by`.
    ///
    /// # Errors
    /// If it is larger than a message may be, or the queue refuses it or doesn't answer in time.
    pub async fn send(&self, spilled: &Spilled<'_>, by: Instant) -> Result<(), Reason> {
        let message = spilled.to_message().map_err(|_| Reason::from("the item could not be written"))?;
        if message.len() > MAX_SPILL_BYTES {
            return Err(Reason::from("larger than a message may be"));
        }
        let send = self.client.send_message().queue_url(&self.url).message_body(message).send();
        match timeout_at(by, send).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Reason::of(&error)),
            Err(_) => Err(Reason::from("no answer in time")),
        }
    }
}
