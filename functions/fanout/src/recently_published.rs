//! What was published of batches that Lambda retries.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::entry::{Entry, State};
use crate::record::Record;

/// The most events that are remembered: far more than the batches that can wait at once.
const MAX_EVENTS: usize = 10_000;

/// The events that are done in batches whose first records have to wait. Lambda retries from those records, usually in
/// this process, for as long as they wait. So each event behind them is published once, and not once per retry. If the
/// process ends, its events are published again.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentlyPublished(Arc<Mutex<HashSet<Name>>>);

/// A record's sequence number and its event's id. A sequence number alone is unique only within its shard.
type Name = (String, String);

impl RecentlyPublished {
    /// Skips the events that an earlier invocation published.
    pub(crate) fn skip(&self, entries: &mut [Entry]) {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if published.is_empty() {
            return;
        }
        for entry in entries {
            if name(&entry.record).is_some_and(|name| published.contains(&name)) {
                entry.state = State::Skipped;
            }
        }
    }

    /// Remembers what is done in a batch that Lambda retries, and forgets a batch that is done.
    pub(crate) fn update(&self, entries: &[Entry]) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_retried = entries.iter().any(|entry| !entry.is_done());
        if published.len() > MAX_EVENTS || (published.is_empty() && !is_retried) {
            published.clear();
            return;
        }
        for entry in entries {
            let Some(name) = name(&entry.record) else { continue };
            if is_retried && entry.is_done() {
                published.insert(name);
            } else {
                published.remove(&name);
            }
        }
    }
}

fn name(record: &Record) -> Option<Name> {
    let Record::Event(event) = record else { return None };
    Some((record.sequence_number()?.to_owned(), event.item.key.event_id()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    /// The records of a shard with these messages, of which some are published.
    fn entries(messages: &[(&str, bool)]) -> Vec<Entry> {
        let entry = |(number, (id, is_published)): (usize, &(&str, bool))| {
            let record = json!({
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"pk": {"S": format!("MO#{id}")}, "sk": {"S": "EVENT"}},
                    "NewImage": {
                        "pk": {"S": format!("MO#{id}")}, "sk": {"S": "EVENT"}, "v": {"N": "1"}, "body": {"S": "{}"},
                        "received_at": {"S": ""}, "expires_at": {"N": "1"}, "digest": {"S": ""}, "application": {"S": ""},
                    },
                    "SequenceNumber": (number + 1).to_string(),
                },
            });
            let mut entry = Entry::read(&to_raw_value(&record).unwrap());
            assert!(matches!(entry.record, Record::Event(_)));
            if *is_published {
                entry.state = State::Published;
            }
            entry
        };
        messages.iter().enumerate().map(entry).collect()
    }

    /// Which of these messages are skipped.
    fn skipped(recent: &RecentlyPublished, ids: &[&str]) -> Vec<bool> {
        let mut entries = entries(&ids.iter().map(|id| (*id, false)).collect::<Vec<_>>());
        recent.skip(&mut entries);
        entries.iter().map(|entry| matches!(entry.state, State::Skipped)).collect()
    }

    #[test]
    fn batch_that_is_done_is_forgotten() {
        let recent = RecentlyPublished::default();
        recent.update(&entries(&[("a", false), ("b", true)]));
        assert_eq!(skipped(&recent, &["a", "b"]), [false, true]);
        recent.update(&entries(&[("a", true), ("b", true)]));
        assert!(recent.0.lock().unwrap().is_empty());
    }

    #[test]
    fn records_of_two_shards_are_told_apart() {
        let recent = RecentlyPublished::default();
        recent.update(&entries(&[("a", false), ("b", true)]));
        assert_eq!(skipped(&recent, &["c", "d"]), [false, false]);
    }

    /// How many events are remembered after a batch with one published event, if so many were remembered before.
    fn remembered_after(before: usize) -> usize {
        let recent = RecentlyPublished::default();
        recent.0.lock().unwrap().extend((0..before).map(|number| (number.to_string(), String::new())));
        recent.update(&entries(&[("a", false), ("b", true)]));
        let published = recent.0.lock().unwrap();
        published.len()
    }

    #[test]
    fn number_of_remembered_events_is_limited() {
        assert_eq!(remembered_after(0), 1);
        assert_eq!(remembered_after(MAX_EVENTS), MAX_EVENTS + 1);
        assert_eq!(remembered_after(MAX_EVENTS + 1), 0);
    }
}
