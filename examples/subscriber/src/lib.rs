//! An example subscriber: a Lambda function that replies to each text message.
//!
//! An SQS queue is subscribed to the topic of MO events, and [`handle`] receives its batches. It shows what every
//! subscriber needs: a typed event in one call, deduplication by event id, and failures reported per message. The
//! filter policy and the dead-letter queues are in `template.yaml`.
//!
//! To copy it, depend on `wab-events`. `wab-platform` only creates this project's AWS clients and log: use your own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::Client as Sqs;
use serde_json::json;
use wab_events::message::{MessageKind, Payload};
use wab_events::{Data, Event, EventError};
use wab_platform::{Reason, SdkConfig};

pub use aws_lambda_events::sqs::SqsEvent;

/// How long the id of a handled event is kept. It must exceed the time that SQS retains a message: 14 days at most.
const ID_RETENTION: Duration = Duration::from_hours(15 * 24);

#[derive(Debug, Clone)]
pub struct Subscriber {
    handled: DynamoDb,
    handled_table_name: String,
    replies: Sqs,
    replies_queue_url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    NotForUs,
    Duplicate,
}

/// Why a delivery fails. SQS retries it, and moves it to the dead-letter queue after `maxReceiveCount` attempts.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    NotAnEvent(#[from] EventError),
    #[error("AWS call failed: {0}")]
    Aws(Reason),
}

/// Handles a batch. Each failed message is reported by its id, so that SQS retries only those.
pub async fn handle(subscriber: &Subscriber, batch: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in batch.records {
        match subscriber.receive(record.body.as_deref().unwrap_or_default()).await {
            Ok(outcome) => tracing::info!(?outcome, "delivery handled"),
            Err(failure) => {
                // Safe to log: neither kind of failure contains any of the event.
                tracing::warn!(reason = %failure, "delivery failed");
                let mut failed = BatchItemFailure::default();
                failed.item_identifier = record.message_id.unwrap_or_default();
                response.batch_item_failures.push(failed);
            }
        }
    }
    response
}

impl Subscriber {
    #[must_use]
    pub fn new(sdk: &SdkConfig, handled_table_name: String, replies_queue_url: String) -> Self {
        Self { handled: DynamoDb::new(sdk), handled_table_name, replies: Sqs::new(sdk), replies_queue_url }
    }

    /// Handles one delivery: parse it, decide on a reply, deduplicate, send the reply, remember the event.
    async fn receive(&self, delivery: &str) -> Result<Outcome, Failure> {
        let event = Event::parse(delivery)?;
        let Some(reply) = reply_to(&event) else { return Ok(Outcome::NotForUs) };
        if self.is_handled(event.id()).await? {
            return Ok(Outcome::Duplicate);
        }
        // Send before remembering: a crash in between repeats a reply rather than losing it. The FIFO queue drops the
        // repeated one for 5 minutes.
        self.send(event.id(), &reply).await?;
        self.remember(event.id()).await?;
        Ok(Outcome::Answered)
    }

    async fn is_handled(&self, event_id: &str) -> Result<bool, Failure> {
        let get = self.handled.get_item().table_name(&self.handled_table_name).consistent_read(true);
        let found = get.key("event_id", AttributeValue::S(event_id.to_owned())).send().await;
        Ok(found.map_err(|error| Failure::Aws(Reason::of(&error)))?.item.is_some())
    }

    async fn remember(&self, event_id: &str) -> Result<(), Failure> {
        let expires_at = SystemTime::now() + ID_RETENTION;
        let expires_at = expires_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let put = self.handled.put_item().table_name(&self.handled_table_name);
        let put = put.item("event_id", AttributeValue::S(event_id.to_owned()));
        let put = put.item("expires_at", AttributeValue::N(expires_at.to_string()));
        put.send().await.map_err(|error| Failure::Aws(Reason::of(&error)))?;
        Ok(())
    }

    /// Sends a reply to the queue of whatever calls the gateway's API.
    async fn send(&self, event_id: &str, reply: &Reply) -> Result<(), Failure> {
        let body =
            json!({"source": reply.from, "destination": reply.to, "context": reply.in_reply_to, "text": reply.text});
        let send = self.replies.send_message().queue_url(&self.replies_queue_url).message_body(body.to_string());
        // One reply per event.
        let send = send.message_deduplication_id(event_id).message_group_id(event_id);
        send.send().await.map_err(|error| Failure::Aws(Reason::of(&error)))?;
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    from: Option<String>,
    to: String,
    in_reply_to: Option<String>,
    text: String,
}

/// The reply to an event. None unless it is a text from an identified user.
fn reply_to(event: &Event) -> Option<Reply> {
    // A text is far below the limit of SNS, so `Data::Elsewhere` needs no reply.
    let Data::Mo(mo) = event.data() else { return None };
    let message = mo.message()?;
    let MessageKind::Known(Payload::Text(text)) = message.kind() else { return None };
    let sender = mo.sender();
    let to = sender.phone().map(|phone| phone.e164()).or_else(|| Some(sender.user_id()?.as_str().to_owned()))?;
    Some(Reply {
        from: mo.callback().destination.clone(),
        to,
        in_reply_to: message.id().map(str::to_owned),
        text: format!("Thanks! You wrote {} characters.", text.body.chars().count()),
    })
}
