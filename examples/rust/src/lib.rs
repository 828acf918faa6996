//! An example subscriber: a Lambda function that replies to each text message.
//!
//! An SQS queue is subscribed to the topic of MO events, and [`handle`] receives its batches. Each failed message is
//! reported to SQS, which retries it. Each event is handled once, by its id.
//!
//! To copy it, depend on `wab-events`. `wab-platform` only creates this project's AWS clients and log: use your own.

mod handled;

use aws_lambda_events::sqs::SqsBatchResponse;
use aws_sdk_sqs::Client as Sqs;
use handled::Claim;
use serde_json::json;
use wab_events::message::{MessageKind, Payload};
use wab_events::{Data, Event, EventError};
use wab_platform::Reason;

pub use aws_lambda_events::sqs::SqsEvent;
pub use handled::HandledEvents;

#[derive(Debug, Clone)]
pub struct Subscriber {
    pub handled: HandledEvents,
    pub sqs: Sqs,
    pub replies_queue_url: String,
}

/// Why a delivery fails. SQS retries it, and moves it to the dead-letter queue after `maxReceiveCount` attempts.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    NotAnEvent(#[from] EventError),
    #[error("another attempt is handling the event")]
    InProgress,
    #[error("AWS call failed: {0}")]
    Aws(#[from] Reason),
}

pub async fn handle(subscriber: &Subscriber, batch: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in batch.records {
        if let Err(failure) = subscriber.receive(record.body.as_deref().unwrap_or_default()).await {
            // Safe to log: a failure contains nothing of the event.
            tracing::warn!(reason = %failure, "delivery failed");
            response.add_failure(record.message_id.unwrap_or_default());
        }
    }
    response
}

impl Subscriber {
    async fn receive(&self, delivery: &str) -> Result<(), Failure> {
        let event = Event::parse(delivery)?;
        let Data::Mo(mo) = event.data() else { return Ok(()) };
        let (Some(message), Some(to)) = (mo.message(), &mo.callback().source) else { return Ok(()) };
        let MessageKind::Known(Payload::Text(text)) = message.kind() else { return Ok(()) };
        match self.handled.claim(event.id()).await? {
            Claim::AlreadyHandled => return Ok(()),
            Claim::InProgress => return Err(Failure::InProgress),
            Claim::Granted => self.reply(event.id(), to, &format!("You wrote: {}", text.body)).await?,
        }
        Ok(self.handled.complete(event.id()).await?)
    }

    /// Sends a reply to the queue of whatever calls the gateway's API.
    async fn reply(&self, event_id: &str, to: &str, text: &str) -> Result<(), Reason> {
        let body = json!({"event_id": event_id, "destination": to, "text": text}).to_string();
        let sent = self.sqs.send_message().queue_url(&self.replies_queue_url).message_body(body).send().await;
        sent.map(drop).map_err(|error| Reason::of(&error))
    }
}
