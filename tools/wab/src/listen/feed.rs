//! The loop of a listener: receives, shows, forwards and deletes the messages of its queue.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::delivery::Delivery;
use super::mailbox::note_use;
use crate::aws::Unavailable;
use crate::forward::{Endpoint, Posted};
use crate::stack::{MAX_MESSAGES, Queue, QueueMessage, ReceiveError};

/// How long a receive waits for a message. At the end, the listener waits for its receives: an abandoned one could hide
/// messages that nobody shows.
const POLL: Duration = Duration::from_secs(2);

/// How long a received message stays hidden from other readers. All that weren't shown are released at the end, so this
/// matters only after a crash. Ten messages take less, even if the program of `--forward-to` never answers.
pub(crate) const HIDDEN: Duration = Duration::from_secs(60);

/// Receives in flight while the queue is full. One otherwise: the order of events is more readable than with several.
const MAX_RECEIVES: usize = 4;

/// Posts in flight.
const MAX_POSTS: usize = 4;

/// The pause before a retry doubles from 1 s up to this.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Pauses before the queue is read again, and before events are posted to a program that isn't running.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(15);

/// How often the queue is tagged with the time of its last use, so that it isn't taken for abandoned.
const TAG_EVERY: Duration = Duration::from_secs(6 * 3600);

/// How many ids are remembered, to recognise what was shown before.
const MAX_REMEMBERED: usize = 50_000;

pub(crate) struct Feed<'a> {
    pub(crate) queue: &'a Queue,
    /// By the ARN of the topic.
    pub(crate) subscription_arns: HashMap<String, String>,
    /// Messages that SQS received before this time are deleted unseen.
    pub(crate) drop_before: Option<Timestamp>,
    pub(crate) endpoint: Option<Endpoint>,
}

/// What shows the events of a feed.
pub(crate) trait Screen {
    /// Shows an event, or the outcome of an attempt to forward it. Returns whether somebody still watches.
    ///
    /// # Errors
    /// If the event can't be written.
    fn show(&mut self, delivery: &Delivery, attempt: Option<&Attempt>) -> anyhow::Result<bool>;

    /// Reports that the queue can't be read, and why, or with None that it can be read again.
    ///
    /// # Errors
    /// If the report can't be written.
    fn report_link(&mut self, problem: Option<&str>) -> anyhow::Result<()>;

    /// Whether nobody watches any more.
    fn is_closed(&self) -> bool;
}

/// What a listener did.
#[derive(Default)]
pub(crate) struct Ended {
    pub(crate) shown: u64,
    pub(crate) dropped: u64,
    /// The events that the program of `--forward-to` didn't take, each with the last answer.
    pub(crate) kept: Vec<String>,
}

/// The end of one piece of work.
enum Step {
    Received(Result<Vec<QueueMessage>, ReceiveError>),
    Deleted(Result<(), Unavailable>),
    Posted(Box<Delivery>, Posted),
    Tagged,
    /// Also if that failed: messages that stay hidden reappear by themselves.
    Hidden,
}

type Work<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = anyhow::Result<Step>> + 'a>>>;

/// A message that wasn't delivered.
struct Kept {
    handle: String,
    attempts: u32,
    description: String,
}

/// The state of a run.
#[derive(Default)]
struct State {
    ended: Ended,
    receiving: usize,
    was_full: bool,
    posting: usize,
    /// Received, and not yet posted.
    backlog: VecDeque<Delivery>,
    kept: BTreeMap<String, Kept>,
    /// Messages of the queue that were shown.
    shown: Recent,
    /// Failed receives in a row.
    failures: u32,
    /// Posts in a row that found nobody at the address.
    unreachable: u32,
    resume_at: Option<Instant>,
    tagged_at: Option<Instant>,
}

/// The ids of the last events or messages.
#[derive(Default)]
pub(crate) struct Recent {
    order: VecDeque<String>,
    ids: HashSet<String>,
}

impl Recent {
    /// Returns whether the id is new.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}

/// An attempt to forward an event.
pub(crate) struct Attempt {
    pub(crate) posted: Posted,
    /// Counts from 1.
    pub(crate) number: u32,
    /// The pause before the next one, unless the event was delivered.
    pub(crate) retry_in: Option<Duration>,
}

impl Feed<'_> {
    /// Handles the messages of the queue, `first` before others, until `stop` or until the output is closed.
    pub(crate) async fn run(
        &self,
        first: Vec<QueueMessage>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        screen: &mut impl Screen,
    ) -> anyhow::Result<Ended> {
        let mut state = State::default();
        let mut work = Work::new();
        let mut is_stopping = false;
        self.handle(first, &mut state, &work, screen)?;
        loop {
            is_stopping |= screen.is_closed();
            if is_stopping && work.is_empty() {
                break;
            }
            if !is_stopping && state.resume_at.is_none() {
                self.start(&mut state, &work);
            }
            let pause = sleep_until(state.resume_at.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                () = &mut stop, if !is_stopping => is_stopping = true,
                Some(step) = work.next() => self.settle(step?, is_stopping, &mut state, &work, screen)?,
                () = pause, if !is_stopping && state.resume_at.is_some() => state.resume_at = None,
            }
        }
        let unseen = state.backlog.into_iter().map(|delivery| delivery.handle);
        let kept = state.kept.values().map(|kept| kept.handle.clone());
        self.queue.hide(unseen.chain(kept).collect(), Duration::ZERO).await?;
        state.ended.kept = state.kept.into_values().map(|kept| kept.description).collect();
        Ok(state.ended)
    }

    /// Starts as many receives and posts as there may be.
    fn start<'f>(&'f self, state: &mut State, work: &Work<'f>) {
        if let Some(endpoint) = &self.endpoint {
            while state.posting < MAX_POSTS
                && let Some(delivery) = state.backlog.pop_front()
            {
                state.posting += 1;
                let endpoint = endpoint.clone();
                let post = move || {
                    let posted = endpoint.post(&delivery.notification);
                    (delivery, posted)
                };
                work.push(Box::pin(async {
                    let (delivery, posted) = tokio::task::spawn_blocking(post).await.context("cannot post an event")?;
                    Ok(Step::Posted(Box::new(delivery), posted))
                }));
            }
        }
        if state.tagged_at.get_or_insert_with(Instant::now).elapsed() > TAG_EVERY {
            state.tagged_at = Some(Instant::now());
            work.push(Box::pin(async {
                // Tried again after the same time.
                let _ = note_use(self.queue).await;
                Ok(Step::Tagged)
            }));
        }
        let wanted = match (&self.endpoint, state.was_full) {
            (Some(_), _) => usize::from(state.backlog.is_empty()),
            (None, true) => MAX_RECEIVES,
            (None, false) => 1,
        };
        while state.receiving < wanted {
            state.receiving += 1;
            work.push(Box::pin(async { Ok(Step::Received(self.queue.receive(POLL, HIDDEN).await)) }));
        }
    }

    /// Draws the consequences of a step.
    fn settle<'f>(
        &'f self,
        step: Step,
        is_stopping: bool,
        state: &mut State,
        work: &Work<'f>,
        screen: &mut impl Screen,
    ) -> anyhow::Result<()> {
        match step {
            Step::Received(received) => {
                state.receiving -= 1;
                match received {
                    Ok(messages) if is_stopping => {
                        self.hide(messages.into_iter().map(|message| message.handle).collect(), Duration::ZERO, work);
                    }
                    Ok(messages) => {
                        if std::mem::take(&mut state.failures) > 0 {
                            screen.report_link(None)?;
                        }
                        state.was_full = messages.len() == MAX_MESSAGES;
                        self.handle(messages, state, work, screen)?;
                    }
                    Err(ReceiveError::Transient(error)) => {
                        state.failures += 1;
                        if state.failures == 1 && !is_stopping {
                            screen.report_link(Some(&error.to_string()))?;
                        }
                        state.pause(state.failures);
                    }
                    Err(ReceiveError::Permanent(error)) => return Err(error.into()),
                }
            }
            Step::Posted(delivery, posted) => self.settle_post(*delivery, posted, state, work, screen)?,
            // Later a message that is still there is received again, recognised, and deleted.
            Step::Deleted(Err(error)) if is_stopping => return Err(error.into()),
            Step::Deleted(_) | Step::Hidden | Step::Tagged => {}
        }
        Ok(())
    }

    /// Shows messages and deletes them, or puts them into the backlog.
    fn handle<'f>(
        &'f self,
        messages: Vec<QueueMessage>,
        state: &mut State,
        work: &Work<'f>,
        screen: &mut impl Screen,
    ) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let read = |message| Delivery::read(message, now, &self.subscription_arns);
        let mut deliveries: Vec<Delivery> = messages.into_iter().map(read).collect();
        deliveries.sort_by_key(|delivery| delivery.queued_at);
        let (mut done, mut unseen) = (Vec::new(), Vec::new());
        for delivery in deliveries {
            if self.drop_before.is_some_and(|time| delivery.queued_at < time) {
                state.ended.dropped += 1;
                done.push(delivery.handle);
            } else if state.shown.contains(&delivery.queue_id) {
                done.push(delivery.handle);
            } else if self.endpoint.is_some() {
                state.backlog.push_back(delivery);
            } else if screen.show(&delivery, None)? {
                state.ended.shown += 1;
                state.shown.insert(&delivery.queue_id);
                done.push(delivery.handle);
            } else {
                unseen.push(delivery.handle);
            }
        }
        self.delete(done, work);
        self.hide(unseen, Duration::ZERO, work);
        Ok(())
    }

    /// Shows the outcome of a post. Deletes the message, or hides it until the next attempt.
    fn settle_post<'f>(
        &'f self,
        delivery: Delivery,
        posted: Posted,
        state: &mut State,
        work: &Work<'f>,
        screen: &mut impl Screen,
    ) -> anyhow::Result<()> {
        state.posting -= 1;
        let number = state.kept.get(&delivery.queue_id).map_or(0, |kept| kept.attempts) + 1;
        let retry_in = match posted {
            Posted::Unreachable { .. } => {
                // Posts that were in flight at the same time fail together.
                if state.resume_at.is_none() {
                    state.unreachable += 1;
                    state.pause(state.unreachable);
                }
                Some(pause(state.unreachable, MAX_RECONNECT_PAUSE))
            }
            _ => {
                state.unreachable = 0;
                (!posted.is_delivered()).then(|| pause(number, MAX_PAUSE))
            }
        };
        let attempt = Attempt { posted, number, retry_in };
        if screen.show(&delivery, Some(&attempt))? && number == 1 {
            state.ended.shown += 1;
        }
        let Some(retry_in) = attempt.retry_in else {
            // Delivered, whether or not somebody still reads the output.
            state.kept.remove(&delivery.queue_id);
            state.shown.insert(&delivery.queue_id);
            self.delete(vec![delivery.handle], work);
            return Ok(());
        };
        self.hide(vec![delivery.handle.clone()], retry_in, work);
        let what = match delivery.event_id() {
            Some(id) => format!("event {id}"),
            None => "a message that is not an event".to_owned(),
        };
        let description = format!("{what}: {}", attempt.posted);
        state.kept.insert(delivery.queue_id, Kept { handle: delivery.handle, attempts: number, description });
        Ok(())
    }

    fn delete<'f>(&'f self, handles: Vec<String>, work: &Work<'f>) {
        if !handles.is_empty() {
            work.push(Box::pin(async { Ok(Step::Deleted(self.queue.delete(handles).await)) }));
        }
    }

    fn hide<'f>(&'f self, handles: Vec<String>, hidden: Duration, work: &Work<'f>) {
        if !handles.is_empty() {
            work.push(Box::pin(async move {
                let _ = self.queue.hide(handles, hidden).await;
                Ok(Step::Hidden)
            }));
        }
    }
}

impl State {
    /// Starts nothing new for a while. `failures` are those in a row.
    fn pause(&mut self, failures: u32) {
        self.resume_at = Some(Instant::now() + pause(failures, MAX_RECONNECT_PAUSE));
    }
}

/// Such as `503 in 12 ms, attempt 2, again in 2 s`.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.posted.fmt(f)?;
        if self.number > 1 {
            write!(f, ", attempt {}", self.number)?;
        }
        match self.retry_in {
            Some(pause) => write!(f, ", again in {} s", pause.as_secs()),
            None => Ok(()),
        }
    }
}

/// 1 s after the first failure, and twice as much after each further one.
fn pause(failures: u32, longest: Duration) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses = [1, 2, 3, 9, 10, 100, u32::MAX].map(|failures| pause(failures, MAX_PAUSE).as_secs());
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300, 300]);
    }

    #[test]
    fn recent_ids_are_recognised_and_bounded() {
        let mut recent = Recent::default();
        assert!(recent.insert("a") && !recent.insert("a") && recent.contains("a"));
        for number in 0..MAX_REMEMBERED {
            recent.insert(&number.to_string());
        }
        assert!(!recent.contains("a") && recent.ids.len() == MAX_REMEMBERED && recent.order.len() == MAX_REMEMBERED);
    }

    #[test]
    fn attempt_tells_the_answer_and_the_retry() {
        let posted = Posted::Answered { status: 503, took: Duration::from_millis(12) };
        let attempt = Attempt { posted, number: 2, retry_in: Some(Duration::from_secs(2)) };
        assert_eq!(attempt.to_string(), "503 in 12 ms, attempt 2, again in 2 s");
        let posted = Posted::Answered { status: 200, took: Duration::from_millis(3) };
        assert_eq!(Attempt { posted, number: 1, retry_in: None }.to_string(), "200 in 3 ms");
    }
}
