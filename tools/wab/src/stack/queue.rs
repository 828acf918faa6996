//! A subscriber's queue, as `wab listen` and `wab subscribe` make it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
    QueueAttributeName,
};
use jiff::Timestamp;

use crate::aws::Unavailable;

/// Maximum number of messages in one call (SQS API reference).
pub(crate) const MAX_MESSAGES: usize = 10;

/// How often a deletion that SQS reports as failed is tried.
const DELETE_ATTEMPTS: usize = 3;

pub(crate) type QueueAttributes = HashMap<QueueAttributeName, String>;

#[derive(Clone)]
pub(crate) struct Queue {
    sqs: aws_sdk_sqs::Client,
    pub(crate) url: String,
    pub(crate) arn: String,
}

/// A received message.
#[derive(Clone)]
pub(crate) struct QueueMessage {
    /// The message's id, the same each time it is received.
    pub(crate) id: String,
    /// The receipt handle, valid until the message is received again.
    pub(crate) handle: String,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) body: String,
    /// The message attributes that are strings.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// Why nothing was received.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// No connection, throttling or a failure of SQS.
    #[error(transparent)]
    Transient(Unavailable),
    /// The queue is gone, or access is denied.
    #[error(transparent)]
    Permanent(Unavailable),
}

impl QueueMessage {
    fn read(message: Message) -> Option<Self> {
        let sent_at = message.attributes.as_ref().and_then(|attributes| {
            let epoch_ms = attributes.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok()?;
            Timestamp::from_millisecond(epoch_ms).ok()
        });
        let attributes = message.message_attributes.unwrap_or_default().into_iter();
        Some(Self {
            id: message.message_id?,
            handle: message.receipt_handle?,
            sent_at,
            body: message.body.unwrap_or_default(),
            attributes: attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect(),
        })
    }
}

impl Queue {
    /// The queue with this name, if there is one.
    pub(crate) async fn find(sdk: &SdkConfig, name: &str) -> Result<Option<Self>, Unavailable> {
        let sqs = aws_sdk_sqs::Client::new(sdk);
        match sqs.get_queue_url().queue_name(name).send().await {
            Ok(found) => Self::at(sqs, found.queue_url.unwrap_or_default()).await.map(Some),
            Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => Ok(None),
            Err(error) => Err(Unavailable::new("cannot look up the queue")(error)),
        }
    }

    /// Makes a queue. SQS rejects the name of a queue that was deleted less than 60 seconds ago.
    pub(crate) async fn create(
        sdk: &SdkConfig,
        name: &str,
        attributes: QueueAttributes,
        tags: HashMap<String, String>,
    ) -> Result<Self, Unavailable> {
        let sqs = aws_sdk_sqs::Client::new(sdk);
        let create = sqs.create_queue().queue_name(name).set_attributes(Some(attributes)).set_tags(Some(tags));
        let created = create.send().await.map_err(Unavailable::new("cannot make the queue"))?;
        // "You must wait at least one second after the queue is created to be able to use the queue" (SQS API reference,
        // "CreateQueue"). An emulator needs no wait.
        if sdk.endpoint_url().is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Self::at(sqs, created.queue_url.unwrap_or_default()).await
    }

    async fn at(sqs: aws_sdk_sqs::Client, url: String) -> Result<Self, Unavailable> {
        let mut queue = Self { sqs, url, arn: String::new() };
        queue.arn = queue.attributes().await?.remove(&QueueAttributeName::QueueArn).unwrap_or_default();
        Ok(queue)
    }

    pub(crate) async fn attributes(&self) -> Result<QueueAttributes, Unavailable> {
        let get = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::All);
        let got = get.send().await.map_err(Unavailable::new("cannot read the queue's attributes"))?;
        Ok(got.attributes.unwrap_or_default())
    }

    pub(crate) async fn set_attribute(&self, name: QueueAttributeName, value: String) -> Result<(), Unavailable> {
        let set = self.sqs.set_queue_attributes().queue_url(&self.url).attributes(name, value);
        set.send().await.map_err(Unavailable::new("cannot set the queue's attributes"))?;
        Ok(())
    }

    pub(crate) async fn tag(&self, key: &str, value: String) -> Result<(), Unavailable> {
        let tag = self.sqs.tag_queue().queue_url(&self.url).tags(key, value);
        tag.send().await.map_err(Unavailable::new("cannot tag the queue"))?;
        Ok(())
    }

    /// Deletes the queue and what it holds.
    pub(crate) async fn remove(&self) -> Result<(), Unavailable> {
        let delete = self.sqs.delete_queue().queue_url(&self.url).send().await;
        delete.map_err(Unavailable::new("cannot delete the queue"))?;
        Ok(())
    }

    /// Receives up to ten messages, waits for the first up to `wait`, and hides them from other readers for `hidden`.
    pub(crate) async fn receive(&self, wait: Duration, hidden: Duration) -> Result<Vec<QueueMessage>, ReceiveError> {
        let receive = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(hidden))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        match receive.send().await {
            Ok(got) => Ok(got.messages.unwrap_or_default().into_iter().filter_map(QueueMessage::read).collect()),
            Err(error) => {
                let is_permanent = is_permanent(&error);
                let error = Unavailable::new("cannot read the queue")(error);
                Err(if is_permanent { ReceiveError::Permanent(error) } else { ReceiveError::Transient(error) })
            }
        }
    }

    /// Deletes messages by their handles.
    pub(crate) async fn delete(&self, handles: Vec<String>) -> Result<(), Unavailable> {
        for handles in handles.chunks(MAX_MESSAGES) {
            let mut left = handles.to_vec();
            for _ in 0..DELETE_ATTEMPTS {
                let entries = left.iter().enumerate().filter_map(|(number, handle)| {
                    let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                    entry.receipt_handle(handle).build().ok()
                });
                let delete = self.sqs.delete_message_batch().queue_url(&self.url).set_entries(Some(entries.collect()));
                let deleted = delete.send().await.map_err(Unavailable::new("cannot delete from the queue"))?;
                // A handle that is no longer valid stays invalid.
                let failed = deleted.failed.iter().filter(|failure| !failure.sender_fault);
                left = failed.filter_map(|failure| left.get(failure.id.parse::<usize>().ok()?).cloned()).collect();
                if left.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Hides messages for `hidden` from now on; zero makes them visible. Ignores handles that are no longer valid.
    pub(crate) async fn hide(&self, handles: Vec<String>, hidden: Duration) -> Result<(), Unavailable> {
        for handles in handles.chunks(MAX_MESSAGES) {
            let entries = handles.iter().enumerate().filter_map(|(number, handle)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(handle).visibility_timeout(seconds(hidden)).build().ok()
            });
            let change = self.sqs.change_message_visibility_batch().queue_url(&self.url);
            let changed = change.set_entries(Some(entries.collect())).send().await;
            changed.map_err(Unavailable::new("cannot hide or release messages of the queue"))?;
        }
        Ok(())
    }
}

/// Whether SQS rejected the call itself. Throttling is a 4xx in SQS's JSON protocol, but passes.
fn is_permanent<E: ProvideErrorMetadata>(
    error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> bool {
    let is_throttled = error.code().is_some_and(|code| code.contains("Throttl"));
    match error {
        SdkError::ServiceError(service) => service.raw().status().is_client_error() && !is_throttled,
        _ => false,
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
