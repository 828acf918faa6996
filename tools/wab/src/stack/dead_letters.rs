//! The dead-letter queue: messages are received, hidden or released, and deleted. `wab erase` reads the spill queue the
//! same way.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::depth::Depth;
use crate::aws::Unavailable;

/// Maximum number of messages in one call (SQS API reference).
const MAX_MESSAGES: usize = 10;

/// Calls that hide or release messages at once.
const CONCURRENT_CALLS: usize = 10;

pub(crate) struct DeadLetters {
    sdk: SdkConfig,
    sqs: aws_sdk_sqs::Client,
    url: String,
}

/// A received message.
#[derive(Clone)]
pub(crate) struct Received {
    /// The message's id, the same each time it is received.
    pub(crate) id: String,
    /// The receipt handle, valid until the message is received again.
    pub(crate) handle: String,
    pub(crate) sent_at: Option<Timestamp>,
    /// How often it has been received, this time included.
    pub(crate) receive_count: u32,
    pub(crate) body: String,
}

impl Received {
    fn read(message: Message) -> Option<Self> {
        let attribute = |name| message.attributes.as_ref()?.get(&name);
        let sent_at = attribute(MessageSystemAttributeName::SentTimestamp)
            .and_then(|epoch_ms| Timestamp::from_millisecond(epoch_ms.parse().ok()?).ok());
        let receive_count = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
        let receive_count = receive_count.and_then(|count| count.parse().ok()).unwrap_or(1);
        let Message { message_id, receipt_handle, body, .. } = message;
        Some(Self { id: message_id?, handle: receipt_handle?, sent_at, receive_count, body: body.unwrap_or_default() })
    }
}

impl DeadLetters {
    pub(crate) fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { sdk: sdk.clone(), sqs: aws_sdk_sqs::Client::new(sdk), url }
    }

    pub(crate) async fn depth(&self) -> Result<Depth, Unavailable> {
        Depth::of_queue(&self.sdk, &self.url).await
    }

    /// Receives up to ten messages and hides them from other readers for `hidden`.
    pub(crate) async fn receive(&self, hidden: Duration) -> Result<Vec<Received>, Unavailable> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .visibility_timeout(seconds(hidden))
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(Unavailable::new("cannot read a queue"))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(Received::read).collect())
    }

    /// Hides messages for `hidden` from now on. A handle that is no longer valid is ignored: its message is visible again.
    pub(crate) async fn hide(&self, handles: &[String], hidden: Duration) -> Result<(), Unavailable> {
        let calls = handles.chunks(MAX_MESSAGES).map(async |handles| {
            let entries = handles.iter().enumerate().filter_map(|(number, handle)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(handle).visibility_timeout(seconds(hidden)).build().ok()
            });
            let change = self.sqs.change_message_visibility_batch().queue_url(&self.url);
            change.set_entries(Some(entries.collect())).send().await.map(|_| ())
        });
        let calls = stream::iter(calls).buffer_unordered(CONCURRENT_CALLS).try_collect::<()>().await;
        calls.map_err(Unavailable::new("cannot hide or release messages of a queue"))
    }

    pub(crate) async fn delete(&self, handle: &str) -> Result<(), Unavailable> {
        let delete = self.sqs.delete_message().queue_url(&self.url).receipt_handle(handle);
        delete.send().await.map_err(Unavailable::new("cannot delete from a queue"))?;
        Ok(())
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws;
    use crate::stack::StackFile;
    use crate::stack::example;

    #[test]
    fn unreachable_aws_is_unavailable() {
        let file: StackFile = serde_json::from_value(example::json()).unwrap();
        let queue = DeadLetters::new(&aws::with_time_limits(&file.sdk_config()), file.dead_letter_queue_url);
        let error = aws::block_on(async { Ok(queue.depth().await?) }).unwrap_err();
        assert!(error.is::<Unavailable>());
        let beginning = "cannot count a queue's messages: no connection: ";
        assert!(error.to_string().starts_with(beginning), "{error}");
    }
}
