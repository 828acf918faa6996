//! Publishes selected events again, page by page of the table, and knows at each moment how far it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use wab_fanout::{Composer, Occasion};
use wab_models::Key;

use super::selection::{Pick, Selection};
use crate::delivery::{Sending, Target};
use crate::handover::{Batch, MAX_RECORDS, PAUSES};
use crate::stack::{Range, Stack, Start};
use crate::stop::Stop;

/// How long events are collected before a batch that isn't full is published, so that the position can be kept.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The time for fetching a body.
const TIME_FOR_BODY: Duration = Duration::from_secs(10);

/// Where the events go.
pub(crate) enum Sink<'a> {
    /// To their topics, through `fanout`. `replay` marks them as published again on purpose.
    Topics {
        replay: bool,
    },
    Target(&'a Target, Box<Composer>),
}

/// What to publish, and how.
pub(crate) struct Work<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) table_arn: &'a str,
    pub(crate) selection: &'a Selection,
    pub(crate) sink: Sink<'a>,
    /// The maximum number of events a second.
    pub(crate) rate: Option<u32>,
    pub(crate) stop: &'a Stop,
}

/// Called when the position has changed, to keep and to show it.
pub(crate) type OnProgress<'a> = dyn FnMut(&Replayed) -> anyhow::Result<()> + 'a;

/// How far a replay is. Kept in a file, so that an interrupted replay can go on.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Replayed {
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// The key after which the scan goes on.
    position: Option<Key>,
    /// The ids of the events behind the position that were published.
    done: BTreeSet<String>,
    /// The events that couldn't be published.
    left: Vec<Key>,
    /// Why events are left.
    #[serde(skip)]
    problem: Option<String>,
    /// Nothing can be published any more.
    #[serde(skip)]
    ended: bool,
    /// When the next event may be published, to hold the rate.
    #[serde(skip)]
    next_at: Option<Instant>,
}

#[derive(Default, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) published: u64,
    pub(crate) parked: u64,
    /// Events that can't be composed for a target, by reason.
    pub(crate) unpublishable: BTreeMap<String, u64>,
    /// Selected, but expired.
    pub(crate) expired: u64,
    pub(crate) scanned: u64,
    pub(crate) read_units: f64,
}

impl Counts {
    pub(crate) fn cost(&self) -> String {
        format!("{} items read, {:.1} read units", self.scanned, self.read_units)
    }
}

impl Replayed {
    /// Publishes the events of the selection. Stops when nothing can be published, or on request.
    ///
    /// # Errors
    /// If a call to AWS fails. What was published before is counted.
    pub(crate) async fn run(&mut self, work: &Work<'_>, on_progress: &mut OnProgress<'_>) -> anyhow::Result<()> {
        self.publish_left(work).await?;
        let (from, to) = work.selection.windows.bounds();
        let range = Range { from: from.as_str(), to: to.as_str(), kind: work.selection.kind };
        let mut start = self.position.as_ref().map(Start::after);
        let mut pending = Vec::new();
        let mut kept_at = Instant::now();
        while !self.is_over(work) {
            let page = work.stack.table.events(range, start).await?;
            if work.stop.is_requested() {
                break;
            }
            let (mut expired, mut was_published) = (0, false);
            for item in page.items {
                match work.selection.pick(&item, work.stack.table.has_expired(&item)) {
                    Pick::Other => {}
                    Pick::Expired => expired += 1,
                    Pick::Selected(key) if self.done.contains(&key.event_id()) => {}
                    Pick::Selected(key) => pending.push((key, item)),
                }
                if pending.len() >= work.batch_len() {
                    self.publish(work, std::mem::take(&mut pending)).await?;
                    was_published = true;
                    on_progress(self)?;
                    if self.is_over(work) {
                        return Ok(());
                    }
                }
            }
            let is_last = page.next.is_none();
            if is_last || was_published || kept_at.elapsed() >= MAX_WAIT {
                self.publish(work, std::mem::take(&mut pending)).await?;
            }
            self.counts.expired += expired;
            self.counts.scanned += page.scanned;
            self.counts.read_units += page.read_units;
            // With events pending, the replay would have to read their pages again.
            if pending.is_empty() {
                self.position = page.next.as_ref().and_then(Start::key);
                self.done.clear();
                kept_at = Instant::now();
            }
            on_progress(self)?;
            if is_last {
                break;
            }
            start = page.next;
        }
        Ok(())
    }

    fn is_over(&self, work: &Work<'_>) -> bool {
        self.ended || work.stop.is_requested()
    }

    /// Publishes the events that an earlier run left.
    async fn publish_left(&mut self, work: &Work<'_>) -> anyhow::Result<()> {
        while !self.is_over(work) && !self.left.is_empty() {
            let keys = self.left.drain(..self.left.len().min(work.batch_len())).collect::<Vec<_>>();
            let mut found = Vec::new();
            for key in keys {
                match work.stack.table.item(&key).await? {
                    Some(item) => found.push((key, item)),
                    None => self.counts.expired += 1,
                }
            }
            self.publish(work, found).await?;
            if self.problem.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Publishes a batch of events.
    async fn publish(&mut self, work: &Work<'_>, events: Vec<(Key, serde_dynamo::Item)>) -> anyhow::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        if let (Some(next_at), Some(_)) = (self.next_at, work.rate) {
            work.stop.pause(next_at.saturating_duration_since(Instant::now())).await;
        }
        let started = Instant::now();
        let count = u32::try_from(events.len())?;
        match &work.sink {
            Sink::Topics { replay } => self.hand_over(work, events, *replay).await?,
            Sink::Target(target, composer) => self.send(work, events, target, composer).await?,
        }
        self.next_at = work.rate.map(|rate| started + Duration::from_secs(1) * count / rate);
        Ok(())
    }

    async fn hand_over(
        &mut self,
        work: &Work<'_>,
        events: Vec<(Key, serde_dynamo::Item)>,
        replay: bool,
    ) -> anyhow::Result<()> {
        let mut batch = Batch::new(replay);
        let mut keys = Vec::new();
        for (key, item) in events {
            if let Some(full) = batch.add(work.table_arn, &item)? {
                self.hand_over_batch(work, &full, std::mem::take(&mut keys)).await?;
            }
            keys.push(key);
        }
        self.hand_over_batch(work, &batch, keys).await
    }

    async fn hand_over_batch(&mut self, work: &Work<'_>, batch: &Batch, keys: Vec<Key>) -> anyhow::Result<()> {
        if self.ended {
            self.settle(keys.iter(), keys.iter());
            return Ok(());
        }
        let outcome = batch.hand_over(&work.stack.fanout, &PAUSES, work.stop).await?;
        self.counts.published += u64::try_from(outcome.done)?.saturating_sub(outcome.parked);
        self.counts.parked += outcome.parked;
        self.problem = outcome.problem.map(str::to_owned).or(self.problem.take());
        self.ended = outcome.ends;
        self.settle(keys.iter(), outcome.left.iter().filter_map(|index| keys.get(*index)));
        Ok(())
    }

    async fn send(
        &mut self,
        work: &Work<'_>,
        events: Vec<(Key, serde_dynamo::Item)>,
        target: &Target,
        composer: &Composer,
    ) -> anyhow::Result<()> {
        let by = tokio::time::Instant::now() + TIME_FOR_BODY;
        let composed = join_all(events.iter().map(|(_, item)| compose(composer, item, work.table_arn, by))).await;
        let (mut keys, mut messages) = (Vec::new(), Vec::new());
        for ((key, _), composed) in events.into_iter().zip(composed) {
            match composed {
                Ok(message) => {
                    keys.push(key);
                    messages.push(message);
                }
                Err(reason) => {
                    self.settle([&key].into_iter(), [].into_iter());
                    *self.counts.unpublishable.entry(reason).or_default() += 1;
                }
            }
        }
        let Sending { left, problem, ends } = target.send_all(&messages, &PAUSES, work.stop).await;
        self.counts.published += u64::try_from(messages.len() - left.len())?;
        self.problem = problem.or(self.problem.take());
        self.ended = ends;
        self.settle(keys.iter(), left.iter().filter_map(|index| keys.get(*index)));
        Ok(())
    }

    fn settle<'k>(&mut self, all: impl Iterator<Item = &'k Key>, left: impl Iterator<Item = &'k Key>) {
        self.done.extend(all.map(Key::event_id));
        self.left.extend(left.cloned());
    }

    /// The number of events that couldn't be published.
    pub(crate) fn left(&self) -> usize {
        self.left.len()
    }

    /// Why events are left, if any are.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Nothing could be published any more, so the replay ended before the end of the window.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Composes the message of an item, as a replay of it.
pub(crate) async fn compose(
    composer: &Composer,
    item: &serde_dynamo::Item,
    table_arn: &str,
    by: tokio::time::Instant,
) -> Result<wab_fanout::Message, String> {
    let item = serde_dynamo::from_item::<_, wab_models::Item<'_>>(item.clone());
    // The error's own text may quote the item.
    let item = item.map_err(|_| wab_platform::Reason::UnknownLayout.to_string())?;
    composer.compose(&item, Some(table_arn), Occasion::Replay, by).await.map_err(|reason| reason.to_string())
}

impl Work<'_> {
    /// The number of events that are published at once: about one batch a second, if there is a rate.
    fn batch_len(&self) -> usize {
        self.rate.map_or(MAX_RECORDS, |rate| usize::try_from(rate).unwrap_or(MAX_RECORDS).clamp(1, MAX_RECORDS))
    }
}
