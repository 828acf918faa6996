//! Messages in the batches that SNS accepts.

use std::mem;

use wab_events::Kind;
use wab_models::MAX_MESSAGE_BYTES;

use crate::entry::{Entry, State};
use crate::message::Message;
use crate::publish_error::PublishError;

/// The most entries of one `PublishBatch` (SNS API reference).
const MAX_ENTRIES: usize = 10;

/// A message on its way, and the state of its entry.
#[derive(Debug)]
pub(crate) struct Outbound<'a> {
    pub(crate) message: Message,
    state: &'a mut State,
}

impl<'a> Outbound<'a> {
    /// Takes the message out of an entry. The entry is pending until the call returns.
    fn take(entry: &'a mut Entry) -> Option<Self> {
        match mem::replace(&mut entry.state, State::Pending) {
            State::Ready(message) => Some(Self { message, state: &mut entry.state }),
            other => {
                entry.state = other;
                None
            }
        }
    }

    pub(crate) fn settle(&mut self, outcome: Result<(), PublishError>) {
        *self.state = match outcome {
            Ok(()) => State::Published,
            Err(error) => State::Failed(error),
        };
    }
}

/// Messages for one topic that fit one call.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) kind: Kind,
    pub(crate) outbound: Vec<Outbound<'a>>,
    size_bytes: usize,
}

impl Batch<'_> {
    pub(crate) fn has_transient_failure(&self) -> bool {
        self.outbound.iter().any(|outbound| matches!(outbound.state, State::Failed(PublishError::Transient(_))))
    }
}

/// Groups the messages that are ready into batches: each for one topic, with at most 10 entries and 256 KiB in all.
/// Messages for one topic stay in order, and batches are in the order of their first messages.
pub(crate) fn batches(entries: &mut [Entry]) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for outbound in entries.iter_mut().filter_map(Outbound::take) {
        let (kind, size_bytes) = (outbound.message.kind, outbound.message.size_bytes());
        let last = batches.iter_mut().rfind(|batch| batch.kind == kind);
        match last {
            Some(batch) if batch.outbound.len() < MAX_ENTRIES && batch.size_bytes + size_bytes <= MAX_MESSAGE_BYTES => {
                batch.outbound.push(outbound);
                batch.size_bytes += size_bytes;
            }
            _ => batches.push(Batch { kind, outbound: vec![outbound], size_bytes }),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    /// An entry whose message has this size. Its text is its number, padded with spaces.
    fn entry(number: usize, kind: Kind, bytes: usize) -> Entry {
        let number = number.to_string();
        let text = number.clone() + &" ".repeat(bytes - number.len());
        let message = Message { kind, text, attributes: Vec::new() };
        Entry { record: Record::NoEvent { sequence_number: None }, state: State::Ready(message) }
    }

    #[track_caller]
    fn check(messages: &[(Kind, usize)], expected: &[(Kind, &[usize])]) {
        let mut entries: Vec<Entry> =
            messages.iter().enumerate().map(|(number, (kind, bytes))| entry(number, *kind, *bytes)).collect();
        let number = |outbound: &Outbound<'_>| outbound.message.text.trim().parse().unwrap();
        let batches: Vec<(Kind, Vec<usize>)> = batches(&mut entries)
            .iter()
            .map(|batch| (batch.kind, batch.outbound.iter().map(number).collect()))
            .collect();
        let expected: Vec<(Kind, Vec<usize>)> =
            expected.iter().map(|(kind, numbers)| (*kind, numbers.to_vec())).collect();
        assert_eq!(batches, expected);
    }

    #[test]
    fn batch_has_one_topic_and_keeps_order() {
        use Kind::{Dlr, Mo};
        check(&[(Mo, 1), (Dlr, 1), (Mo, 1), (Dlr, 1)], &[(Mo, &[0, 2]), (Dlr, &[1, 3])]);
        check(&[], &[]);
    }

    #[test]
    fn batch_has_at_most_ten_entries() {
        let numbers: Vec<usize> = (0..21).collect();
        let expected = [(Kind::Mo, &numbers[..10]), (Kind::Mo, &numbers[10..20]), (Kind::Mo, &numbers[20..])];
        check(&[(Kind::Mo, 2); 21], &expected);
    }

    #[test]
    fn batch_is_at_most_as_large_as_one_message() {
        let half = MAX_MESSAGE_BYTES / 2;
        check(&[(Kind::Mo, half), (Kind::Mo, half)], &[(Kind::Mo, &[0, 1])]);
        check(&[(Kind::Mo, half), (Kind::Mo, half + 1)], &[(Kind::Mo, &[0]), (Kind::Mo, &[1])]);
        let full = [(Kind::Mo, 1), (Kind::Mo, MAX_MESSAGE_BYTES - 1), (Kind::Mo, 1)];
        check(&full, &[(Kind::Mo, &[0, 1]), (Kind::Mo, &[2])]);
    }

    #[test]
    fn only_entries_that_are_ready_are_sent() {
        let mut entries = [entry(0, Kind::Mo, 1), entry(1, Kind::Mo, 1)];
        entries[0].state = State::Parked;
        assert_eq!(batches(&mut entries).len(), 1);
        assert!(matches!(entries[0].state, State::Parked));
        assert!(matches!(entries[1].state, State::Pending));
    }
}
