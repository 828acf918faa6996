//! What was published of batches that Lambda retries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::entry::{Entry, State};
use crate::record::Record;

/// The most events that are remembered: far more than the batches that can wait at once.
const MAX_EVENTS: usize = 10_000;

/// The events that are done in batches whose first records have to wait. Lambda retries from those records, usually in
/// this process, for as long as they wait. So each event behind them is published once, and not once per retry. If the
/// process ends, its events are published again.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentlyPublished(Arc<Mutex<HashMap<Name, Progress>>>);

/// How far an event is.
#[derive(Debug, Clone, Copy)]
enum Progress {
    /// On the topic of its kind, and not yet on the FIFO topic.
    OnTopic,
    Done,
}

/// A record's sequence number and its event's id. A sequence number alone is unique only within its shard.
type Name = (String, String);

impl RecentlyPublished {
    /// Skips what an earlier invocation did.
    pub(crate) fn skip(&self, entries: &mut [Entry]) {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if published.is_empty() {
            return;
        }
        for entry in entries {
            match name(&entry.record).and_then(|name| published.get(&name)) {
                Some(Progress::Done) => entry.state = State::Skipped,
                Some(Progress::OnTopic) => entry.on_topic = true,
                None => {}
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
            let progress = match (entry.is_done(), entry.on_topic) {
                (true, _) => Some(Progress::Done),
                (false, true) => Some(Progress::OnTopic),
                (false, false) => None,
            };
            match progress.filter(|_| is_retried) {
                Some(progress) => drop(published.insert(name, progress)),
                None => drop(published.remove(&name)),
            }
        }
    }
}

fn name(record: &Record) -> Option<Name> {
    let event = record.event()?;
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
    fn event_that_is_on_its_topic_goes_to_the_fifo_topic_only() {
        let recent = RecentlyPublished::default();
        let mut batch = entries(&[("a", false), ("b", false)]);
        batch[1].on_topic = true;
        recent.update(&batch);
        let mut again = entries(&[("a", false), ("b", false)]);
        recent.skip(&mut again);
        assert_eq!([again[0].on_topic, again[1].on_topic], [false, true]);
        assert!(again.iter().all(|entry| matches!(entry.state, State::Pending)));
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
        recent
            .0
            .lock()
            .unwrap()
            .extend((0..before).map(|number| ((number.to_string(), String::new()), Progress::Done)));
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
