//! A record of the batch, and how far it is.

use serde_json::value::RawValue;
use wab_models::Counts;
use wab_platform::BatchItemFailure;

use crate::message::Message;
use crate::publish_error::PublishError;
use crate::record::{Record, StoredEvent};

/// How many waiting events are named in the log.
const MAX_NAMED: usize = 10;

/// One record of a batch and its state. Lambda gets the batch back in the order of its records, so entries stay where
/// they are and only their states change.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) record: Record,
    /// What is published, once it is built.
    pub(crate) message: Option<Message>,
    pub(crate) state: State,
    /// Whether this or an earlier invocation published it to the topic of its kind. With FIFO topics, that isn't all.
    pub(crate) on_topic: bool,
}

#[derive(Debug)]
pub(crate) enum State {
    /// An event that nothing was tried with yet, or whose call hasn't returned.
    Pending,
    /// Its message is built.
    Ready,
    Failed(PublishError),
    /// On every topic that it belongs to.
    Published,
    Parked,
    /// The record isn't a new event, or an earlier invocation published it.
    Skipped,
}

impl Entry {
    pub(crate) fn read(raw: &RawValue) -> Self {
        Self::of(Record::read(raw))
    }

    pub(crate) fn of(record: Record) -> Self {
        let state = match &record {
            Record::Event(_) => State::Pending,
            Record::Poison(poison) => State::Failed(PublishError::Permanent(poison.reason.clone())),
            Record::NoEvent { .. } => State::Skipped,
        };
        Self { record, message: None, state, on_topic: false }
    }

    /// The event to prepare; none if there is nothing to prepare.
    pub(crate) fn pending_event(&self) -> Option<&StoredEvent> {
        self.record.event().filter(|_| matches!(self.state, State::Pending))
    }

    /// Keeps the result of preparing it.
    pub(crate) fn prepared(&mut self, outcome: Result<Message, PublishError>) {
        match outcome {
            Ok(message) => (self.message, self.state) = (Some(message), State::Ready),
            Err(error) => self.state = State::Failed(error),
        }
    }

    /// The event, if this invocation published it.
    pub(crate) fn published_event(&self) -> Option<&StoredEvent> {
        self.record.event().filter(|_| matches!(self.state, State::Published))
    }

    /// Whether the record needs nothing more from this or a later invocation.
    pub(crate) fn is_done(&self) -> bool {
        match self.state {
            State::Published | State::Parked | State::Skipped => true,
            State::Pending | State::Ready | State::Failed(_) => false,
        }
    }
}

/// The records that aren't done.
pub(crate) struct Waiting {
    pub(crate) records: usize,
    /// The ids of the first [`MAX_NAMED`] events.
    pub(crate) event_ids: String,
}

impl Waiting {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let waiting = || entries.iter().filter(|entry| !entry.is_done());
        let ids = waiting().filter_map(|entry| Some(entry.record.key()?.event_id()));
        Self { records: waiting().count(), event_ids: ids.take(MAX_NAMED).collect::<Vec<_>>().join(" ") }
    }
}

pub(crate) fn counts(entries: &[Entry]) -> Counts {
    let count = |is: fn(&State) -> bool| entries.iter().filter(|entry| is(&entry.state)).map(|_| 1).sum();
    Counts {
        published: count(|state| matches!(state, State::Published)),
        parked: count(|state| matches!(state, State::Parked)),
    }
}

/// A batch that Lambda has to retry as a whole, because its first unfinished record has no name.
#[derive(Debug, thiserror::Error)]
#[error("a record without a sequence number could not be parked")]
pub struct MissingSequenceNumber;

/// The first record that isn't done. Lambda retries from there.
pub(crate) fn first_unfinished(entries: &[Entry]) -> Result<Option<BatchItemFailure>, MissingSequenceNumber> {
    let Some(entry) = entries.iter().find(|entry| !entry.is_done()) else { return Ok(None) };
    let sequence_number = entry.record.sequence_number().ok_or(MissingSequenceNumber)?;
    Ok(Some(BatchItemFailure { item_identifier: sequence_number.to_owned() }))
}
