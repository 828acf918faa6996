//! One stream record, parsed on its own.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::value::RawValue;
use wab_models::{INSERT, Item, Key, StreamChange, StreamRecord};
use wab_platform::Reason;

#[derive(Debug)]
pub(crate) enum Record {
    /// A new event.
    Event(Box<StoredEvent>),
    /// A new event that can never be published.
    Poison(Poison),
    /// Any other change. The event source's filter removes these.
    NoEvent { sequence_number: Option<String> },
}

#[derive(Debug)]
pub(crate) struct StoredEvent {
    pub(crate) item: Item<'static>,
    /// None if the record doesn't name its table.
    pub(crate) table_arn: Option<String>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub(crate) stored_at: Option<f64>,
    pub(crate) sequence_number: Option<String>,
}

/// A record that can't be parsed: its event's key or, without a readable key, the record itself.
pub(crate) struct Poison {
    pub(crate) reason: Reason,
    pub(crate) key: Option<Key>,
    pub(crate) record: Option<Box<RawValue>>,
    pub(crate) sequence_number: Option<String>,
}

impl fmt::Debug for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poison").field("reason", &self.reason).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Record {
    /// Never fails: a record that can't be parsed is [`Poison`].
    pub(crate) fn read(raw: &RawValue) -> Self {
        let unreadable = |reason| {
            Self::Poison(Poison {
                reason,
                key: None,
                record: Some(raw.to_owned()),
                sequence_number: read_sequence_number(raw),
            })
        };
        let Ok(record) = serde_json::from_str::<StreamRecord<'_, serde_dynamo::Item, serde_dynamo::Item>>(raw.get())
        else {
            return unreadable(Reason::NotAStreamRecord);
        };
        let StreamRecord { event_name, stream_arn, change, .. } = record;
        let StreamChange { keys, new_image, sequence_number, stored_at } = change;
        let sequence_number = sequence_number.map(Cow::into_owned);
        if event_name != INSERT {
            return Self::NoEvent { sequence_number };
        }
        let Ok(key) = serde_dynamo::from_item::<_, Key>(keys) else {
            return unreadable(Reason::NoKeyInRecord);
        };
        if key.kind_and_id().is_none() {
            return Self::NoEvent { sequence_number };
        }
        // The error's own text is dropped: it may quote the item.
        match serde_dynamo::from_item(new_image) {
            Ok(item) => {
                let table_arn = stream_arn.as_deref().and_then(|arn| arn.split_once("/stream/"));
                let table_arn = table_arn.map(|(table_arn, _)| table_arn.to_owned());
                Self::Event(Box::new(StoredEvent { item, table_arn, stored_at, sequence_number }))
            }
            Err(_) => {
                let reason = Reason::UnknownLayout;
                Self::Poison(Poison { reason, key: Some(key), record: None, sequence_number })
            }
        }
    }

    pub(crate) fn event(&self) -> Option<&StoredEvent> {
        match self {
            Self::Event(event) => Some(event),
            Self::Poison(_) | Self::NoEvent { .. } => None,
        }
    }

    /// The name by which Lambda retries from this record.
    pub(crate) fn sequence_number(&self) -> Option<&str> {
        let sequence_number = match self {
            Self::Event(event) => &event.sequence_number,
            Self::Poison(Poison { sequence_number, .. }) | Self::NoEvent { sequence_number } => sequence_number,
        };
        sequence_number.as_deref().filter(|number| !number.is_empty())
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Event(event) => Some(&event.item.key),
            Self::Poison(poison) => poison.key.as_ref(),
            Self::NoEvent { .. } => None,
        }
    }

    /// The record itself, if its key can't be read.
    pub(crate) fn raw(&self) -> Option<&RawValue> {
        match self {
            Self::Poison(poison) => poison.record.as_deref(),
            Self::Event(_) | Self::NoEvent { .. } => None,
        }
    }

    /// The time since the event was stored. Zero if the record doesn't have it.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        let stored_at = self.event().and_then(|event| event.stored_at);
        let stored_at = stored_at.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        stored_at.and_then(|stored_at| now.duration_since(UNIX_EPOCH + stored_at).ok()).unwrap_or_default()
    }
}

/// The sequence number of a record that may hold nothing else that is readable.
fn read_sequence_number(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        dynamodb: Sequence,
    }
    #[derive(Deserialize)]
    struct Sequence {
        #[serde(rename = "SequenceNumber")]
        number: String,
    }
    serde_json::from_str::<Head>(raw.get()).ok().map(|head| head.dynamodb.number)
}
