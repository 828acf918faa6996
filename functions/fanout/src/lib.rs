//! The function behind the table's stream: each stored event is published to its SNS topic.
//!
//! The stream is the outbox. Lambda hands over its records in order, keeps its place in it, and comes
//! again from the record that is named in the answer. So nothing is forgotten here: a record is published,
//! or parked in the dead-letter queue with its reason, or comes again.

mod outbound;
mod park;
mod publish;
mod record;

use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures_util::future::join_all;
use platform::{Reason, SdkConfig, SettingError, required};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::outbound::{Outbound, batches};
use crate::park::DeadLetterQueue;
use crate::publish::{Topics, Verdict};
use crate::record::{Poison, Record};

/// How many batches are on their way at once: with ten entries each, all that one invocation gets (`BatchSize`
/// in the template), so a full one takes the time of one call. Order isn't promised to subscribers.
const CONCURRENT_CALLS: usize = 10;

/// What Lambda hands over: records of the stream, oldest first, each as its own text, so that one that
/// can't be read fails alone.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<Box<RawValue>>,
}

/// What the function needs to know: the environment variables `MO_TOPIC_ARN`, `DLR_TOPIC_ARN` and
/// `DEAD_LETTER_QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct Settings {
    mo_topic_arn: String,
    dlr_topic_arn: String,
    dead_letter_queue_url: String,
}

impl Settings {
    /// Reads the settings through `var`, which looks one up by its name.
    ///
    /// # Errors
    /// If one is missing.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        Ok(Self {
            mo_topic_arn: required(&var, "MO_TOPIC_ARN")?,
            dlr_topic_arn: required(&var, "DLR_TOPIC_ARN")?,
            dead_letter_queue_url: required(&var, "DEAD_LETTER_QUEUE_URL")?,
        })
    }
}

/// Where events go, built once, at init.
#[derive(Debug, Clone)]
pub struct Fanout {
    topics: Topics,
    dead_letters: DeadLetterQueue,
}

impl Fanout {
    /// The topics and the queue of `settings`, reached with this configuration.
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            topics: Topics::new(sdk, settings.mo_topic_arn, settings.dlr_topic_arn),
            dead_letters: DeadLetterQueue::new(sdk, settings.dead_letter_queue_url),
        }
    }

    /// Does at init what the first batch would pay for. The dead-letter queue isn't in it: most functions never
    /// need it.
    pub async fn warm_up(&self) {
        self.topics.warm_up().await;
    }
}

/// A batch that must come again as a whole, because the record to begin with can't be named.
#[derive(Debug, thiserror::Error)]
#[error("a record without a sequence number could not be parked")]
pub struct Unnamable;

/// Publishes a batch of stream records. The answer names the first record that isn't done, if any: Lambda
/// comes again from there, so an event may be published twice, always with the same id, and none is left out.
///
/// # Errors
/// If that record has no sequence number: then Lambda comes again with the whole batch.
pub async fn handle(fanout: &Fanout, batch: StreamBatch) -> Result<DynamoDbEventResponse, Unnamable> {
    let records: Vec<Record> = batch.records.iter().map(|raw| Record::read(raw)).collect();
    let mut done = Done::none_of(records.len());
    match fan_out(fanout, &records, &mut done).await {
        Ok(()) => tracing::info!(records = records.len(), "records fanned out"),
        Err(reason) => {
            tracing::error!(reason = %reason, records = records.len(), "fan-out stopped: Lambda will try again");
        }
    }
    respond(&records, &done)
}

/// Goes through the records until one has to wait, and marks what is done.
async fn fan_out(fanout: &Fanout, records: &[Record], done: &mut Done) -> Result<(), Reason> {
    let mut outbound = Vec::with_capacity(records.len());
    let mut poisoned = Vec::new();
    for (index, record) in records.iter().enumerate() {
        match record {
            Record::Event(event) => outbound.push(Outbound { index, event }),
            Record::Poison(poison) => poisoned.push((index, poison)),
            Record::NoEvent { .. } => done.mark(index),
        }
    }
    // Events first: a dead-letter queue that is out of order holds up no event that can be published.
    for wave in batches(outbound).chunks(CONCURRENT_CALLS) {
        let verdicts = join_all(wave.iter().map(|batch| fanout.topics.publish(batch))).await;
        let entries = wave.iter().flat_map(|batch| &batch.entries);
        for (entry, verdict) in entries.zip(verdicts.into_iter().flatten()) {
            match verdict {
                Verdict::Published => done.mark(entry.index),
                Verdict::Refused(reason) => park(fanout, entry.index, &entry.event.poisoned(reason), done).await?,
                Verdict::Retry(reason) => return Err(reason),
            }
        }
    }
    for (index, poison) in poisoned {
        park(fanout, index, poison, done).await?;
    }
    Ok(())
}

async fn park(fanout: &Fanout, index: usize, poison: &Poison, done: &mut Done) -> Result<(), Reason> {
    fanout.dead_letters.park(poison).await?;
    tracing::error!(
        reason = %poison.reason,
        event.id = poison.key.as_ref().map(models::Key::event_id),
        "record parked in the dead-letter queue: it can't be published"
    );
    done.mark(index);
    Ok(())
}

/// Which records of a batch need nothing more.
struct Done(Vec<bool>);

impl Done {
    fn none_of(records: usize) -> Self {
        Self(vec![false; records])
    }

    fn mark(&mut self, index: usize) {
        if let Some(done) = self.0.get_mut(index) {
            *done = true;
        }
    }
}

fn respond(records: &[Record], done: &Done) -> Result<DynamoDbEventResponse, Unnamable> {
    let mut response = DynamoDbEventResponse::default();
    if let Some((record, _)) = records.iter().zip(&done.0).find(|(_, done)| !**done) {
        // An empty identifier would be taken as the whole batch, a missing one as none of it.
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(record.sequence_number().ok_or(Unnamable)?.to_owned());
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}
