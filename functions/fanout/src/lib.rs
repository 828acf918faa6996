//! The function behind the table's stream: each stored event is published to its SNS topic.
//!
//! The stream is the outbox. Lambda hands over its records in order, keeps its place in it, and comes
//! again from the record that is named in the answer. So nothing is forgotten here: a record is published,
//! or parked in the dead-letter queue with its reason, or comes again.

mod outbound;
mod prepare;
mod publish;
mod record;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use wab_models::{Counts, Parked, StreamBatch};
use wab_platform::{BatchItemFailure, Clock, Reason, SdkConfig, SettingError, required};
use wab_store::{DeadLetterQueue, EventTable, Objects};

use crate::outbound::{Outbound, batches};
use crate::prepare::{NewEvent, Sources};
use crate::publish::{Setback, Topics};
use crate::record::Record;

/// How many calls of one kind are on their way at once. Batches have ten entries each, so this is all that one
/// invocation gets (`BatchSize` in the template), and a full one takes the time of one call. Order isn't promised to
/// subscribers.
const CONCURRENT_CALLS: usize = 10;

/// What is left of an invocation's time for the answer itself.
const TIME_TO_ANSWER: Duration = Duration::from_secs(2);

/// How long an event may block its shard while its topic, a permission or a KMS key is missing. A person has to restore
/// those, which can take days, and the events behind it needn't wait for that.
const HOLD_UP: Duration = Duration::from_secs(10 * 60);

/// How long an event is retried during an outage. The stream keeps a record for 24 h, and Lambda drops it at 22 h
/// (`MaximumRecordAgeInSeconds` in the template) and reports only its position.
const LAST_CALL: Duration = Duration::from_secs(20 * 60 * 60);

/// The answer: the first record that isn't done, if any. Lambda comes again from there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// That record; at most one.
    pub batch_item_failures: Vec<BatchItemFailure>,
    /// What became of the others, if the batch asks for it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// What the function needs to know: the environment variables `MO_TOPIC_ARN`, `DLR_TOPIC_ARN`,
/// `DEAD_LETTER_QUEUE_URL`, `TABLE_NAME` and `BUCKET_NAME`.
#[derive(Debug, Clone)]
pub struct Settings {
    mo_topic_arn: String,
    dlr_topic_arn: String,
    dead_letter_queue_url: String,
    table_name: String,
    bucket_name: String,
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
            table_name: required(&var, "TABLE_NAME")?,
            bucket_name: required(&var, "BUCKET_NAME")?,
        })
    }
}

/// Where events come from and go to, built once, at init.
#[derive(Debug, Clone)]
pub struct Fanout {
    sources: Sources,
    topics: Topics,
    dead_letters: DeadLetterQueue,
    clock: Clock,
    published: Remembered,
}

impl Fanout {
    /// What `settings` name, reached with this configuration.
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        Self {
            sources: Sources {
                table: EventTable::new(sdk, settings.table_name),
                objects: Objects::new(sdk, settings.bucket_name),
            },
            topics: Topics::new(sdk, settings.mo_topic_arn, settings.dlr_topic_arn),
            dead_letters: DeadLetterQueue::new(sdk, settings.dead_letter_queue_url),
            clock: Clock::of(sdk),
            published: Remembered::default(),
        }
    }

    /// Does at init what the first batch would pay for. What only some batches need isn't in it.
    pub async fn warm_up(&self) {
        self.topics.warm_up().await;
    }
}

/// A batch that must come again as a whole, because the record to begin with can't be named.
#[derive(Debug, thiserror::Error)]
#[error("a record without a sequence number could not be parked")]
pub struct Unnamable;

/// Publishes a batch of stream records, by `deadline`, when Lambda ends the invocation. The answer names the first
/// record that isn't done, if any: Lambda comes again from there, so an event may be published twice, always with the
/// same id, and none is left out.
///
/// # Errors
/// If that record has no sequence number: then Lambda comes again with the whole batch.
pub async fn handle(fanout: &Fanout, batch: StreamBatch, deadline: SystemTime) -> Result<Answer, Unnamable> {
    let now = fanout.clock.now();
    let time_left = deadline.duration_since(now).unwrap_or_default();
    let records: Vec<Record> = batch.records.iter().map(|raw| Record::read(raw)).collect();
    let mut done = Done::none_of(records.len());
    // A batch that asks for a count is published again on purpose.
    if !batch.count {
        fanout.published.recall(&records, &mut done);
    }
    let by = Instant::now() + time_left.saturating_sub(TIME_TO_ANSWER);
    let outcome = timeout_at(by, fan_out(fanout, &records, &mut done, by)).await;
    match outcome.unwrap_or(Err(Reason::OutOfTime)) {
        Ok(()) => tracing::info!(records = records.len(), "records fanned out"),
        Err(reason) => {
            let Waiting { records: waiting, event_ids } = done.waiting(&records);
            tracing::error!(
                %reason,
                records = records.len(),
                waiting,
                event.ids = event_ids,
                "fan-out stopped: Lambda will try again"
            );
        }
    }
    if !batch.count {
        fanout.published.keep(&records, &done);
    }
    let counts = batch.count.then_some(done.counts);
    Ok(Answer { batch_item_failures: done.first_left(&records)?.into_iter().collect(), counts })
}

/// Goes through the records until one has to wait, and marks what is done.
async fn fan_out(fanout: &Fanout, records: &[Record], done: &mut Done, by: Instant) -> Result<(), Reason> {
    let mut setbacks = Vec::new();
    let events = new_events(fanout, records, done, &mut setbacks, by).await;
    // Events first: a dead-letter queue that is unavailable delays no event that can be published.
    publish(fanout, &events, done, &mut setbacks).await;
    settle(fanout, records, done, setbacks).await
}

/// The events of the records, each with the index of its record.
async fn new_events(
    fanout: &Fanout,
    records: &[Record],
    done: &mut Done,
    setbacks: &mut Vec<(usize, Setback)>,
    by: Instant,
) -> Vec<(usize, NewEvent)> {
    let mut stored = Vec::with_capacity(records.len());
    let mut indices = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        match record {
            Record::Event(_) if done.is(index) => {}
            Record::Event(event) => {
                stored.push(&**event);
                indices.push(index);
            }
            Record::Poison(poison) => setbacks.push((index, Setback::Permanent(poison.reason.clone()))),
            Record::NoEvent { .. } => done.mark(index),
        }
    }
    let mut events = Vec::with_capacity(stored.len());
    for (index, prepared) in indices.into_iter().zip(fanout.sources.prepare(&stored, by).await) {
        match prepared {
            Ok(event) => events.push((index, event)),
            Err(setback) => setbacks.push((index, setback)),
        }
    }
    events
}

/// Publishes events in waves of calls. After a transient setback the later waves wait: SNS has trouble, and more calls
/// don't help it. A withheld topic says nothing about the other one.
async fn publish(fanout: &Fanout, events: &[(usize, NewEvent)], done: &mut Done, setbacks: &mut Vec<(usize, Setback)>) {
    let outbound = events.iter().map(|(index, event)| Outbound { index: *index, event }).collect();
    for wave in batches(outbound).chunks(CONCURRENT_CALLS) {
        let outcomes = join_all(wave.iter().map(|batch| fanout.topics.publish(batch))).await;
        let entries = wave.iter().flat_map(|batch| &batch.entries);
        let mut goes_on = true;
        for (entry, outcome) in entries.zip(outcomes.into_iter().flatten()) {
            match outcome {
                Ok(()) => done.mark_published(entry.index),
                Err(setback) => {
                    goes_on &= !matches!(setback, Setback::Transient(_));
                    setbacks.push((entry.index, setback));
                }
            }
        }
        if !goes_on {
            return;
        }
    }
}

/// Parks what is given up, in the order of the records, up to the first that has to wait: Lambda retries all records
/// behind that one anyway.
async fn settle(
    fanout: &Fanout,
    records: &[Record],
    done: &mut Done,
    mut setbacks: Vec<(usize, Setback)>,
) -> Result<(), Reason> {
    setbacks.sort_by_key(|(index, _)| *index);
    let now = fanout.clock.now();
    for (index, setback) in setbacks {
        let Some(record) = records.get(index) else { continue };
        match verdict(setback, record.age(now)) {
            Verdict::Park(reason) => park(fanout, record, &reason).await?,
            Verdict::Wait(reason) => return Err(reason),
        }
        done.mark_parked(index);
    }
    // What is left now is what `publish` didn't try after a setback whose own event has just been parked.
    if done.is_done.iter().all(|done| *done) { Ok(()) } else { Err(Reason::NotAttempted) }
}

/// What becomes of a record that isn't published.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is parked with this reason.
    Park(Reason),
    /// Lambda retries it, and every record behind it.
    Wait(Reason),
}

/// Decides what becomes of a record of this age. What was published beside it doesn't count: SNS throttles some calls
/// and takes others, above all while an outage drains. A record that doesn't say its age has none, so age never parks
/// it: `wab` hands over such records, and keeps those that have to wait.
fn verdict(setback: Setback, age: Duration) -> Verdict {
    match setback {
        Setback::Permanent(reason) => Verdict::Park(reason),
        Setback::Withheld(reason) if age >= HOLD_UP => Verdict::Park(reason),
        Setback::Transient(reason) if age >= LAST_CALL => Verdict::Park(reason),
        Setback::Withheld(reason) | Setback::Transient(reason) => Verdict::Wait(reason),
    }
}

async fn park(fanout: &Fanout, record: &Record, reason: &Reason) -> Result<(), Reason> {
    let parked = Parked {
        key: record.key().map(Cow::Borrowed),
        sequence_number: record.sequence_number().map(Cow::Borrowed),
        record: record.raw(),
        ..Parked::because(reason.to_string())
    };
    fanout.dead_letters.park(parked).await?;
    tracing::error!(
        %reason,
        event.id = record.key().map(wab_models::Key::event_id),
        "record parked in the dead-letter queue: it can't be published"
    );
    Ok(())
}

/// What was published of batches whose first records have to wait. Lambda retries from those records, usually in this
/// process, for as long as they wait; so each event behind them is published once and not at each try. What is
/// forgotten, with the process, is published again.
#[derive(Debug, Clone, Default)]
struct Remembered(Arc<Mutex<HashSet<Published>>>);

/// A record whose event was published: what the stream calls it, and its event's id, for sequence numbers are those of a
/// shard.
type Published = (String, String);

/// How many are remembered at the most: far more than the batches that can wait at once.
const MAX_REMEMBERED: usize = 10_000;

impl Remembered {
    /// Marks what is remembered.
    fn recall(&self, records: &[Record], done: &mut Done) {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if published.is_empty() {
            return;
        }
        for (index, record) in records.iter().enumerate() {
            if Self::name(record).is_some_and(|name| published.contains(&name)) {
                done.mark(index);
            }
        }
    }

    /// Remembers what is done of a batch that comes again, and forgets one that doesn't.
    fn keep(&self, records: &[Record], done: &Done) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let comes_again = done.is_done.iter().any(|done| !*done);
        if published.len() > MAX_REMEMBERED || (published.is_empty() && !comes_again) {
            published.clear();
            return;
        }
        for (record, is_done) in records.iter().zip(&done.is_done) {
            let Some(name) = Self::name(record) else { continue };
            if comes_again && *is_done {
                published.insert(name);
            } else {
                published.remove(&name);
            }
        }
    }

    fn name(record: &Record) -> Option<Published> {
        let Record::Event(event) = record else { return None };
        Some((record.sequence_number()?.to_owned(), event.item.key.event_id()))
    }
}

/// How many of the events that wait are named in the log.
const MAX_NAMED: usize = 10;

/// What is left of a batch: how many records, and the ids of the first [`MAX_NAMED`] events.
struct Waiting {
    records: usize,
    event_ids: String,
}

/// Which records of a batch need nothing more.
struct Done {
    is_done: Vec<bool>,
    counts: Counts,
}

impl Done {
    fn none_of(records: usize) -> Self {
        Self { is_done: vec![false; records], counts: Counts::default() }
    }

    fn is(&self, index: usize) -> bool {
        self.is_done.get(index).is_some_and(|done| *done)
    }

    fn mark(&mut self, index: usize) {
        if let Some(done) = self.is_done.get_mut(index) {
            *done = true;
        }
    }

    fn mark_published(&mut self, index: usize) {
        self.mark(index);
        self.counts.published += 1;
    }

    fn mark_parked(&mut self, index: usize) {
        self.mark(index);
        self.counts.parked += 1;
    }

    /// The records that aren't done.
    fn waiting(&self, records: &[Record]) -> Waiting {
        let waiting = || records.iter().zip(&self.is_done).filter(|(_, done)| !**done).map(|(record, _)| record);
        let event_ids: Vec<String> =
            waiting().filter_map(|record| Some(record.key()?.event_id())).take(MAX_NAMED).collect();
        Waiting { records: waiting().count(), event_ids: event_ids.join(" ") }
    }

    /// The first record that isn't done, as Lambda names it.
    fn first_left(&self, records: &[Record]) -> Result<Option<BatchItemFailure>, Unnamable> {
        let Some((record, _)) = records.iter().zip(&self.is_done).find(|(_, done)| !**done) else { return Ok(None) };
        Ok(Some(BatchItemFailure { item_identifier: record.sequence_number().ok_or(Unnamable)?.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    /// Each cause has its own limit, and one second less than it isn't enough.
    #[track_caller]
    fn check(setback: fn(Reason) -> Setback, patience: Option<Duration>) {
        let verdict = |age| verdict(setback(Reason::NoAnswerInTime), age);
        let park = Verdict::Park(Reason::NoAnswerInTime);
        if let Some(patience) = patience {
            assert_eq!(verdict(Duration::ZERO), Verdict::Wait(Reason::NoAnswerInTime));
            assert_eq!(verdict(patience - Duration::from_secs(1)), Verdict::Wait(Reason::NoAnswerInTime));
        }
        assert_eq!(verdict(patience.unwrap_or_default()), park);
    }

    /// The records of a shard, of these messages.
    fn records(ids: &[&str]) -> Vec<Record> {
        let record = |(number, id): (usize, &&str)| {
            let text = serde_json::json!({
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"pk": {"S": format!("MO#{id}")}, "sk": {"S": "EVENT"}},
                    "NewImage": {
                        "pk": {"S": format!("MO#{id}")}, "sk": {"S": "EVENT"}, "v": {"N": "1"}, "body": {"S": "{}"},
                        "received_at": {"S": ""}, "expires_at": {"N": "1"}, "digest": {"S": ""}, "application": {"S": ""},
                    },
                    "SequenceNumber": (number + 1).to_string(),
                },
            });
            Record::read(&serde_json::value::to_raw_value(&text).unwrap())
        };
        ids.iter().enumerate().map(record).collect()
    }

    fn done(is_done: &[bool]) -> Done {
        Done { is_done: is_done.to_vec(), counts: Counts::default() }
    }

    /// What is remembered of these records.
    fn recalled(memory: &Remembered, records: &[Record]) -> Vec<bool> {
        let mut done = Done::none_of(records.len());
        memory.recall(records, &mut done);
        done.is_done
    }

    #[test]
    fn memory_forgets_a_batch_that_is_done() {
        let (memory, records) = (Remembered::default(), records(&["a", "b"]));
        memory.keep(&records, &done(&[false, true]));
        assert_eq!(recalled(&memory, &records), [false, true]);
        memory.keep(&records, &done(&[true, true]));
        assert_eq!(recalled(&memory, &records), [false, false]);
    }

    #[test]
    fn memory_tells_the_records_of_two_shards_apart() {
        let memory = Remembered::default();
        memory.keep(&records(&["a", "b"]), &done(&[false, true]));
        assert_eq!(recalled(&memory, &records(&["c", "d"])), [false, false]);
    }

    #[test]
    fn memory_of_what_was_published_is_bounded() {
        let memory = Remembered::default();
        let ids: Vec<String> = (0..=MAX_REMEMBERED + 1).map(|number| number.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let all = records(&ids);
        let mut is_done = vec![true; all.len()];
        is_done[0] = false;
        memory.keep(&all, &done(&is_done));
        memory.keep(&all[..2], &done(&is_done[..2]));
        assert_eq!(memory.0.lock().unwrap().len(), 0);
    }

    #[test]
    fn each_cause_has_its_own_patience() {
        check(Setback::Permanent, None);
        check(Setback::Withheld, Some(Duration::from_secs(10 * 60)));
        check(Setback::Transient, Some(Duration::from_secs(20 * 60 * 60)));
    }

    fn mo_record(sequence_number: usize) -> Record {
        let record = format!(
            r#"{{"eventName":"INSERT","dynamodb":{{"SequenceNumber":"{sequence_number}",
                "Keys":{{"pk":{{"S":"MO#{sequence_number}"}},"sk":{{"S":"EVENT"}}}},
                "NewImage":{{"pk":{{"S":"MO#{sequence_number}"}},"sk":{{"S":"EVENT"}},"v":{{"N":"1"}},
                    "received_at":{{"S":"2025-11-23T09:15:02.417Z"}},"expires_at":{{"N":"1"}},"body":{{"S":"{{}}"}},
                    "digest":{{"S":""}},"application":{{"S":"shop"}}}}}}}}"#
        );
        Record::read(&RawValue::from_string(record).unwrap())
    }

    /// How many are remembered after a batch whose second record was published, if so many were before.
    fn remembered_after(before: usize) -> usize {
        let remembered = Remembered::default();
        remembered.0.lock().unwrap().extend((0..before).map(|number| (number.to_string(), String::new())));
        let mut done = Done::none_of(2);
        done.mark(1);
        remembered.keep(&[mo_record(1), mo_record(2)], &done);
        let published = remembered.0.lock().unwrap();
        published.len()
    }

    #[test]
    fn memory_of_what_was_published_is_limited() {
        assert_eq!(remembered_after(0), 1);
        assert_eq!(remembered_after(MAX_REMEMBERED), MAX_REMEMBERED + 1);
        assert_eq!(remembered_after(MAX_REMEMBERED + 1), 0);
    }

    #[test]
    fn batch_that_is_done_is_forgotten() {
        let remembered = Remembered::default();
        let records = [mo_record(1), mo_record(2)];
        let mut done = Done::none_of(2);
        done.mark(1);
        remembered.keep(&records, &done);
        let mut again = Done::none_of(2);
        remembered.recall(&records, &mut again);
        assert_eq!(again.is_done, [false, true]);
        again.mark(0);
        remembered.keep(&records, &again);
        assert!(remembered.0.lock().unwrap().is_empty());
    }
}
