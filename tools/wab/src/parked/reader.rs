//! Reads the whole dead-letter queue, each message once, and keeps what it has read hidden from other readers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use crate::aws::Unavailable;
use crate::stack::{DeadLetters, Received};

/// After this many calls in a row without a new message, the queue is taken to be at its end. Each call waits for a
/// second and asks every server of the queue (long polling).
const MAX_EMPTY_CALLS: u32 = 2;

/// How long a message stays hidden after the last heartbeat. If this process is killed, others see it after that time.
pub(crate) const HIDDEN: Duration = Duration::from_secs(30);

/// How often the messages that were read are hidden again.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(crate) struct Reader<'a> {
    queue: &'a DeadLetters,
    until: Option<Instant>,
    /// The latest receipt handle of each received message, by message id. None once the message is deleted.
    held: RefCell<HashMap<String, Option<String>>>,
}

impl<'a> Reader<'a> {
    /// Reads to the end of the queue, or for `time`.
    pub(crate) fn new(queue: &'a DeadLetters, time: Option<Duration>) -> Self {
        Self { queue, until: time.map(|time| Instant::now() + time), held: RefCell::default() }
    }

    /// Returns at most ten messages, none at the end of the queue.
    pub(crate) async fn next(&self) -> Result<Vec<Received>, Unavailable> {
        let mut empty_calls = 0;
        while empty_calls < MAX_EMPTY_CALLS && self.until.is_none_or(|until| Instant::now() < until) {
            let mut received = self.queue.receive(HIDDEN).await?;
            received.retain(|message| self.hold(message));
            if !received.is_empty() {
                return Ok(received);
            }
            empty_calls += 1;
        }
        Ok(Vec::new())
    }

    /// Keeps the receipt handle of a message. Returns whether the message is new. A deleted one may be received again.
    fn hold(&self, message: &Received) -> bool {
        let mut held = self.held.borrow_mut();
        match held.get_mut(&message.id) {
            Some(handle) => {
                if let Some(handle) = handle {
                    handle.clone_from(&message.handle);
                }
                false
            }
            None => {
                held.insert(message.id.clone(), Some(message.handle.clone()));
                true
            }
        }
    }

    pub(crate) async fn delete(&self, message: &Received) -> Result<(), Unavailable> {
        let handle = self.held.borrow().get(&message.id).cloned().flatten();
        self.queue.delete(handle.as_deref().unwrap_or(&message.handle)).await?;
        self.held.borrow_mut().insert(message.id.clone(), None);
        Ok(())
    }

    /// Does `work`, which reads with this reader, and keeps hiding the messages that were read and not deleted.
    pub(crate) async fn keep_hidden<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(HEARTBEAT, &mut work).await {
                Ok(ended) => return ended,
                // A message that can't be hidden becomes visible, and is published twice at worst.
                Err(_) => _ = self.queue.hide(&self.handles(), HIDDEN).await,
            }
        }
    }

    /// Makes every message that was read and not deleted visible again.
    pub(crate) async fn release(&self) -> Result<(), Unavailable> {
        self.queue.hide(&self.handles(), Duration::ZERO).await
    }

    fn handles(&self) -> Vec<String> {
        self.held.borrow().values().flatten().cloned().collect()
    }
}
