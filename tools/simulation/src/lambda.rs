//! Lambda: the life of processes, and the event sources for the stream and the spill queue.
//!
//! Sources: Lambda developer guide, "Understanding the Lambda execution environment lifecycle", "Using Lambda with DynamoDB",
//! "Configuring partial batch response with DynamoDB and Lambda", "Retaining discarded batches for a DynamoDB event
//! source", "Using Lambda with Amazon SQS", "Handling errors for an SQS event source in Lambda".

use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use wab_models::StreamBatch;
use wab_recover::SpillBatch;

use crate::aws::dynamodb::{Record, STREAM_RETENTION};
use crate::aws::sqs::Received;
use crate::plan::{Function, Kind};
use crate::process::{Code, Process};
use crate::time::{EPOCH_MS, Ms, SECOND};
use crate::world::World;

/// `BatchSize` of `fanout` in the template.
const BATCH_SIZE: usize = 100;

/// `MaximumRecordAgeInSeconds` of `fanout` in the template.
const MAX_RECORD_AGE: Ms = 79_200 * SECOND;

/// `Timeout` of `fanout` and `recover` in the template.
const FANOUT_TIMEOUT: Ms = 60 * SECOND;
const RECOVER_TIMEOUT: Ms = 5 * SECOND;

/// `VisibilityTimeout` and `maxReceiveCount` of the spill queue, `MaximumConcurrency` of its reader, in the template.
const VISIBILITY: Ms = 30 * SECOND;
const MAX_RECEIVES: u32 = 1000;
const MAX_CONCURRENCY: usize = 10;

/// The first pause of a shard reader after a failure. Pauses double up to the plan's `retry_pause`.
const FIRST_PAUSE: Ms = 500;

/// "A batch ... 6 MB": the maximum payload of an invocation.
const MAX_BATCH_BYTES: usize = 6 * 1024 * 1024;

/// "Lambda ... execution environment ... idle": an idle process is kept for some minutes.
const IDLE: Ms = 7 * 60 * SECOND;

/// Why an invocation has no answer of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Throttled,
    Killed,
    TimedOut,
    Failed,
}

impl Ended {
    /// API Gateway's status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Throttled => 503,
            Self::Killed | Self::Failed => 502,
            Self::TimedOut => 504,
        }
    }
}

impl World {
    /// Invokes a function in an idle process, or in a new one.
    pub(crate) async fn invoke<T>(
        self: &Rc<Self>,
        function: Function,
        time: Ms,
        work: impl AsyncFnOnce(Rc<Process>, SystemTime) -> T,
    ) -> Result<T, Ended> {
        if self.happens(Kind::Throttled(function)) {
            return Err(Ended::Throttled);
        }
        // The process can be killed at any await of the invocation, or of init before it.
        let dies = self.happens(Kind::Killed(function)).then(|| self.random(1..40));
        let run = async {
            let process = self.process(function).await;
            let began = self.now();
            self.invocation_begins(process.number, began);
            let deadline = process.deadline(time);
            let result = timeout(Duration::from_millis(time), Box::pin(work(Rc::clone(&process), deadline))).await;
            (process, result)
        };
        let ended = match until_killed(run, dies).await {
            None => Err(Ended::Killed),
            Some((_, Err(_))) => Err(Ended::TimedOut),
            Some((process, Ok(answer))) => {
                process.idle_since.set(self.now());
                self.idle(function).push(process);
                Ok(answer)
            }
        };
        if let Err(ended) = &ended {
            self.note(|| format!("{function:?} {ended:?}"));
        }
        self.read_log();
        ended
    }

    async fn process(self: &Rc<Self>, function: Function) -> Rc<Process> {
        let now = self.now();
        self.idle(function).retain(|process| process.idle_since.get() + IDLE > now);
        let idle = self.idle(function).pop();
        if let Some(process) = idle {
            return process;
        }
        sleep(Duration::from_millis(self.plan.setup.cold_start)).await;
        let process = Rc::new(self.new_process(function));
        process.init().await;
        process
    }

    /// Invokes `fanout` with stream records.
    pub(crate) async fn invoke_fanout(self: &Rc<Self>, event: &str) -> Result<Value, Ended> {
        let batch: StreamBatch = serde_json::from_str(event).unwrap_or_else(|error| panic!("a batch: {error}"));
        let answer =
            self.invoke(Function::Fanout, FANOUT_TIMEOUT, async move |process, deadline| match &process.code {
                Code::Fanout(fanout) => wab_fanout::handle(fanout, batch, deadline, None).await,
                _ => unreachable!("this process is a fan-out"),
            });
        match answer.await? {
            Ok(answer) => Ok(serde_json::to_value(answer).unwrap_or_default()),
            Err(_) => Err(Ended::Failed),
        }
    }

    /// Reads one shard of the stream, then its children.
    pub(crate) async fn read_shard(self: Rc<Self>, shard: usize) {
        let mut position = 0;
        loop {
            let batch = self.next_batch(shard, &mut position);
            if !batch.is_empty() {
                self.unread_add(batch.len());
                self.settle_batch(shard, batch).await;
                continue;
            }
            let children = self.table.borrow().shards.get(shard).and_then(|shard| shard.children);
            if let Some(children) = children {
                for child in children {
                    self.spawn(Rc::clone(&self).read_shard(child));
                }
                return;
            }
            self.stream_changed.notified().await;
        }
    }

    /// The next records that pass the template's filter: `INSERT` of `MO#…` and `DLR#…`.
    fn next_batch(&self, shard: usize, position: &mut usize) -> VecDeque<Rc<Record>> {
        let table = self.table.borrow();
        let mut batch = VecDeque::new();
        let mut bytes = 0;
        let Some(shard) = table.shards.get(shard) else { return batch };
        while let Some(record) = shard.records.get(*position) {
            bytes += record.json.len();
            if batch.len() == BATCH_SIZE || (bytes > MAX_BATCH_BYTES && !batch.is_empty()) {
                break;
            }
            *position += 1;
            if record.is_insert && (record.pk.starts_with("MO#") || record.pk.starts_with("DLR#")) {
                batch.push_back(Rc::clone(record));
            }
        }
        batch
    }

    /// Retries a batch until every record is done or too old. The records behind it wait.
    async fn settle_batch(self: &Rc<Self>, shard: usize, batch: VecDeque<Rc<Record>>) {
        // Parts of the batch, oldest first. A failed invocation splits a part in two.
        let mut parts = VecDeque::from([batch]);
        let mut pause = FIRST_PAUSE;
        let mut twice = self.happens(Kind::RecordsTwice);
        while let Some(mut part) = parts.pop_front() {
            if self.is_over() {
                return;
            }
            if part.front().is_some_and(|oldest| self.now() - oldest.stored_at >= MAX_RECORD_AGE) {
                self.give_up(shard, part);
                continue;
            }
            let records: Vec<&str> = part.iter().map(|record| record.json.as_str()).collect();
            let event = format!("{{\"Records\":[{}]}}", records.join(","));
            match self.invoke_fanout(&event).await {
                // "Complete success": an empty list, or null.
                Ok(answer) if answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty) => {
                    if std::mem::take(&mut twice) {
                        parts.push_front(part);
                        continue;
                    }
                    self.unread_remove(part.len());
                    pause = FIRST_PAUSE;
                    continue;
                }
                Ok(answer) => {
                    // "Lambda ... retries all records starting from the lowest sequence number" that is named; with
                    // bisecting, the batch is cut there and the remaining records are retried.
                    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
                    let place = |failure: &Value| {
                        part.iter().position(|record| failure["itemIdentifier"] == *record.sequence_number)
                    };
                    // An unknown identifier fails the whole batch.
                    let done = failures.map(|failure| place(failure).unwrap_or(0)).min().unwrap_or(0);
                    if done > 0 {
                        pause = FIRST_PAUSE;
                    }
                    self.unread_remove(done);
                    part.drain(..done);
                    parts.push_front(part);
                }
                Err(Ended::Throttled) => parts.push_front(part),
                // "Splits the batch into two and retries" each.
                Err(Ended::Killed | Ended::TimedOut | Ended::Failed) => {
                    let behind = part.split_off(part.len().div_ceil(2));
                    if !behind.is_empty() {
                        parts.push_front(behind);
                    }
                    parts.push_front(part);
                }
            }
            sleep(Duration::from_millis(self.random(pause / 2..pause))).await;
            pause = (pause * 2).min(self.plan.setup.retry_pause);
        }
    }

    /// "Lambda sends details about the failed batch" to the destination on failure. The records stay in the stream, which
    /// keeps them for 24 hours.
    fn give_up(&self, shard: usize, part: VecDeque<Rc<Record>>) {
        self.unread_remove(part.len());
        let (Some(first), Some(last)) = (part.front(), part.back()) else { return };
        if self.now() - first.stored_at > STREAM_RETENTION {
            self.violation("lost in the stream", || "a record was trimmed before it was handed over".to_owned());
        }
        let instant = |ms: Ms| {
            let instant = Timestamp::from_millisecond(i64::try_from((EPOCH_MS + ms) / 1000 * 1000).unwrap_or(0));
            instant.unwrap_or_default().to_string()
        };
        let message = json!({
            "requestContext": {"requestId": "r", "functionArn": "f", "condition": "RecordAgeExceeded", "approximateInvokeCount": 1},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": instant(self.now()),
            "DDBStreamBatchInfo": {
                "shardId": format!("shardId-{shard}"),
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": instant(first.stored_at),
                "approximateArrivalOfLastRecord": instant(last.stored_at),
                "batchSize": part.len(),
                "streamArn": "s",
            },
        });
        self.note(|| format!("Lambda gives up {} records of shard {shard}", part.len()));
        for record in &part {
            self.given_up(record);
        }
        self.dead_letters.borrow_mut().add(message.to_string(), self.now());
    }

    pub(crate) async fn read_spill_queue(self: Rc<Self>) {
        loop {
            let now = self.now();
            let free = self.recovering.get() < MAX_CONCURRENCY;
            let (received, dead) = match free {
                true => self.spill.borrow_mut().receive(VISIBILITY, MAX_RECEIVES, now),
                false => Default::default(),
            };
            for body in dead {
                self.dead_letters.borrow_mut().add(body, now);
            }
            if !received.is_empty() {
                self.recovering.set(self.recovering.get() + 1);
                self.spawn(Rc::clone(&self).recover(received));
                continue;
            }
            let next = self.spill.borrow().next_visible().filter(|_| free).unwrap_or(Ms::MAX);
            let wait = next.saturating_sub(now).clamp(1, 24 * 3600 * SECOND);
            // The queue is read again in either case.
            let _ = timeout(Duration::from_millis(wait), self.spill_changed.notified()).await;
        }
    }

    async fn recover(self: Rc<Self>, received: Vec<Received>) {
        let records: Vec<Value> = received
            .iter()
            .map(|message| {
                json!({
                    "messageId": message.id.to_string(),
                    "body": message.body,
                    "attributes": {"ApproximateReceiveCount": message.receives.to_string()},
                })
            })
            .collect();
        let batch: SpillBatch =
            serde_json::from_value(json!({ "Records": records })).unwrap_or_else(|error| panic!("{error}"));
        let answer = self.invoke(Function::Recover, RECOVER_TIMEOUT, async move |process, _| match &process.code {
            Code::Recover(recover) => wab_recover::handle(recover, batch).await,
            _ => unreachable!("this process recovers"),
        });
        // If the invocation failed, the messages become visible again after their visibility timeout.
        if let Ok(answer) = answer.await {
            let answer = serde_json::to_value(answer).unwrap_or_default();
            let failed = |id: &str| {
                let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
                failures.into_iter().any(|failure| failure["itemIdentifier"] == *id)
            };
            for message in received {
                if failed(&message.id.to_string()) {
                    continue;
                }
                if self.happens(Kind::MessagesTwice) {
                    self.spill.borrow_mut().show(message.id, self.now());
                } else {
                    self.spill.borrow_mut().delete(message.id);
                }
            }
        }
        self.recovering.set(self.recovering.get() - 1);
        self.spill_changed.notify_one();
    }
}

/// Runs `work`, and drops it after `polls` polls, that is, at one of its awaits.
async fn until_killed<T>(work: impl Future<Output = T>, polls: Option<u64>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        match &mut left {
            Some(0) => return Poll::Ready(None),
            Some(left) => *left -= 1,
            None => {}
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}
