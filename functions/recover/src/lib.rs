//! The function behind the spill queue: what the table didn't take when it came in is put there now.
//!
//! The put is the one that `mo` and `dlr` make, under the same key and with the instant of the original request, so a
//! callback that came again in the meantime, or was stored although its answer was lost, is found and not stored
//! twice. Fan-out is the stream's business, as ever.

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use wab_models::Spilled;
use wab_platform::{BatchItemFailure, Reason, SdkConfig, SettingError, required};
use wab_store::{DeadLetterQueue, EventTable, Parked, Stored};

/// How often a message may come before it is parked with its reason. A little less than the queue's own limit
/// (`maxReceiveCount` in the template), which parks without one; at 30 seconds between two tries it is 8 hours.
pub const MAX_RECEIVES: u32 = 950;

/// What Lambda hands over: messages of the spill queue.
#[derive(Debug, Deserialize)]
pub struct SpillBatch {
    /// The messages.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// One message of the spill queue (Lambda developer guide, "Using Lambda with Amazon SQS").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    message_id: String,
    body: String,
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: String,
}

/// The answer: the messages that must come again.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Those messages.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// What the function needs to know: the environment variables `TABLE_NAME` and `DEAD_LETTER_QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct Settings {
    table_name: String,
    dead_letter_queue_url: String,
}

impl Settings {
    /// Reads the settings through `var`, which looks one up by its name.
    ///
    /// # Errors
    /// If one is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            table_name: required(&var, "TABLE_NAME")?,
            dead_letter_queue_url: required(&var, "DEAD_LETTER_QUEUE_URL")?,
        })
    }
}

/// Where spilled items go, built once, at init.
#[derive(Debug, Clone)]
pub struct Recover {
    table: EventTable,
    dead_letters: DeadLetterQueue,
}

impl Recover {
    /// The table and the queue of `settings`, reached with this configuration.
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            table: EventTable::new(sdk, settings.table_name),
            dead_letters: DeadLetterQueue::new(sdk, settings.dead_letter_queue_url),
        }
    }
}

/// Puts a batch of spilled items into the table, all at once. The answer names those that must come again.
pub async fn handle(recover: &Recover, batch: SpillBatch) -> Answer {
    let outcomes = join_all(batch.messages.iter().map(|message| settle(recover, message))).await;
    let mut answer = Answer::default();
    for (message, outcome) in batch.messages.into_iter().zip(outcomes) {
        if let Err(reason) = outcome {
            tracing::warn!(%reason, receives = message.attributes.receive_count, "spilled item must come again");
            answer.batch_item_failures.push(BatchItemFailure { item_identifier: message.message_id });
        }
    }
    answer
}

/// Puts one item, or parks what never can be or was tried too often.
async fn settle(recover: &Recover, message: &Message) -> Result<(), Reason> {
    let Ok(spilled) = serde_json::from_str::<Spilled<'_>>(&message.body) else {
        return park(recover, message, &Reason::from("the message is no spilled item")).await;
    };
    let result = match &spilled {
        Spilled::Event(item) => recover.table.put_once(item).await.map(|stored| say(&stored)),
        Spilled::Quarantine(quarantined) => recover.table.put_quarantined(quarantined).await,
    };
    match result {
        Err(reason) if message.receives() >= MAX_RECEIVES => park(recover, message, &reason).await,
        result => result,
    }
}

fn say(stored: &Stored) {
    let (outcome, key) = match stored {
        Stored::New(key) => ("recovered", key),
        Stored::Variant(key) => ("variant", key),
        Stored::Duplicate(key) => ("duplicate", key),
    };
    tracing::info!(outcome, event.id = key.event_id(), "spilled event is in the table");
}

async fn park(recover: &Recover, message: &Message, reason: &Reason) -> Result<(), Reason> {
    let body = serde_json::from_str::<Box<RawValue>>(&message.body).or_else(|_| to_raw_value(&message.body));
    let spilled = body.map_err(|_| Reason::from("the message could not be written"))?;
    recover.dead_letters.park(&Parked { spilled: Some(&spilled), ..Parked::because(reason) }).await?;
    tracing::error!(%reason, "spilled item parked in the dead-letter queue");
    Ok(())
}

impl Message {
    /// How often it has come, this time included.
    fn receives(&self) -> u32 {
        self.attributes.receive_count.parse().unwrap_or(0)
    }
}
