//! Hands events to the function `fanout` as the table's stream does: batches of records, answered with the first failure.

use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wab_models::{Counts, INSERT, StreamBatch, StreamChange, StreamRecord};

use crate::stack::{Fanout, Invoked};
use crate::stop::Stop;

/// Maximum number of records in a batch (`BatchSize` in the template).
pub(crate) const MAX_RECORDS: usize = 100;

/// Maximum size of a batch: a synchronous invocation accepts 6 MB (Lambda quotas).
const MAX_BYTES: usize = 5_000_000;

/// Pauses before each retry.
pub(crate) const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// A batch of stream records.
#[derive(Default)]
pub(crate) struct Batch {
    records: Vec<Box<RawValue>>,
    bytes: usize,
    replay: bool,
}

#[derive(Serialize)]
struct Keys<'a> {
    pk: &'a serde_dynamo::AttributeValue,
    sk: &'a serde_dynamo::AttributeValue,
}

impl Batch {
    /// A batch of one stream record, kept verbatim.
    pub(crate) fn of_record(record: Box<RawValue>) -> Self {
        Self { bytes: record.get().len(), records: vec![record], replay: false }
    }

    /// An empty batch. `replay` marks events that are published again on purpose.
    pub(crate) fn new(replay: bool) -> Self {
        Self { replay, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds the stream record of an item's insertion. If the batch is full, returns it and starts a new one.
    pub(crate) fn add(&mut self, table_arn: &str, item: &serde_dynamo::Item) -> anyhow::Result<Option<Self>> {
        let mut record = record(self.len() + 1, table_arn, item)?;
        let mut full = None;
        if !self.is_empty() && (self.len() == MAX_RECORDS || self.bytes + record.get().len() > MAX_BYTES) {
            full = Some(std::mem::replace(self, Self { replay: self.replay, ..Self::default() }));
            record = self::record(1, table_arn, item)?;
        }
        self.bytes += record.get().len();
        self.records.push(record);
        Ok(full)
    }

    /// The invocation event: all records but the first `done`.
    fn event(&self, done: usize) -> serde_json::Result<String> {
        let records = self.records.get(done..).unwrap_or_default();
        serde_json::to_string(&StreamBatch { records, count: true, replay: self.replay })
    }

    /// Hands the batch over and retries after each pause. After the last one, a record that still fails is left, and the
    /// records behind it are handed over, provided that others make progress. After a request to stop, nothing is retried.
    pub(crate) async fn hand_over(
        &self,
        fanout: &Fanout,
        pauses: &[Duration],
        stop: &Stop,
    ) -> anyhow::Result<HandedOver> {
        let mut outcome = HandedOver::default();
        let mut pauses = pauses.iter();
        let mut next = 0;
        while next < self.len() {
            let mut others_progress = false;
            let problem = match fanout.invoke(self.event(next)?).await? {
                Invoked::Failed => "the function fanout failed: see its log",
                Invoked::Answered(payload) => match Answer::read(&payload) {
                    None => "the answer of the function fanout can't be read: deploy the same version as this tool",
                    Some(answer) => {
                        let done = answer.done(next, self.len());
                        outcome.done += done - next;
                        outcome.parked += answer.counts.parked;
                        outcome.published = answer.counts.published;
                        others_progress = outcome.published > 0;
                        next = done;
                        "fanout could not publish it: see its log"
                    }
                },
            };
            if next == self.len() {
                break;
            }
            match pauses.next().filter(|_| !stop.is_requested()) {
                Some(pause) => stop.pause(*pause).await,
                None => {
                    outcome.problem = Some(problem);
                    outcome.left.push(next);
                    next += 1;
                    if !others_progress || stop.is_requested() {
                        outcome.left.extend(next..self.len());
                        outcome.ends = true;
                        break;
                    }
                }
            }
        }
        Ok(outcome)
    }
}

/// The stream record of an item's insertion. Its sequence number is its position in the batch, from 1.
fn record(number: usize, table_arn: &str, item: &serde_dynamo::Item) -> anyhow::Result<Box<RawValue>> {
    let number = number.to_string();
    let keys =
        Keys { pk: item.get("pk").context("an item has no pk")?, sk: item.get("sk").context("an item has no sk")? };
    let record = StreamRecord {
        event_id: Some(&number),
        event_name: INSERT.into(),
        event_source: Some("aws:dynamodb"),
        stream_arn: Some(format!("{table_arn}/stream/replay").into()),
        change: StreamChange { keys, new_image: item, sequence_number: Some((&number).into()), stored_at: None },
    };
    Ok(serde_json::value::to_raw_value(&record)?)
}

/// The outcome of a batch.
#[derive(Debug, Default)]
pub(crate) struct HandedOver {
    /// Records that need no retry: published or parked.
    pub(crate) done: usize,
    pub(crate) parked: u64,
    /// The number of published events in the last answer.
    pub(crate) published: u64,
    /// The indices of the records that were not published: those that failed after all retries and, if nothing
    /// succeeds, those behind them.
    pub(crate) left: Vec<usize>,
    /// Why records are left.
    pub(crate) problem: Option<&'static str>,
    /// Nothing succeeds any more, so there is no point in handing over another batch.
    pub(crate) ends: bool,
}

/// The answer of `fanout`: a partial batch response with counts.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    sequence_number: Option<String>,
}

impl Answer {
    fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// The number of records in front of the first failure, `before` of which were done earlier. A failure that names
    /// no record of the batch counts as the first record.
    fn done(&self, before: usize, all: usize) -> usize {
        let failed = self.failures.iter().map(|failure| {
            let number = failure.sequence_number.as_ref().and_then(|number| number.parse::<usize>().ok());
            number.filter(|number| (before + 1..=all).contains(number)).map_or(before, |number| number - 1)
        });
        failed.min().unwrap_or(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_dynamo::AttributeValue;
    use serde_json::{Value, json};

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/events";

    fn item(pk: &str, body_bytes: usize) -> serde_dynamo::Item {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text("EVENT"))]);
        item.insert("v".to_owned(), AttributeValue::N("1".to_owned()));
        item.insert("body".to_owned(), text(&"x".repeat(body_bytes)));
        item.insert("blob".to_owned(), AttributeValue::B(vec![0, 255]));
        item.into()
    }

    #[test]
    fn item_is_handed_over_as_its_insertion() {
        let mut batch = Batch::default();
        assert!(batch.add(TABLE, &item("MO#a", 1)).unwrap().is_none());
        assert!(batch.add(TABLE, &item("MO#b", 1)).unwrap().is_none());
        let expected = |number: &str, pk: &str| {
            json!({
                "eventID": number,
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "eventSourceARN": format!("{TABLE}/stream/replay"),
                "dynamodb": {
                    "Keys": {"pk": {"S": pk}, "sk": {"S": "EVENT"}},
                    "NewImage": {"pk": {"S": pk}, "sk": {"S": "EVENT"}, "v": {"N": "1"}, "body": {"S": "x"},
                                 "blob": {"B": "AP8="}},
                    "SequenceNumber": number,
                },
            })
        };
        let event: Value = serde_json::from_str(&batch.event(0).unwrap()).unwrap();
        assert_eq!(
            event,
            json!({"Records": [expected("1", "MO#a"), expected("2", "MO#b")], "count": true, "replay": false})
        );
        let rest: Value = serde_json::from_str(&batch.event(1).unwrap()).unwrap();
        assert_eq!(rest["Records"], json!([expected("2", "MO#b")]));
    }

    #[test]
    fn every_batch_of_a_replay_is_marked() {
        let mut batch = Batch::new(true);
        let full = (0..101).find_map(|_| batch.add(TABLE, &item("MO#a", 1)).unwrap()).unwrap();
        for batch in [full, batch] {
            let event: Value = serde_json::from_str(&batch.event(0).unwrap()).unwrap();
            assert_eq!(event["replay"], true);
        }
    }

    #[test]
    fn stream_record_is_handed_over_verbatim() {
        let record = r#"{ "eventName":"INSERT", "x":1e400 }"#;
        let batch = Batch::of_record(serde_json::from_str(record).unwrap());
        assert_eq!(batch.event(0).unwrap(), format!(r#"{{"Records":[{record}],"count":true,"replay":false}}"#));
    }

    #[test]
    fn batch_holds_at_most_100_records_and_5_mb() {
        let mut batch = Batch::default();
        let full: Vec<usize> =
            (0..250).filter_map(|_| batch.add(TABLE, &item("MO#a", 1)).unwrap()).map(|full| full.len()).collect();
        assert_eq!((full, batch.len()), (vec![100, 100], 50));
        let mut batch = Batch::default();
        let full: Vec<usize> =
            (0..30).filter_map(|_| batch.add(TABLE, &item("MO#a", 400_000)).unwrap()).map(|full| full.len()).collect();
        assert_eq!((full, batch.len()), (vec![12, 12], 6));
        let event: Value = serde_json::from_str(&batch.event(0).unwrap()).unwrap();
        assert_eq!(event["Records"][0]["dynamodb"]["SequenceNumber"], "1", "each batch counts from 1");
    }

    #[track_caller]
    fn check(answer: &str, before: usize, all: usize, done: Option<usize>) {
        assert_eq!(Answer::read(answer.as_bytes()).map(|answer| answer.done(before, all)), done, "{answer}");
    }

    #[test]
    fn records_before_the_first_failure_are_done() {
        check(r#"{"batchItemFailures":[],"published":0,"parked":0}"#, 0, 5, Some(5));
        check(r#"{"batchItemFailures":[],"published":4,"parked":1,"new":{}}"#, 0, 5, Some(5));
        check(r#"{"batchItemFailures":[{"itemIdentifier":"3"}],"published":0,"parked":0}"#, 0, 5, Some(2));
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"5"},{"itemIdentifier":"4"}],"published":0,"parked":0}"#,
            0,
            5,
            Some(3),
        );
        check(r#"{"batchItemFailures":[{"itemIdentifier":"3"}],"published":0,"parked":0}"#, 2, 5, Some(2));
        // An answer of another shape or about another batch: nothing more is done.
        check(r#"{"batchItemFailures":[{"itemIdentifier":""}],"published":0,"parked":0}"#, 1, 5, Some(1));
        check(r#"{"batchItemFailures":[{"itemIdentifier":null}],"published":0,"parked":0}"#, 0, 5, Some(0));
        check(r#"{"batchItemFailures":[{"itemIdentifier":"6"}],"published":0,"parked":0}"#, 0, 5, Some(0));
        check(r#"{"batchItemFailures":[{"itemIdentifier":"2"}],"published":0,"parked":0}"#, 2, 5, Some(2));
        check(r#"{"batchItemFailures":[]}"#, 0, 5, None);
        check(r#"{"statusCode":200}"#, 0, 5, None);
        check("null", 0, 5, None);
        check("", 0, 5, None);
    }

    proptest! {
        #[test]
        fn done_records_never_exceed_the_batch(
            numbers in prop::collection::vec(prop::option::of("[0-9]{0,4}"), 0..4),
            before in 0_usize..100,
            rest in 1_usize..100,
        ) {
            let failures = numbers.into_iter().map(|sequence_number| Failure { sequence_number }).collect();
            let answer = Answer { failures, counts: Counts::default() };
            let done = answer.done(before, before + rest);
            prop_assert!((before..=before + rest).contains(&done));
        }
    }
}
