//! Messages in the batches that SNS accepts.

use std::collections::HashSet;

use wab_events::Kind;
use wab_models::{MAX_MESSAGE_BYTES, ReceivedAt};

use crate::entry::{Entry, State};
use crate::message::Message;
use crate::publish_error::PublishError;
use crate::record::Record;

/// The most entries of one `PublishBatch` (SNS API reference).
const MAX_ENTRIES: usize = 10;

/// A message on its way, and the state of its entry.
#[derive(Debug)]
pub(crate) struct Outbound<'a> {
    pub(crate) message: &'a Message,
    /// None unless the topic is FIFO.
    pub(crate) place: Option<Place>,
    state: &'a mut State,
    on_topic: &'a mut bool,
    /// Whether the event belongs to no topic after this one.
    is_last: bool,
}

/// An event's place on a FIFO topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The events that SNS keeps in order.
    pub(crate) group: String,
    /// SNS delivers an event with this id once within five minutes.
    pub(crate) deduplication_id: String,
}

impl<'a> Outbound<'a> {
    /// The message of an entry, if it isn't on the topic of its kind yet. `is_last` if there is no FIFO topic after it.
    fn for_topic(entry: &'a mut Entry, is_last: bool) -> Option<Self> {
        match entry {
            Entry { message: Some(message), state: state @ State::Ready, on_topic: on_topic @ false, .. } => {
                Some(Self { message, place: None, state, on_topic, is_last })
            }
            _ => None,
        }
    }

    /// The message of an entry, if only the FIFO topic is left.
    fn for_fifo_topic(entry: &'a mut Entry, group: String, suffix: &str) -> Option<Self> {
        match entry {
            Entry {
                record: Record::Event(event),
                message: Some(message),
                state: state @ State::Ready,
                on_topic: on_topic @ true,
            } => {
                let place = Place { group, deduplication_id: event.item.key.event_id() + suffix };
                Some(Self { message, place: Some(place), state, on_topic, is_last: true })
            }
            _ => None,
        }
    }

    pub(crate) fn settle(&mut self, outcome: Result<(), PublishError>) {
        match outcome {
            Ok(()) => {
                *self.on_topic = true;
                if self.is_last {
                    *self.state = State::Published;
                }
            }
            Err(error) => *self.state = State::Failed(error),
        }
    }
}

/// Messages for one topic that fit one call.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) kind: Kind,
    pub(crate) fifo: bool,
    pub(crate) outbound: Vec<Outbound<'a>>,
    size_bytes: usize,
}

impl Batch<'_> {
    pub(crate) fn has_transient_failure(&self) -> bool {
        self.outbound.iter().any(|outbound| matches!(outbound.state, State::Failed(PublishError::Transient(_))))
    }
}

/// Batches of the messages for the topics of their kinds. `is_last` if there are no FIFO topics.
pub(crate) fn batches(entries: &mut [Entry], is_last: bool) -> Vec<Batch<'_>> {
    group(entries.iter_mut().filter_map(|entry| Outbound::for_topic(entry, is_last)))
}

/// Batches of the messages that are next on their FIFO topics: of each group the first that isn't done. The one behind
/// it waits for the outcome, because a call may reject one entry and accept the next. A user's messages are in the order
/// in which they were received, and a message's receipts in that of the stream. `suffix` distinguishes a replay from what
/// SNS has had before.
pub(crate) fn fifo_batches<'a>(earlier: &'a mut [Entry], entries: &'a mut [Entry], suffix: &str) -> Vec<Batch<'a>> {
    let mut line: Vec<&mut Entry> = earlier.iter_mut().chain(entries).filter(|entry| !entry.is_done()).collect();
    line.sort_by(|one, other| received_at(one).cmp(&received_at(other)));
    let mut groups = HashSet::new();
    let next = line.into_iter().filter_map(|entry| {
        let group = entry.record.event()?.item.group();
        if groups.insert(group.clone()) { Outbound::for_fifo_topic(entry, group, suffix) } else { None }
    });
    group(next)
}

/// When a user's message was received. None for anything else.
fn received_at(entry: &Entry) -> Option<&ReceivedAt> {
    let item = &entry.record.event()?.item;
    item.source.as_ref().map(|_| &item.received_at)
}

/// Groups messages into batches: each for one topic, with at most 10 entries and 256 KiB in all. Messages for one topic
/// stay in order, and batches are in the order of their first messages.
fn group<'a>(messages: impl Iterator<Item = Outbound<'a>>) -> Vec<Batch<'a>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for outbound in messages {
        let (kind, size_bytes) = (outbound.message.kind, outbound.message.size_bytes());
        let last = batches.iter_mut().rfind(|batch| batch.kind == kind);
        match last {
            Some(batch) if batch.outbound.len() < MAX_ENTRIES && batch.size_bytes + size_bytes <= MAX_MESSAGE_BYTES => {
                batch.outbound.push(outbound);
                batch.size_bytes += size_bytes;
            }
            _ => {
                let fifo = outbound.place.is_some();
                batches.push(Batch { kind, fifo, outbound: vec![outbound], size_bytes });
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;
    use wab_platform::Reason;

    use super::*;

    /// An entry whose message has this size. Its text is its number, padded with spaces.
    fn entry(number: usize, kind: Kind, bytes: usize) -> Entry {
        let number = number.to_string();
        let text = number.clone() + &" ".repeat(bytes - number.len());
        let message = Message { kind, text, attributes: Vec::new() };
        Entry { message: Some(message), state: State::Ready, ..Entry::of(Record::NoEvent { sequence_number: None }) }
    }

    fn number(outbound: &Outbound<'_>) -> usize {
        outbound.message.text.trim().parse().unwrap()
    }

    #[track_caller]
    fn check(messages: &[(Kind, usize)], expected: &[(Kind, &[usize])]) {
        let mut entries: Vec<Entry> =
            messages.iter().enumerate().map(|(number, (kind, bytes))| entry(number, *kind, *bytes)).collect();
        let batches: Vec<(Kind, Vec<usize>)> = batches(&mut entries, true)
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
        let mut entries = [0, 1, 2].map(|number| entry(number, Kind::Mo, 1));
        entries[0].state = State::Parked;
        entries[2].on_topic = true;
        let sent: Vec<usize> = batches(&mut entries, true)[0].outbound.iter().map(number).collect();
        assert_eq!(sent, [1]);
    }

    /// Messages of these senders, which are on the topic of their kind.
    fn of_senders(senders: &[Option<&str>]) -> Vec<Entry> {
        let of_sender = |(number, sender): (usize, &Option<&str>)| {
            let key = json!({"pk": {"S": format!("MO#{number}")}, "sk": {"S": "EVENT"}});
            let mut item = json!({
                "v": {"N": "1"}, "body": {"S": "{}"}, "received_at": {"S": ""}, "expires_at": {"N": "1"},
                "digest": {"S": ""}, "application": {"S": ""},
            });
            item.as_object_mut().unwrap().extend(key.as_object().unwrap().clone());
            if let Some(sender) = sender {
                item["source"] = json!({"S": sender});
            }
            let record = json!({"eventName": "INSERT", "dynamodb": {"Keys": key, "NewImage": item}});
            let Entry { record, .. } = Entry::read(&to_raw_value(&record).unwrap());
            Entry { record, on_topic: true, ..entry(number, Kind::Mo, 1) }
        };
        senders.iter().enumerate().map(of_sender).collect()
    }

    /// The numbers of the messages that are next.
    fn next(entries: &mut [Entry]) -> Vec<usize> {
        fifo_batches(&mut [], entries, "").iter().flat_map(|batch| batch.outbound.iter().map(number)).collect()
    }

    #[test]
    fn one_message_of_each_sender_is_next() {
        let mut entries = of_senders(&[Some("a"), Some("a"), Some("b"), None, None, Some("a")]);
        assert_eq!(next(&mut entries), [0, 2, 3, 4]);
        entries[0].state = State::Published;
        entries[2].state = State::Parked;
        assert_eq!(next(&mut entries), [1, 3, 4]);
    }

    #[test]
    fn message_waits_for_the_one_before_it() {
        let mut entries = of_senders(&[Some("a"), Some("a"), Some("b"), Some("b")]);
        entries[0].state = State::Failed(PublishError::Transient(Reason::NoAnswerInTime));
        entries[2].on_topic = false;
        assert_eq!(next(&mut entries), [0; 0]);
    }
}
