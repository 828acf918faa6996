//! One record of the stream, read on its own.

use models::{Event, Item, Key, Kind, MAX_MESSAGE_BYTES};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use platform::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The parts of a DynamoDB stream record that are read (Lambda developer guide, "Using Lambda with DynamoDB
/// Streams"). Whatever else it holds may change without notice to us.
#[derive(Deserialize)]
struct StreamRecord {
    #[serde(rename = "eventName")]
    event_name: String,
    #[serde(rename = "eventSourceARN")]
    stream_arn: Option<String>,
    #[serde(rename = "dynamodb")]
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: serde_dynamo::Item,
    #[serde(rename = "NewImage", default)]
    new_image: serde_dynamo::Item,
    #[serde(rename = "SequenceNumber")]
    sequence_number: Option<String>,
}

/// What a stream record turns out to be.
#[derive(Debug)]
pub(crate) enum Record {
    /// A new event.
    Event(NewEvent),
    /// A new event that can't be published, now or later.
    Poison(Poison),
    /// A change that is no new event. The event source filters these out.
    NoEvent { sequence_number: Option<String> },
}

/// An event ready to be published.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) kind: Kind,
    pub(crate) key: Key,
    pub(crate) message: String,
    pub(crate) attributes: Vec<(&'static str, String)>,
    pub(crate) sequence_number: Option<String>,
}

/// A record that is set aside: where its event stands in the table, or the record itself if not even that
/// can be read.
#[derive(Debug)]
pub(crate) struct Poison {
    pub(crate) reason: Reason,
    pub(crate) key: Option<Key>,
    pub(crate) record: Option<Box<RawValue>>,
    pub(crate) sequence_number: Option<String>,
}

impl Record {
    /// Reads a record, whatever it is.
    pub(crate) fn read(raw: &RawValue) -> Self {
        let unreadable = |reason| {
            Self::Poison(Poison {
                reason: Reason::from(reason),
                key: None,
                record: Some(raw.to_owned()),
                sequence_number: read_sequence_number(raw),
            })
        };
        let Ok(record) = serde_json::from_str::<StreamRecord>(raw.get()) else {
            return unreadable("the record is no stream record");
        };
        let StreamRecord { event_name, stream_arn, change: Change { keys, new_image, sequence_number } } = record;
        if event_name != "INSERT" {
            return Self::NoEvent { sequence_number };
        }
        let Ok(key) = serde_dynamo::from_item::<_, Key>(keys) else {
            return unreadable("the record has no key of this table");
        };
        if Kind::of_partition_key(&key.pk).is_none() {
            return Self::NoEvent { sequence_number };
        }
        match NewEvent::of(new_image, stream_arn.as_deref(), sequence_number.clone()) {
            Ok(event) => Self::Event(event),
            Err(reason) => Self::Poison(Poison { reason, key: Some(key), record: None, sequence_number }),
        }
    }

    /// By which Lambda names the record.
    pub(crate) fn sequence_number(&self) -> Option<&str> {
        let (Self::Event(NewEvent { sequence_number, .. })
        | Self::Poison(Poison { sequence_number, .. })
        | Self::NoEvent { sequence_number }) = self;
        sequence_number.as_deref().filter(|number| !number.is_empty())
    }
}

impl NewEvent {
    fn of(
        new_image: serde_dynamo::Item,
        stream_arn: Option<&str>,
        sequence_number: Option<String>,
    ) -> Result<Self, Reason> {
        // The error's own text may quote the item.
        let item: Item<'_> =
            serde_dynamo::from_item(new_image).map_err(|_| Reason::from("the item's layout is not known"))?;
        let event = Event::of(&item).map_err(|error| Reason::from(error.to_string().as_str()))?;
        let attributes: Vec<_> = event.attributes().into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let kind = event.kind();
        let write = |event: &Event<'_>| {
            serde_json::to_string(event).map_err(|_| Reason::from("the event could not be written"))
        };
        let mut message = write(&event)?;
        if size_bytes(&message, &attributes) > MAX_MESSAGE_BYTES {
            let dataref = item_uri(stream_arn, &item.key)
                .ok_or_else(|| Reason::from("the event is too large and its record names no table"))?;
            message = write(&event.by_reference(dataref))?;
        }
        Ok(Self { kind, key: item.key.clone(), message, attributes, sequence_number })
    }

    /// What SNS counts against its limit.
    pub(crate) fn size_bytes(&self) -> usize {
        size_bytes(&self.message, &self.attributes)
    }

    /// The same event, set aside.
    pub(crate) fn poisoned(&self, reason: Reason) -> Poison {
        Poison { reason, key: Some(self.key.clone()), record: None, sequence_number: self.sequence_number.clone() }
    }
}

/// The message, and the name, data type and value of each attribute.
fn size_bytes(message: &str, attributes: &[(&'static str, String)]) -> usize {
    let attributes: usize = attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len()).sum();
    message.len() + attributes
}

/// Where the item is: its table's ARN, with the key behind it. None if the record doesn't say its stream.
fn item_uri(stream_arn: Option<&str>, key: &Key) -> Option<String> {
    let (table_arn, _) = stream_arn?.split_once("/stream/")?;
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    Some(format!("{table_arn}?pk={}&sk={}", encode(&key.pk), encode(&key.sk)))
}

/// The sequence number of a record of which nothing else may be readable.
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
