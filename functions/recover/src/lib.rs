//! The function behind the spill queue: it puts spilled items into the table.
//!
//! The put is the one that `mo` and `dlr` make, under the same key and with the time of the original request. If the
//! gateway has retried the callback since, or the first put succeeded and its answer was lost, the item is a duplicate.

use std::fmt;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;
use wab_models::{Parked, Spilled};
use wab_platform::{BatchItemFailure, Reason, SdkConfig, SettingError, required};
use wab_store::{DeadLetterQueue, EventTable, PUT_DEADLINE, Stored};

/// The maximum receive count before a message is parked with its reason. It is below the queue's own limit
/// (`maxReceiveCount` in the template), which parks a message without a reason. With 30 seconds between attempts this
/// takes 8 hours.
pub const MAX_RECEIVES: u32 = 950;

/// A batch of messages of the spill queue.
///
/// The types of `aws_lambda_events` make the body and the message id optional; here both are required.
#[derive(Debug, Deserialize)]
pub struct SpillBatch {
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// One message of the spill queue (Lambda developer guide, "Using Lambda with Amazon SQS").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    message_id: String,
    body: String,
    attributes: Attributes,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: String,
}

/// The answer: the messages to retry.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// The environment variables `TABLE_NAME` and `DEAD_LETTER_QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct Settings {
    table_name: String,
    dead_letter_queue_url: String,
}

impl Settings {
    /// Reads the settings through `var`, which looks up an environment variable.
    ///
    /// # Errors
    /// If a setting is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            table_name: required(&var, "TABLE_NAME")?,
            dead_letter_queue_url: required(&var, "DEAD_LETTER_QUEUE_URL")?,
        })
    }
}

/// The state that the function keeps between batches. Built once, at init.
#[derive(Debug, Clone)]
pub struct Recover {
    table: EventTable,
    dead_letters: DeadLetterQueue,
}

impl Recover {
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            table: EventTable::new(sdk, settings.table_name),
            dead_letters: DeadLetterQueue::new(sdk, settings.dead_letter_queue_url),
        }
    }
}

/// Puts a batch of spilled items into the table, concurrently. The answer lists the messages to retry.
pub async fn handle(recover: &Recover, batch: SpillBatch) -> Answer {
    let outcomes = join_all(batch.messages.iter().map(|message| settle(recover, message))).await;
    let mut answer = Answer::default();
    for (message, outcome) in batch.messages.into_iter().zip(outcomes) {
        if let Err(reason) = outcome {
            tracing::warn!(%reason, receives = message.attributes.receive_count, "spilled item is retried");
            answer.batch_item_failures.push(BatchItemFailure { item_identifier: message.message_id });
        }
    }
    answer
}

/// Puts one item. Parks a message that isn't an item, and one that has reached [`MAX_RECEIVES`].
async fn settle(recover: &Recover, message: &Message) -> Result<(), Reason> {
    let Ok(spilled) = serde_json::from_str::<Spilled<'_>>(&message.body) else {
        return park(recover, message, &Reason::NotASpilledItem).await;
    };
    match put(&recover.table, &spilled).await {
        Err(reason) if message.receive_count() >= MAX_RECEIVES => park(recover, message, &reason).await,
        result => result,
    }
}

async fn put(table: &EventTable, spilled: &Spilled<'_>) -> Result<(), Reason> {
    let deadline = Instant::now() + PUT_DEADLINE;
    match spilled {
        Spilled::Event(item) => log_stored(&table.put_once(item, deadline).await?),
        Spilled::Quarantine(quarantined) => table.put_quarantined(quarantined, deadline).await?,
    }
    Ok(())
}

fn log_stored(stored: &Stored) {
    let (outcome, key) = match stored {
        Stored::New(key) => ("recovered", key),
        Stored::Variant(key) => ("variant", key),
        Stored::Duplicate(key) => ("duplicate", key),
    };
    tracing::info!(outcome, event.id = key.event_id(), "spilled event is in the table");
}

async fn park(recover: &Recover, message: &Message, reason: &Reason) -> Result<(), Reason> {
    let body = serde_json::from_str::<Box<RawValue>>(&message.body).or_else(|_| to_raw_value(&message.body));
    let spilled = body.map_err(|_| Reason::MessageNotWritable)?;
    recover.dead_letters.park(Parked { spilled: Some(&spilled), ..Parked::because(reason.to_string()) }).await?;
    tracing::error!(outcome = "parked", %reason, "spilled item parked in the dead-letter queue");
    Ok(())
}

impl Message {
    /// How many times the queue has delivered the message, including this time.
    fn receive_count(&self) -> u32 {
        self.attributes.receive_count.parse().unwrap_or(0)
    }
}
