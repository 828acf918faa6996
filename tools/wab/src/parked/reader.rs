//! Reads the dead-letter queue from one end to the other, each message once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::aws::{Received, Stack, Unavailable};

/// So many calls in a row that bring nothing new are the end of the queue. Each waits for a second and asks every
/// server of the queue.
const END: u32 = 2;

/// A pass through the queue.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    stack: &'a Stack,
    hidden: Duration,
    until: Option<Instant>,
    /// What was received and not deleted: the id and the latest handle of each message.
    held: HashMap<String, String>,
}

impl<'a> Reader<'a> {
    /// Reads until the end, or for a time; what it receives is hidden for `hidden` at a time.
    pub(crate) fn new(stack: &'a Stack, hidden: Duration, time: Option<Duration>) -> Self {
        Self { stack, hidden, until: time.map(|time| Instant::now() + time), held: HashMap::new() }
    }

    /// The next messages, at most ten; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Received>, Unavailable> {
        let mut nothing_new = 0;
        while nothing_new < END && self.until.is_none_or(|until| Instant::now() < until) {
            let mut received = self.stack.receive(self.hidden).await?;
            received.retain(|message| self.held.insert(message.id.clone(), message.handle.clone()).is_none());
            if !received.is_empty() {
                return Ok(received);
            }
            nothing_new += 1;
        }
        Ok(Vec::new())
    }

    /// Deletes a message that isn't needed any more.
    pub(crate) async fn delete(&mut self, message: &Received) -> Result<(), Unavailable> {
        let handle = self.held.get(&message.id).unwrap_or(&message.handle);
        self.stack.delete(handle).await?;
        // If it comes again all the same, which a queue may do, it is still known.
        self.held.insert(message.id.clone(), String::new());
        Ok(())
    }

    /// Hides a message for longer.
    pub(crate) async fn keep(&self, message: &Received, hidden: Duration) -> Result<(), Unavailable> {
        let handle = self.held.get(&message.id).unwrap_or(&message.handle);
        self.stack.hide(&[handle], hidden).await
    }

    /// Gives back whatever was received and not deleted.
    pub(crate) async fn release(self) -> Result<(), Unavailable> {
        let handles: Vec<&str> = self.held.values().map(String::as_str).filter(|handle| !handle.is_empty()).collect();
        self.stack.hide(&handles, Duration::ZERO).await
    }
}
