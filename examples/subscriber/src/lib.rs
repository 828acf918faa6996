//! An example of a subscriber: a function behind an SQS queue that is subscribed to the topic of MO events, and
//! answers each text.
//!
//! It shows what every subscriber needs: a filter policy (in `template.yaml` beside it), a typed event in one call,
//! dedupe by the event's id, and a batch in which one bad record fails alone. To copy it, take `models` along as a
//! dependency; `platform` is only this project's way to a client of the AWS SDK and to a log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::Client as Sqs;
use serde_json::json;
use wab_events::message::{Message, MessageKind, Payload};
use wab_events::{Data, Event, EventError, Mo};
use wab_platform::{Reason, SdkConfig};

pub use aws_lambda_events::sqs::SqsEvent;

/// How long an event's id is remembered: longer than SQS keeps a message, 14 days at the most.
const REMEMBERED: Duration = Duration::from_hours(15 * 24);

/// What the subscriber works with.
#[derive(Debug, Clone)]
pub struct Subscriber {
    seen: DynamoDb,
    seen_table_name: String,
    replies: Sqs,
    replies_queue_url: String,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It was a text, and is answered.
    Answered,
    /// It is nothing that this subscriber answers.
    NotForUs,
    /// It was dealt with before.
    Duplicate,
}

/// Why a delivery has to come again. What never gets better ends in the queue's dead-letter queue.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// It isn't an event.
    #[error(transparent)]
    NotAnEvent(#[from] EventError),
    /// AWS didn't take a call.
    #[error("AWS did not take a call: {0}")]
    Aws(Reason),
}

/// Deals with a batch of deliveries. Those that fail are named, and come again.
pub async fn handle(subscriber: &Subscriber, batch: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in batch.records {
        match subscriber.receive(&record).await {
            Ok(outcome) => tracing::info!(?outcome, "delivery dealt with"),
            Err(failure) => {
                // Neither kind of failure holds any of the event.
                tracing::warn!(reason = %failure, "delivery not dealt with");
                let mut failed = BatchItemFailure::default();
                failed.item_identifier = record.message_id.unwrap_or_default();
                response.batch_item_failures.push(failed);
            }
        }
    }
    response
}

impl Subscriber {
    /// A subscriber that remembers events in a table, and hands its answers to a FIFO queue.
    #[must_use]
    pub fn new(sdk: &SdkConfig, seen_table_name: String, replies_queue_url: String) -> Self {
        Self { seen: DynamoDb::new(sdk), seen_table_name, replies: Sqs::new(sdk), replies_queue_url }
    }

    /// One delivery: read it, see whether it's new, answer it, remember it.
    async fn receive(&self, record: &SqsMessage) -> Result<Outcome, Failure> {
        let event = Event::parse(record.body.as_deref().unwrap_or_default())?;
        let Data::Mo(mo) = event.data() else { return Ok(Outcome::NotForUs) };
        let Some(answer) = answer_to(mo) else { return Ok(Outcome::NotForUs) };
        if self.has_seen(event.id()).await? {
            return Ok(Outcome::Duplicate);
        }
        // In this order a crash costs an answer twice, not never; and the FIFO queue drops the second for 5 minutes.
        self.reply(event.id(), &answer).await?;
        self.remember(event.id()).await?;
        Ok(Outcome::Answered)
    }

    async fn has_seen(&self, event_id: &str) -> Result<bool, Failure> {
        let get = self.seen.get_item().table_name(&self.seen_table_name).consistent_read(true);
        let found = get.key("event_id", AttributeValue::S(event_id.to_owned())).send().await;
        Ok(found.map_err(|error| Failure::Aws(Reason::of(&error)))?.item.is_some())
    }

    async fn remember(&self, event_id: &str) -> Result<(), Failure> {
        let expires_at = SystemTime::now() + REMEMBERED;
        let expires_at = expires_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let put = self.seen.put_item().table_name(&self.seen_table_name);
        let put = put.item("event_id", AttributeValue::S(event_id.to_owned()));
        let put = put.item("expires_at", AttributeValue::N(expires_at.to_string()));
        put.send().await.map_err(|error| Failure::Aws(Reason::of(&error)))?;
        Ok(())
    }

    /// Hands an answer to the queue of those who speak to the gateway's API.
    async fn reply(&self, event_id: &str, answer: &Answer) -> Result<(), Failure> {
        let body = json!({"source": answer.from, "destination": answer.to, "context": answer.in_reply_to, "text": answer.text});
        let send = self.replies.send_message().queue_url(&self.replies_queue_url).message_body(body.to_string());
        // One answer an event.
        let send = send.message_deduplication_id(event_id).message_group_id(event_id);
        send.send().await.map_err(|error| Failure::Aws(Reason::of(&error)))?;
        Ok(())
    }
}

/// An answer to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    from: Option<String>,
    to: String,
    in_reply_to: Option<String>,
    text: String,
}

/// What is said to a message: something to a text, nothing to all else, nor to those who can't be answered.
fn answer_to(mo: &Mo) -> Option<Answer> {
    let message: &Message = mo.message()?;
    let MessageKind::Known(Payload::Text(text)) = message.kind() else { return None };
    let sender = mo.sender();
    let to = sender.phone().map(|phone| phone.e164()).or_else(|| Some(sender.user_id()?.as_str().to_owned()))?;
    Some(Answer {
        from: mo.callback().destination.clone(),
        to,
        in_reply_to: message.id().map(str::to_owned),
        text: format!("Thanks! You wrote {} characters.", text.body.chars().count()),
    })
}
