//! The spill queue: where an event waits when the table doesn't take it.

use aws_sdk_sqs::Client;
use models::{MAX_SPILL_BYTES, Spilled};
use platform::{Reason, SdkConfig};

use crate::SPILL_DEADLINE;

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
        Self { client: Client::new(sdk), url }
    }

    /// Keeps an item until the table takes it, for 14 days at the most.
    ///
    /// # Errors
    /// If it is larger than a message may be, or the queue didn't take it within [`SPILL_DEADLINE`].
    pub async fn send(&self, spilled: &Spilled<'_>) -> Result<(), Reason> {
        let message = spilled.to_message().map_err(|_| Reason::from("the item could not be written"))?;
        if message.len() > MAX_SPILL_BYTES {
            return Err(Reason::from("larger than a message may be"));
        }
        let send = self.client.send_message().queue_url(&self.url).message_body(message).send();
        match tokio::time::timeout(SPILL_DEADLINE, send).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Reason::of(&error)),
            Err(_) => Err(Reason::from("no answer in time")),
        }
    }
}
