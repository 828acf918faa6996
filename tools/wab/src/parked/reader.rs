//! Reads the whole dead-letter queue, each message once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::aws::Unavailable;
use crate::stack::{DeadLetters, Received};

/// After this many calls in a row without a new message, the queue is taken to be at its end. Each call waits for a
/// second and asks every server of the queue (long polling).
const MAX_EMPTY_CALLS: u32 = 2;

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    queue: &'a DeadLetters,
    hidden: Duration,
    until: Option<Instant>,
    /// The latest receipt handle of each received message, by message id. Empty once the message is deleted.
    held: HashMap<String, String>,
}

impl<'a> Reader<'a> {
    /// Reads to the end of the queue, or for `time`. Each received message is hidden from others for `hidden`.
    pub(crate) fn new(queue: &'a DeadLetters, hidden: Duration, time: Option<Duration>) -> Self {
        Self { queue, hidden, until: time.map(|time| Instant::now() + time), held: HashMap::new() }
    }

    /// Returns at most ten messages, none at the end of the queue.
    pub(crate) async fn next(&mut self) -> Result<Vec<Received>, Unavailable> {
        let mut empty_calls = 0;
        while empty_calls < MAX_EMPTY_CALLS && self.until.is_none_or(|until| Instant::now() < until) {
            let mut received = self.queue.receive(self.hidden).await?;
            received.retain(|message| self.held.insert(message.id.clone(), message.handle.clone()).is_none());
            if !received.is_empty() {
                return Ok(received);
            }
            empty_calls += 1;
        }
        Ok(Vec::new())
    }

    pub(crate) async fn delete(&mut self, message: &Received) -> Result<(), Unavailable> {
        let handle = self.held.get(&message.id).unwrap_or(&message.handle);
        self.queue.delete(handle).await?;
        // A deleted message may be received again. Its id stays, so that it is skipped.
        self.held.insert(message.id.clone(), String::new());
        Ok(())
    }

    /// Extends the time for which a message is hidden.
    pub(crate) async fn extend(&self, message: &Received, hidden: Duration) -> Result<(), Unavailable> {
        let handle = self.held.get(&message.id).unwrap_or(&message.handle);
        self.queue.hide(&[handle], hidden).await
    }

    /// Makes every message that was received and not deleted visible again.
    pub(crate) async fn release(self) -> Result<(), Unavailable> {
        let handles: Vec<&str> = self.held.values().map(String::as_str).filter(|handle| !handle.is_empty()).collect();
        self.queue.hide(&handles, Duration::ZERO).await
    }
}
