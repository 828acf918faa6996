//! Events in the batches that SNS takes.

use wab_events::Kind;
use wab_models::MAX_MESSAGE_BYTES;

use crate::prepare::NewEvent;

/// The most entries of one `PublishBatch` (SNS API reference).
const MAX_ENTRIES: usize = 10;

/// An event on its way, and which record of the stream it came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbound<'a> {
    pub(crate) index: usize,
    pub(crate) event: &'a NewEvent,
}

/// Events for one topic that fit one call.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    pub(crate) kind: Kind,
    pub(crate) entries: Vec<Outbound<'a>>,
    size_bytes: usize,
}

/// Cuts events into batches: each of one topic, at most 10 entries and 256 KiB in all. Events of one topic
/// stay in order, and batches are in the order of their first events.
pub(crate) fn batches(outbound: Vec<Outbound<'_>>) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for entry in outbound {
        let size_bytes = entry.event.size_bytes();
        let last = batches.iter_mut().rfind(|batch| batch.kind == entry.event.kind);
        match last {
            Some(batch) if batch.entries.len() < MAX_ENTRIES && batch.size_bytes + size_bytes <= MAX_MESSAGE_BYTES => {
                batch.entries.push(entry);
                batch.size_bytes += size_bytes;
            }
            _ => batches.push(Batch { kind: entry.event.kind, entries: vec![entry], size_bytes }),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind, bytes: usize) -> NewEvent {
        NewEvent { kind, message: "x".repeat(bytes), attributes: Vec::new() }
    }

    #[track_caller]
    fn check(events: &[NewEvent], expected: &[(Kind, &[usize])]) {
        let outbound = events.iter().enumerate().map(|(index, event)| Outbound { index, event }).collect();
        let cut = batches(outbound);
        let cut: Vec<(Kind, Vec<usize>)> =
            cut.iter().map(|batch| (batch.kind, batch.entries.iter().map(|entry| entry.index).collect())).collect();
        let expected: Vec<(Kind, Vec<usize>)> =
            expected.iter().map(|(kind, indices)| (*kind, indices.to_vec())).collect();
        assert_eq!(cut, expected);
    }

    #[test]
    fn a_batch_has_one_topic_and_keeps_the_order() {
        use Kind::{Dlr, Mo};
        let events = [event(Mo, 1), event(Dlr, 1), event(Mo, 1), event(Dlr, 1)];
        check(&events, &[(Mo, &[0, 2]), (Dlr, &[1, 3])]);
        check(&[], &[]);
    }

    #[test]
    fn a_batch_has_at_most_ten_entries() {
        let events: Vec<_> = (0..21).map(|_| event(Kind::Mo, 1)).collect();
        let tens: Vec<usize> = (0..21).collect();
        check(&events, &[(Kind::Mo, &tens[..10]), (Kind::Mo, &tens[10..20]), (Kind::Mo, &tens[20..])]);
    }

    #[test]
    fn a_batch_is_at_most_as_large_as_one_message_may_be() {
        let half = MAX_MESSAGE_BYTES / 2;
        check(&[event(Kind::Mo, half), event(Kind::Mo, half)], &[(Kind::Mo, &[0, 1])]);
        check(&[event(Kind::Mo, half), event(Kind::Mo, half + 1)], &[(Kind::Mo, &[0]), (Kind::Mo, &[1])]);
        let full = [event(Kind::Mo, 1), event(Kind::Mo, MAX_MESSAGE_BYTES - 1), event(Kind::Mo, 1)];
        check(&full, &[(Kind::Mo, &[0, 1]), (Kind::Mo, &[2])]);
    }
}
