//! The latest events, which the page lists. Bounded in number and in bytes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::event_line::Brief;
use crate::mask::Mask;

const MAX_ROWS: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;

/// The most rows that a reader gets at once.
const BATCH: usize = 500;

/// An event that was published.
pub(super) struct Row {
    /// Counts from 1.
    pub(super) seq: u64,
    shown_at: Timestamp,
    again: bool,
    event: String,
    attributes: BTreeMap<String, String>,
    /// The row masked, as JSON.
    pub(super) masked: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    seq: u64,
    /// Milliseconds since 1970.
    shown_at: i64,
    /// The event was shown before.
    again: bool,
    #[serde(flatten)]
    brief: &'a Brief,
}

impl Row {
    /// The row with everything that the masked one hides, and the event's data.
    pub(super) fn revealed(&self) -> serde_json::Result<String> {
        self.json(&Brief::new(&self.event, &self.attributes, Mask::OFF))
    }

    fn json(&self, brief: &Brief) -> serde_json::Result<String> {
        serde_json::to_string(&Shown {
            seq: self.seq,
            shown_at: self.shown_at.as_millisecond(),
            again: self.again,
            brief,
        })
    }

    fn bytes(&self) -> usize {
        self.event.len() + self.masked.len()
    }
}

/// How the queue of the console is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Link {
    Connecting {},
    Connected {
        queue: String,
        /// About how many events waited.
        waiting: u64,
    },
    /// The connection failed, and is being retried.
    Problem(String),
}

struct Inner {
    rows: VecDeque<Arc<Row>>,
    bytes: usize,
    next: u64,
    link: Link,
}

/// What a reader hasn't seen.
pub(super) struct News {
    pub(super) rows: Vec<Arc<Row>>,
    /// Rows between the reader's last one and the first of `rows`, which are no longer kept.
    pub(super) missed: u64,
}

pub(super) struct Rows {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

impl Default for Rows {
    fn default() -> Self {
        let inner = Inner { rows: VecDeque::new(), bytes: 0, next: 1, link: Link::Connecting {} };
        Self { inner: Mutex::new(inner), changed: watch::Sender::new(()) }
    }
}

impl Rows {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event to the list.
    pub(super) fn add(&self, event: String, attributes: BTreeMap<String, String>, again: bool) -> anyhow::Result<()> {
        let brief = Brief::new(&event, &attributes, Mask::default()).without_data();
        let mut inner = self.lock();
        let mut row =
            Row { seq: inner.next, shown_at: Timestamp::now(), again, event, attributes, masked: String::new() };
        row.masked = row.json(&brief)?;
        inner.next += 1;
        inner.bytes += row.bytes();
        inner.rows.push_back(Arc::new(row));
        while inner.rows.len() > MAX_ROWS || inner.bytes > MAX_BYTES {
            let Some(oldest) = inner.rows.pop_front() else { break };
            inner.bytes -= oldest.bytes();
        }
        drop(inner);
        self.changed.send_replace(());
        Ok(())
    }

    pub(super) fn set_link(&self, link: Link) {
        self.lock().link = link;
        self.changed.send_replace(());
    }

    pub(super) fn link(&self) -> Link {
        self.lock().link.clone()
    }

    /// The row with this number, if it is still kept.
    pub(super) fn get(&self, seq: u64) -> Option<Arc<Row>> {
        let inner = self.lock();
        let first = inner.rows.front()?.seq;
        inner.rows.get(usize::try_from(seq.checked_sub(first)?).ok()?).cloned()
    }

    /// The rows after `seq`, oldest first, as many as fit a batch.
    pub(super) fn after(&self, seq: u64) -> News {
        let inner = self.lock();
        let Some(first) = inner.rows.front().map(|row| row.seq) else {
            return News { rows: Vec::new(), missed: 0 };
        };
        let missed = first.saturating_sub(seq.saturating_add(1));
        let skip = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        News { rows: inner.rows.iter().skip(skip).take(BATCH).cloned().collect(), missed }
    }

    /// A receiver that sees each change.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize, event: &str) -> Rows {
        let rows = Rows::default();
        for _ in 0..count {
            rows.add(event.to_owned(), BTreeMap::new(), false).unwrap();
        }
        rows
    }

    fn seqs(news: &News) -> Vec<u64> {
        news.rows.iter().map(|row| row.seq).collect()
    }

    #[test]
    fn reader_gets_the_rows_that_it_has_not_seen() {
        let rows = filled(3, "{}");
        assert_eq!(seqs(&rows.after(0)), [1, 2, 3]);
        assert_eq!(seqs(&rows.after(2)), [3]);
        assert!(rows.after(3).rows.is_empty() && rows.after(u64::MAX).rows.is_empty());
        assert_eq!(seqs(&filled(2_000, "{}").after(100)), (101..601).collect::<Vec<_>>());
    }

    #[test]
    fn oldest_rows_are_dropped_and_counted() {
        let rows = filled(MAX_ROWS + 5, "{}");
        let news = rows.after(2);
        assert_eq!((news.missed, news.rows[0].seq), (3, 6));
        assert!(rows.get(5).is_none() && rows.get(6).is_some() && rows.get(MAX_ROWS as u64 + 6).is_none());
    }

    #[test]
    fn large_events_take_bounded_memory() {
        let large = "x".repeat(MAX_BYTES / 10);
        assert!(filled(30, &large).lock().bytes <= MAX_BYTES);
    }

    #[test]
    fn row_is_masked_until_revealed() {
        let data = r#"{"id":"7c1f","source":"+6421000001","content":{"type":"text","text":{"body":"Kia ora"}}}"#;
        let event = format!(
            r#"{{"specversion":"1.0","id":"b48e0ae6ab12d6a90aab59f0ecf2e500","source":"/wab/shop","type":"wab.mo.v1",
            "subject":"7c1f","time":"2026-11-23T09:15:02.417Z","datacontenttype":"application/json","data":{data}}}"#
        );
        let rows = filled(1, &event);
        let row = rows.get(1).unwrap();
        assert!(!row.masked.contains("6421000001") && !row.masked.contains("Kia ora"), "{}", row.masked);
        assert!(row.masked.contains("(7 characters)") && row.masked.contains(r#""seq":1"#), "{}", row.masked);
        let revealed = row.revealed().unwrap();
        assert!(revealed.contains("+6421000001") && revealed.contains("Kia ora"), "{revealed}");
    }
}
