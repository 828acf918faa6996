//! The function `fanout`: publishes each stored event to its SNS topic.
//!
//! The table's stream is the outbox. Lambda passes its records in order, keeps the position, and retries from the record
//! that the response names. So no event is lost here: each record is published, or parked in the dead-letter queue with
//! a reason, or retried.

mod answer;
mod batch;
mod composer;
mod earlier;
mod entry;
mod message;
mod publish_error;
mod recently_published;
mod record;
mod settings;
mod topics;

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};
use wab_models::{Counts, Key, Parked, StreamBatch};
use wab_platform::{Clock, Reason, SdkConfig, Trace, Tracer, log_distribution};
use wab_store::DeadLetterQueue;

pub use crate::answer::{Answer, Tally};
pub use crate::composer::Composer;
pub use crate::entry::MissingSequenceNumber;
pub use crate::message::{Message, Occasion};
pub use crate::settings::Settings;

use crate::batch::{Batch, batches, fifo_batches};
use crate::earlier::{Earlier, fail_behind, skip_rejected};
use crate::entry::{Entry, State, Waiting, counts, first_unfinished};
use crate::publish_error::Verdict;
use crate::recently_published::RecentlyPublished;
use crate::record::Record;
use crate::topics::Topics;

/// The number of concurrent calls of one kind. A `PublishBatch` has ten entries, so ten calls publish all that one
/// invocation gets (`BatchSize` in the template), and a full batch takes the time of one call. Subscribers aren't
/// promised any order.
const CONCURRENT_CALLS: usize = 10;

/// The time reserved before the Lambda timeout for the response.
const TIME_TO_ANSWER: Duration = Duration::from_secs(2);

/// Where events come from and go to. Built once, during init.
#[derive(Debug, Clone)]
pub struct Fanout {
    composer: Composer,
    topics: Topics,
    dead_letters: DeadLetterQueue,
    clock: Clock,
    metric_namespace: String,
    tracer: Tracer,
    recently_published: RecentlyPublished,
    earlier: Earlier,
}

impl Fanout {
    #[must_use]
    pub fn new(settings: Settings, sdk: &SdkConfig) -> Self {
        let composer = Composer::new(sdk, settings.table_name, settings.bucket_name);
        Self {
            earlier: Earlier::new(composer.table.clone()),
            composer,
            topics: Topics::new(sdk, settings.topics, settings.fifo_topics),
            dead_letters: DeadLetterQueue::new(sdk, settings.dead_letter_queue_url),
            clock: Clock::of(sdk),
            metric_namespace: settings.metric_namespace,
            tracer: settings.tracer,
            recently_published: RecentlyPublished::default(),
        }
    }

    /// Does during init what the first batch would otherwise wait for. Table and bucket are left out: only some batches
    /// need them.
    pub async fn warm_up(&self) {
        self.topics.warm_up().await;
    }
}

/// Publishes a batch of stream records. `deadline` is when Lambda ends the invocation, and `tracing_header` names its
/// trace, if it is traced.
///
/// The response names the first record that isn't done, if any, and Lambda retries from there. So an event may be
/// published twice, each time with the same id, and none is left out.
///
/// # Errors
/// If that record has no sequence number. Then Lambda retries the whole batch.
pub async fn handle(
    fanout: &Fanout,
    batch: StreamBatch,
    deadline: SystemTime,
    tracing_header: Option<&str>,
) -> Result<Answer, MissingSequenceNumber> {
    let now = fanout.clock.now();
    let trace = fanout.tracer.trace(tracing_header, now);
    let time_left = deadline.duration_since(now).unwrap_or_default();
    let by = Instant::now() + time_left.saturating_sub(TIME_TO_ANSWER);
    let mut entries: Vec<Entry> = batch.records.iter().map(|raw| Entry::read(raw)).collect();
    // `wab` asks for a count when it publishes events again on purpose.
    if !batch.count {
        fanout.recently_published.skip(&mut entries);
    }
    let occasion = if batch.replay { Occasion::Replay } else { Occasion::Stored };
    let outcome = timeout_at(by, fan_out(fanout, &mut entries, occasion, by)).await;
    let counts @ Counts { published, .. } = counts(&entries);
    match outcome.unwrap_or(Err(Reason::OutOfTime)) {
        Ok(()) => tracing::info!(records = entries.len(), published, "records fanned out"),
        Err(reason) => {
            let Waiting { records: waiting, event_ids } = Waiting::of(&entries);
            tracing::error!(
                %reason,
                records = entries.len(),
                published,
                waiting,
                event.ids = event_ids,
                "fan-out stopped: Lambda will try again"
            );
        }
    }
    if !batch.count {
        fanout.recently_published.update(&entries);
    }
    // A replay says nothing about how fast events are published.
    if occasion == Occasion::Stored {
        log_lag(fanout, &entries);
    }
    if let Some(trace) = trace {
        annotate(&trace, &entries, fanout.clock.now());
    }
    let tally = batch.count.then_some(Tally { counts, version: env!("CARGO_PKG_VERSION") });
    Ok(Answer { batch_item_failures: first_unfinished(&entries)?.into_iter().collect(), tally })
}

/// Annotates the trace with the published events.
fn annotate(trace: &Trace, entries: &[Entry], now: SystemTime) {
    let published = entries.iter().filter_map(Entry::published_event);
    trace.annotate("publish", published.map(|event| event.item.key.event_id()), now);
}

/// Logs, for each published event, the time since API Gateway received its callback: the metric `FanoutLag`.
fn log_lag(fanout: &Fanout, entries: &[Entry]) {
    let now = fanout.clock.now();
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let lags = entries.iter().filter_map(Entry::published_event).filter_map(|event| {
        let received = Duration::from_millis(event.item.received_at.epoch_ms()?);
        u64::try_from(since_1970.saturating_sub(received).as_millis()).ok()
    });
    log_distribution(&fanout.metric_namespace, "FanoutLag", now, &lags.collect::<Vec<_>>());
}

/// Prepares, publishes and parks, until a record has to wait. The states of the entries keep what was done if the time
/// is up before that.
async fn fan_out(fanout: &Fanout, entries: &mut [Entry], occasion: Occasion, by: Instant) -> Result<(), Reason> {
    fanout.composer.prepare(entries, occasion, CONCURRENT_CALLS, by).await;
    // Before parking: an unavailable dead-letter queue must not delay an event that can be published.
    publish(fanout, entries).await;
    if fanout.topics.has_fifo() {
        publish_in_order(fanout, entries, occasion, by).await;
    }
    park_or_wait(fanout, entries).await
}

/// Publishes the entries that are ready, in waves of calls.
async fn publish(fanout: &Fanout, entries: &mut [Entry]) {
    publish_all(fanout, &mut batches(entries, !fanout.topics.has_fifo())).await;
}

/// Publishes to the FIFO topics what is on the others, one event of a group after another, and before a user's messages
/// those that the user sent earlier.
async fn publish_in_order(fanout: &Fanout, entries: &mut [Entry], occasion: Occasion, by: Instant) {
    let now = fanout.clock.now();
    let (mut earlier, suffix) = match occasion {
        Occasion::Stored => (fanout.earlier.find(entries, now, CONCURRENT_CALLS).await, String::new()),
        // A replay is on purpose, and in the order of its batch. SNS would drop what it has had within five minutes.
        Occasion::Replay => {
            (Vec::new(), format!("-{}", now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()))
        }
    };
    fanout.composer.prepare(&mut earlier, occasion, CONCURRENT_CALLS, by).await;
    loop {
        skip_rejected(&mut earlier);
        let mut next = fifo_batches(&mut earlier, entries, &suffix);
        if next.is_empty() || !publish_all(fanout, &mut next).await {
            break;
        }
    }
    fail_behind(&earlier, entries);
    fanout.earlier.remember(earlier.iter().chain(&*entries));
}

/// Publishes batches in waves of calls. A transient failure ends it after its wave: SNS is unhealthy, and more calls
/// would make it worse. A withheld topic doesn't affect the other topic. Returns whether it came to the end.
async fn publish_all(fanout: &Fanout, batches: &mut [Batch<'_>]) -> bool {
    for wave in batches.chunks_mut(CONCURRENT_CALLS) {
        join_all(wave.iter_mut().map(|batch| fanout.topics.publish(batch))).await;
        if wave.iter().any(Batch::has_transient_failure) {
            return false;
        }
    }
    true
}

/// Parks the records that are given up, in order, until the first one that has to wait: Lambda retries every record
/// behind that one anyway.
async fn park_or_wait(fanout: &Fanout, entries: &mut [Entry]) -> Result<(), Reason> {
    let now = fanout.clock.now();
    for Entry { record, state, .. } in entries.iter_mut() {
        let State::Failed(error) = state else { continue };
        match error.verdict(record.age(now)) {
            Verdict::Park(reason) => park(fanout, record, &reason).await?,
            Verdict::Wait(reason) => return Err(reason),
        }
        *state = State::Parked;
    }
    // What is left are events that `publish` didn't reach, behind one that has just been parked.
    if entries.iter().all(Entry::is_done) { Ok(()) } else { Err(Reason::NotAttempted) }
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
        outcome = "parked",
        %reason,
        event.id = record.key().map(Key::event_id),
        "record parked in the dead-letter queue: it can't be published"
    );
    Ok(())
}
