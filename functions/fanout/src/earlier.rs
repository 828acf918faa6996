//! A user's earlier messages, which another shard of the stream may hold.
//!
//! The stream spreads a user's messages over its shards, and `fanout` reads those side by side. So before it publishes a
//! message to the FIFO topic, it publishes those that the user sent shortly before. The invocation that comes second
//! publishes a repeat, which SNS drops.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, TryStreamExt, stream};
use wab_models::{Key, ReceivedAt};
use wab_store::{EventTable, QueryError};

use crate::entry::{Entry, State};
use crate::publish_error::PublishError;
use crate::record::{Record, StoredEvent};

/// How far back earlier messages are looked for. SNS drops repeats for five minutes after the first publication, and an
/// invocation may take one. Half a minute is left for clocks that differ.
const LOOK_BACK: Duration = Duration::from_secs(210);

/// The most messages that are remembered as published: far more than this function publishes in [`LOOK_BACK`] for users
/// who send several.
const MAX_REMEMBERED: usize = 10_000;

/// Finds earlier messages, and remembers which of them are on the FIFO topic.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    table: EventTable,
    /// Ids of events that SNS has accepted.
    published: Arc<Mutex<HashSet<String>>>,
}

impl Earlier {
    pub(crate) fn new(table: EventTable) -> Self {
        Self { table, published: Arc::default() }
    }

    /// Finds the messages that the senders of a batch's messages sent before them, and that the batch doesn't hold. If a
    /// sender's can't be read, its messages in the batch fail.
    pub(crate) async fn find(&self, entries: &mut [Entry], now: SystemTime, concurrency: usize) -> Vec<Entry> {
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(LOOK_BACK);
        let from = &ReceivedAt::from_epoch_ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX));
        let in_batch: &HashSet<Key> = &entries.iter().filter_map(|entry| entry.record.key().cloned()).collect();
        let queries = latest(entries).into_iter().filter(|(_, until)| from < until).map(async |(source, until)| {
            let found = self.of_sender(&source, from, &until, in_batch, concurrency).await;
            (source, found)
        });
        let found: Vec<_> = stream::iter(queries).buffer_unordered(concurrency).collect().await;
        let table_arn = entries.iter().find_map(|entry| entry.record.event()?.table_arn.clone());
        let mut earlier = Vec::new();
        for (source, found) in found {
            match found {
                Ok(items) => earlier.extend(items.into_iter().map(|item| {
                    let table_arn = table_arn.clone();
                    let event = StoredEvent { item, table_arn, stored_at: None, sequence_number: None };
                    // Its own topic is the concern of the shard that holds it.
                    Entry { on_topic: true, ..Entry::of(Record::Event(Box::new(event))) }
                })),
                Err(error) => {
                    let of_sender = |entry: &&mut Entry| sender(entry) == Some(&source);
                    for entry in entries.iter_mut().filter(of_sender) {
                        entry.state = State::Failed(error.clone().into());
                    }
                }
            }
        }
        earlier
    }

    async fn of_sender(
        &self,
        source: &str,
        from: &ReceivedAt,
        until: &ReceivedAt,
        in_batch: &HashSet<Key>,
        concurrency: usize,
    ) -> Result<Vec<wab_models::Item<'static>>, QueryError> {
        let mut keys = self.table.messages_of(source, from, until).await?;
        {
            let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|key| !in_batch.contains(key) && !published.contains(&key.event_id()));
        }
        let items = stream::iter(&keys).map(|key| self.table.item(key)).buffered(concurrency);
        items.try_filter_map(async |item| Ok(item)).try_collect().await
    }

    /// Remembers the messages that are on the FIFO topic.
    pub(crate) fn remember<'a>(&self, entries: impl Iterator<Item = &'a Entry>) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.len() > MAX_REMEMBERED {
            published.clear();
        }
        let messages = entries.filter_map(Entry::published_event).filter(|event| event.item.source.is_some());
        published.extend(messages.map(|event| event.item.key.event_id()));
    }
}

/// The senders of the messages that are next on the FIFO topic, each with the time of the latest message.
fn latest(entries: &[Entry]) -> BTreeMap<String, ReceivedAt> {
    let mut latest = BTreeMap::new();
    for entry in entries {
        let (Some(source), Some(event)) = (sender(entry), entry.record.event()) else { continue };
        let received_at = &event.item.received_at;
        let until = latest.entry(source.to_owned()).or_insert_with(|| received_at.clone());
        if received_at > until {
            until.clone_from(received_at);
        }
    }
    latest
}

/// The sender of a message that only the FIFO topic lacks.
fn sender(entry: &Entry) -> Option<&str> {
    let event = entry.record.event().filter(|_| entry.on_topic && matches!(entry.state, State::Ready))?;
    event.item.source.as_deref()
}

/// Leaves out the earlier messages that can't be published: the shard that holds one parks it.
pub(crate) fn skip_rejected(earlier: &mut [Entry]) {
    for entry in earlier {
        if matches!(entry.state, State::Failed(PublishError::Permanent(_))) {
            entry.state = State::Skipped;
        }
    }
}

/// Fails the messages that wait for an earlier one, with its reason.
pub(crate) fn fail_behind(earlier: &[Entry], entries: &mut [Entry]) {
    for entry in earlier {
        let (State::Failed(error), Some(event)) = (&entry.state, entry.record.event()) else { continue };
        let source = event.item.source.as_deref();
        for behind in entries.iter_mut().filter(|behind| source.is_some() && sender(behind) == source) {
            behind.state = State::Failed(error.clone());
        }
    }
}
